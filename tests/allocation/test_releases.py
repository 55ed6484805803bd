"""What Kubernetes 1.37 decides otherwise than 1.36, each in the smallest cluster that shows it.

`make test-versions` asks the real allocators the same and thousands of questions more.
"""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from dratui.allocation.nodes import Place
from dratui.allocation.patience import Patience
from dratui.allocation.rules import DEFAULT_FEATURES, Feature, Features, Release, implementation, rules
from dratui.allocation.search import AllocationError, Chosen, GaveUp, allocate
from dratui.allocation.world import Held, World
from dratui.api.model import (
    AttributeValue,
    Capacity,
    CapacityRange,
    Claim,
    Constraint,
    CounterConsumption,
    CounterSet,
    Device,
    DeviceClass,
    DeviceKey,
    Request,
    RequestPolicy,
    Slice,
)

DRIVER = "gpu.example.com"
NODE = Place("node-1")
BOTH: tuple[Release, ...] = ("1.36", "1.37")
ANY = Request("r", device_class="any")


def slice_(*devices: Device, driver: str = DRIVER, node: str = "node-1", **more: object) -> Slice:
    plain = Slice(
        name=f"{node}-{driver}-{'counters' if 'counter_sets' in more else 'devices'}",
        driver=driver,
        pool=node,
        generation=1,
        expected_slices=1,
        node=node,
        devices=devices,
    )
    return replace(plain, **more)


def attributed(*values: AttributeValue) -> Slice:
    """Devices with these values of `a`."""
    return slice_(*(Device(f"gpu-{n}", attributes={"a": value}) for n, value in enumerate(values)))


def card(
    *parts: Device, driver: str = DRIVER, node: str = "node-1", memory: str = "8", of: int = 2
) -> list[Slice]:
    """A pool of partitions of one card."""
    sets = (CounterSet("card", {"memory": memory}),)
    return [
        slice_(driver=driver, node=node, counter_sets=sets, expected_slices=of),
        slice_(*parts, driver=driver, node=node, expected_slices=of),
    ]


def part(name: str, takes: str = "1", *groups: str) -> Device:
    return Device(name, consumes=(CounterConsumption("card", {"memory": takes}, groups),))


def found(
    release: Release,
    slices: Sequence[Slice],
    *requests: Request,
    constraint: Constraint | None = None,
    held: Held | None = None,
    shown: Features = frozenset(),
    place: Place = NODE,
) -> list[str] | None:
    """The devices that one claim gets."""
    chosen = _chosen(release, slices, requests, constraint, held or Held(), shown, place)
    return None if chosen is None else [each.key.device for each in chosen]


def _chosen(
    release: Release,
    slices: Sequence[Slice],
    requests: Sequence[Request],
    constraint: Constraint | None,
    held: Held,
    shown: Features,
    place: Place,
) -> list[Chosen] | None:
    decides = rules(release, DEFAULT_FEATURES[release] | shown)
    world = World(slices, [DeviceClass(name="any")], held, decides)
    claim = Claim(
        namespace="n",
        name="c",
        requests=tuple(requests),
        constraints=(constraint,) if constraint else (),
    )
    all_ = allocate(world, place, [claim], Patience(1000, 1000))
    return None if all_ is None else all_[0]


def both(*arguments: object, **more: object) -> tuple[list[str] | None, list[str] | None]:
    """Of 1.36 and of 1.37."""
    one, other = (found(release, *arguments, **more) for release in BOTH)  # type: ignore[arg-type]  # as `found`
    return one, other


def test_by_default_both_run_the_same_implementation() -> None:
    assert [implementation(release, DEFAULT_FEATURES[release]) for release in BOTH] == ["incubating"] * 2
    assert DEFAULT_FEATURES["1.37"] - DEFAULT_FEATURES["1.36"] == {Feature.FRACTIONAL_CAPACITY}


@pytest.mark.parametrize(
    "feature",
    [
        Feature.LISTS,
        Feature.COMPATIBILITY_GROUPS,
        Feature.OPTIONAL_OPERATIONS,
        Feature.DERIVED_ATTRIBUTES,
    ],
)
def test_what_is_alpha_runs_the_experimental_one(feature: Feature) -> None:
    assert implementation("1.37", DEFAULT_FEATURES["1.37"] | {feature}) == "experimental"


