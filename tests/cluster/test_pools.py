"""Pools are judged as the scheduler judges them."""

from typing import Any

import pytest

from dratui.api.model import CounterConsumption, CounterSet, Device, DeviceKey, Slice
from dratui.cluster.index import PoolKey
from dratui.cluster.judgement import judge
from dratui.cluster.pools import PoolRow, pool_row
from tests.cluster.build import DRIVER, claim, result, slice_, store

POOL: PoolKey = (DRIVER, "node-1")


def part(number: int, *devices: Device | str, **more: Any) -> Slice:
    return slice_("node-1", *devices, name=f"slice-{number}", **{"expected": 2, **more})


def row(*rows: Any, **more: Any) -> PoolRow:
    found = pool_row(store(*rows, **more), POOL)
    assert found is not None
    return found


def test_a_pool_is_complete_with_as_many_slices_as_they_declare() -> None:
    verdict = judge([part(0, "gpu-0"), part(1, "gpu-1")])
    assert (verdict.state, [*verdict.devices], verdict.why) == ("complete", ["gpu-0", "gpu-1"], "")


def test_a_pool_that_lacks_a_slice_is_incomplete_and_says_how_many_it_has() -> None:
    verdict = judge([part(0, "gpu-0", generation=7)])
    assert (verdict.state, verdict.why) == ("incomplete", "1 of 2 slices of generation 7")


def test_only_the_highest_generation_counts() -> None:
    old = [part(0, "gpu-0", "gpu-1", generation=7), part(1, generation=7)]
    verdict = judge([*old, part(2, "gpu-0", generation=8, expected=1)])
    assert (verdict.state, verdict.generation, verdict.obsolete) == ("complete", 8, 2)
    assert [*verdict.devices] == ["gpu-0"]


def test_a_higher_generation_that_is_not_all_there_makes_the_pool_incomplete() -> None:
    verdict = judge([part(0, "gpu-0", generation=7, expected=1), part(1, "gpu-0", generation=8)])
    assert (verdict.state, verdict.obsolete) == ("incomplete", 1)


CONSUMER = Device("mig-0", consumes=(CounterConsumption("card-0", {"slices": "1"}),))


@pytest.mark.parametrize(
    ("slices", "why"),
    [
        ([part(0, "gpu-0"), part(1, "gpu-0")], "device gpu-0 is listed twice"),
        (
            [
                part(0, counter_sets=(CounterSet("card-0", {"slices": "7"}),)),
                part(1, counter_sets=(CounterSet("card-0", {"slices": "7"}),)),
            ],
            "counter set card-0 is listed twice",
        ),
        ([part(0, CONSUMER), part(1)], "device mig-0 consumes unknown counter set card-0"),
        (
            [part(0, CONSUMER), part(1, counter_sets=(CounterSet("card-0", {"memory": "1"}),))],
            "device mig-0 consumes unknown counter card-0/slices",
        ),
    ],
)
def test_a_pool_that_contradicts_itself_is_invalid_and_says_why(slices: list[Slice], why: str) -> None:
    verdict = judge(slices)
    assert (verdict.state, verdict.why) == ("invalid", why)


def test_counters_may_be_in_another_slice_of_the_pool() -> None:
    assert judge(
        [part(0, CONSUMER), part(1, counter_sets=(CounterSet("card-0", {"slices": "7"}),))]
    ).state == ("complete")


def test_an_incomplete_pool_is_not_searched_for_contradictions() -> None:
    assert judge([part(0, "gpu-0", "gpu-0")]).state == "incomplete"


def test_devices_that_nobody_holds_are_free() -> None:
    pool = row(slice_("node-1", "gpu-0", "gpu-1"), claim("c", result("gpu-0")))
    assert (pool.devices, pool.free, pool.node, pool.slices, pool.expected_slices) == (2, 1, "node-1", 1, 1)


def test_a_pool_that_is_only_held_on_to_is_gone() -> None:
    pool = row(claim("c", result("gpu-0")))
    assert (pool.state, pool.devices, pool.why) == (
        "gone",
        0,
        "devices are held, but nothing publishes the pool",
    )


def test_a_pool_is_not_called_gone_where_slices_are_forbidden() -> None:
    pool = row(claim("c", result("gpu-0")), unknown=["resourceslices"])
    assert (pool.state, pool.devices, pool.free) == ("unknown", None, None)


def test_a_pool_that_nobody_publishes_and_nobody_holds_is_not_listed() -> None:
    assert pool_row(store(), POOL) is None


@pytest.mark.parametrize(
    ("slices", "where"),
    [
        ([part(0), part(1)], "node-1"),
        ([part(0, node="a"), part(1, node="b")], "2 nodes"),
        ([part(0, node="", all_nodes=True), part(1, node="", all_nodes=True)], "all nodes"),
        ([part(0, node="a"), part(1, node="", all_nodes=True)], "a, all nodes"),
        ([part(0, node="", per_device_nodes=True)], "by device"),
    ],
)
def test_a_pool_says_where_its_devices_can_be_used(slices: list[Slice], where: str) -> None:
    assert row(*slices).where == where


def test_the_devices_of_obsolete_slices_are_not_listed() -> None:
    made = store(part(0, "gpu-0", "gpu-1", expected=1), part(1, "gpu-0", generation=2, expected=1))
    assert DeviceKey(DRIVER, "node-1", "gpu-1") in made.slices_of_device
    assert row(*made.slices.values()).devices == 1
