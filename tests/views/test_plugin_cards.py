"""What a node's plugin believes, on the cards of claims and nodes."""

from datetime import timedelta

from dratui.api.model import Node, ObjectKey
from dratui.cluster.store import Store
from dratui.prepared import Device, Done, Instance, Orphan, Spec
from dratui.views.describe import describe
from dratui.views.overview import Summary
from dratui.views.table import Style
from dratui.views.tables.supply import NODES
from dratui.views.words import clock
from tests.cluster.build import DRIVER, NOW, ago, put, sample
from tests.cluster.plugins import NODE, UID, cluster, holding, plugin, prepared, told, train, trainer

SPEC = Spec(file="x.json", claim=UID, written=ago(minutes=5).timestamp())
TRAIN = ObjectKey("default", "train")


def card(made: Store, kind: str, key: ObjectKey, title: str) -> list[tuple[str, str]]:
    found = describe(made, kind, key, NOW)
    assert found is not None
    return [(f.label, f.value) for s in found.sections if s.title == title for f in s.fields]


def of_claim(made: Store) -> list[tuple[str, str]]:
    return card(made, "claims", TRAIN, f"PREPARED ON {NODE}")


def of_node(made: Store, title: str = "KUBELET PLUGIN") -> list[tuple[str, str]]:
    return card(made, "nodes", ObjectKey("", NODE), title)


def test_the_three_of_a_claim_stand_side_by_side_and_agree() -> None:
    made = cluster(
        trainer(), train(trainer()), sample_of=told(plugin(prepared(), specs=(SPEC,)), holding("gpu-0"))
    )
    assert of_claim(made) == [
        ("allocated", "gpu-0"),
        ("kubelet", "gave gpu-0 (GPU-gpu-0) to trainer/main"),
        ("plugin", "prepared gpu-0 (GPU-gpu-0), 5m ago"),
        ("CDI", "x.json, written 5m ago"),
        ("agree", "yes, all of them"),
    ]


def test_a_disagreement_is_told_with_its_age() -> None:
    made = cluster(trainer(), train(trainer()), sample_of=told(plugin(), holding("gpu-0")))
    assert of_claim(made) == [
        ("allocated", "gpu-0"),
        ("kubelet", "gave gpu-0 (GPU-gpu-0) to trainer/main"),
        ("plugin", "has not prepared it"),
        ("CDI", "no spec"),
        ("amiss", "in use, not prepared, for 6m"),
    ]


def test_an_age_that_has_only_a_bound_says_so() -> None:
    made = cluster(train(), sample_of=told(plugin(prepared(), specs=(SPEC,))))
    assert ("amiss", "prepared, used by no pod, for at most 5m") in of_claim(made)


def test_an_agent_that_is_gone_leaves_what_it_said_last_and_no_agreement() -> None:
    gone = told(
        plugin(prepared(), specs=(SPEC,)), believed=None, problem="no answer", at=ago(minutes=2).timestamp()
    )
    made = cluster(trainer(), train(trainer()), sample_of=gone)
    assert of_claim(made) == [
        ("allocated", "gpu-0"),
        ("kubelet", "? not asked which containers have it"),
        ("plugin", "? no answer; 2m ago it prepared gpu-0 (GPU-gpu-0), 5m ago"),
        ("CDI", "x.json, written 5m ago"),
    ]
    assert of_node(made)[1] == ("told", "? not now; this was 2m ago")


def test_a_node_whose_agent_is_no_plugin_is_unknown_where_others_are() -> None:
    made = cluster(trainer(), train(trainer()), sample_of=told(None))
    assert of_claim(made) == []
    assert of_node(made) == []
    made.apply([put(sample("node-2", plugin=plugin(), believed=NOW.timestamp()))])
    assert ("plugin", f"? no agent tells that is {DRIVER}'s plugin") in of_claim(made)
    assert of_node(made) == [("state", "? no agent tells")]


def test_a_node_tells_what_its_plugin_prepared_what_does_not_fit_and_what_it_did_last() -> None:
    part = Device(pool=NODE, device="gpu-1-mig", uuid="MIG-7", made=True)
    believes = plugin(
        prepared(),
        prepared("other", devices=(part,), state="started", started=ago(seconds=8).timestamp()),
        specs=(SPEC,),
        instances=(Instance(gpu="GPU-1", gi=7, uuid="MIG-7"),),
        orphans=(Orphan(what="mig", subject="GPU-1/8", since=ago(hours=3).timestamp()),),
        steps=(
            Done(
                at=ago(minutes=5).timestamp(),
                claim=UID,
                namespace="default",
                name="train",
                what="prepare",
                took=0.2,
            ),
            Done(at=NOW.timestamp(), claim="u", what="prepare", error="no room", times=2, took=1.5),
        ),
    )
    made = cluster(Node(name=NODE), trainer(), train(trainer()), sample_of=told(believes, holding("gpu-0")))
    assert of_node(made) == [
        ("driver", DRIVER),
        ("told", "0s ago"),
        ("prepared", "2 claims"),
        ("CDI specs", "1"),
        ("MIG", "1 MIG device"),
        ("amiss", "default/other: prepared, its claim is gone, for at most 8s"),
        ("amiss", "MIG device of no claim: GPU instance GPU-1/8, for 3h"),
    ]
    assert of_node(made, "PREPARED CLAIMS") == [
        ("default/other", "started 8s ago: gpu-1-mig (MIG-7, made for it)"),
        ("default/train", "gpu-0 (GPU-gpu-0), 5m ago"),
    ]
    assert of_node(made, "PLUGIN STEPS") == [
        (clock(NOW, NOW), "prepared u: failed 2 times, took 1.5 s: no room"),
        (clock(NOW - timedelta(minutes=5), NOW), "prepared default/train, took 200 ms"),
    ]


def test_what_is_amiss_of_no_claim_is_the_nodes_fault_and_counted() -> None:
    left = plugin(orphans=(Orphan(what="spec", subject="left.json"),))
    made = cluster(Node(name=NODE, ready="True"), sample_of=told(left))
    row = NODES.row(made, ObjectKey("", NODE))
    assert row is not None
    column = next(c for c in NODES.columns if c.title == "DRIVERS")
    assert column.value(row) == f"{DRIVER}; 0 prepared; CDI spec of no claim: left.json"
    status = next(c for c in NODES.columns if c.glyph)
    assert status.style_of(row, NOW) is Style.FAULT
    assert status.cell(row, NOW) == "Ready,Amiss"
    assert Summary(made).faults == 1
    assert Summary(cluster(Node(name=NODE, ready="True"), sample_of=told(plugin()))).faults == 0
