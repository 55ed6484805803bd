"""Where replicas would land: each takes what it gets, claims in common are allocated once, and why the next one does
not fit."""

import msgspec
import pytest

from dratui.allocation.manifests import Manifests, Workload
from dratui.api.model import (
    Capacity,
    Container,
    Device,
    DeviceClass,
    DeviceKey,
    Namespace,
    Owner,
    Pod,
    PodClaim,
    PriorityClass,
    Request,
    Slice,
    Taint,
    TaintRule,
    Template,
)
from dratui.cluster.store import Store
from dratui.events import Row
from dratui.why.applied import apply
from dratui.why.changes import copy_node, named, remove
from dratui.why.question import ADMIN_ACCESS
from dratui.why.whatif import Limit, Outcome, Planner
from tests.cluster.build import DRIVER, claim, pod, result, slice_, store
from tests.why.test_answer import CLASS, VERSION, node

ONE = Template(namespace="default", name="one", requests=(Request("gpu", device_class=DRIVER),))
TWO = Template(namespace="default", name="two", requests=(Request("gpu", device_class=DRIVER, count=2),))
NODES = (
    *(node("node-1"), slice_("node-1", "gpu-0", "gpu-1", "gpu-2")),
    *(node("node-2"), slice_("node-2", "gpu-0", "gpu-1")),
)


def workload(template: str = "", claim: str = "") -> Workload:
    claims = (PodClaim("gpu", claim=claim, template=template),)
    return Workload("Deployment", Pod(namespace="default", name="train", phase="Pending", claims=claims), 1)


def cluster(*rows: Row) -> Store:
    return store(CLASS, ONE, TWO, *rows)


def asked(known: Store, of: Workload, replicas: int | None, before: Store | None = None) -> Outcome:
    return Planner(known, VERSION, before).outcome(of, replicas)


def where(outcome: Outcome) -> list[str]:
    return [f"{each.node}: {' '.join(taken.device for taken in each.devices)}" for each in outcome.landed]


def test_each_replica_takes_its_devices_from_the_first_node_that_has_some() -> None:
    outcome = asked(cluster(*NODES), workload("two"), 2)
    assert where(outcome) == ["node-1: gpu-0 gpu-1", "node-2: gpu-0 gpu-1"]
    assert [each.replica for each in outcome.landed] == ["train-0", "train-1"]
    assert outcome.rest is None


def test_as_many_as_fit_and_why_no_more_do() -> None:
    outcome = asked(cluster(*NODES, claim("nb", result("gpu-0"))), workload("two"), None)
    assert where(outcome) == ["node-1: gpu-1 gpu-2", "node-2: gpu-0 gpu-1"]
    assert outcome.rest is not None
    assert outcome.rest.verdict == "does not fit"
    assert {each.cause for each in outcome.rest.nodes} == {"held"}


def test_on_how_many_nodes_each_fits_and_that_the_choice_changes_nothing() -> None:
    outcome = asked(cluster(*NODES), workload("one"), None)
    assert [each.of for each in outcome.landed] == [2, 2, 2, 1, 1]
    assert outcome.anyhow
    assert [(each.cause, each.nodes) for each in outcome.limits] == [("held", 2)]


def test_devices_that_several_nodes_reach_make_the_order_matter() -> None:
    network = slice_("net", "nic-0", "nic-1", node="", all_nodes=True)
    outcome = asked(cluster(network, node("node-1"), node("node-2")), workload("one"), None)
    assert where(outcome) == ["node-1: nic-0", "node-1: nic-1"]
    assert [each.of for each in outcome.landed] == [2, 2]
    assert not outcome.anyhow


def test_a_pool_that_nodes_share_by_counters_makes_the_order_matter() -> None:
    of_two = (
        slice_("card", "gpu-0", node="node-1", name="a", expected=2),
        slice_("card", "gpu-1", node="node-2", name="b", expected=2),
    )
    assert not asked(cluster(*of_two, node("node-1"), node("node-2")), workload("one"), None).anyhow


def test_a_daemon_set_has_a_pod_on_each_node_that_it_is_for() -> None:
    of = Workload("DaemonSet", workload("one").pod, 1)
    tainted = node("node-3", Taint(key="a", effect="NoSchedule"))
    known = cluster(*NODES, node("node-0"), tainted, slice_("node-3", "gpu-0"))
    outcome = asked(known, of, 1)
    assert where(outcome) == ["node-1: gpu-0", "node-2: gpu-0"]
    assert outcome.wanted == 3
    assert outcome.rest is not None
    assert [each.node for each in outcome.rest.nodes] == ["node-0"]


