"""Manifests as kubectl would read them: rows of every version, and words for what is wrong, soon."""

import json

import pytest

from dratui.allocation.documents import LARGEST, Wrong
from dratui.allocation.manifests import Manifests, read
from dratui.api.model import Constraint, NodeRequirement, PodClaim, Toleration


def manifests(text: str, namespace: str = "ml") -> Manifests:
    return read([("train.yaml", text.encode())], namespace)


def claim(request: str, version: str = "v1", more: str = "") -> str:
    return f"""
apiVersion: resource.k8s.io/{version}
kind: ResourceClaim
metadata: {{name: gpu}}
spec:
  devices:
    requests:
    - {request}
{more}"""


def pod(spec: str) -> str:
    return f"""
apiVersion: v1
kind: Pod
metadata: {{name: train}}
spec:
  containers: [{{name: main, image: train}}]
{spec}"""


def wrong(text: str) -> str:
    with pytest.raises(Wrong) as raised:
        manifests(text)
    return str(raised.value)


ASKED = "deviceClassName: gpu, count: 2, selectors: [{cel: {expression: 'true'}}]"


@pytest.mark.parametrize(
    ("version", "request_"),
    [
        ("v1", f"{{name: a, exactly: {{{ASKED}}}}}"),
        ("v1beta2", f"{{name: a, exactly: {{{ASKED}}}}}"),
        ("v1beta1", f"{{name: a, {ASKED}}}"),
        ("v1alpha3", f"{{name: a, {ASKED}}}"),
    ],
)
def test_a_claim_is_the_same_in_every_version(version: str, request_: str) -> None:
    (found,) = manifests(claim(request_, version)).claims
    (request,) = found.requests
    assert found.key == ("ml", "gpu")
    assert (request.name, request.device_class, request.count, request.selectors) == (
        "a",
        "gpu",
        2,
        ("true",),
    )


def test_alternatives_and_constraints() -> None:
    text = claim(
        "{name: a, firstAvailable: [{name: big, deviceClassName: x}, {name: small, deviceClassName: y, count: 2}]}",
        more="    constraints: [{matchAttribute: example.com/numa}]\n"
        "    config: [{opaque: {driver: d, parameters: {x: 1}}}]",
    )
    (found,) = manifests(text).claims
    assert [each.device_class for each in found.requests[0].alternatives] == ["x", "y"]
    assert found.constraints == (Constraint(match_attribute="example.com/numa"),)


def test_everything_that_makes_pods_with_how_many() -> None:
    template = "template: {metadata: {}, spec: {containers: [{name: main}]}}"
    text = "\n---\n".join(
        f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}, namespace: other}}\nspec: {{{spec}}}"
        for version, kind, name, spec in (
            ("v1", "Pod", "a", "containers: [{name: main}]"),
            ("apps/v1", "Deployment", "b", f"replicas: 3, {template}"),
            ("apps/v1", "StatefulSet", "c", template),
            ("batch/v1", "Job", "d", f"parallelism: 4, completions: 2, {template}"),
            ("batch/v1", "Job", "e", f"completions: 9, {template}"),
            ("apps/v1", "Deployment", "f", f"replicas: 0, {template}"),
        )
    )
    assert [(each.name, each.replicas) for each in manifests(text).workloads] == [
        ("Pod other/a", 1),
        ("Deployment other/b", 3),
        ("StatefulSet other/c", 1),
        ("Job other/d", 2),
        ("Job other/e", 1),
        ("Deployment other/f", 0),
    ]


def test_a_pod_says_which_nodes_it_may_have() -> None:
    (found,) = manifests(
        pod(
            """
  resourceClaims: [{name: gpu, resourceClaimTemplateName: one}]
  nodeSelector: {zone: a}
  tolerations: [{key: x, operator: Exists}]
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms: [{matchExpressions: [{key: k, operator: In, values: [v]}]}]
"""
        )
    ).workloads
    placement = found.pod.placement
    assert found.pod.claims == (PodClaim("gpu", template="one"),)
    assert placement.node_selector == (("zone", "a"),)
    assert placement.tolerations == (Toleration(key="x", operator="Exists"),)
    assert placement.affinity is not None
    assert placement.affinity.node_selector_terms[0].match_expressions == (
        NodeRequirement("k", "In", ("v",)),
    )


