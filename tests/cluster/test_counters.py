"""The counter ledger: what partitions of a card share, and which of them are impossible now."""

from typing import Any

import pytest

from dratui.api.model import CounterConsumption, CounterSet, Device, DeviceKey, Node, ObjectKey, Result, Taint
from dratui.cluster.counters import CounterConsumer, CounterState
from dratui.cluster.devices import DeviceRow, device_row
from dratui.cluster.nodes import node_row
from dratui.cluster.pools import PoolRow, pool_row
from dratui.cluster.store import Store
from dratui.events import Gone
from dratui.views.listing import Listing
from dratui.views.query import Query
from tests.cluster.build import DRIVER, NOW, claim, put, result, slice_, store

POOL = (DRIVER, "node-1")


def part(name: str, *, memory: str, **more: Any) -> Device:
    return Device(name, consumes=(CounterConsumption("card", {"memory": memory}),), **more)


def card(*parts: Device, memory: str = "80Gi") -> list[Any]:
    """A pool of two slices: counters, and devices that take from them."""
    sets = (CounterSet("card", {"memory": memory}),)
    return [
        slice_("node-1", name="counters", expected=2, counter_sets=sets),
        slice_("node-1", *parts, name="devices", expected=2),
    ]


CARD = card(part("full", memory="80Gi"), part("half-0", memory="40Gi"), part("half-1", memory="40Gi"))
HALF = claim("small", result("half-0"), node="node-1")


def device(made: Store, name: str) -> DeviceRow:
    row = device_row(made, DeviceKey(*POOL, name))
    assert row is not None
    return row


def pool(made: Store) -> PoolRow:
    row = pool_row(made, POOL)
    assert row is not None
    return row


def counter(made: Store) -> CounterState:
    return pool(made).counter_sets[0].counters[0]


def test_what_is_consumed_by_whom_and_what_is_left() -> None:
    _ledger(store(*CARD, HALF))


def test_until_1_34_counters_and_devices_are_in_one_slice() -> None:
    sets = (CounterSet("card", {"memory": "80Gi"}),)
    _ledger(store(slice_("node-1", part("half-0", memory="40Gi"), counter_sets=sets), HALF))


def _ledger(made: Store) -> None:
    assert counter(made) == CounterState("memory", "80Gi", "40Gi", "40Gi")
    assert pool(made).counter_sets[0].consumers == (
        CounterConsumer("half-0", ("default/small",), {"memory": "40Gi"}),
    )


def test_a_partition_that_counters_no_longer_suffice_for_is_blocked() -> None:
    made = store(*CARD, HALF, Node(name="node-1"))
    assert [device(made, name).state for name in ("full", "half-0", "half-1")] == ["blocked", "held", "free"]
    assert device(made, "full").why == (
        "counters short: card/memory 40Gi of 80Gi left, needs 80Gi, taken by default/small"
    )
    assert (pool(made).free, pool(made).blocked) == (1, 1)
    node = node_row(made, ObjectKey("", "node-1"))
    assert node is not None
    assert (node.devices, node.held, node.free) == (3, 1, 1)


def test_a_partition_that_never_fits_is_blocked_by_nobody() -> None:
    made = store(*card(part("full", memory="81Gi")))
    assert device(made, "full").why == "counters short: card/memory 80Gi of 80Gi left, needs 81Gi"


@pytest.mark.parametrize(
    ("holders", "left"),
    [
        ([claim("watcher", Result("gpu", DRIVER, "node-1", "half-0", admin_access=True))], "80Gi"),
        ([claim("one", result("half-0")), claim("two", result("half-0"))], "40Gi"),  # shared: taken once
        ([claim("old", result("half-9"))], "80Gi"),  # no longer published
        ([claim("a", result("full")), claim("b", result("half-0"))], "-40Gi"),  # more than there is
    ],
)
def test_what_counts_as_consumed(holders: list[Any], left: str) -> None:
    assert counter(store(*CARD, *holders)).left == left


def test_what_is_consumed_is_unknown_while_claims_are() -> None:
    made = store(*CARD, unknown=["resourceclaims"])
    assert counter(made) == CounterState("memory", "80Gi", None, None)


def test_a_quantity_that_cannot_be_read_blocks_nothing() -> None:
    made = store(*card(part("full", memory="80Gi"), memory="much"))
    assert (device(made, "full").state, counter(made).left) == ("free", None)


def test_a_taint_or_a_pool_that_is_not_whole_says_more() -> None:
    tainted = part("full", memory="81Gi", taints=(Taint("xid", "", "NoSchedule"),))
    assert device(store(*card(tainted)), "full").state == "tainted"
    assert device(store(card(part("full", memory="81Gi"))[1]), "full").state == "incomplete"


def test_partitions_become_possible_again_when_a_claim_goes() -> None:
    made = store(*CARD, HALF, Node(name="node-1"))
    kept = {kind: Listing(made, Query(kind=kind), NOW) for kind in ("devices", "pools", "nodes")}
    for event in (Gone("resourceclaims", HALF), put(HALF)):
        changes = made.apply([event])
        for kind, table in kept.items():
            assert table.apply(changes, NOW), kind
            assert list(table.rows()) == list(Listing(made, Query(kind=kind), NOW).rows())
