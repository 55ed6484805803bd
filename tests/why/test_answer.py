"""Why a pod waits, from a store: what is asked, what each node says, and whether the scheduler says the same."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from dratui.allocation.patience import Patience
from dratui.allocation.rules import Feature
from dratui.api.model import (
    Constraint,
    CounterConsumption,
    Device,
    DeviceClass,
    Namespace,
    Node,
    NodeRequirement,
    NodeSelector,
    NodeSelectorTerm,
    Placement,
    Pod,
    PodClaim,
    Request,
    Taint,
    TaintRule,
    Template,
    Toleration,
)
from dratui.events import Row
from dratui.why.answer import Answer, answer, by_node
from dratui.why.question import about_claim, about_pod
from tests.cluster.build import DRIVER, claim, pod, result, slice_, store

CLASS = DeviceClass(name=DRIVER, selectors=(f'device.driver == "{DRIVER}"',))
VERSION = "v1.36.3"


def node(name: str, *taints: Taint, labels: dict[str, str] | None = None, cordoned: bool = False) -> Node:
    return Node(
        name=name,
        ready="True",
        taints=taints,
        labels=tuple(sorted((labels or {}).items())),
        unschedulable=cordoned,
    )


def waits(*claims: PodClaim | str, says: str = "", **more: object) -> Pod:
    return pod("train", *(claims or ("gpu",)), says=says, **more)  # type: ignore[arg-type]


def asked(*rows: Row, about: Pod, version: str = VERSION, unknown: Sequence[str] = ()) -> Answer:
    known = store(CLASS, about, *rows, unknown=unknown)
    question = about_pod(known, about, version)
    return answer(known, question, list(by_node(known, question)))


def causes(found: Answer) -> dict[str, str]:
    return {each.node: each.cause for each in found.nodes}


def test_a_claim_fits_where_a_device_is_free() -> None:
    found = asked(
        *(claim("gpu"), claim("other", result("gpu-0"))),
        *(slice_("node-1", "gpu-0"), slice_("node-2", "gpu-0"), node("node-1"), node("node-2")),
        about=waits(),
    )
    assert (found.verdict, causes(found)) == ("fits", {"node-1": "held", "node-2": "fits"})
    assert found.groups[0].nodes == ("node-2",)


def test_who_holds_it_is_told_with_its_claim_and_pod() -> None:
    other = pod("nb-1", node="node-1")
    found = asked(
        *(claim("gpu"), claim("nb", result("gpu-0"), namespace="vision", pods=(other,))),
        *(slice_("node-1", "gpu-0"), node("node-1")),
        about=waits(),
    )
    assert found.nodes[0].detail == "0 of 1 wanted; 1 device: held by claim vision/nb of nb-1"


def test_a_claim_that_is_not_made_yet_is_as_its_template_says() -> None:
    template = Template(
        namespace="default", name="two", requests=(Request("gpu", device_class=DRIVER, count=2),)
    )
    found = asked(
        template,
        *(slice_("node-1", "gpu-0"), node("node-1")),
        about=waits(PodClaim("gpu", template="two")),
    )
    assert (found.verdict, causes(found)) == ("not tried", {"node-1": "too few"})


def test_a_claim_that_is_nowhere_is_what_it_waits_for() -> None:
    found = asked(slice_("node-1", "gpu-0"), node("node-1"), about=waits("gone"))
    assert (found.verdict, found.why, found.nodes) == ("not tried", "claim gone does not exist", ())


def test_an_allocated_claim_ties_the_pod_to_its_node() -> None:
    found = asked(
        claim("gpu", result("gpu-0"), node="node-1"),
        *(slice_("node-1", "gpu-0"), node("node-1"), node("node-2")),
        about=waits(),
    )
    assert causes(found) == {"node-1": "fits", "node-2": "elsewhere"}


def test_a_taint_rule_counts_as_a_taint_of_its_devices() -> None:
    rule = TaintRule(name="xid", device="gpu-0", taint=Taint(key="xid", value="79", effect="NoSchedule"))
    found = asked(claim("gpu"), rule, slice_("node-1", "gpu-0"), node("node-1"), about=waits())
    assert found.nodes[0].detail == "0 of 1 wanted; 1 device: tainted xid=79:NoSchedule"


def test_taints_count_in_an_old_release_only_where_the_cluster_shows_them() -> None:
    tainted = Device("gpu-0", taints=(Taint(key="xid", effect="NoSchedule"),))
    rows = (claim("gpu"), node("node-1"))
    assert asked(*rows, slice_("node-1", tainted), about=waits(), version="v1.35.2").verdict == "does not fit"
    assert asked(*rows, slice_("node-1", "gpu-0"), about=waits(), version="v1.35.2").verdict == "fits"


@pytest.mark.parametrize(
    ("version", "note"),
    [
        ("v1.33.13", "read as Kubernetes 1.34 decides (the server is v1.33.13), with"),
        ("v1.36.3", "read as Kubernetes 1.36 decides, with"),
        ("v1.37.1", "read as Kubernetes 1.37 decides, with"),
        ("v1.38.0", "read as Kubernetes 1.37 decides (the server is v1.38.0, newer than dratui knows), with"),
    ],
)
def test_the_nearest_release_that_is_known_is_read_and_told(version: str, note: str) -> None:
    question = about_pod(store(CLASS, node("node-1")), waits(), version)
    assert question.notes[0].startswith(note)


@pytest.mark.parametrize(
    ("version", "implementation"), [("v1.36.3", "incubating"), ("v1.37.1", "experimental")]
)
def test_lists_of_attributes_are_told_the_allocator_from_1_37(version: str, implementation: str) -> None:
    listed = Device("gpu-0", attributes={"peers": ("gpu-1", "gpu-2")})
    question = about_pod(store(CLASS, slice_("node-1", listed)), waits(), version)
    assert question.world.rules.implementation == implementation
    assert "ListTypeAttributes" in question.notes[0]


def test_what_a_cluster_shows_of_gates_of_1_37_counts() -> None:
    grouped = Device("gpu-0", consumes=(CounterConsumption("card", {}, ("mig",)),))
    skips = replace(slice_("node-1", grouped), skip_operations=("*",))
    rules = about_pod(store(CLASS, skips), waits(), "v1.37.1").world.rules
    assert rules.has(Feature.COMPATIBILITY_GROUPS)
    assert rules.has(Feature.OPTIONAL_OPERATIONS)


def test_whether_a_claim_that_derives_attributes_fits_is_not_known() -> None:
    derives = replace(claim("gpu"), requests=(Request("gpu", device_class=DRIVER, derives=True),))
    found = asked(derives, slice_("node-1", "gpu-0"), node("node-1"), about=waits(), version="v1.37.1")
    assert (found.verdict, causes(found)) == ("unknown", {"node-1": "gave up"})
    assert "dratui does not compute derivedAttributes" in found.nodes[0].detail


TAINT = Taint(key="team", value="red", effect="NoSchedule")


@pytest.mark.parametrize(
    ("its", "placement", "cause"),
    [
        (node("node-1", cordoned=True), Placement(), "cordoned"),
        (node("node-1", TAINT), Placement(), "node taint"),
        (node("node-1", TAINT), Placement(tolerations=(Toleration(key="team", operator="Exists"),)), "fits"),
        (
            node("node-1", Taint(key="node.kubernetes.io/not-ready", effect="NoSchedule")),
            Placement(),
            "not ready",
        ),
        (node("node-1"), Placement(node_selector=(("zone", "a"),)), "node affinity"),
        (node("node-1", labels={"zone": "a"}), Placement(node_selector=(("zone", "a"),)), "fits"),
        (
            node("node-1", labels={"zone": "b"}),
            Placement(
                affinity=NodeSelector(
                    (NodeSelectorTerm(match_expressions=(NodeRequirement("zone", "In", ("a",)),)),)
                )
            ),
            "node affinity",
        ),
    ],
)
def test_what_keeps_a_pod_from_a_node_before_its_devices(its: Node, placement: Placement, cause: str) -> None:
    found = asked(claim("gpu"), slice_("node-1", "gpu-0"), its, about=waits(placement=placement))
    assert causes(found) == {"node-1": cause}


def wants_zone(*values: str, operator: str = "In", more: int = 0) -> Placement:
    term = NodeSelectorTerm(match_expressions=(NodeRequirement("zone", operator, values),))
    other = NodeSelectorTerm(match_expressions=(NodeRequirement("no", "Exists"),))
    return Placement(affinity=NodeSelector((term, *(other,) * more)))


@pytest.mark.parametrize(
    ("placement", "detail"),
    [
        (wants_zone("a", "c"), "required node affinity zone In [a, c]: the node has zone=b"),
        (
            wants_zone("a", more=2),
            "required node affinity zone In [a], nor 2 other terms: the node has zone=b",
        ),
        (
            wants_zone(operator="DoesNotExist"),
            "required node affinity zone DoesNotExist: the node has zone=b",
        ),
        (
            Placement(affinity=NodeSelector((NodeSelectorTerm(),))),
            "the pod's required node affinity does not hold",
        ),
    ],
)
def test_a_node_affinity_says_which_requirement_and_what_the_node_has(
    placement: Placement, detail: str
) -> None:
    its = node("node-1", labels={"zone": "b"})
    found = asked(claim("gpu"), slice_("node-1", "gpu-0"), its, about=waits(placement=placement))
    assert found.nodes[0].detail == detail


def test_nodes_with_the_same_story_are_told_once_and_the_nearest_miss_first() -> None:
    two = claim("gpu", requests=(Request("gpu", device_class=DRIVER, count=2),))
    rows: list[Row] = [two]
    for n in range(1, 6):
        rows += [node(f"node-{n}"), slice_(f"node-{n}", "gpu-0", "gpu-1")]
        held = [result("gpu-0", f"node-{n}")] + ([result("gpu-1", f"node-{n}")] if n != 3 else [])
        rows.append(claim(f"of-{n}", *held))
    rows.append(node("node-6", TAINT))
    found = asked(*rows, about=waits())
    assert [(group.cause, len(group.nodes)) for group in found.groups] == [("held", 5), ("node taint", 1)]
    nearest = found.groups[0].nearest
    assert (nearest.node, nearest.got, nearest.wanted) == ("node-3", 1, 2)


@pytest.mark.parametrize(("nodes", "groups"), [(12, 12), (13, 1)])
def test_what_reads_differently_on_every_node_is_one_story(nodes: int, groups: int) -> None:
    wanted = Request("gpu", device_class=DRIVER, selectors=(f'device.attributes["{DRIVER}"].uuid == "x"',))
    rows: list[Row] = [claim("gpu", requests=(wanted,))]
    for n in range(nodes):
        rows += [node(f"node-{n}"), slice_(f"node-{n}", Device("gpu-0", attributes={"uuid": f"GPU-{n}"}))]
    assert len(asked(*rows, about=waits()).groups) == groups


def test_admin_access_that_the_namespace_does_not_allow_says_which_label_to_set() -> None:
    watches = claim("gpu", requests=(Request("gpu", device_class=DRIVER, admin_access=True),))
    rows: list[Row] = [watches, node("node-1"), slice_("node-1", "gpu-0"), claim("other", result("gpu-0"))]
    label = ("resource.kubernetes.io/admin-access", "true")
    assert asked(*rows, Namespace(name="default", labels=(label,)), about=waits()).verdict == "fits"
    assert asked(*rows, about=waits()).verdict == "fits", "nothing is known of the namespace"
    found = asked(*rows, Namespace(name="default"), about=waits())
    assert (found.verdict, causes(found)) == ("does not fit", {"node-1": "admin access"})
    assert found.nodes[0].detail == (
        "claim gpu asks for admin access, which namespace default does not allow: "
        "kubectl label namespace default resource.kubernetes.io/admin-access=true"
    )


NODES = (node("node-1"), slice_("node-1", "gpu-0"), node("node-2"), slice_("node-2", "gpu-0"))
HELD = (claim("gpu"), claim("a", result("gpu-0")), claim("b", result("gpu-0", "node-2")))


@pytest.mark.parametrize(
    ("rows", "says", "agrees"),
    [
        (HELD, "0/2 nodes are available: 2 cannot allocate all claims.", True),
        (HELD[:2], "0/2 nodes are available: 2 cannot allocate all claims.", False),
        (HELD[:2], "0/2 nodes are available: 1 Insufficient cpu, 1 cannot allocate all claims.", True),
        (HELD, "0/2 nodes are available: 1 Insufficient cpu, 1 cannot allocate all claims.", True),
        (HELD, "0/9 nodes are available: 9 cannot allocate all claims.", None),
        (HELD, 'running "DynamicResources" filter plugin: claim default/gpu: oh', False),
        (HELD, "", None),
    ],
)
def test_the_schedulers_words_are_compared_with_ours(
    rows: Sequence[Row], says: str, agrees: bool | None
) -> None:
    found = asked(*rows, *NODES, about=waits(says=says))
    assert found.agrees is agrees
    assert bool(found.conflict) is (agrees is False)


def test_an_error_that_the_scheduler_names_is_ours_too() -> None:
    wrong = Request("gpu", device_class=DRIVER, selectors=('device.attributes["x"].y == 1',))
    says = 'running "DynamicResources" filter plugin: claim default/gpu: selector #0: CEL runtime error: no such key: y'
    found = asked(claim("gpu", requests=(wrong,)), *NODES, about=waits(says=says))
    assert (found.verdict, found.agrees) == ("error", True)


def test_without_slices_nothing_is_said_of_any_node() -> None:
    found = asked(claim("gpu"), *NODES, about=waits(), unknown=("resourceslices",))
    assert (found.verdict, found.why, found.nodes) == ("unknown", "resourceslices cannot be read", ())


def test_an_extended_resource_is_a_claim_where_no_plugin_has_it() -> None:
    of_class = DeviceClass(name="ext", selectors=CLASS.selectors, extended_resource="example.com/gpu")
    plugin = Node(name="node-2", ready="True", allocatable=(("example.com/gpu", 1),))
    found = asked(
        *(of_class, node("node-1"), slice_("node-1", "gpu-0"), plugin),
        about=pod("train", extended={"example.com/gpu": 2}),
    )
    assert {each.node: (each.cause, each.detail) for each in found.nodes} == {
        "node-1": ("too few", "1 of 2 wanted; there are no more of class ext here"),
        "node-2": ("device plugin", "1 of 1 example.com/gpu free, 2 wanted"),
    }


def test_a_claim_is_explained_without_a_pod() -> None:
    alone = claim("gpu")
    known = store(CLASS, alone, *NODES)
    question = about_claim(known, alone, VERSION)
    found = answer(known, question, list(by_node(known, question)))
    assert (found.verdict, found.why) == ("fits", "no pod uses it")


def test_who_has_a_node_or_devices_waits_for_nothing() -> None:
    assert asked(about=pod("runs", "gpu", node="node-1")).why == "it is on node node-1"
    given = claim("gpu", result("gpu-0"), node="node-1")
    known = store(given)
    found = answer(known, about_claim(known, given, VERSION), ())
    assert (found.verdict, found.why) == ("allocated", "it has its devices on node node-1")


def test_a_search_without_end_is_given_up_and_on_the_next_nodes_sooner() -> None:
    devices = [Device(f"gpu-{n}", attributes={"odd": n}) for n in range(24)]
    same = Constraint(match_attribute=f"{DRIVER}/odd", requests=("last",))
    two = (Request("many", device_class=DRIVER, count=12), Request("last", device_class=DRIVER, count=2))
    odd = Constraint(distinct_attribute=f"{DRIVER}/odd", requests=("many",))  # with it there are no shortcuts
    rows: list[Row] = [CLASS, waits(), claim("gpu", requests=two, constraints=(same, odd))]
    for n in range(3):
        rows += [node(f"node-{n}"), slice_(f"node-{n}", *devices)]
    known = store(*rows)
    found = by_node(known, about_pod(known, waits(), VERSION), Patience(2_000, 4_000))
    assert [each.detail for each in found] == [
        "gave up after 2,000 steps: it may fit or not",
        "gave up after 2,000 steps: it may fit or not",
        "gave up after 400 steps (searches on other nodes took the rest): it may fit or not",
    ]


def test_where_a_search_was_given_up_nobody_says_that_it_does_not_fit() -> None:
    devices = [Device(f"gpu-{n}", attributes={"odd": n}) for n in range(24)]
    same = Constraint(match_attribute=f"{DRIVER}/odd", requests=("last",))
    odd = Constraint(distinct_attribute=f"{DRIVER}/odd", requests=("many",))
    two = (Request("many", device_class=DRIVER, count=12), Request("last", device_class=DRIVER, count=2))
    hard = claim("gpu", requests=two, constraints=(same, odd))
    rows: list[Row] = [CLASS, waits(), hard, node("node-1"), slice_("node-1", *devices), node("node-2")]
    known = store(*rows)
    question = about_pod(known, waits(), VERSION)
    found = answer(known, question, list(by_node(known, question, Patience(2_000))))
    assert found.verdict == "unknown"
    assert found.why == "the search gave up on 1 of 2 nodes: it may fit there; it fits on no other"


def test_that_the_scheduler_had_no_time_is_no_disagreement() -> None:
    says = "0/1 nodes are available: node node-1: timed out trying to allocate devices"
    found = asked(claim("gpu"), node("node-1"), slice_("node-1"), about=waits(says=says))
    assert (found.verdict, found.agrees, found.conflict) == ("does not fit", None, "")
