"""What happened, kept in memory: a log of changed rows from which any earlier state is made again.

The log holds what each change replaced and what it put there, newest last. Rows are immutable, so nothing is copied:
a change costs itself, and the old row that it keeps alive. An earlier state is the present one with the changes since
undone. Pure: no I/O, no clock of its own.
"""

from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from operator import attrgetter
from typing import Any, Literal, Protocol

import msgspec

from dratui.api.model import Claim, ObjectKey, Pod, Slice
from dratui.api.streams import STREAMS
from dratui.events import SETTLED, Event, Gone, Health, HealthChanged, Page, Phase, Put, Row
from dratui.failure import Failure
from dratui.sampled import Sampled
from dratui.samples import STREAM as SAMPLES

LIMIT = 100_000_000
"""Bytes of changes that a live session keeps when nobody said otherwise: some 100,000 changes."""

SAMPLES_EVERY = 30.0
"""Seconds between two samples of a node that a live session remembers."""

PIECE = 100  # rows that are handed over at once
_STRIDE = 1000  # changes looked at between two pieces: some half a millisecond
_SAMPLES_SHARE = 4  # one part in this many of the limit is for samples, beside what changes may take
_SHARE = 16  # one part in this many is dropped at once when the limit is reached


class State(Protocol):
    """What holds the present: the store, or a recording that is read."""

    @property
    def health(self) -> Mapping[str, Health]:
        """Of every stream."""

    def rows(self) -> dict[str, dict[Any, Row]]:
        """The rows of every stream that has any, by key, as copies that the caller may change."""


class Journal(Protocol):
    """Whoever a state tells of its changes, at the moment that they happen."""

    def changed(self, stream: str, old: Row | None, new: Row | None, *, listing: bool) -> None:
        """A row is another, new or gone. `listing`: as part of a list, so no step of its own."""

    def listed(self, stream: str) -> None:
        """A list is complete."""

    def became(self, stream: str, old: Health | None, new: Health) -> None:
        """A stream's health is another."""


class Change(msgspec.Struct, gc=False):
    """A row, or a stream's health, that another took the place of. None: there was none, or is none any more."""

    t: float
    stream: str
    old: Any
    new: Any
    step: bool  # whether one stops here when stepping


_TIME = attrgetter("t")