def test_distinct_devices_of_one_request_differ_each_from_all_others() -> None:
    three = replace(ANY, count=3)
    distinct = Constraint(distinct_attribute=f"{DRIVER}/a")
    assert both([attributed(0, 1, 0)], three, constraint=distinct) == (["gpu-0", "gpu-1", "gpu-2"], None)
    assert found("1.37", [attributed(0, 1, 0, 2)], three, constraint=distinct) == ["gpu-0", "gpu-1", "gpu-3"]


def test_what_lists_have_in_common_is_restored_when_a_device_is_given_back() -> None:
    devices = [attributed((1, 2), (1,), (2,), (2,))]
    match = Constraint(match_attribute=f"{DRIVER}/a")
    answers = both(devices, replace(ANY, count=3), constraint=match, shown=frozenset((Feature.LISTS,)))
    assert answers == (None, ["gpu-0", "gpu-2", "gpu-3"])


def test_two_drivers_that_name_a_pool_alike_have_counters_of_their_own() -> None:
    pools = [*card(part("a", "6"), driver="a.example.com"), *card(part("b", "6"), driver="b.example.com")]
    assert both(pools, replace(ANY, count=2)) == (None, ["a", "b"])


def test_counters_of_another_node_do_not_end_the_search() -> None:
    unfit = slice_(driver="b.example.com", node="node-2", counter_sets=(CounterSet("x", {}),) * 2)
    all_ = replace(ANY, mode="All")
    slices = [attributed(1), unfit]
    assert found("1.37", slices, all_) == ["gpu-0"]
    with pytest.raises(AllocationError, match=r"resource pool b\.example\.com/node-2 is currently invalid"):
        found("1.36", slices, all_)


def test_counters_that_only_another_node_has_still_count() -> None:
    counters, devices = card(part("a", "6"), part("b", "6"))
    slices = [replace(counters, node="node-2"), devices]
    assert both(slices, ANY) == (["a"], ["a"])
    assert both(slices, replace(ANY, count=2)) == (None, None)


def shared(**capacity: Capacity) -> Slice:
    return slice_(Device("gpu-0", capacity=capacity, multiple_allocations=True))


def test_all_devices_are_all_that_are_large_enough_however_little_is_left_of_them() -> None:
    devices = slice_(
        *(Device(f"gpu-{n}", capacity={"m": Capacity("8")}, multiple_allocations=True) for n in range(2))
    )
    held = Held(shared={DeviceKey(DRIVER, "node-1", "gpu-0"): {"m": 7 * 10**9}})
    wanted = replace(ANY, mode="All", capacity={"m": "4"})
    assert both([devices], wanted, held=held) == (["gpu-1"], None)


TENTHS = Capacity(
    "1", RequestPolicy(default="1", valid_range=CapacityRange(min="100m", max="1", step="100m"))
)


@pytest.mark.parametrize(("release", "takes"), [("1.36", 10**9), ("1.37", 3 * 10**8)])
def test_shares_are_rounded_to_steps_of_less_than_one(release: Release, takes: int) -> None:
    wanted = replace(ANY, capacity={"m": "250m"})
    chosen = _chosen(release, [shared(m=TENTHS)], [wanted], None, Held(), frozenset(), NODE)
    assert [each.takes for each in chosen or ()] == [{"m": takes}]


@pytest.mark.parametrize(
    ("capacity", "wanted", "words"),
    [
        (TENTHS, "250100u", "request 250100u is not a representable milli value"),
        (
            Capacity("8Ei", RequestPolicy(valid_range=CapacityRange(min="1", step="4Ei"))),
            "7Ei",
            "rounding request 7Ei up to the next step passes MaxInt64",
        ),
    ],
)
def test_what_no_device_can_count_is_an_error(capacity: Capacity, wanted: str, words: str) -> None:
    request = replace(ANY, capacity={"m": wanted})
    found("1.36", [shared(m=capacity)], request)
    with pytest.raises(AllocationError) as failure:
        found("1.37", [shared(m=capacity)], request)
    assert str(failure.value) == (
        "claim n/c, request r: checking capacity for device gpu.example.com/node-1/gpu-0:"
        f' capacity "m": capacity request cannot be represented in the device\'s range arithmetic: {words}'
    )
    with pytest.raises(AllocationError, match="checking capacity for device gpu-0: "):
        found("1.37", [shared(m=capacity)], replace(request, mode="All"))
    other = replace(request, capacity={"m": wanted, "another": "1"})
    assert found("1.37", [shared(m=capacity)], other) is None, "another device may have what this one lacks"


