"""Why a claim does not fit on a node: the first cause, the nearest miss, device by device."""

from typing import Any

import pytest

from dratui.allocation.explain import NodeExplained, explain
from dratui.allocation.nodes import Place
from dratui.allocation.rules import DEFAULT_FEATURES, rules
from dratui.allocation.search import AllocationError, allocate
from dratui.allocation.world import Held, World
from dratui.api.model import (
    AttributeValue,
    Capacity,
    Claim,
    Constraint,
    CounterConsumption,
    CounterSet,
    Device,
    DeviceClass,
    DeviceKey,
    Request,
    Slice,
    Taint,
)
from tests.conformance.allocator import cases, place, rows, rules_of
from tests.conformance.data import needed

RULES = rules("1.36", DEFAULT_FEATURES["1.36"])
NODE = Place("node-1")
CLASS = DeviceClass(name="gpu", selectors=('device.driver == "gpu.example.com"',))
MEMORY = 'device.capacity["gpu.example.com"].memory.compareTo(quantity("80Gi")) >= 0'


def gpu(
    number: int, memory: str = "40Gi", taint: Taint | None = None, **attributes: AttributeValue
) -> Device:
    return Device(
        name=f"gpu-{number}",
        attributes={"numa": number % 2} | attributes,
        capacity={"memory": Capacity(value=memory)},
        taints=(taint,) if taint else (),
    )


def slice_(*devices: Device, expected: int = 1, sets: tuple[CounterSet, ...] = ()) -> Slice:
    return Slice(
        name="counters" if sets else "slice",
        driver="gpu.example.com",
        pool="node-1",
        generation=1,
        expected_slices=expected,
        node="node-1",
        devices=devices,
        counter_sets=sets,
    )


def claim(*requests: Request, constraints: tuple[Constraint, ...] = ()) -> Claim:
    return Claim(name="train", namespace="ml", requests=requests, constraints=constraints)


def wants(count: int = 1, **known: Any) -> Request:
    return Request(name="gpu", device_class="gpu", count=count, **known)


def told(*slices: Slice, claims: tuple[Claim, ...], held: frozenset[str] = frozenset()) -> NodeExplained:
    keys = frozenset(DeviceKey("gpu.example.com", "node-1", name) for name in held)
    world = World(slices, [CLASS], Held(keys), RULES)
    return explain(world, NODE, claims, lambda key: f"vision/has-{key.device}")


def test_what_fits_says_which_devices() -> None:
    found = told(slice_(gpu(0), gpu(1)), claims=(claim(wants()),))
    assert (found.fits, found.cause, [d.device for d in found.devices]) == (True, "fits", ["gpu-0"])


def test_the_clause_that_is_false_with_what_it_saw() -> None:
    found = told(slice_(gpu(0), gpu(1)), claims=(claim(wants(selectors=(f"true && {MEMORY}",))),))
    assert (found.cause, found.request) == ("selector", "gpu")
    assert found.detail == f"0 of 1 wanted; 2 devices: memory = 40Gi: {MEMORY}"


def test_who_holds_what_one_would_get() -> None:
    found = told(slice_(gpu(0), gpu(1)), claims=(claim(wants(2)),), held=frozenset({"gpu-1"}))
    assert found.cause == "held"
    assert found.detail == "1 of 2 wanted; 1 device: held by vision/has-gpu-1"
    assert [d.verdict for d in found.devices] == ["fits", "held"]


def test_a_taint_is_nearer_than_a_holder() -> None:
    taint = Taint(key="gpu.example.com/xid", value="79", effect="NoSchedule")
    found = told(slice_(gpu(0), gpu(1, taint=taint)), claims=(claim(wants()),), held=frozenset({"gpu-0"}))
    assert found.detail == "0 of 1 wanted; 1 device: tainted gpu.example.com/xid=79:NoSchedule"


def test_another_class_of_device() -> None:
    other = Slice(
        name="nic",
        driver="nic.example.com",
        pool="node-1",
        expected_slices=1,
        node="node-1",
        devices=(gpu(0),),
    )
    found = told(other, claims=(claim(wants()),))
    assert found.detail.endswith('driver = nic.example.com: device.driver == "gpu.example.com"')


def test_too_few() -> None:
    found = told(slice_(gpu(0)), claims=(claim(wants(2)),))
    assert found.detail == "1 of 2 wanted; there are no more here"


def test_no_devices_and_pools_that_do_not_count() -> None:
    assert told(claims=(claim(wants()),)).cause == "no devices"
    assert told(slice_(gpu(0), expected=2), claims=(claim(wants()),)).cause == "pool incomplete"


def test_a_constraint_that_no_choice_fulfils() -> None:
    constraint = Constraint(match_attribute="gpu.example.com/numa")
    found = told(slice_(gpu(0), gpu(1)), claims=(claim(wants(2), constraints=(constraint,)),))
    assert (found.cause, "gpu.example.com/numa" in found.detail) == ("constraint", True)


def test_requests_that_fit_only_alone() -> None:
    found = told(slice_(gpu(0)), claims=(claim(wants(), Request(name="other", device_class="gpu")),))
    assert found.cause == "together"


def test_counters_that_are_used_up() -> None:
    consumes = (CounterConsumption("card", {"slices": "4"}),)
    devices = [Device(name=f"gpu-{n}", consumes=consumes) for n in range(2)]
    sets = slice_(sets=(CounterSet("card", {"slices": "7"}),), expected=2)
    found = told(sets, slice_(*devices, expected=2), claims=(claim(wants()),), held=frozenset({"gpu-0"}))
    assert found.detail == "0 of 1 wanted; 1 device: what its card has to share is used up"


def test_what_aborts_scheduling_is_said_in_its_words() -> None:
    found = told(slice_(gpu(0)), claims=(claim(wants(selectors=('device.attributes["x"].y',))),))
    assert (found.cause, found.detail) == (
        "error",
        "claim ml/train: selector #0: CEL runtime error: no such key: y",
    )


@pytest.mark.parametrize("name", ["allocator-random.json.gz", "allocator-random-1.34.json.gz"])
def test_any_cluster_is_explained_and_agrees_with_the_search(name: str) -> None:
    release, found = cases(needed(name))
    for case in found[::5]:
        its = rules_of(release, case)
        world = World(
            rows("resourceslices", case["slices"]), rows("deviceclasses", case["classes"]), Held(), its
        )
        claims = rows("resourceclaims", case["claims"])
        for node in case["nodes"]:
            explained = explain(world, place(node), claims, lambda key: "")
            try:
                fits = allocate(world, place(node), claims) is not None
            except AllocationError:
                fits = False
            assert explained.fits is fits
            assert fits or explained.detail
