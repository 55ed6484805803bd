"""Long work of several owners, a moment at a time: the most urgent first, and keys before all of it.

A coroutine, not messages to a widget: Textual handles a queue of messages without letting the event loop go on, so that
work which posts its next piece to its own queue keeps out the keys, which have to come through other queues first.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from dratui.views.slicing import Enough

SLICE_SECONDS: Final = 0.004  # how long a piece of work may keep keys waiting
ENTER_SECONDS: Final = 0.02  # what someone who goes somewhere waits before it is said that it takes longer
HOPS: Final = 8  # rounds of the event loop that a key takes from the terminal to what it does, and some more
PAINT_SECONDS: Final = 0.02  # from a key to its paint, at the pace of Textual's screen; work waits for that


class Job(Protocol):
    """Work that can be done in pieces."""

    @property
    def busy(self) -> bool:
        """Whether there is anything to do."""

    def advance(self, enough: Enough) -> None:
        """Do some of it, until that is done or `enough`."""


class Ready(Protocol):
    """What answers sooner if it is prepared."""

    @property
    def unprepared(self) -> bool:
        """Whether there is anything to prepare."""

    def prepare(self, enough: Enough) -> None:
        """Do some of it, until that is done or `enough`."""


class Spare:
    """The job of preparing, for which there is time while it is `calm`."""

    def __init__(self, what: Ready, calm: Callable[[], bool]) -> None:
        self._what = what
        self._calm = calm

    @property
    def busy(self) -> bool:
        """Whether there is anything to do, and time."""
        return self._calm() and self._what.unprepared

    def advance(self, enough: Enough) -> None:
        """Do some of it."""
        self._what.prepare(enough)


class Turns:
    """Gives turns to `jobs`, the most urgent first, while `run` runs."""

    def __init__(self, jobs: Callable[[], Sequence[Job]]) -> None:
        self._jobs = jobs
        self._awake = asyncio.Event()
        self._hands_off = 0.0  # until when no work begins

    @property
    def busy(self) -> bool:
        """Whether there is anything to do."""
        return any(job.busy for job in self._jobs())

    def wake(self) -> None:
        """There may be something to do."""
        self._awake.set()

    def key(self) -> None:
        """A key was pressed: first what it does is painted."""
        self._hands_off = time.monotonic() + PAINT_SECONDS

    async def run(self) -> None:
        """Work, until cancelled."""
        while True:
            await self._awake.wait()
            job = next((job for job in self._jobs() if job.busy), None)
            if job is None:
                self._awake.clear()
                continue
            job.advance(until(SLICE_SECONDS))
            await let_keys_through()
            if (rest := self._hands_off - time.monotonic()) > 0:
                await asyncio.sleep(rest)


async def let_keys_through() -> None:
    """Between two pieces of work: a key goes from queue to queue, and is not to wait for a piece at each."""
    for _ in range(HOPS):
        await asyncio.sleep(0)


def until(seconds: float) -> Enough:
    """Enough when so many seconds from now were worked: on a busy machine not all that pass are."""
    end = time.thread_time() + seconds
    return lambda: time.thread_time() >= end