def test_too_many_devices_are_an_error_of_the_request_that_makes_them_too_many() -> None:
    many = [replace(ANY, count=30), replace(ANY, name="s", count=3)]
    with pytest.raises(AllocationError) as failure:
        found("1.37", [attributed(1)], *many)
    assert str(failure.value) == (
        "claim n/c, request s: adding 3 devices exceeds the claim limit of 32, with 30 already accounted for"
    )
    with pytest.raises(AllocationError, match="number of requested devices 33 exceeds the claim limit of 32"):
        found("1.36", [attributed(1)], *many)


def test_an_error_of_a_selector_names_the_device_and_what_to_do() -> None:
    lacks = replace(ANY, selectors=(f'device.attributes["{DRIVER}"].b == 1',))
    with pytest.raises(AllocationError) as failure:
        found("1.37", [attributed(1)], lacks)
    assert str(failure.value) == (
        "claim n/c: selector #0 on device gpu.example.com/node-1/gpu-0: CEL runtime error: no such key: b."
        " consider using CEL optional chaining (.? followed by orValue()) or guarding the check with has()"
        " for optional fields"
    )


def test_expressions_know_lists_whatever_the_gate() -> None:
    any_of = replace(ANY, selectors=(f'device.attributes["{DRIVER}"].a.exists(x, x == 2)',))
    assert found("1.37", [attributed((1, 2))], any_of) == ["gpu-0"]
    with pytest.raises(AllocationError, match="CEL compile error"):
        found("1.36", [attributed((1, 2))], any_of)


GROUPS: Features = frozenset((Feature.COMPATIBILITY_GROUPS,))


@pytest.mark.parametrize(
    ("parts", "fit"),
    [
        ((("mig",), ("mig", "mps")), True),
        ((("mig",), ("mps",)), False),
        (((), ()), True),
        ((("mig",), ()), False),
    ],
)
def test_partitions_go_together_that_have_a_compatibility_group_in_common(
    parts: Sequence[Sequence[str]], fit: bool
) -> None:
    devices = [part(f"part-{n}", "1", *groups) for n, groups in enumerate(parts)]
    two = replace(ANY, count=2)
    assert found("1.37", card(*devices), two, shown=GROUPS) == (["part-0", "part-1"] if fit else None)
    held = Held(frozenset((DeviceKey(DRIVER, "node-1", "part-0"),)))
    assert found("1.37", card(*devices), ANY, shown=GROUPS, held=held) == (["part-1"] if fit else None)


def test_what_was_given_back_does_not_count_for_compatibility() -> None:
    """mps alone fits with both others, and is not what is tried first."""
    devices = [part("mig", "1", "mig"), part("mps", "1", "mps"), part("too", "1", "mps")]
    assert found("1.37", card(*devices), replace(ANY, count=2), shown=GROUPS) == ["mps", "too"]


def test_operations_are_skipped_only_where_the_kubelet_knows_that() -> None:
    slices = [replace(attributed(1), skip_operations=("*",))]
    knows = Place("node-1", features=("DRAOptionalNodeOperations",))
    on = frozenset((Feature.OPTIONAL_OPERATIONS,))
    assert found("1.37", slices, ANY, shown=on, place=knows) == ["gpu-0"]
    assert found("1.37", slices, ANY, shown=on) is None
    assert found("1.37", slices, ANY, place=knows) is None


def test_nothing_is_said_of_claims_that_derive_attributes() -> None:
    with pytest.raises(GaveUp, match=r"dratui does not compute derivedAttributes; it may fit or not"):
        found("1.37", [attributed(1)], replace(ANY, derives=True))
