"""What devices did in the last minutes, and how much of the time since they are held they did nothing.

A trail has pieces of time, the newest as short as the samples are apart. Where there are too many, pairs of the older
ones become one, so a trail reaches back as far as the device was watched and never takes more than 5 kB. Pure: the
time is that of the samples.
"""

from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Collection
from math import inf, isnan, nan
from typing import Final, NamedTuple

from dratui.cluster.live import IDLE_BELOW

PIECES: Final = 240
"""Of a trail: four minutes at a sample a second, or more and coarser."""

TRAILS: Final = 4096
"""Devices that are remembered; beyond, the one that was heard of least lately is forgotten."""


class Point(NamedTuple):
    """The end of a piece of time: unix seconds, mean utilisation 0 to 1, bytes in use. None: unknown."""

    t: float
    utilization: float | None
    memory_used: float | None


class Trail:
    """Of one device. `held`: since when whoever has it now was seen to have it; unix seconds."""

    __slots__ = ("_holders", "_idle", "_memory", "_t", "_utilization", "_watched", "held")

    def __init__(self) -> None:
        self.held = inf
        self._holders: Collection[str] = ()
        self._t = array("d")
        self._utilization = array("f")  # nan: unknown
        self._memory = array("f")
        self._idle = array("f")  # seconds of the piece in which it was idle, and of which that is known
        self._watched = array("f")

    def note(
        self,
        t: float,
        utilization: float | None,
        memory: float | None,
        interval: float,
        holders: Collection[str],
    ) -> None:
        """A sample of time `t`. What happened before is not known where the one before was long ago."""
        if holders != self._holders:
            self._holders, self.held = holders, t
        since = t - self._t[-1] if self._t else inf
        if since <= 0:
            return
        seen = since <= 3 * interval + 1 and utilization is not None
        self._t.append(t)
        self._utilization.append(nan if utilization is None else utilization)
        self._memory.append(nan if memory is None else memory)
        self._watched.append(since if seen else 0.0)
        self._idle.append(since if seen and utilization is not None and utilization < IDLE_BELOW else 0.0)
        if len(self._t) > PIECES:
            self._thin()

    def points(self, until: float = inf) -> list[Point]:
        """What it did up to a time, the oldest first."""
        n = bisect_right(self._t, until)
        return [
            Point(t, None if isnan(u) else u, None if isnan(m) else m)
            for t, u, m in zip(self._t[:n], self._utilization[:n], self._memory[:n], strict=True)
        ]

    def idle(self, until: float = inf) -> tuple[float, float] | None:
        """The share of the time, 0 to 1, in which it was idle while it was held, and over how many seconds that was
        seen; None if nobody holds it, or nothing was seen yet."""
        if not self._holders:
            return None
        n = bisect_right(self._t, until)
        first = bisect_right(self._t, self.held, hi=n) if self.held < until else 0
        watched = sum(self._watched[first:n])
        return (sum(self._idle[first:n]) / watched, watched) if watched > 0 else None

    def _thin(self) -> None:
        """Of the older half every two pieces become one; none reaches over the moment that it was taken."""
        t, kept = self._t, 0
        half = PIECES // 2
        n = 0
        while n < half:
            pair = n + 1 < half and not t[n] <= self.held < t[n + 1]
            last = n + pair
            span = slice(n, last + 1)
            t[kept] = t[last]
            for values in (self._utilization, self._memory):
                values[kept] = _mean(values[span])
            for values in (self._idle, self._watched):
                values[kept] = sum(values[span])
            kept += 1
            n = last + 1
        for values in (t, self._utilization, self._memory, self._idle, self._watched):
            del values[kept:half]


class Trails:
    """Of all devices, by node and whatever tells the node's devices apart."""

    def __init__(self) -> None:
        self._of: OrderedDict[tuple[str, str], Trail] = OrderedDict()
        self._over = False

    def of(self, node: str, device: str) -> Trail | None:
        """A device's; None if it was not heard of."""
        return self._of.get((node, device))

    def noted(self, node: str, device: str) -> Trail | None:
        """A device's, to be added to; None where time is over."""
        if self._over:
            return None
        trail = self._of.get((node, device))
        if trail is None:
            trail = self._of[node, device] = Trail()
            if len(self._of) > TRAILS:
                self._of.popitem(last=False)
        else:
            self._of.move_to_end((node, device))
        return trail

    def over(self) -> "Trails":
        """The same trails, of which nothing that is told changes any more: for who looks at the past."""
        other = Trails()
        other._of, other._over = self._of, True
        return other


def _mean(values: "array[float]") -> float:
    known = [value for value in values if not isnan(value)]
    return sum(known) / len(known) if known else nan
