"""Where a replay is: a clock that runs at a speed, can be held, and never runs ahead of what was read."""

import asyncio
from collections.abc import Awaitable, Callable

LATE = 0.25
"""Wall seconds. Whoever is later than that (reading took long, the process was suspended) goes on from there: rushing
through what was missed would show nothing of it."""

LONGEST_GAP = 3600.0
"""Seconds of the recording without a line that are waited for. In a longer gap the recording machine slept, or its
clock was set; it is jumped over."""

_AN_INSTANT = 1e-6  # wall seconds: less than any clock here can wait for, more than a float loses by adding


class Playhead:
    """`position` is in seconds of the recording. At `speed` 0 there is nothing to wait for."""

    def __init__(
        self,
        speed: float,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.speed = speed
        self._clock = clock
        self._sleep = sleep
        self._base = 0.0  # the position at `_since`
        self._since: float | None = None  # wall time; None while it stands
        self._until = 0.0  # the next line's time, which the position does not pass
        self._running = asyncio.Event()
        self._running.set()

    @property
    def paused(self) -> bool:
        """Whether it is held."""
        return not self._running.is_set()

    @property
    def position(self) -> float:
        """Moves with the clock, also while nothing happens in the recording."""
        return min(self._unbounded(), self._until)

    def toggle(self) -> None:
        """Hold, or go on."""
        if self.paused:
            self._since = self._clock()
            self._running.set()
        else:
            self._base = self.position
            self._since = None
            self._running.clear()

    async def reach(self, t: float) -> None:
        """Return when the position is `t`; at once if it is past already."""
        self._start()
        if self.speed and self._until < t <= self._until + LONGEST_GAP:
            self._until = t
            while self.paused or (left := t - self._unbounded()) > _AN_INSTANT * self.speed:
                if self.paused:
                    await self._running.wait()
                else:
                    await self._sleep(left / self.speed)
            if not t <= self._unbounded() <= t + LATE * self.speed:
                self._put(t)
            return
        while self.paused:
            await self._running.wait()
        if t > self._until:
            self._until = t
            self._put(t)

    def stop(self) -> None:
        """Stand still from now on."""
        self._put(self.position)
        self._since = None

    def _start(self) -> None:
        if self._since is None and not self.paused:
            self._since = self._clock()

    def _put(self, position: float) -> None:
        self._base = position
        if self._since is not None:
            self._since = self._clock()

    def _unbounded(self) -> float:
        if self._since is None:
            return self._base
        return self._base + max(0.0, self._clock() - self._since) * self.speed
