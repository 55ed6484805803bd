"""What is read, and what is refused, beside the real kubectl and API server."""

import json

import pytest

from dratui.allocation.documents import Wrong, objects
from dratui.allocation.manifests import read
from tests.allocation.test_manifests import claim, pod, taint_rule
from tests.realparts.controlplane import ControlPlane
from tests.realparts.kubectl import KubectlError

VALUES = """
apiVersion: v1
kind: Pod
metadata: {name: x}
spec:
  v: [1, -1, +1, 0x1F, 0o17, 017, 09, 0b11, 1_000, 3.0, 3.5, 1e2, .5, 1., 1e-3, 9007199254740993, y, N, yes, off, True,
      ~, null, 1:59, 2001-01-01, =, "1", 'y', !!str 1, !!int "3", !foo c, -, 1_, 0b2, 0x, "", .5e, 1e, _1, -.5, 4.0e0,
      0o8, 0x1_0, -0x10, 1.0e+3, 12e03, 0.1]
  keys: {1: a, true: b, 1.5: c, n: d}
  later: {<<: {a: 1, b: 2}, b: 3, c: 4}
  earlier: {b: 3, <<: [{a: 1, b: 2}, {a: 9, z: 9}]}
  a: &a {x: [1, &b 2]}
  aliases: [*a, *b]
  nothing:
  block: |
    one
      two
  folded: >-
    one
    two
"""


def test_yaml_is_read_as_kubectl_reads_it(control_plane: ControlPlane) -> None:
    said = control_plane.kubectl(
        *("create", "--dry-run=client", "--validate=false", "-o", "json", "-f", "-"), input=VALUES
    )
    ((_, found),) = objects("values.yaml", VALUES.encode())
    assert json.dumps(found["spec"], sort_keys=True) == json.dumps(json.loads(said)["spec"], sort_keys=True)


GOOD = (
    pod(""),
    taint_rule("{key: a, effect: NoSchedule, timeAdded: 2026-01-01T00:00:00Z}", "v1beta2"),
    "apiVersion: v1\nkind: Namespace\nmetadata: {name: new, labels: {a: b}}",
    pod("  resourceClaims: [{name: gpu, resourceClaimTemplateName: one}]"),
    claim("{name: a, exactly: {deviceClassName: gpu, count: 3.0}}"),
    claim("{name: a, exactly: {deviceClassName: gpu}}", "v1beta2"),
    claim("{name: a, deviceClassName: gpu}", "v1beta1"),
    claim("{name: a, firstAvailable: [{name: b, deviceClassName: gpu}, {name: c, deviceClassName: gpu}]}"),
    claim(
        "{name: a, firstAvailable: [{name: b, deviceClassName: gpu}]}",
        more="    constraints: [{requests: [a], matchAttribute: example.com/numa}]",
    ),
)

BAD = (
    claim("{name: a, exactly: {deviceClass: gpu}}"),
    claim("{name: a, deviceClassName: gpu}"),
    claim("{name: a}"),
    claim("{name: a, exactly: {deviceClassName: g}}", "v1beta1"),
    claim("{name: a, exactly: {deviceClassName: g, count: two}}"),
    claim("{name: a, exactly: {deviceClassName: g, count: -1}}"),
    claim("{name: a, exactly: {deviceClassName: g, allocationMode: Some}}"),
    claim("{name: a, exactly: {deviceClassName: g, allocationMode: All, count: 2}}"),
    claim("{name: a, exactly: {deviceClassName: g, selectors: true}}"),
    claim("{name: a, exactly: {deviceClassName: g, capacity: {requests: {memory: lots}}}}"),
    claim("{name: a, exactly: {}}"),
    claim("{name: a, exactly: {deviceClassName: g, selectors: [{cel: {expression: 'device.driver =='}}]}}"),
    claim("{name: a, exactly: {deviceClassName: g, selectors: [{cel: {expression: device.driver}}]}}"),
    claim("{name: a, exactly: {deviceClassName: g, selectors: [{cel: {}}]}}"),
    claim("{name: a, exactly: {deviceClassName: g, selectors: [{cel: {expression: device.nothing}}]}}"),
    claim("{name: a, exactly: {deviceClassName: g}}", more="    - {name: a, exactly: {deviceClassName: g}}"),
    claim(
        "{name: a, exactly: {deviceClassName: g}}",
        more="    constraints: [{requests: [b], matchAttribute: x/y}]",
    ),
    claim("{name: a, exactly: {deviceClassName: g}}", more="    constraints: [{requests: [a]}]"),
    claim("{name: a, exactly: {deviceClassName: g}}").replace("ResourceClaim", "ResourceClaimTemplate"),
    claim("{name: a, exactly: {deviceClassName: g}}").replace("name: gpu", "name: Gpu"),
    pod("  resourceclaims: []"),
    taint_rule("{effect: NoSchedule}", "v1beta2"),
    taint_rule("{key: a, effect: Never}", "v1beta2"),
    taint_rule("{key: a, effect: NoSchedule}, driver: a", "v1beta2"),
    pod("  resourceClaims: [{name: gpu, source: {resourceClaimName: x}}]"),
    pod("  resourceClaims: [{name: gpu}]"),
    pod("  resourceClaims: [{name: gpu, resourceClaimName: a, resourceClaimTemplateName: b}]"),
    pod("  initContainers: [{name: i, image: i, resources: {claims: [{name: gpo}]}}]"),
    pod("  preemptionPolicy: Sometimes"),
    pod("").replace("name: train", "name: Train"),
    pod("  nodeSelector: {a: 1}"),
    pod("").replace("containers: [{name: main, image: train}]", "containers: []"),
    "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: a}\nvalue: 2000000000",
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {containers: []}",
    "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec: {schedule: '* * * * *', template: {}}",
)


def test_what_is_accepted_the_api_server_accepts(control_plane: ControlPlane) -> None:
    for text in GOOD:
        read([("x", text.encode())], "default")
        control_plane.kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", input=text)


def test_what_is_refused_the_api_server_refuses(control_plane: ControlPlane) -> None:
    for text in BAD:
        with pytest.raises(Wrong):
            read([("x", text.encode())], "default")
        with pytest.raises(KubectlError):
            control_plane.kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", input=text)
