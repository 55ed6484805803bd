"""Two times: the day's, which somebody may set, and the one that only passes."""

import time
from collections.abc import Callable
from typing import Final

JUMP: Final = 1.0
"""Seconds between the machine's clock and ours that are a jump. Less is the clock being adjusted as it goes."""


def passing() -> float:
    """Seconds that pass, those of a machine that sleeps among them where the system counts these."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Clock:
    """Unix seconds that pass like `passing`, until `follow` takes over what the machine's clock was set to.

    So an age never leaps by itself: who follows a jump can move the beginnings that it remembers along with it.
    """

    def __init__(self, wall: Callable[[], float] = time.time, passing: Callable[[], float] = passing) -> None:
        self._wall = wall
        self.passing = passing
        self._ahead = wall() - passing()

    def now(self) -> float:
        return self.passing() + self._ahead

    def follow(self) -> float:
        """By how many seconds the machine's clock was set forward since last time; 0 if it was not."""
        jump = self._wall() - self.now()
        if abs(jump) < JUMP:
            return 0.0
        self._ahead += jump
        return jump
