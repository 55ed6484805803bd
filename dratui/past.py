"""What was: the language between what remembers a cluster's past (a live session, a recording) and who looks at it.

A recording (`dratui.recording.replay.Replay`) is its own past, from its first line to its last, whatever was played
so far. A live session remembers as much as it may (`dratui.history.History`).

A *change* is an object that was added, changed or deleted so that its row differs, a stream that changed its phase,
or something that a node's kubelet plugin did, when it was told. Changes of one instant are one step. So is a list that
was read anew: its step is its last page.
All times are unix seconds on the source's clock. The state *at* a time has every change up to and with that time.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Literal, Protocol, runtime_checkable

from dratui.events import Event


@runtime_checkable
class Past(Protocol):
    """Something that can be looked at as it was at any time between `begins` and `ends`."""

    async def prepare(self, progress: Callable[[float], None]) -> None:
        """Get ready to answer; once is enough, and again is cheap. A recording without an index is read through for it.

        `progress` is told how much is done, 0 to 1. Can be cancelled. Until it has returned, `density` is all zeros,
        and `ends` may be too early. Raises Failure for what cannot be read.
        """

    @property
    def begins(self) -> float:
        """The earliest time that is remembered."""

    @property
    def ends(self) -> float:
        """The latest one. Of a live session it is now."""

    @property
    def dropped_before(self) -> float | None:
        """Changes before this time were forgotten, to keep to the limit; it is `begins` then. None: nothing was."""

    def density(self, count: int) -> Sequence[int]:
        """How many changes there were in each of `count` equal pieces of [begins, ends]. Cheap: may be drawn."""

    async def step(self, t: float, direction: Literal[-1, 1]) -> float | None:
        """The time of the nearest step before (-1) or after (1) `t`; None if there is none."""

    def at(self, t: float, *, since: float | None = None) -> AsyncIterator[Sequence[Event]]:
        """Events that make a store what it was at `t` (moved into [begins, ends] if outside).

        They come as whole lists and the health of every stream, so it does not matter what the store held. `since` is
        the time that it holds already, exactly as an earlier call left it: then only the difference is sent where that
        is less, which is a few events for a step's neighbour. In between the store is a mixture: show it at the end.

        Each piece (which may be empty) is made in a few milliseconds and holds a hundred rows at most; between two,
        give way to others on the loop. Stop any time. Raises Failure for what cannot be read.
        """

    async def fetch_at(self, t: float, stream: str, namespace: str, name: str) -> bytes:
        """The full object as JSON bytes, as it was at `t`. Raises Failure when it cannot be had: a live session keeps
        rows, not objects."""
