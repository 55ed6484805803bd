"""Manifests as kubectl would read them: rows of every version, and words for what is wrong, soon."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from dratui.allocation.documents import LARGEST, Wrong, objects
from dratui.allocation.manifests import Manifests, read
from dratui.api.model import Constraint, NodeRequirement, PodClaim, PriorityClass, Toleration


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


def taint_rule(taint: str, version: str = "v1") -> str:
    head = f"apiVersion: resource.k8s.io/{version}\nkind: DeviceTaintRule\nmetadata: {{name: sick}}"
    return f"{head}\nspec: {{deviceSelector: {{driver: gpu.example.com}}, taint: {taint}}}"


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


def test_that_a_request_derives_attributes_is_read_for_what_it_asks_is_not_known_then() -> None:
    derived = "derivedAttributes: [{name: example.com/numa, expression: 'device.driver'}]"
    (found,) = manifests(claim(f"{{name: a, exactly: {{{ASKED}, {derived}}}}}")).claims
    assert found.requests[0].derives


def test_alternatives_and_constraints() -> None:
    text = claim(
        "{name: a, firstAvailable: [{name: big, deviceClassName: x}, {name: small, deviceClassName: z, count: 2}]}",
        more="    constraints: [{matchAttribute: example.com/numa}]\n"
        "    config: [{opaque: {driver: d, parameters: {x: 1}}}]",
    )
    (found,) = manifests(text).claims
    assert [each.device_class for each in found.requests[0].alternatives] == ["x", "z"]
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
            ("batch/v1", "CronJob", "g", f"jobTemplate: {{spec: {{parallelism: 3, {template}}}}}"),
            ("v1", "ReplicationController", "h", f"replicas: 5, {template}"),
            ("apps/v1", "DaemonSet", "i", template),
        )
    )
    assert [(each.name, each.replicas) for each in manifests(text).workloads] == [
        ("Pod other/a", 1),
        ("Deployment other/b", 3),
        ("StatefulSet other/c", 1),
        ("Job other/d", 2),
        ("Job other/e", 1),
        ("Deployment other/f", 0),
        ("CronJob other/g", 3),
        ("ReplicationController other/h", 5),
        ("DaemonSet other/i", 1),
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
    assert found.left_out == ("Service web",)


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
            claim("{name: a, exactly: {deviceClassName: g, capacity: {requests: {memory: '1e999'}}}}"),
            "capacity.requests[memory]: '1e999' is more than any quantity can be",
        ),
        (
            claim("{name: a, exactly: {deviceClassName: g, capacity: {requests: {memory: lots}}}}"),
            "'lots' is no quantity such as 40Gi",
        ),
        (claim("{name: a, exactly: {deviceClassName: g, selectors: true}}"), "selectors: is to be a list"),
        (
            claim(
                "{name: a, exactly: {deviceClassName: g, selectors: [{cel: {expression: 'device.driver =='}}]}}"
            ),
            "requests[0].exactly.selectors[0].cel.expression: column 17: Syntax error",
        ),
        (
            claim(
                "{name: a, exactly: {deviceClassName: g, selectors: [{cel: {expression: device.driver}}]}}"
            ),
            "cel.expression: must evaluate to bool",
        ),
        (claim("{name: a, exactly: {deviceClassName: g, selectors: [{}]}}"), "cel.expression: is needed"),
        (
            claim(
                "{name: a, exactly: {deviceClassName: g, selectors: [{cel: {expression: '"
                + "(" * 3_000
                + "'}}]}}"
            ),
            "cel.expression: ",
        ),
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
        ("kind: Pod", "Pod has no apiVersion that is text\n  hint: apiVersion: v1"),
        ("kind: DeviceClass", "hint: apiVersion: resource.k8s.io/v1"),
        ("apiVersion: v1", "has no kind that is text"),
        (taint_rule("{effect: NoSchedule}"), "spec.taint.key: is missing"),
        (
            taint_rule("{key: a, effect: Never}"),
            "spec.taint.effect: 'Never' is none of NoSchedule, NoExecute, None",
        ),
        (taint_rule("{key: a}", "v1beta1"), "hint: apiVersion: resource.k8s.io/v1 or"),
        ("- a", "is no object"),
        ("{apiVersion: v1, kind: Pod, kind: Pod}", "line 1: 'kind' is there twice"),
        ('{"kind": "Pod", "kind": "Job"}', "'kind' is there twice"),
        ("a: [", "is no YAML"),
        ("a: !!python/object/apply:os.system [true]", "the tag tag:yaml.org,2002:python"),
        ("kind: Pod\n? [a]\n: b", "line 2: a name is no text"),
        ("a: *b", "*b stands for nothing before it"),
        ("a: &b 1\n--- \nc: *b", "line 3: *b stands for nothing"),
        ("a: {<<: b}", "<< wants an alias of an object"),
        ('{"a": "\\ud800"}', "half of a character"),
        ("a: .inf", "no number that a manifest can have"),
        (pod("").replace("name: train", "name: Train"), "Pod 'Train' is no name"),
        (pod("  priorityClassName: [a]"), "spec.priorityClassName: is to be text"),
        (pod("  nodeName: n"), "spec.nodeName: is to be text: put it in quotes (in YAML y, n, yes"),
        (pod("  preemptionPolicy: Sometimes"), "neither Never nor PreemptLowerPriority"),
        (
            "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: a}\nvalue: 2000000000",
            "value: 2000000000 is no priority",
        ),
        (
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {containers: []}",
            "spec.containers: does not belong here: it is the pod's: write template: {spec: {containers: …}}",
        ),
        (
            "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec: {template: {}}",
            "spec.template: does not belong here: write jobTemplate: {spec: {template: …}}",
        ),
        (
            claim(
                "{name: a, exactly: {deviceClassName: g}}",
                more="    constraints: [{requests: [b], matchAttribute: x}]",
            ),
            "constraints[0].requests: no request is called 'b'",
        ),
        (
            claim("{name: a, exactly: {deviceClassName: g}}", more="    constraints: [{requests: [a]}]"),
            "exactly one of matchAttribute and distinctAttribute",
        ),
        (
            claim(
                "{name: a, exactly: {deviceClassName: g}}",
                more="    - {name: a, exactly: {deviceClassName: g}}",
            ),
            "requests[1]: another is called 'a', too",
        ),
        (
            "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: List, items: []}]",
            "items[0]: is no object, or a list again",
        ),
        ("a: \x01", "is no YAML"),
        (pod("") + "---" + pod(""), "document 2: Pod ml/train is there twice"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, says: str) -> None:
    assert says in wrong(text)


def test_a_list_that_holds_nothing_is_wrong() -> None:
    assert "requests[0]: is empty" in wrong(claim("null"))


def test_a_pods_priority_and_whether_it_preempts() -> None:
    found = manifests(
        "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: 1000\n"
        "preemptionPolicy: Never\n---" + pod("  priorityClassName: high\n  preemptionPolicy: Never")
    )
    assert found.priorities == (PriorityClass(name="high", value=1000, preempts=False),)
    assert (found.workloads[0].priority_class, found.workloads[0].preempts) == ("high", False)


def test_what_may_keep_pods_from_nodes_and_is_not_looked_at_is_told() -> None:
    (found,) = manifests(
        pod(
            """
  affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: x}]}}
  topologySpreadConstraints: [{maxSkew: 1, topologyKey: x, whenUnsatisfiable: DoNotSchedule}]
  initContainers: [{name: i, ports: [{containerPort: 1, hostPort: 1}]}]
  volumes: [{name: v, persistentVolumeClaim: {claimName: c}}]