def test_json_lists_and_what_is_not_known() -> None:
    items = [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}},
        {"apiVersion": "resource.k8s.io/v1", "kind": "DeviceClass", "metadata": {"name": "gpu"}, "spec": {}},
    ]
    found = manifests(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    assert [each.key for each in found.classes] == [("", "gpu")]
    assert found.notes == ("Service web is left out: it makes no pods that are known here",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            claim("{name: a, exactly: {deviceClass: gpu}}"),
            "train.yaml: ResourceClaim gpu: spec.devices.requests[0].exactly.deviceClass: unknown field; "
            "did you mean deviceClassName?",
        ),
        (
            claim("{name: a, deviceClassName: gpu}"),
            "spec.devices.requests[0].deviceClassName: does not belong here: write exactly: {deviceClassName: …}",
        ),
        (claim("{name: a}"), "spec.devices.requests[0]: wants exactly one of exactly and firstAvailable"),
        (
            claim("{name: a, exactly: {deviceClassName: g}}", "v1beta1"),
            "this version has its fields beside name",
        ),
        (
            claim("{name: a, exactly: {deviceClassName: g}}", "v2"),
            "ResourceClaim in resource.k8s.io/v2 is not known",
        ),
        (
            claim("{name: a, exactly: {deviceClassName: g, count: two}}"),
            "count: is to be a whole number, not 'two'",
        ),
        (claim("{name: a, exactly: {deviceClassName: g, count: 0}}"), "count: 0 is no number of devices"),
        (
            claim("{name: a, exactly: {deviceClassName: g, allocationMode: Some}}"),
            "neither ExactCount nor All",
        ),
        (
            claim("{name: a, exactly: {deviceClassName: g, capacity: {requests: {memory: 1e999}}}}"),
            "capacity.requests[memory]: '1e999' is more than any quantity can be",
        ),
        (
            claim("{name: a, exactly: {deviceClassName: g, capacity: {requests: {memory: lots}}}}"),
            "'lots' is no quantity such as 40Gi",
        ),
        (claim("{name: a, exactly: {deviceClassName: g, selectors: true}}"), "selectors: is to be a list"),
        (
            claim("{name: a, exactly: {deviceClassName: g}}").replace(
                "ResourceClaim", "ResourceClaimTemplate"
            ),
            "spec.devices: does not belong here: a template has it one deeper",
        ),
        (pod("  resourceclaims: []"), "spec.resourceclaims: unknown field; did you mean resourceClaims?"),
        (
            pod("  resourceClaims: [{name: gpu, source: {resourceClaimName: x}}]"),
            "resourceClaims[0].source: does not belong here",
        ),
        (pod("  resourceClaims: [{name: gpu}]"), "wants exactly one of resourceClaimName and"),
        (
            pod("  initContainers: [{name: i, resources: {claims: [{name: gpo}]}}]"),
            "spec.initContainers[0].resources.claims: 'gpo' is not in spec.resourceClaims",
        ),
        ("kind: Pod", "has no apiVersion and kind"),
        ("- a", "is no object"),
        ("{apiVersion: v1, kind: Pod, kind: Pod}", "key 'kind' is there twice"),
        ("a: [", "is no YAML"),
        ("a: !!python/object/apply:os.system [true]", "is no YAML"),
        ("a: \x01", "is no YAML"),
        (pod("") + "---" + pod(""), "document 2: is there twice"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, says: str) -> None:
    assert says in wrong(text)


def test_a_list_that_holds_nothing_is_wrong() -> None:
    assert "requests[0]: is empty" in wrong(claim("null"))


LEVELS = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 12))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("l0: &l0 [x]\n" + LEVELS, "has more than"),
        ("a: &a [*a]", "is nested too deeply"),
        ("[" * 100_000, "is nested too deeply"),
        ('{"a":' * 100_000, "is nested too deeply"),
        ("a:\n" + "\n".join(" " * n + "a:" for n in range(1, 300)), "is nested too deeply"),
        ("a: &a {b: 1}\nc: {<<: *a}", "merging with << is not read"),
        ("[" + ", ".join(["1"] * 300_000) + "]", "has more than 50000 values"),
        ("a: " + "9" * 10_000, "a number is too long"),
        ("a: 1" + ":59" * 300_000, "a number is too long"),
        ('{"a": ' + "9" * 30 + "}", "is larger than any number can be"),
        ("a: " + "9" * 30, "is larger than any number can be"),
        ("x" * (LARGEST + 1), "is larger than 1024 KiB"),
        ("a: &a 1\nb: [" + "*a, " * 2_000 + "]", "more than 1000 aliases"),
        (
            claim("{name: a, exactly: {deviceClassName: g, count: 9223372036854775808}}"),
            "is no number of devices",
        ),
    ],
)
def test_hostile_text_is_an_error(text: str, says: str) -> None:
    assert says in wrong(text)
