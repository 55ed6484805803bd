"""Why a claim does not fit on a node: the first cause, the nearest miss, device by device."""

from typing import Any

import msgspec
import pytest

from dratui.allocation.explain import Holding, NodeExplained, explain
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
from tests.breadth import sampled
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


def wants(count: int = 1, name: str = "gpu", **known: Any) -> Request:
    return Request(name=name, device_class="gpu", count=count, **known)


def told(*slices: Slice, claims: tuple[Claim, ...], held: frozenset[str] = frozenset()) -> NodeExplained:
    keys = frozenset(DeviceKey("gpu.example.com", "node-1", name) for name in held)
    world = World(slices, [CLASS], Held(keys), RULES)
    return explain(world, NODE, claims, lambda key: (Holding(f"claim vision/has-{key.device} of nb"),))


def test_what_fits_says_which_devices() -> None:
    found = told(slice_(gpu(0), gpu(1)), claims=(claim(wants()),))
    assert (found.fits, found.cause, [d.device for d in found.devices]) == (True, "fits", ["gpu-0"])


def test_the_clause_that_is_false_with_what_it_saw() -> None:
    found = told(slice_(gpu(0), gpu(1)), claims=(claim(wants(selectors=(f"true && {MEMORY}",))),))
    assert (found.cause, found.request) == ("selector", "gpu")
    assert found.detail == f"0 of 1 wanted; 2 devices: memory = 40Gi, asked for {MEMORY}"


def test_who_holds_what_one_would_get() -> None:
    found = told(slice_(gpu(0), gpu(1)), claims=(claim(wants(2)),), held=frozenset({"gpu-1"}))
    assert found.cause == "held"
    assert found.detail == "1 of 2 wanted; 2 devices, 1 held by claim vision/has-gpu-1 of nb"
    assert [d.verdict for d in found.devices] == ["fits", "held"]


def test_a_taint_is_nearer_than_a_holder() -> None:
    taint = Taint(key="gpu.example.com/xid", value="79", effect="NoSchedule")
    found = told(slice_(gpu(0), gpu(1, taint=taint)), claims=(claim(wants()),), held=frozenset({"gpu-0"}))
    assert found.detail == "0 of 1 wanted; 2 devices, 1 held, 1 tainted gpu.example.com/xid=79:NoSchedule"


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
    assert (found.cause, found.why) == ("class", "no device of class gpu")
    assert found.detail == "0 of 1 wanted; 1 device, none of class gpu"
    assert found.devices[0].why == 'driver = nic.example.com, asked for device.driver == "gpu.example.com"'


def test_a_device_of_the_driver_that_is_not_of_the_class_says_by_which_clause() -> None:
    big = msgspec.structs.replace(CLASS, selectors=(*CLASS.selectors, MEMORY))
    world = World([slice_(gpu(0))], [big], Held(), RULES)
    found = explain(world, NODE, (claim(wants()),), lambda key: ())
    assert found.detail == f"0 of 1 wanted; 1 device, none of class gpu: memory = 40Gi, asked for {MEMORY}"


def test_too_few() -> None:
    found = told(slice_(gpu(0)), claims=(claim(wants(2)),))
    assert found.detail == "1 of 2 wanted; there are no more of class gpu here"


def test_no_devices_and_pools_that_do_not_count() -> None:
    assert told(claims=(claim(wants()),)).cause == "no devices"
    assert told(slice_(gpu(0), expected=2), claims=(claim(wants()),)).cause == "pool incomplete"


NUMA, ROOT = "gpu.example.com/numa", "resource.kubernetes.io/pcieRoot"


@pytest.mark.parametrize(
    ("devices", "requests", "constraint", "pair"),
    [
        (
            (gpu(0), gpu(1)),
            (wants(2),),
            Constraint(match_attribute=NUMA),
            f"no choice of devices agrees on {NUMA}: gpu-1 has 1, gpu-0 has 0",
        ),
        (
            (gpu(0), gpu(1)),
            (wants(), wants(name="other")),
            Constraint(match_attribute=NUMA),
            f"no choice of devices agrees on {NUMA}: gpu-1 has 1, gpu-0 of request gpu has 0",
        ),
        (
            (gpu(0), gpu(2)),
            (wants(), wants(name="other")),
            Constraint(distinct_attribute=NUMA),
            f"no choice of devices differs in {NUMA}: gpu-2 has 0 as gpu-0 of request gpu has",
        ),
        (
            (gpu(0),),
            (wants(),),
            Constraint(match_attribute=ROOT),
            f"no choice of devices agrees on {ROOT}: gpu-0 does not have it",
        ),
        (
            (gpu(0), gpu(1)),
            (wants(), wants(name="free"), wants(name="other")),
            Constraint(match_attribute=NUMA, requests=("gpu", "other")),
            "",
        ),
    ],
)
def test_a_constraint_that_no_choice_fulfils_names_two_devices(
    devices: tuple[Device, ...], requests: tuple[Request, ...], constraint: Constraint, pair: str
) -> None:
    found = told(slice_(*devices), claims=(claim(*requests, constraints=(constraint,)),))
    if not pair:
        assert found.cause == "together"
        return
    assert (found.cause, found.claim) == ("constraint", "ml/train")
    assert found.detail == f"enough devices, but {pair}"
    assert (found.request, found.devices[-1].verdict) == (requests[-1].name, "constraint")
    assert pair.startswith(found.why)