@pytest.mark.parametrize(("version", "first"), [("v1.36.3", "node-2"), ("v1.34.1", "node-1")])
def test_where_the_best_alternative_is_had_comes_first_since_the_scheduler_scores_that(
    version: str, first: str
) -> None:
    def of(name: str, model: str) -> Request:
        return Request(
            name, device_class=DRIVER, selectors=(f'device.attributes["{DRIVER}"].model == "{model}"',)
        )

    two = Template(
        namespace="default",
        name="two",
        requests=(Request("gpu", alternatives=(of("a", "big"), of("b", "small"))),),
    )
    small, big = (Device("gpu-0", attributes={f"{DRIVER}/model": model}) for model in ("small", "big"))
    known = store(CLASS, two, node("node-1"), node("node-2"), slice_("node-1", small), slice_("node-2", big))
    outcome = Planner(known, version).outcome(workload("two"), None)
    assert outcome.landed[0].node == first
    assert sorted(each.node for each in outcome.landed) == ["node-1", "node-2"]


def test_what_runs_out_first_is_told_with_its_name() -> None:
    gives = type(node("a"))(name="node-1", ready="True", native=(("cpu", 3000), ("pods", 9)))
    of = workload("one")
    asks = Workload(of.kind, msgspec.structs.replace(of.pod, native=(("cpu", 1500),)), 1)
    outcome = asked(cluster(gives, slice_("node-1", *(f"gpu-{n}" for n in range(4)))), asks, None)
    assert len(outcome.landed) == 2
    assert outcome.limits == (Limit("resources", 1, ("Insufficient cpu",)),)


def test_a_claim_alone_is_asked_for_once() -> None:
    outcome = asked(
        cluster(*NODES, claim("gpu")), Workload("ResourceClaim", Pod(namespace="default", name="gpu"), 1), 3
    )
    assert (outcome.wanted, len(outcome.landed)) == (1, 1)


def test_a_claim_is_for_256_pods_at_most() -> None:
    outcome = asked(cluster(*NODES, claim("gpu")), workload(claim="gpu"), 300)
    assert len(outcome.landed) == 256
    assert outcome.limit == "claim gpu is for 256 pods at most"
    users = tuple(pod(f"p{n}") for n in range(250))
    outcome = asked(
        cluster(*NODES, claim("gpu", result("gpu-0"), pods=users, node="node-1")), workload(claim="gpu"), None
    )
    assert (len(outcome.landed), outcome.limit) == (6, "claim gpu is for 256 pods at most")


def test_what_this_workload_took_itself_is_not_to_be_freed() -> None:
    outcome = asked(cluster(*NODES, claim("nb", result("gpu-0"))), workload("one"), None)
    assert outcome.rest is not None
    freed = [each.claims for each in outcome.rest.suggestions if each.kind == "free"]
    assert freed == [("default/nb",)]


def test_a_claim_that_replicas_share_is_allocated_once() -> None:
    outcome = asked(cluster(*NODES, claim("gpu")), workload(claim="gpu"), 3)
    assert where(outcome) == ["node-1: gpu-0", "node-1: ", "node-1: "]
    assert [each.shares for each in outcome.landed] == [(), ("gpu",), ("gpu",)]


def test_a_second_workload_finds_what_the_first_left() -> None:
    known = cluster(*NODES)
    planner = Planner(known, VERSION)
    assert len(planner.outcome(workload("two"), 1).landed) == 1
    assert where(planner.outcome(workload("one"), None)) == [
        "node-1: gpu-2",
        "node-2: gpu-0",
        "node-2: gpu-1",
    ]


def test_the_same_as_one_after_the_other_on_the_cluster_that_each_leaves_behind() -> None:
    """What is remembered from replica to replica changes nothing: beside a planner that knows only the cluster."""
    remembered, fresh = cluster(*NODES), cluster(*NODES)
    at_once = where(asked(remembered, workload("one"), 5))
    singly = [line for _ in range(5) for line in where(asked(fresh, workload("one"), 1))]
    assert at_once == singly
    assert len(at_once) == 5


def test_a_template_that_is_missing_is_named() -> None:
    outcome = asked(cluster(*NODES), workload("three"), 1)
    assert outcome.why == "claim template default/three is not known: give its manifest, too, with -f"


def test_a_class_that_is_missing_is_named_with_the_one_that_may_be_meant() -> None:
    one = Request("gpu", device_class=DRIVER)
    for name, said in ((DRIVER.replace("gpu", "gpus"), f" (did you mean {DRIVER}?)"), ("zzz", "")):
        odd = Template(
            namespace="default",
            name="odd",
            requests=(Request("any", alternatives=(one, Request("b", device_class=name))),),
        )
        outcome = asked(cluster(odd, *NODES), workload("odd"), 1)
        assert outcome.why == f"device class {name} is not known{said}: give its manifest, too, with -f"