class History:
    """Implements `dratui.past.Past` and `Journal`: `state.journal = history` is to be set, or the like.

    Of a session that begins, nothing is kept until every stream has said what it can: the first lists are no changes.
    `begins` given means that this was so already, at that time. `limit` is in bytes, as `weight` estimates them.
    """

    def __init__(
        self,
        state: State,
        clock: Callable[[], float],
        *,
        limit: float = LIMIT,
        begins: float | None = None,
        samples_every: float = SAMPLES_EVERY,
    ) -> None:
        self._state = state
        self._clock = clock
        self._limit = limit
        self._begins = clock() if begins is None else begins
        self._latest = self._begins
        self._keeping = begins is not None
        self._changes: list[Change] = []
        self._weight = 0
        self._dropped = False
        self._sampled = Sampled(samples_every, limit / _SAMPLES_SHARE)
        self._lists: dict[str, Change] = {}  # the latest change of a list under way, by stream
        if self._keeping:
            self._sample()

    # --- what the state tells

    def changed(self, stream: str, old: Row | None, new: Row | None, *, listing: bool) -> None:
        """Keep it."""
        if not self._keeping:
            return
        if stream == SAMPLES:
            self._sampled.keep(self._now(), old, new)
            return
        change = Change(self._now(), stream, old, new, not listing)
        if listing:
            self._lists[stream] = change
        self._keep(change)

    def listed(self, stream: str) -> None:
        """That is a step, if the list changed anything."""
        if change := self._lists.pop(stream, None):
            change.step = True

    def became(self, stream: str, old: Health | None, new: Health) -> None:
        """Keep it; or begin, if that was the last stream that was waited for."""
        if self._keeping:
            step = stream != SAMPLES and (old is None or old.phase is not new.phase)
            self._keep(Change(self._now(), stream, old, new, step))
        else:
            self._begins = self._latest = self._clock()
            phases = [h.phase for each, h in self._state.health.items() if each != SAMPLES]
            self._keeping = bool(phases) and all(phase in SETTLED for phase in phases)
            if self._keeping:
                self._sample()

    def _sample(self) -> None:
        """Begin with the samples that there are."""
        for sample in self._state.rows().get(SAMPLES, {}).values():
            self._sampled.keep(self._begins, None, sample)

    def _now(self) -> float:
        """A clock that is set back does not bring the log into disorder."""
        now = self._clock()
        if now > self._latest:
            self._latest = now
        return self._latest

    def _keep(self, change: Change) -> None:
        self._changes.append(change)
        self._weight += _weight_of(change)
        if self._weight > self._limit:
            self._drop()

    def _drop(self) -> None:
        """Forget the oldest changes: a good part at once, so that it is rarely done."""
        goal = self._limit * (1 - 1 / _SHARE)
        count = 0
        while count < len(self._changes) and self._weight > goal:
            self._weight -= _weight_of(self._changes[count])
            count += 1
        self._begins = self._changes[count - 1].t
        self._dropped = True
        del self._changes[:count]

    # --- what is asked

    async def prepare(self, progress: Callable[[float], None]) -> None:
        """There is nothing to prepare."""
        progress(1.0)

    @property
    def begins(self) -> float:
        """The earliest time that is remembered."""
        return self._begins

    @property
    def ends(self) -> float:
        """Now."""
        return max(self._clock(), self._latest)

    @property
    def dropped_before(self) -> float | None:
        """What is said when the limit was reached."""
        return self._begins if self._dropped else None

    @property
    def weight(self) -> int:
        """Bytes, estimated, that the log takes and keeps alive."""
        return self._weight + self._sampled.weight

    def density(self, count: int) -> Sequence[int]:
        """Changes in each of `count` equal pieces of the time."""
        begins, width = self.begins, (self.ends - self.begins) / count
        inner = [bisect_left(self._changes, begins + n * width, key=_TIME) for n in range(1, count)]
        edges = [0, *inner, len(self._changes)]
        return [later - earlier for earlier, later in pairwise(edges)]

    async def step(self, t: float, direction: Literal[-1, 1]) -> float | None:
        """The nearest step before or after `t`."""
        return self.nearest(t, direction)

    def nearest(self, t: float, direction: Literal[-1, 1]) -> float | None:
        """`step`, without waiting for anything."""
        changes = self._changes
        if direction > 0:
            indices = range(bisect_right(changes, t, key=_TIME), len(changes))
        else:
            indices = range(bisect_left(changes, t, key=_TIME) - 1, -1, -1)
        change = next((changes[i].t for i in indices if changes[i].step), None)
        done = self._sampled.nearest(t, direction)
        if done is None or done < self._begins:
            return change
        return done if change is None else min(change, done) if direction > 0 else max(change, done)

    def seen(self, stream: str, key: ObjectKey) -> Iterator[tuple[float, Any, Any]]:
        """What became of one object: when, from which row, to which."""
        namespace, name = key
        for change in self._changes:
            if change.stream == stream:
                row = change.old or change.new
                if not isinstance(row, Health) and row.name == name and row.namespace == namespace:
                    yield change.t, change.old, change.new

    async def at(self, t: float, *, since: float | None = None) -> AsyncIterator[Sequence[Event]]:
        """Events that bring a store to `t`."""
        for piece in self._pieces(t, since):
            yield piece

    async def fetch_at(self, t: float, stream: str, namespace: str, name: str) -> bytes:
        """Never: only rows are kept."""
        path = f"{namespace}/{name}" if namespace else name
        raise Failure(
            f"{stream} {path} as it was cannot be shown in full: a live session keeps what the tables need",
            hint="dratui record keeps whole objects",
        )

    def _pieces(self, t: float, since: float | None) -> Iterator[Sequence[Event]]:
        t = max(t, self._begins)
        i = bisect_right(self._changes, t, key=_TIME)
        if since is not None and since >= self._begins:
            j = bisect_right(self._changes, since, key=_TIME)
            difference = _difference(self._changes[min(i, j) : max(i, j)], undo=i < j)
            return chain(difference, self._samples(t, since))
        whole = _whole(self._state.rows(), dict(self._state.health), self._changes[i:], self._begins)
        return chain(whole, self._samples(t))

    def _samples(self, t: float, since: float | None = None) -> Iterator[Sequence[Event]]:
        """What devices did at `t`, unless it is what they did at `since`."""
        found = self._sampled.at(t)
        if since is None or found != self._sampled.at(since):
            yield from _pages(SAMPLES, list(found.values()))


