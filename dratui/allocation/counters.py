"""What is left of the counters that partitions of a card share, in the course of a search.

They are kept by the name of the pool alone: two drivers that name pools after the node share a ledger, and the first
pool that is looked at sets its limits. In 1.34 they are kept by slice.
"""

from collections.abc import Iterable, Mapping, Sequence

from dratui.allocation.pools import Candidate
from dratui.allocation.rules import Rules
from dratui.allocation.world import Held
from dratui.api import quantity
from dratui.api.model import CounterSet, DeviceKey, Slice

_Sets = dict[str, dict[str, int]]
"""Nano units by counter set and counter."""


class Counters:
    """Those of one node. `held`: what is in use already."""

    def __init__(self, held: Held, rules: Rules) -> None:
        self._held = held
        self._rules = rules
        self._available: dict[str, _Sets] = {}  # by ledger: what is left by what is in use
        self._taken: dict[str, _Sets] = {}  # by this search

    def take(self, candidate: Candidate) -> bool:
        """What a device consumes; nothing if not all of it is there."""
        available = self._left(candidate)
        self._count(candidate, 1)
        taken = self._taken[self._ledger(candidate)]
        if all(
            amount >= taken.get(name, {}).get(counter, 0)
            for name, counters in available.items()
            for counter, amount in counters.items()
        ):
            return True
        self._count(candidate, -1)
        return False

    def give_back(self, candidate: Candidate) -> None:
        """What was taken for it."""
        self._count(candidate, -1)

    def _count(self, candidate: Candidate, sign: int) -> None:
        taken = self._taken.setdefault(self._ledger(candidate), {})
        for consumption in candidate.device.consumes:
            counters = taken.setdefault(consumption.counter_set, {})
            for name, amount in consumption.counters.items():
                counters[name] = counters.get(name, 0) + sign * (quantity.parse(amount) or 0)

    def _ledger(self, candidate: Candidate) -> str:
        return candidate.slice.name if self._rules.counters_of_slice else candidate.pool.id[1]

    def _left(self, candidate: Candidate) -> Mapping[str, Mapping[str, int]]:
        ledger = self._ledger(candidate)
        found = self._available.get(ledger)
        if found is not None:
            return found
        pool = candidate.pool
        sets: Iterable[CounterSet] = pool.counter_sets.values()
        slices: Sequence[Slice] = (*pool.slices, *pool.elsewhere)
        if self._rules.counters_of_slice:
            sets, slices = candidate.slice.counter_sets, (candidate.slice,)
        left = {
            counters.name: {name: quantity.parse(value) or 0 for name, value in counters.counters.items()}
            for counters in sets
        }
        self._available[ledger] = left
        for each in slices:
            for device in each.devices:
                if device.consumes and self._consumes(DeviceKey(each.driver, each.pool, device.name)):
                    for consumption in device.consumes:
                        counters = left.get(consumption.counter_set, {})
                        for name, amount in consumption.counters.items():
                            if name in counters:
                                counters[name] -= quantity.parse(amount) or 0
        return left

    def _consumes(self, key: DeviceKey) -> bool:
        return self._held.has(key) if self._rules.shares_consume else key in self._held.exclusive