def test_devices_of_device_plugins_are_taken_too() -> None:
    offered = node("node-1")
    known = cluster(
        type(offered)(name="node-1", ready="True", allocatable=(("nvidia.com/gpu", 4),)),
    )
    containers = (Container("main", extended=(("nvidia.com/gpu", 2),)),)
    of = Workload("Job", Pod(namespace="default", name="train", phase="Pending", containers=containers), 1)
    outcome = asked(known, of, None)
    assert [each.node for each in outcome.landed] == ["node-1", "node-1"]


def test_extended_resources_that_a_class_stands_for_are_devices() -> None:
    known = store(
        DeviceClass(name=DRIVER, selectors=CLASS.selectors, extended_resource="example.com/gpu"), *NODES
    )
    containers = (Container("main", extended=(("example.com/gpu", 2),)),)
    of = Workload("Job", Pod(namespace="default", name="train", phase="Pending", containers=containers), 1)
    assert where(asked(known, of, None)) == ["node-1: gpu-0 gpu-1", "node-2: gpu-0 gpu-1"]


def test_shares_of_a_device_are_taken_until_nothing_is_left() -> None:
    shared = Device(name="gpu-0", capacity={"memory": Capacity("80Gi")}, multiple_allocations=True)
    share = Template(
        namespace="default",
        name="share",
        requests=(Request("gpu", device_class=DRIVER, capacity={"memory": "30Gi"}),),
    )
    slices = Slice(
        name="s",
        driver=DRIVER,
        pool="node-1",
        generation=1,
        expected_slices=1,
        node="node-1",
        devices=(shared,),
    )
    outcome = asked(cluster(share, node("node-1"), slices), workload("share"), None)
    assert where(outcome) == ["node-1: gpu-0", "node-1: gpu-0"]
    assert outcome.rest is not None
    assert outcome.rest.nodes[0].cause == "capacity"


def test_without_a_pod_its_devices_are_free_and_who_has_them_is_told() -> None:
    owner = pod("nb", "gpu", node="node-1")
    rows = (owner, claim("nb-gpu", result("gpu-0"), pods=(owner,)), *NODES)
    before, known = cluster(*rows), cluster(*rows)
    (found,) = named(known, "pod/nb", "default")
    remove(known, found)
    outcome = asked(known, workload("one"), 1, before)
    assert where(outcome) == ["node-1: gpu-0"]
    assert outcome.landed[0].devices[0].holder == "claim default/nb-gpu of nb"


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("nb", ["claim", "pod"]),
        ("claim/nb", ["claim"]),
        ("pods/default/nb", ["pod"]),
        ("po/nb", ["pod"]),
        ("default/nb", ["claim", "pod"]),
        ("resourceclaims/other/nb", []),
        ("node-1", ["node"]),
        ("no/node-1", ["node"]),
        ("default/node-1", []),
        ("node/default/node-1", []),
        ("deployment/nb", []),
    ],
)
def test_what_is_named_is_found_among_claims_pods_and_nodes(name: str, kinds: list[str]) -> None:
    known = cluster(pod("nb"), claim("nb"), *NODES)
    assert [each.kind for each in named(known, name, "")] == kinds


def test_without_a_node_and_with_copies_of_another() -> None:
    known = cluster(*NODES)
    remove(known, named(known, "node/node-1", "")[0])
    assert copy_node(known, known.nodes[("", "node-2")], 2) == 2  # type: ignore[index]  # a key is a tuple
    outcome = asked(known, workload("two"), None)
    assert [each.node for each in outcome.landed] == ["node-2", "node-2-copy-1", "node-2-copy-2"]
    assert (
        DeviceKey(*(outcome.landed[1].devices[0].driver, "node-2-copy-1", "gpu-0")) in known.claims_of_device
    )


def test_admin_access_is_not_taken_from_whom_the_device_has_and_needs_its_namespaces_label() -> None:
    watch = Template(
        namespace="default",
        name="watch",
        requests=(Request("gpu", device_class=DRIVER, mode="All", admin_access=True),),
    )
    rows = (watch, claim("nb", result("gpu-0")), *NODES)
    allowed = Namespace(name="default", labels=((ADMIN_ACCESS, "true"),))
    outcome = asked(cluster(*rows, allowed), workload("watch"), 1)
    assert where(outcome) == ["node-1: gpu-0 gpu-1 gpu-2"]
    assert {each.holder for each in outcome.landed[0].devices} == {""}
    most = asked(cluster(*rows, allowed), workload("watch"), None)
    assert (len(most.landed), most.why) == (
        1,
        "it takes no device from others: any number fits as far as devices go",
    )
    outcome = asked(cluster(*rows, Namespace(name="default")), workload("watch"), 1)
    assert "claim train-gpu asks for admin access, which namespace default does not allow" in outcome.why


