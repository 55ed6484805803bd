"""A long search: what would take for ever is decided. That shortcuts change nothing: `test_conformance`."""

from typing import Any

import pytest
from msgspec.structs import replace

from dratui.allocation.nodes import Place
from dratui.allocation.patience import GaveUp, Patience
from dratui.allocation.rules import DEFAULT_FEATURES, rules
from dratui.allocation.search import Search
from dratui.allocation.world import Held, World
from dratui.api.model import (
    Claim,
    Constraint,
    CounterConsumption,
    CounterSet,
    Device,
    DeviceClass,
    DeviceKey,
    Request,
    Slice,
)

RULES = rules("1.36", DEFAULT_FEATURES["1.36"])
DRIVER = "gpu.example.com"
STEPS = 5_000


def slice_(*devices: Device, sets: tuple[CounterSet, ...] = (), of: int = 1) -> Slice:
    return Slice(
        name="counters" if sets else "devices",
        driver=DRIVER,
        pool="node-1",
        generation=1,
        expected_slices=of,
        node="node-1",
        devices=devices,
        counter_sets=sets,
    )


def gpus(number: int, **attributes: Any) -> list[Slice]:
    return [slice_(*(Device(f"gpu-{n}", attributes={"number": n} | attributes) for n in range(number)))]


def cards(number: int) -> list[Slice]:
    """Cards of four slots: four quarters, two halves, one whole."""
    sets, devices = [], []
    for card in range(number):
        sets.append(CounterSet(f"card-{card}", {f"slot-{slot}": "1" for slot in range(4)} | {"cores": "100"}))
        for size in (1, 2, 4):
            for first in range(0, 4, size):
                takes = {f"slot-{slot}": "1" for slot in range(first, first + size)} | {
                    "cores": str(size * 20)
                }
                used = (CounterConsumption(f"card-{card}", takes),)
                name = f"card-{card}-{size}-{first}"
                devices.append(Device(name, attributes={"size": size}, consumes=used))
    return [slice_(sets=tuple(sets), of=2), slice_(*devices, of=2)]


def wants(name: str = "r", count: int = 1, where: str = "true") -> Request:
    where = where.replace("a.", f'device.attributes["{DRIVER}"].')
    return Request(name, device_class="any", count=count, selectors=(where,))


def claim(*requests: Request, constraints: tuple[Constraint, ...] = ()) -> Claim:
    named = tuple(replace(each, name=f"r{n}") for n, each in enumerate(requests))
    return Claim(name="c", requests=named, constraints=constraints)


def searched(slices: list[Slice], *claims: Claim, held: tuple[str, ...] = (), steps: int = STEPS) -> Search:
    """After its end; GaveUp is raised."""
    world = World(
        slices,
        [DeviceClass(name="any", selectors=("true",))],
        Held(frozenset(DeviceKey(DRIVER, "node-1", name) for name in held)),
        RULES,
    )
    search = Search(world, Place("node-1"), claims, Patience(steps, steps))
    search.found = search.result()  # type: ignore[attr-defined]
    return search


def chosen(slices: list[Slice], *claims: Claim, held: tuple[str, ...] = ()) -> list[list[str]] | None:
    found = searched(slices, *claims, held=held).found  # type: ignore[attr-defined]
    return None if found is None else [[each.key.device for each in of] for of in found]


def test_one_device_too_few_for_many_requests_is_seen_though_their_orders_are_millions() -> None:
    assert chosen(gpus(11), claim(*(wants() for _ in range(12)))) is None


def test_more_partitions_than_there_is_room_for() -> None:
    assert chosen(cards(8), claim(wants(count=17, where="a.size == 2"))) is None
    halves, quarter = wants(count=16, where="a.size == 2"), wants(where="a.size == 1")
    assert chosen(cards(8), claim(halves, quarter)) is None
    assert chosen(cards(8), *(claim(wants(count=11, where="a.size == 1")) for _ in range(3))) is None


def test_small_partitions_that_leave_no_card_whole() -> None:
    small, whole = wants(count=5, where="a.size == 1"), wants(count=7, where="a.size == 4")
    assert chosen(cards(8), claim(small, whole)) is None


def test_a_request_that_nothing_serves_behind_one_with_a_million_choices() -> None:
    same = Constraint(match_attribute=f"{DRIVER}/number", requests=("r1",))
    assert chosen(gpus(24), claim(wants(count=12), wants(count=2), constraints=(same,))) is None
    assert chosen(gpus(24), claim(wants(count=12)), claim(wants(where="a.number > 23"))) is None


def test_what_is_found_at_last_is_what_the_scheduler_would_find_first() -> None:
    """Twelve of sixteen, of which the last four are needed by others: the plain search finds it after long."""
    slices = gpus(16)
    last = [claim(wants(where=f"a.number == {n}")) for n in range(12)]
    many = claim(wants(count=4))
    plain = searched(slices, many, *last, steps=10_000_000)
    assert plain.shortened
    assert chosen(slices, many, *last) == [
        ["gpu-12", "gpu-13", "gpu-14", "gpu-15"],
        *([f"gpu-{n}"] for n in range(12)),
    ]


def test_where_the_search_does_not_forget_there_are_no_shortcuts_and_it_is_given_up() -> None:
    same = Constraint(match_attribute=f"{DRIVER}/number", requests=("r1",))
    distinct = Constraint(distinct_attribute=f"{DRIVER}/number", requests=("r0",))
    with pytest.raises(GaveUp, match="gave up after 5,000 steps: it may fit or not"):
        chosen(gpus(24), claim(wants(count=12), wants(count=2), constraints=(same, distinct)))


def test_a_selector_that_takes_too_long_is_given_up_not_taken_for_the_schedulers_error() -> None:
    bomb = "lists.range(60000).all(x, x >= 0)"
    with pytest.raises(GaveUp, match="gave up a selector of claim c: it takes too long to evaluate"):
        chosen(gpus(2), claim(wants(where=bomb)))


def test_searches_share_their_patience() -> None:
    patience = Patience(of_one=100, of_all=150, least=10)
    patience.spend(100)
    assert (patience.steps, patience.given_up) == (
        60,
        "gave up after 60 steps (searches on other nodes took the rest): it may fit or not",
    )
    patience.spend(60)
    assert patience.steps == 10
    patience.spend(10)
    assert patience.steps == 10