def test_of_several_constraints_it_is_the_one_without_which_it_would_fit() -> None:
    both = (Constraint(match_attribute=NUMA), Constraint(distinct_attribute="gpu.example.com/serial"))
    devices = (gpu(0, serial="a"), gpu(2, serial="a"), gpu(1, serial="b"))
    found = told(slice_(*devices), claims=(claim(wants(2), constraints=both),))
    assert found.detail.endswith(
        "no choice of devices agrees on gpu.example.com/numa: gpu-1 has 1, gpu-0 has 0"
    ) or found.detail.endswith(
        "no choice of devices differs in gpu.example.com/serial: gpu-2 has a as gpu-0 has"
    )


def test_all_devices_that_do_not_go_together_are_an_error_with_the_pair() -> None:
    constraint = Constraint(match_attribute=NUMA)
    found = told(slice_(gpu(0), gpu(1)), claims=(claim(wants(mode="All"), constraints=(constraint,)),))
    assert found.cause == "error"
    assert found.detail == f"{found.why}; {NUMA}: gpu-1 has 1, gpu-0 has 0"
    assert found.why.endswith("gpu-1 because a claim constraint would not be satisfied")


def test_requests_that_fit_only_alone_say_what_the_others_would_take() -> None:
    found = told(slice_(gpu(0)), claims=(claim(wants(), Request(name="other", device_class="gpu")),))
    assert (found.cause, found.request) == ("together", "other")
    assert found.detail == (
        "fits alone, but not beside the other requests: 0 of 1 wanted; 1 device: held by this pod for request gpu"
    )


def part(number: int, slices: str, *, expected: int = 2) -> Device:
    return Device(name=f"mig-{number}", consumes=(CounterConsumption("card", {"slices": slices}),))


def test_counters_are_short_by_how_much_and_who_consumes_them() -> None:
    sets = slice_(sets=(CounterSet("card", {"slices": "7"}),), expected=2)
    devices = slice_(part(0, "4"), part(1, "4"), expected=2)
    found = told(sets, devices, claims=(claim(wants()),), held=frozenset({"mig-0"}))
    assert found.cause == "counters"
    assert found.detail == (
        "0 of 1 wanted; 2 devices, 1 held, 1 short of counters: slices of card: "
        "needs 4, 3 of 7 left, held by claim vision/has-mig-0 of nb (mig-0)"
    )


def test_of_many_counters_and_holders_the_first_are_told() -> None:
    counters = {f"memory-slice-{n}": "1" for n in range(8)}
    whole = Device(name="whole", consumes=(CounterConsumption("card", counters),))
    cut = [
        Device(name=f"mig-{n}", consumes=(CounterConsumption("card", {f"memory-slice-{n}": "1"}),))
        for n in range(5)
    ]
    sets = slice_(sets=(CounterSet("card", counters),), expected=2)
    held = frozenset(each.name for each in cut)
    found = told(sets, slice_(whole, *cut, expected=2), claims=(claim(wants()),), held=held)
    (why,) = (each.why for each in found.devices if each.device == "whole")
    assert why == (
        "memory-slice-0 of card: needs 1, 0 of 1 left, held by claim vision/has-mig-0 of nb (mig-0); "
        "memory-slice-1 of card: needs 1, 0 of 1 left, held by claim vision/has-mig-1 of nb (mig-1); "
        "3 more counters short"
    )
    every = tuple(part(n, "1") for n in range(6))
    sets = slice_(sets=(CounterSet("card", {"slices": "7"}),), expected=2)
    held = frozenset(each.name for each in every)
    found = told(sets, slice_(*every, part(9, "2"), expected=2), claims=(claim(wants()),), held=held)
    assert found.detail.endswith(
        "slices of card: needs 2, 1 of 7 left, held by claim vision/has-mig-0 of nb (mig-0), "
        "claim vision/has-mig-1 of nb (mig-1), claim vision/has-mig-2 of nb (mig-2) and 3 more"
    )


