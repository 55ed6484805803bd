"""What the plugin did beside what the API and kubelet say."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from dratui.api.model import Claim, ObjectKey, Pod
from dratui.cluster.claims import claim_row
from dratui.cluster.nodes import node_row
from dratui.cluster.reconciliation import GRACE, Disagreement, of_claim, of_node
from dratui.cluster.store import Store
from dratui.events import Gone
from dratui.prepared import Done, Instance, Orphan, Plugin, Spec
from dratui.samples import DeviceSample
from tests.cluster.build import NOW, ago, claim, pod, put, result, store
from tests.cluster.plugins import (
    NODE,
    NODE_KEY,
    READY,
    UID,
    cluster,
    holding,
    plugin,
    prepared,
    told,
    train,
    trainer,
)


def found(made: Store) -> list[tuple[str, str]]:
    amiss = of_node(made, NODE)
    assert amiss is not None
    return [(d.what, d.claim or d.subject) for d in amiss]


def only(made: Store) -> Disagreement:
    amiss = of_node(made, NODE)
    assert amiss is not None
    (one,) = amiss
    return one


def test_three_that_agree_leave_nothing_to_say() -> None:
    made = cluster(trainer(), train(trainer()), sample_of=told(plugin(prepared()), holding("gpu-0")))
    assert of_node(made, NODE) == ()
    assert of_claim(made, made.claims[ObjectKey("default", "train")]) == ()
    row = claim_row(made, ObjectKey("default", "train"))
    assert row is not None
    assert (row.amiss, row.faulty) == ((), False)


@pytest.mark.parametrize(
    "says",
    [
        told(None),
        told(plugin(prepared()), believed=None, problem="the agent ended its stream"),
    ],
)
def test_where_the_plugin_does_not_tell_it_is_unknown_and_not_in_order(says: Any) -> None:
    made = cluster(trainer(), train(trainer()), sample_of=says)
    assert of_node(made, NODE) is None
    assert of_claim(made, made.claims[ObjectKey("default", "train")]) is None
    row = node_row(made, NODE_KEY)
    assert row is not None
    assert (row.amiss, row.prepared) == (None, None)


def test_what_another_driver_does_is_unknown() -> None:
    other = claim("other", result("nic-0", driver="nic.example.com"), node=NODE)
    made = cluster(other, sample_of=told(plugin()))
    assert of_claim(made, other) is None
    assert of_node(made, NODE) == ()


def test_a_claim_that_a_pod_waits_for_and_that_was_not_prepared() -> None:
    error = Done(at=NOW.timestamp(), claim=UID, what="prepare", error="gpu-0 is lost", times=3)
    made = cluster(trainer(), train(trainer()), sample_of=told(plugin(steps=(error,))))
    one = only(made)
    assert one.text == "allocated, not prepared: gpu-0 is lost (3 times)"
    assert one.since == ago(minutes=6)  # kubelet knew of the pod
    row = claim_row(made, ObjectKey("default", "train"))
    assert row is not None
    assert row.faulty
    assert row.reason == "allocated, not prepared: gpu-0 is lost (3 times) (node node-1)"


def test_one_whose_preparing_goes_on_says_so() -> None:
    made = cluster(trainer(), train(trainer()), sample_of=told(plugin(prepared(state="started"))))
    assert only(made).text == "allocated, not prepared: preparing goes on"


@pytest.mark.parametrize("seconds", [GRACE - 1, GRACE + 1])
def test_preparing_may_take_a_moment(seconds: float) -> None:
    just_come = trainer(started=NOW - timedelta(seconds=seconds))
    made = cluster(just_come, train(just_come), sample_of=told(plugin()))
    assert bool(of_node(made, NODE)) == (seconds > GRACE)


@pytest.mark.parametrize(
    "its_pod",
    [
        trainer(started=None),  # kubelet has not seen it
        trainer(deleted=NOW),
        trainer(phase="Succeeded"),
        pod("trainer", "train", node="node-2", started=ago(minutes=6)),
    ],
)
def test_a_claim_that_no_pod_needs_on_the_node_need_not_be_prepared(its_pod: Pod) -> None:
    made = cluster(its_pod, train(its_pod), sample_of=told(plugin()))
    assert of_node(made, NODE) == ()


def test_a_device_that_a_container_has_and_the_plugin_knows_nothing_of() -> None:
    """It would be given to another claim: the worst that a lost checkpoint does."""
    made = cluster(trainer(), train(trainer()), sample_of=told(plugin(), holding("gpu-0")))
    assert found(made) == [("in use, not prepared", "train")]


def test_a_checkpoint_that_cannot_be_read_accuses_nobody() -> None:
    damaged = plugin(problem="the checkpoint is damaged")
    made = cluster(trainer(), train(trainer()), sample_of=told(damaged, holding("gpu-0")))
    assert of_node(made, NODE) == ()
    row = node_row(made, NODE_KEY)
    assert row is not None
    assert row.prepared is None


@pytest.mark.parametrize(
    ("there", "detail"),
    [
        ([], ""),
        ([train(uid="another")], "another one has its name"),
    ],
)
def test_a_prepared_claim_that_is_gone(there: list[Claim], detail: str) -> None:
    one = only(cluster(*there, sample_of=told(plugin(prepared()))))
    assert (one.what, one.namespace, one.claim) == ("prepared, its claim is gone", "default", "train")
    assert (one.detail, one.since, one.after) == (detail, None, READY)


def test_without_a_right_to_list_claims_none_is_gone() -> None:
    made = store(unknown=["resourceclaims"])
    made.apply([put(told(plugin(prepared())))])
    assert of_node(made, NODE) == ()


def test_a_prepared_claim_that_is_allocated_elsewhere_or_not_at_all() -> None:
    free = claim("train")
    assert only(cluster(free, sample_of=told(plugin(prepared())))).text == "prepared, not allocated"
    moved = claim("train", result("gpu-0", pool="node-2"), node="node-2")
    one = only(cluster(moved, sample_of=told(plugin(prepared()))))
    assert one.text == "prepared, not allocated: allocated on node-2"


def test_a_prepared_claim_that_is_reserved_for_nobody() -> None:
    assert found(cluster(train(), sample_of=told(plugin(prepared())))) == [
        ("prepared, used by no pod", "train")
    ]


def test_a_prepared_device_that_is_not_the_allocated_one() -> None:
    made = cluster(trainer(), train(trainer()), sample_of=told(plugin(prepared("train", "gpu-1"))))
    assert only(made).text == "prepared another device than was allocated: gpu-0 allocated, gpu-1 prepared"


@pytest.mark.parametrize("given", [holding("gpu-1"), holding("gpu-0", uuid="GPU-other")])
def test_a_container_with_another_device_than_was_prepared(given: DeviceSample) -> None:
    made = cluster(trainer(), train(trainer()), sample_of=told(plugin(prepared()), given))
    assert found(made) == [("kubelet gave another device than was prepared", "train")]
    unasked = told(plugin(prepared()), given, attribution_problem="kubelet does not answer")
    assert of_node(cluster(trainer(), train(trainer()), sample_of=unasked), NODE) == ()


def test_a_deleted_claim_that_stays_reserved() -> None:
    going = train(trainer(), deleted=ago(minutes=3))
    made = cluster(trainer(), going, sample_of=told(plugin(prepared())))
    one = only(made)
    assert (one.what, one.since, one.detail) == ("being deleted, still reserved", ago(minutes=3), "trainer")
    row = claim_row(made, going.key)
    assert row is not None
    assert row.reason == "being deleted, still reserved for trainer"  # once


def test_what_the_plugin_finds_itself() -> None:
    seen = ago(hours=1)
    orphans = tuple(
        Orphan(what=what, subject=subject, since=seen.timestamp())
        for what, subject in (("spec", "a.json"), ("entry", UID), ("mig", "GPU-0/7"), ("new", "thing"))
    )
    believes = plugin(
        prepared(),
        specs=(Spec(file="a.json"),),
        instances=(Instance(gpu="GPU-0", gi=7, uuid="MIG-7"),),
        orphans=orphans,
    )
    made = cluster(trainer(), train(trainer()), sample_of=told(believes))
    assert found(made) == [
        ("CDI spec of no claim", "a.json"),
        ("prepared, its CDI spec is gone", "train"),
        ("MIG device of no claim", "MIG-7"),
        ("orphan of an unknown kind", "thing"),
    ]
    assert {d.since for d in of_node(made, NODE) or ()} == {seen}


def test_claims_are_named_when_their_node_begins_and_ceases_to_tell() -> None:
    made = cluster(trainer(), train(trainer()), sample_of=told(plugin(prepared())))
    silent = told(plugin(prepared()), believed=None)
    assert ObjectKey("default", "train") in made.apply([put(silent)]).rows["claims"]
    assert ObjectKey("default", "train") in made.apply([put(told(plugin(prepared())))]).rows["claims"]


def test_rows_are_named_when_they_begin_and_when_they_end_to_disagree() -> None:
    made = cluster(trainer(), train(trainer()), sample_of=told(plugin(prepared())))
    key = ObjectKey("default", "train")

    def changed(believes: Plugin | None, at: datetime) -> set[str]:
        changes = made.apply([put(told(believes, at=at.timestamp()))])
        return {table for table, keys in changes.rows.items() if keys & {key, NODE_KEY}}

    assert changed(plugin(prepared()), NOW + timedelta(seconds=1)) == set()
    assert changed(plugin(), NOW + timedelta(seconds=2)) == {"claims", "nodes"}
    assert changed(plugin(), NOW + timedelta(seconds=3)) == set()
    assert changed(plugin(prepared()), NOW + timedelta(seconds=4)) == {"claims", "nodes"}
    changes = made.apply([Gone("samples", made.samples[NODE_KEY])])
    assert NODE_KEY in changes.rows["nodes"]
    assert of_node(made, NODE) is None