"""
        )
    ).workloads
    assert found.unseen == ("podAntiAffinity", "topologySpreadConstraints", "hostPort", "persistent volumes")
    (found,) = manifests(
        pod(
            """
  affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1}]}}
  topologySpreadConstraints: [{maxSkew: 1, topologyKey: x, whenUnsatisfiable: ScheduleAnyway}]
  volumes: [{name: v, emptyDir: {}}]
"""
        )
    ).workloads
    assert found.unseen == ()


def test_a_taint_rule_is_the_same_in_every_version() -> None:
    for version in ("v1", "v1beta2", "v1alpha3"):
        (found,) = manifests(taint_rule("{key: a, effect: NoExecute}", version)).taint_rules
        assert (found.name, found.driver, found.taint.text) == ("sick", "gpu.example.com", "a:NoExecute")


def test_on_the_hosts_network_each_port_is_one_of_the_host() -> None:
    text = "  hostNetwork: true\n  initContainers: [{name: i, ports: [{containerPort: 1}]}]"
    assert manifests(pod(text)).workloads[0].unseen == ("hostPort",)


def test_volumes_that_a_stateful_set_makes_may_keep_its_pods_from_nodes() -> None:
    (found,) = manifests(
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: a}\n"
        "spec: {volumeClaimTemplates: [{metadata: {name: v}}], template: {spec: {containers: [{name: main}]}}}"
    ).workloads
    assert found.unseen == ("persistent volumes",)


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("batch/v1\nkind: Job", "suspend: true, template: {}"),
        ("batch/v1\nkind: CronJob", "suspend: true, jobTemplate: {spec: {template: {}}}"),
        ("batch/v1\nkind: CronJob", "jobTemplate: {spec: {suspend: true, template: {}}}"),
        ("apps/v1\nkind: Deployment", "paused: true, template: {}"),
    ],
)
def test_what_makes_no_pods_for_now_is_read_as_if_it_did_and_that_is_told(kind: str, spec: str) -> None:
    pods = spec.replace("template: {}", "template: {spec: {containers: [{name: main}]}}")
    (found,) = manifests(f"apiVersion: {kind}\nmetadata: {{name: a}}\nspec: {{{pods}}}").workloads
    assert [each.split(":")[0] for each in found.remarks] == ["suspended or paused"]


def test_of_kinds_that_others_have_too_the_group_is_told() -> None:
    found = manifests("apiVersion: batch.volcano.sh/v1alpha1\nkind: Job\nmetadata: {name: a}\nspec: {x: 1}")
    assert found.left_out == ("Job.batch.volcano.sh a",)


def test_who_is_not_asked_is_told() -> None:
    (found,) = manifests(
        pod("  nodeName: node\n  schedulerName: other\n  schedulingGates: [{name: a}]")
    ).workloads
    assert [each.split()[0] for each in found.remarks] == ["with", "another", "not"]


ODD: tuple[Any, ...] = (None, -1, 1.5, True, "x", [], [None], [{}], {"a": None})
ALL = """
apiVersion: batch/v1
kind: CronJob
metadata: {name: a, labels: {a: b}, annotations: {c: d}}
spec:
  schedule: "* * * * *"
  jobTemplate:
    spec:
      parallelism: 2
      template:
        spec:
          priorityClassName: p
          preemptionPolicy: Never
          schedulerName: s
          schedulingGates: [{name: a}]
          schedulingGroup: {podGroupName: x}
          overhead: {cpu: 1}
          resources: {limits: {cpu: 1}}
          nodeSelector: {a: b}
          volumes: [{name: v, persistentVolumeClaim: {claimName: c}}]
          topologySpreadConstraints: [{maxSkew: 1, topologyKey: x, whenUnsatisfiable: DoNotSchedule}]
          tolerations: [{key: a, operator: Exists, effect: NoSchedule, tolerationSeconds: 3}]
          affinity:
            podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: x}]}
            nodeAffinity:
              requiredDuringSchedulingIgnoredDuringExecution:
                nodeSelectorTerms: [{matchExpressions: [{key: a, operator: In, values: [b]}]}]
          containers:
          - name: m
            ports: [{hostPort: 3}]
            resources: {claims: [{name: g, request: r}], limits: {nvidia.com/gpu: 1}, requests: {cpu: 1}}
          resourceClaims: [{name: g, resourceClaimTemplateName: t}]
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: a}
spec:
  spec:
    devices:
      requests:
      - name: a
        exactly:
          {deviceClassName: g, count: 1, allocationMode: ExactCount, selectors: [{cel: {expression: "true"}}],
           tolerations: [{key: a, operator: Exists}], capacity: {requests: {memory: 1Gi}}}
      - {name: b, firstAvailable: [{name: c, deviceClassName: g, count: 2}]}
      constraints: [{requests: [a, b/c], matchAttribute: x/y}]
      config: [{requests: [a], opaque: {driver: d, parameters: {a: 1}}}]
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: a}
value: 3
preemptionPolicy: Never
---
apiVersion: v1
kind: Namespace
metadata: {name: a, labels: {a: b}}
---
apiVersion: resource.k8s.io/v1
kind: DeviceTaintRule
metadata: {name: a}
spec: {deviceSelector: {driver: a, pool: b, device: c}, taint: {key: a, effect: None, timeAdded: 2026-01-01T00:00:00Z}}
"""


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inside:
        yield from places(part, (*path, key))


def changed(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], other)
    return copy


def test_whatever_stands_wherever_it_is_read_or_named() -> None:
    documents = [document for _, document in objects("x", ALL.encode())]
    assert len(documents) == 5
    for document in documents:
        read([("x", json.dumps(document).encode())], "ml")
        for path in places(document):
            for odd in ODD:
                with suppress(Wrong):
                    read([("x", json.dumps(changed(document, path, odd)).encode())], "ml")


def test_several_objects_of_json_in_one_text() -> None:
    one = {"apiVersion": "resource.k8s.io/v1", "kind": "DeviceClass", "metadata": {"name": "a"}, "spec": {}}
    two = one | {"metadata": {"name": "b"}}
    found = manifests(f" {json.dumps(one)}\n{json.dumps(two, indent=2)}\n")
    assert [each.name for each in found.classes] == ["a", "b"]


LEVELS = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 12))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("l0: &l0 [x]\n" + LEVELS, "has more than"),
        ("a: &a [*a]", "line 1: *a stands for nothing before it"),
        (
            "\n".join(["a0: &a0 [1]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 90))]),
            "is nested too deeply",
        ),
        ("a: &a [" + "1, " * 400 + "]\nb: [" + "*a, " * 120 + "]", "has more than"),
        (
            "a: &a {"
            + ", ".join(f"k{n}: 1" for n in range(900))
            + "}\n"
            + "".join(f"b{n}: {{<<: *a}}\n" for n in range(90)),
            "has more than",
        ),
        ("a: &a " + "x" * 900_000 + "\nb: [" + "*a, " * 9_000 + "]", "has more than"),
        (
            "a: &a {k: " + "x" * 900_000 + "}\n" + "".join(f"b{n}: {{<<: *a}}\n" for n in range(9_000)),
            "has more than",
        ),
        ("---\n{}\n" * 40_000, "has more than"),
        (
            "{" + ", ".join(f"{n * (2**61 - 1)}: 1" for n in range(20_000)) + "}",
            "is larger than any number can be",
        ),
        ("[" * 100_000, "is nested too deeply"),
        ('{"a":' * 100_000, "is nested too deeply"),
        ("a:\n" + "\n".join(" " * n + "a:" for n in range(1, 300)), "is nested too deeply"),
        ("[" + ", ".join(["1"] * 300_000) + "]", "has more than 20000 names and values"),
        ('{"a": [' + ", ".join(["1"] * 300_000) + "]}", "has more than 20000 names and values"),
        ("a: " + "9" * 10_000, "is larger than any number can be"),
        ("a: 0x" + "f" * 900_000, "is larger than any number can be"),
        ("a: 1e999", "line 1: 1e999 is larger than any number can be"),
        ('{"a": 1e999}', "1e999 is larger than any number can be"),
        ('{"a": ' + "9" * 30 + "}", "is larger than any number can be"),
        ("a: " + "9" * 30, "is larger than any number can be"),
        ("x" * (LARGEST + 1), "is larger than 1024 KiB"),
        (
            claim("{name: a, exactly: {deviceClassName: g, count: 9223372036854775808}}"),
            "is no number of devices",
        ),
    ],
)
def test_hostile_text_is_an_error(text: str, says: str) -> None:
    assert says in wrong(text)