def test_a_share_beside_others_is_taken_from_nobody() -> None:
    shared = Device(name="gpu-0", capacity={"memory": Capacity("80Gi")}, multiple_allocations=True)
    share = Template(
        namespace="default",
        name="share",
        requests=(Request("gpu", device_class=DRIVER, capacity={"memory": "30Gi"}),),
    )
    there = msgspec.structs.replace(result("gpu-0"), share_id="a", consumed_capacity={"memory": "10Gi"})
    known = cluster(share, node("node-1"), slice_("node-1", shared), claim("nb", there))
    (landing,) = asked(known, workload("share"), 1).landed
    assert landing.devices[0].holder == ""


def test_devices_of_device_plugins_are_told_with_their_number() -> None:
    known = cluster(msgspec.structs.replace(node("node-1"), allocatable=(("nvidia.com/gpu", 4),)))
    containers = (Container("main", extended=(("nvidia.com/gpu", 2),)),)
    of = Workload("Job", Pod(namespace="default", name="train", phase="Pending", containers=containers), 1)
    assert [each.plugin for each in asked(known, of, 1).landed] == [{"nvidia.com/gpu": 2}]


@pytest.mark.parametrize(
    ("kind", "owner", "said"),
    [
        ("Deployment", Owner("ReplicaSet", "train-5d4f8"), "has 1 pod in the cluster"),
        ("Deployment", Owner("ReplicaSet", "train-gpu-5d4f8"), ""),
        ("StatefulSet", Owner("StatefulSet", "train"), "has 1 pod in the cluster"),
        ("CronJob", Owner("Job", "train-29384"), "has 1 pod in the cluster"),
        ("Pod", None, "Pod default/train is in the cluster; this is one more"),
    ],
)
def test_pods_that_are_there_already_are_told(kind: str, owner: Owner | None, said: str) -> None:
    known = cluster(*NODES, pod("train", owner=owner))
    notes = asked(known, Workload(kind, workload("one").pod, 1), 1).notes
    assert [said in each for each in notes] == ([True] if said else [])


def test_a_namespace_that_is_not_there_is_told_and_allows_nothing() -> None:
    known = cluster(*NODES)
    of = Manifests(workloads=(workload("one"),))
    assert apply(known, of, VERSION) == ["namespace default is not in the cluster; read as if it were"]
    assert known.namespaces["", "default"].labels == ()  # type: ignore[index]  # a key is a tuple
    given = Namespace(name="default", labels=((ADMIN_ACCESS, "true"),))
    known = cluster(*NODES, Namespace(name="default", labels=(("a", "b"),)))
    assert apply(known, Manifests(workloads=of.workloads, namespaces=(given,)), VERSION) == []
    assert dict(known.namespaces["", "default"].labels) == {ADMIN_ACCESS: "true", "a": "b"}  # type: ignore[index]


def test_a_priority_class_that_is_there_is_read_as_it_is_there() -> None:
    high = PriorityClass(name="high", value=1)
    known = cluster(high)
    other = Manifests(priorities=(PriorityClass(name="high", value=2), PriorityClass(name="low", value=3)))
    assert apply(known, other, VERSION) == ["priority class high is in the cluster; read as it is there"]
    assert {each.name: each.value for each in known.priorities.values()} == {"high": 1, "low": 3}


def test_where_a_device_plugin_has_the_extended_resource_a_pod_with_claims_is_not_bound() -> None:
    extended = DeviceClass(name=DRIVER, selectors=CLASS.selectors, extended_resource="example.com/gpu")
    offered = msgspec.structs.replace(node("node-3"), allocatable=(("example.com/gpu", 4),))
    known = store(extended, ONE, offered, slice_("node-3", "gpu-0"), *NODES)
    containers = (Container("main", extended=(("example.com/gpu", 1),)),)
    alone = Pod(namespace="default", name="alone", phase="Pending", containers=containers)
    both = msgspec.structs.replace(workload("one").pod, containers=containers)
    assert len(asked(known.copy(), Workload("Job", alone, 1), None).landed) == 9
    outcome = asked(known.copy(), Workload("Job", both, 1), None)
    assert where(outcome) == ["node-1: gpu-0 gpu-1", "node-2: gpu-0 gpu-1"]
    assert outcome.rest is not None
    assert "cannot bind a pod that has claims, too" in outcome.rest.nodes[2].detail


def test_devices_that_a_taint_rule_of_the_manifests_taints_are_not_taken() -> None:
    known = cluster(*NODES, Namespace(name="default"))
    sick = TaintRule(name="sick", pool="node-1", taint=Taint(key="sick", effect="NoExecute"))
    (said,) = apply(known, Manifests(workloads=(workload("one"),), taint_rules=(sick,)), VERSION)
    assert said == "whom device taint rule sick evicts is not looked at: they keep their devices"
    assert where(asked(known, workload("one"), None)) == ["node-2: gpu-0", "node-2: gpu-1"]
