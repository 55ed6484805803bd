"""What is left of the counters that partitions of a card share, in the course of a search.

Before 1.37 they are kept by the name of the pool alone: two drivers that name pools after the node share a ledger, and
the first pool that is looked at sets its limits. In 1.34 they are kept by slice.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from dratui.allocation.compatibility import Compatibility
from dratui.allocation.pools import Candidate
from dratui.allocation.rules import Feature, Rules
from dratui.allocation.world import Held
from dratui.api import quantity
from dratui.api.model import CounterSet, Device, DeviceKey, Slice


class Counter(NamedTuple):
    """A counter of a counter set, in a ledger."""

    ledger: str
    of_set: str
    name: str


_Amounts = dict[Counter, int]
"""In nano units."""


class Shortage(NamedTuple):
    """A counter of which a device wants more than is left, as quantities. `takers`: devices in use that consume it.
    `overdrawn`: more is in use than there is, so that nothing of the pool can be had."""

    counter_set: str
    counter: str
    wanted: str
    left: str
    total: str
    takers: tuple[DeviceKey, ...]
    overdrawn: bool = False


class Counters:
    """Those of one node. `held`: what is in use already."""

    def __init__(self, held: Held, rules: Rules) -> None:
        self._held = held
        self._rules = rules
        self._groups = Compatibility(held) if rules.has(Feature.COMPATIBILITY_GROUPS) else None
        self._available: dict[str, _Amounts] = {}  # by ledger: what is left by what is in use
        self._taken: dict[str, _Amounts] = {}  # by this search
        self._overdrawn: set[str] = set()  # ledgers of which more is in use than there is: nothing fits there
        self._consumption: dict[Candidate, _Amounts] = {}
        self._sources: dict[str, tuple[Sequence[CounterSet], Sequence[Slice]]] = {}  # by ledger
        self._told: dict[str, tuple[Mapping[Counter, str], Mapping[Counter, list[DeviceKey]]]] = {}

    def take(self, candidate: Candidate) -> bool:
        """What a device consumes; nothing if not all of it is there, or if it does not go with what is in use."""
        if self.incompatible(candidate):
            return False
        ledger = self.ledger(candidate)
        available = self.left(candidate)
        if available is None:
            return False
        taken, wanted = self._taken[ledger], self._wanted(candidate)
        for counter, amount in wanted.items():
            if counter in available and taken.get(counter, 0) + amount > available[counter]:
                return False
        for counter, amount in wanted.items():
            taken[counter] = taken.get(counter, 0) + amount
        if self._groups:
            self._groups.take(candidate)
        return True

    def incompatible(self, candidate: Candidate) -> str:
        """Why it does not go with what is in use of its counter sets; nothing if it does."""
        return self._groups.refusal(candidate) if self._groups else ""

    def give_back(self, candidate: Candidate) -> None:
        """What was taken for it."""
        if self._groups:
            self._groups.give_back(candidate)
        taken = self._taken[self.ledger(candidate)]
        for counter, amount in self._wanted(candidate).items():
            taken[counter] -= amount

    def shortages(self, candidate: Candidate) -> list[Shortage]:
        """Why `take` says no to what is compatible: what it lacks; else of what more is in use than there is."""
        ledger, wanted = self.ledger(candidate), self._wanted(candidate)
        self.left(candidate)
        available, taken = self._available[ledger], self._taken[ledger]
        left = {each: amount - taken.get(each, 0) for each, amount in available.items()}
        short = [each for each, amount in wanted.items() if amount > left.get(each, amount)]
        totals, takers = self._known(ledger)
        return [
            Shortage(
                each.of_set,
                each.name,
                wanted=quantity.write(wanted.get(each, 0), totals[each]),
                left=quantity.write(max(0, left[each]), totals[each]),
                total=totals[each],
                takers=tuple(takers.get(each, ())),
                overdrawn=available[each] < 0,
            )
            for each in short or [each for each, amount in left.items() if amount < 0]
        ]

    def _known(self, ledger: str) -> tuple[Mapping[Counter, str], Mapping[Counter, list[DeviceKey]]]:
        """How much there is of each counter, as it is written, and the devices in use that consume it."""
        found = self._told.get(ledger)
        if found is None:
            sets, slices = self._sources[ledger]
            totals = {
                Counter(ledger, of.name, name): text for of in sets for name, text in of.counters.items()
            }
            takers: dict[Counter, list[DeviceKey]] = {}
            for each in slices:
                for device in each.devices:
                    key = DeviceKey(each.driver, each.pool, device.name)
                    if device.consumes and self._consumes(key):
                        for counter, _ in _consumed(device, ledger):
                            takers.setdefault(counter, []).append(key)
            found = self._told[ledger] = totals, takers
        return found

    def _wanted(self, candidate: Candidate) -> _Amounts:
        found = self._consumption.get(candidate)
        if found is None:
            found = self._consumption[candidate] = {}
            for counter, amount in _consumed(candidate.device, self.ledger(candidate)):
                found[counter] = found.get(counter, 0) + amount
        return found

    def left(self, candidate: Candidate) -> _Amounts | None:
        """What others left of its ledger; None if they took more than there is."""
        ledger = self.ledger(candidate)
        left = self._available.get(ledger)
        if left is None:
            left = self._left(candidate, ledger)
        return None if ledger in self._overdrawn else left

    def takes(self, candidate: Candidate) -> Mapping[Counter, tuple[int, int]] | None:
        """Of each counter that has a limit: what it takes, and what others left. None if there is too little."""
        available = self.left(candidate)
        if available is None:
            return None
        wanted = self._wanted(candidate)
        found = {
            counter: (amount, available[counter])
            for counter, amount in wanted.items()
            if counter in available
        }
        return None if any(amount > left for amount, left in found.values()) else found

    def ledger(self, candidate: Candidate) -> str:
        """The name that its counters are kept by."""
        if self._rules.counters_of_slice:
            return candidate.slice.name
        return candidate.pool.name if self._rules.counters_by_driver else candidate.pool.id[1]

    def _left(self, candidate: Candidate, ledger: str) -> _Amounts:
        pool = candidate.pool
        sets: Sequence[CounterSet] = tuple(pool.counter_sets.values())
        slices: Sequence[Slice] = (*pool.slices, *pool.elsewhere)
        if self._rules.counters_of_slice:
            sets, slices = candidate.slice.counter_sets, (candidate.slice,)
        self._sources[ledger] = sets, slices
        left = {
            Counter(ledger, counters.name, name): quantity.parse(value) or 0
            for counters in sets
            for name, value in counters.counters.items()
        }
        for each in slices:
            for device in each.devices:
                if device.consumes and self._consumes(DeviceKey(each.driver, each.pool, device.name)):
                    for counter, amount in _consumed(device, ledger):
                        if counter in left:
                            left[counter] -= amount
        self._available[ledger], self._taken[ledger] = left, {}
        if any(amount < 0 for amount in left.values()):
            self._overdrawn.add(ledger)
        return left

    def _consumes(self, key: DeviceKey) -> bool:
        return self._held.has(key) if self._rules.shares_consume else key in self._held.exclusive


def _consumed(device: Device, ledger: str) -> Iterator[tuple[Counter, int]]:
    for consumption in device.consumes:
        for name, amount in consumption.counters.items():
            yield Counter(ledger, consumption.counter_set, name), quantity.parse(amount) or 0