def test_a_share_that_is_too_large_says_who_has_the_others() -> None:
    device = Device(name="gpu-0", capacity={"memory": Capacity(value="80Gi")}, multiple_allocations=True)
    key = DeviceKey("gpu.example.com", "node-1", "gpu-0")
    world = World([slice_(device)], [CLASS], Held(shared={key: {"memory": (60 << 30) * 10**9}}), RULES)
    shares = (Holding("claim vision/a of nb", {"memory": "40Gi"}), Holding("claim b", {"memory": "20Gi"}))
    found = explain(world, NODE, (claim(wants(capacity={"memory": "30Gi"})),), lambda key: shares)
    assert found.detail == (
        "0 of 1 wanted; 1 device: memory: 30Gi wanted, 20Gi of 80Gi left, "
        "held by claim vision/a of nb (40Gi), claim b (20Gi)"
    )
    alone = explain(world, NODE, (claim(wants(capacity={"memory": "90Gi"})),), lambda key: shares)
    assert alone.detail.startswith("0 of 1 wanted; 1 device: memory: 90Gi wanted, 20Gi of 80Gi left, held by")


def test_each_step_says_how_many_it_took_away() -> None:
    nic = Slice(
        name="nic",
        driver="nic.example.com",
        pool="node-1",
        expected_slices=1,
        node="node-1",
        devices=(gpu(7), gpu(8)),
    )
    taint = Taint(key="xid", effect="NoSchedule")
    devices = (gpu(0), gpu(1, "80Gi"), gpu(2, "80Gi"), gpu(3, "80Gi", taint=taint))
    held = frozenset({"gpu-1", "gpu-2"})
    found = told(slice_(*devices), nic, claims=(claim(wants(selectors=(MEMORY,))),), held=held)
    assert found.detail == (
        "0 of 1 wanted; 6 devices, 2 not of its class, 1 not selected, 2 held, 1 tainted xid:NoSchedule"
    )


def test_holders_are_told_together() -> None:
    held = frozenset(f"gpu-{n}" for n in range(5))
    found = told(slice_(*map(gpu, range(5))), claims=(claim(wants()),), held=held)
    assert found.detail == (
        "0 of 1 wanted; 5 devices: held by claim vision/has-gpu-0 of nb, claim vision/has-gpu-1 of nb, "
        "claim vision/has-gpu-2 of nb and 2 more"
    )


def test_an_incomplete_pool_counts_only_where_its_devices_could_be_of_the_class() -> None:
    def nics(*devices: Device) -> Slice:
        return Slice(
            name="nic",
            driver="nic.example.com",
            pool="nics",
            expected_slices=2,
            node="node-1",
            devices=devices,
        )

    found = told(nics(), claims=(claim(wants()),))
    assert found.detail == "pool nic.example.com/nics is incomplete: 1 of 2 slices are published"
    assert told(nics(gpu(0)), claims=(claim(wants()),)).detail == "0 of 1 wanted; no device of class gpu"


def test_what_aborts_scheduling_is_said_in_its_words_with_the_device() -> None:
    found = told(slice_(gpu(0)), claims=(claim(wants(selectors=('device.attributes["x"].y',))),))
    words = "claim ml/train: selector #0: CEL runtime error: no such key: y"
    device = "gpu.example.com/node-1/gpu-0"
    assert (found.cause, found.why) == ("error", words)
    assert found.detail == f"{words}; raised by device {device}"
    assert ["/".join((d.driver, d.pool, d.device)) for d in found.devices] == [device]


def test_somebodys_giant_selector_is_cut() -> None:
    giant = f'device.driver == "{"x" * 5000}"'
    found = told(slice_(gpu(0)), claims=(claim(wants(selectors=(giant,))),))
    assert len(found.detail) < 400


@pytest.mark.parametrize("name", ["allocator-random.json.gz", "allocator-random-1.34.json.gz"])
def test_any_cluster_is_explained_and_agrees_with_the_search(name: str) -> None:
    release, found = cases(needed(name))
    for case in sampled(found[::5]):
        its = rules_of(release, case)
        world = World(
            rows("resourceslices", case["slices"]), rows("deviceclasses", case["classes"]), Held(), its
        )
        claims = rows("resourceclaims", case["claims"])
        for node in case["nodes"]:
            explained = explain(world, place(node), claims, lambda key: ())
            try:
                fits = allocate(world, place(node), claims) is not None
            except AllocationError:
                fits = False
            assert explained.fits is fits
            assert fits or explained.detail
