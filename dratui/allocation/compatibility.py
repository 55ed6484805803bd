"""Which partitions of a card go together, from 1.37: all that consume a counter set share a compatibility group.

Source: structured/internal/experimental, compatibility_groups.go. The gate is DRADeviceCompatibilityGroups.
"""

from collections.abc import Mapping
from typing import Final

from dratui.allocation.pools import Candidate, Pool, PoolID
from dratui.allocation.world import Held
from dratui.api.model import CounterConsumption, DeviceKey

_Groups = frozenset[str]
_NONE: Final[_Groups] = frozenset(("",))
"""As if it were a group: what has none goes with what has none."""


class Compatibility:
    """Those of one node, in the course of a search. `held`: what is in use already."""

    def __init__(self, held: Held) -> None:
        self._held = held
        # By counter set, what all in use have in common
        self._in_use: dict[PoolID, Mapping[str, _Groups]] = {}
        self._common: dict[tuple[PoolID, str], list[_Groups]] = {}  # with what was taken, device by device

    def refusal(self, candidate: Candidate) -> str:
        """Why it does not go with what is in use; nothing if it does."""
        for consumed in candidate.device.consumes:
            common = self._now(candidate.pool, consumed.counter_set)
            groups = _groups(consumed)
            if common is not None and not common & groups:
                return (
                    f"of {consumed.counter_set}: compatibility group {_told(groups)},"
                    f" what is in use there has {_told(common)}"
                )
        return ""

    def take(self, candidate: Candidate) -> None:
        """It is in use, too."""
        for consumed in candidate.device.consumes:
            common = self._now(candidate.pool, consumed.counter_set)
            groups = _groups(consumed)
            taken = self._common.setdefault((candidate.pool.id, consumed.counter_set), [])
            taken.append(_joined(common, groups))

    def give_back(self, candidate: Candidate) -> None:
        """What was taken last."""
        for consumed in candidate.device.consumes:
            self._common[candidate.pool.id, consumed.counter_set].pop()

    def _now(self, pool: Pool, counter_set: str) -> _Groups | None:
        """None where nothing is in use."""
        taken = self._common.get((pool.id, counter_set))
        if taken:
            return taken[-1]
        if pool.id not in self._in_use:
            self._in_use[pool.id] = self._before(pool)
        return self._in_use[pool.id].get(counter_set)

    def _before(self, pool: Pool) -> Mapping[str, _Groups]:
        found: dict[str, _Groups] = {}
        for each in (*pool.slices, *pool.elsewhere):
            for device in each.devices:
                if device.consumes and self._held.has(DeviceKey(each.driver, each.pool, device.name)):
                    for consumed in device.consumes:
                        groups = _groups(consumed)
                        found[consumed.counter_set] = _joined(found.get(consumed.counter_set), groups)
        return found


def _groups(consumed: CounterConsumption) -> _Groups:
    return frozenset(consumed.compatibility_groups) or _NONE


def _joined(common: _Groups | None, groups: _Groups) -> _Groups:
    """What is not of a kind should not be in use together; if it is, what was seen first counts."""
    if common is None:
        return groups
    return common if _NONE in (common, groups) else common & groups


def _told(groups: _Groups) -> str:
    return ", ".join(sorted(groups - _NONE)) or "none"
