"""The pools of a node as the allocator sees them: complete, incomplete, invalid, in the order of the search."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dratui.allocation.nodes import Place, reaches
from dratui.allocation.rules import Feature, Rules
from dratui.api.model import CounterSet, Device, DeviceKey, Slice

PoolID = tuple[str, str]
"""Driver and name."""


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool at its newest generation. `slices` have the devices that a node may get, `elsewhere` the others."""

    id: PoolID
    slices: Sequence[Slice] = ()
    elsewhere: Sequence[Slice] = ()
    counter_sets: Mapping[str, CounterSet] = field(default_factory=dict)
    incomplete: bool = False
    invalid: str = ""  # why

    @property
    def name(self) -> str:
        """As errors name it."""
        return "/".join(self.id)


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A device where it is published: the `index`-th of its slice. Equal to itself alone, so that a search finds what
    it knows of one without reading its names."""

    key: DeviceKey
    device: Device
    slice: Slice
    index: int
    pool: Pool


def candidate_of(pool: Pool, each: Slice, index: int) -> Candidate:
    """The index-th device of a slice of a pool."""
    device = each.devices[index]
    return Candidate(DeviceKey(each.driver, each.pool, device.name), device, each, index, pool)


class Slices:
    """All slices of a cluster, found by pool and by node."""

    def __init__(self, slices: Iterable[Slice]) -> None:
        self.of_pool: dict[PoolID, list[Slice]] = {}
        self._on_node: dict[str, list[Slice]] = {}
        self._anywhere: list[Slice] = []
        self._counters: dict[PoolID, list[Slice]] = {}  # slices of counters that name a node
        self._amiss: dict[Rules, Mapping[PoolID, Pool]] = {}
        for each in slices:
            key = (each.driver, each.pool)
            self.of_pool.setdefault(key, []).append(each)
            if not each.node:
                self._anywhere.append(each)
                continue
            self._on_node.setdefault(each.node, []).append(each)
            if each.counter_sets:
                self._counters.setdefault(key, []).append(each)

    def perhaps_for(self, place: Place) -> list[Slice]:
        """Those of the node, those of no single one, and the counters of their pools, wherever they are."""
        found = self._on_node.get(place.name, []) + self._anywhere
        pools = {(each.driver, each.pool): None for each in found}
        return found + [
            each for pool in pools for each in self._counters.get(pool, ()) if each.node != place.name
        ]

    def amiss_elsewhere(self, rules: Rules) -> Mapping[PoolID, Pool]:
        """Pools that are incomplete or invalid for a node that has nothing of them.

        Before 1.37 the allocator takes every slice of counters to be every node's, so such a pool may end its search.
        Judged once: a node would otherwise look at the devices of all others.
        """
        known = self._amiss.get(rules)
        if known is None:
            judged = (
                _judged(key, _newest(counters), self, rules)
                for key, counters in (self._counters if _everywhere(rules) else {}).items()
            )
            known = self._amiss[rules] = {
                pool.id: pool for pool in judged if pool and (pool.incomplete or pool.invalid)
            }
        return known


def gathered(slices: Slices, place: Place, rules: Rules) -> list[Pool]:
    """By driver and name; those with a device that has binding conditions last. Without those of other nodes that are
    as they should be."""
    newest: dict[PoolID, list[Slice]] = {}
    for each in slices.perhaps_for(place):
        if _relevant(each, place, rules):
            _keep(newest, each)
    found = [pool for key, kept in newest.items() if (pool := _judged(key, kept, slices, rules))]
    found += [pool for key, pool in slices.amiss_elsewhere(rules).items() if key not in newest]
    return sorted(found, key=lambda pool: (rules.binding_last and any(map(_binds, pool.slices)), pool.id))


def _everywhere(rules: Rules) -> bool:
    """Whether slices of counters are looked at for every node."""
    return (
        rules.has(Feature.PARTITIONABLE)
        and rules.counters_everywhere
        and not rules.counters_of_slice
        and rules.counter_slices_are_skipped
    )


def _relevant(each: Slice, place: Place, rules: Rules) -> bool:
    if not rules.has(Feature.PARTITIONABLE) and (
        each.per_device_nodes or (each.counter_sets and rules.counter_slices_are_skipped)
    ):
        return False
    if each.counter_sets and _everywhere(rules):
        return True
    if each.node or each.all_nodes or each.node_selector is not None:
        return reaches(place, each)
    return each.per_device_nodes and any(reaches(place, device) for device in each.devices)


def _keep(newest: dict[PoolID, list[Slice]], each: Slice) -> None:
    """Only the highest generation counts."""
    key = (each.driver, each.pool)
    kept = newest.get(key)
    if kept is None or each.generation > kept[0].generation:
        newest[key] = [each]
    elif each.generation == kept[0].generation:
        kept.append(each)


def _newest(slices: Sequence[Slice]) -> list[Slice]:
    """Of one pool."""
    highest = max(each.generation for each in slices)
    return [each for each in slices if each.generation == highest]


def _judged(key: PoolID, kept: list[Slice], slices: Slices, rules: Rules) -> Pool | None:
    """None for a pool of which there is a newer generation elsewhere."""
    elsewhere: list[Slice] = []
    incomplete = len(kept) != kept[0].expected_slices
    if incomplete and rules.whole_pools:
        generation = kept[0].generation
        everywhere = slices.of_pool[key]
        if any(each.generation > generation for each in everywhere):
            return None
        same = [each for each in everywhere if each.generation == generation]
        if len(same) != kept[0].expected_slices:
            return Pool(key, incomplete=True)
        here = {each.name for each in kept}
        elsewhere = [each for each in same if each.name not in here]
    if rules.sorted_slices:
        kept = sorted(kept, key=lambda each: (rules.binding_slices_last and _binds(each), each.name))
    if rules.counters_of_slice:
        twice = _twice(device.name for each in kept for device in each.devices)
        return Pool(
            key, kept, incomplete=incomplete, invalid=f"duplicate device name {twice}" if twice else ""
        )
    return _built(key, kept, elsewhere, rules)


def _built(key: PoolID, kept: Sequence[Slice], elsewhere: Sequence[Slice], rules: Rules) -> Pool:
    partitionable = rules.has(Feature.PARTITIONABLE)
    with_devices = [each for each in kept if not (partitionable and each.counter_sets)]
    if twice := _twice(device.name for each in with_devices for device in each.devices):
        return Pool(key, invalid=f"duplicate device name {twice}")
    if not partitionable:
        return Pool(key, with_devices)
    sets = [counters for each in (*kept, *elsewhere) for counters in each.counter_sets]
    if twice := _twice(counters.name for counters in sets):
        return Pool(key, invalid=f"duplicate counter set name {twice}")
    by_name = {counters.name: counters for counters in sets}
    devices = [device for each in (*kept, *elsewhere) for device in each.devices]
    if unknown := _unknown_counter(devices, by_name):
        return Pool(key, invalid=unknown)
    return Pool(key, with_devices, elsewhere, by_name)


def _twice(names: Iterable[str]) -> str:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return ""


def _unknown_counter(devices: Iterable[Device], sets: Mapping[str, CounterSet]) -> str:
    for device in devices:
        for consumption in device.consumes:
            counters = sets.get(consumption.counter_set)
            if counters is None:
                return f"counter set {consumption.counter_set} not found"
            for name in consumption.counters:
                if name not in counters.counters:
                    return f"counter {name} not found in counter set {counters.name}"
    return ""


def _binds(each: Slice) -> bool:
    return any(device.binding_conditions for device in each.devices)