def _difference(changes: list[Change], *, undo: bool) -> Iterator[Sequence[Event]]:
    """Each row that differs, once."""
    last: dict[tuple[str, Any], Event] = {}
    for n, change in enumerate(reversed(changes) if undo else changes):
        now, before = (change.old, change.new) if undo else (change.new, change.old)
        if isinstance(now, Health) or isinstance(before, Health):
            last[change.stream, None] = HealthChanged(change.stream, now or _unknown(change.t))
        elif now is None:
            last[change.stream, before.key] = Gone(change.stream, before)
        else:
            last[change.stream, now.key] = Put(change.stream, now)
        if n % _STRIDE == _STRIDE - 1:
            yield ()
    events = list(last.values())
    for start in range(0, len(events), PIECE):
        yield events[start : start + PIECE]


def _whole(
    rows: dict[str, dict[Any, Row]], health: dict[str, Health], undone: list[Change], begins: float
) -> Iterator[Sequence[Event]]:
    """Whole lists of the state before the changes `undone`. The dicts are changed."""
    yield ()
    for n, change in enumerate(reversed(undone)):
        if isinstance(change.new, Health):
            health[change.stream] = change.old or _unknown(begins)
        elif change.old is None:
            rows[change.stream].pop(change.new.key, None)
        else:
            rows.setdefault(change.stream, {})[change.old.key] = change.old
        if n % _STRIDE == _STRIDE - 1:
            yield ()
    yield [HealthChanged(stream, each) for stream, each in health.items()]
    for stream in STREAMS:  # those without rows, too: the store may have some
        yield from _pages(stream, list(rows.get(stream, {}).values()))


def _pages(stream: str, rows: Sequence[Row]) -> Iterator[Sequence[Event]]:
    for start in range(0, len(rows) or 1, PIECE):
        yield [Page(stream, rows[start : start + PIECE], start == 0, start + PIECE >= len(rows))]


def _unknown(t: float) -> Health:
    return Health(phase=Phase.WAITING, since=t)


# --- what it costs ---------------------------------------------------------------------------------

_CHANGE = 130  # bytes: the change itself, its place in the list, its time; a health beside
_ROW = 500
_WEIGHTS: Mapping[type[Any], Callable[[Any], int]] = {
    Pod: lambda pod: 900 + (len(pod.scheduled.message) if pod.scheduled else 0),
    Claim: lambda claim: 750 + (950 * len(claim.allocation.results) if claim.allocation else 0),
    Slice: lambda slice_: _ROW + 850 * len(slice_.devices),
    Health: lambda health: 120,
}


def weight(row: Row | Health) -> int:
    """Bytes, roughly, that a row keeps alive alone: what rows share (labels, containers, short texts) is not counted.

    Fitted to what a process grew by for 100,000 changes of objects of the size of real ones, the change included:
    1,035 bytes for a pod, 1,840 for an allocated claim. A slice of 8 devices takes 6,640, a node 410.
    """
    weigh = _WEIGHTS.get(type(row))
    return _ROW if weigh is None else weigh(row)


def _weight_of(change: Change) -> int:
    return _CHANGE if change.old is None else _CHANGE + weight(change.old)
