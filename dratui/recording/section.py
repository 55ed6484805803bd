"""A piece of a recording in memory: the state where it begins, and the changes up to its end.

Between a mark and the place where one looks there may be tens of thousands of lines. They are gone through without
looking further into them than for names; rows are made of what is left at the section's beginning, and of its lines.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from math import inf
from pathlib import Path
from typing import Any

import msgspec

from dratui.api.model import ObjectKey
from dratui.events import Event, Gone, HealthChanged, Page, Put
from dratui.history import History
from dratui.recording.decode import READ, Decoder, decoding_of, name_of
from dratui.recording.format import Line
from dratui.recording.mirror import Mirror
from dratui.recording.raw import RawObject
from dratui.recording.reader import Reader
from dratui.recording.seeking import Marks

_LINES = 2000  # of a section: decoding them takes some hundredths of a second
LAST = 1 << 62
"""As an index: the last section behind a mark."""


@dataclass(frozen=True, slots=True)
class Section:
    """`history` knows the times from `begins` up to, and without, `ends`; unix seconds."""

    number: int  # of the mark before it
    index: int  # of the sections behind that mark
    last: bool  # of them
    begins: float
    ends: float
    history: History

    def covers(self, t: float) -> bool:
        """Whether it holds the state at `t`."""
        return self.begins <= t < self.ends

    def adjoins(self, other: "Section", direction: int) -> bool:
        """Whether `other` is the next one after (1) or before (-1) this."""
        one, two = (self, other) if direction > 0 else (other, self)
        if one.last:
            return two.index == 0 and two.number == one.number + 1
        return (two.number, two.index) == (one.number, one.index + 1)


def read_section(
    path: Path, marks: Marks, number: int, *, t: float = inf, index: int = LAST
) -> Section | None:
    """The section behind a mark that has the state at `t`, or the one of this index; None if there are not so many.

    Takes as long as reading from the mark to there.
    """
    with Reader(path) as reader:
        states, lines = marks.lines(reader, number)
        rewinding = _Rewinding()
        for line in states:
            rewinding.restore(line)
        latest = marks.started + marks.marks[number].t
        begins = latest if number else -inf
        ends = marks.started + marks.marks[number + 1].t if number + 1 < len(marks.marks) else inf
        n = 0
        piece = list(islice(lines, _LINES))
        while following := list(islice(lines, _LINES)):
            next_begins = max(latest, *(marks.started + line.t for line in (*piece, following[0])))
            if n == index or next_begins > t:
                ends = next_begins
                break
            for line in piece:
                rewinding.skip(line)
            n, piece, begins, latest = n + 1, following, next_begins, next_begins
        if n != index and index != LAST:
            return None
        history = rewinding.play(marks.started, latest, piece)
        return Section(number, n, not following, begins, ends, history)


class _Rewinding:
    """From a mark's state to a section's: first what is skipped, then what is played."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._skipped: Mirror[RawObject] = Mirror()

    def restore(self, line: Line) -> None:
        """A line of the mark's state."""
        state, stream, mirror = line.state, line.stream, self._skipped
        if state is None or stream not in READ:
            return
        if state.health is not None:
            mirror.health[stream] = self._decoder.health[stream] = state.health
        if state.listed is not None:
            mirror.listed[stream] = set(state.listed)
        mirror.tables[stream].update(_named(line, state.rows))

    def skip(self, line: Line) -> None:
        """A line before the section."""
        mirror, stream = self._skipped, line.stream
        if line.health is not None or decoding_of(stream, line.version) is None:
            for event in self._decoder.events(line):
                _apply(event, mirror)
        elif line.page is not None:
            mirror.page(stream, _named(line, line.page), first=line.first, last=line.last)
        elif line.put:
            for key, row in _named(line, (line.put,)):
                mirror.put(stream, key, row)
        elif line.gone:
            for key, _ in _named(line, (line.gone,)):
                mirror.gone(stream, key)

    def play(self, started: float, begins: float, lines: Iterable[Line]) -> History:
        """The section itself. Nothing is skipped afterwards."""
        now = begins
        mirror: Mirror[Any] = Mirror()
        mirror.health, mirror.listed = self._skipped.health, self._skipped.listed
        for stream, table in self._skipped.tables.items():
            mirror.tables[stream] = dict(_decoded(stream, table))
        history = History(mirror, lambda: now, limit=inf, begins=begins, samples_every=0)
        mirror.journal = history
        for line in lines:
            now = max(now, started + line.t)
            for event in self._decoder.events(line):
                _apply(event, mirror)
        return history


def _named(line: Line, objects: Iterable[msgspec.Raw]) -> Iterator[tuple[ObjectKey, RawObject]]:
    """Objects by their names; an odd one that has none is left out."""
    for raw in objects:
        data = bytes(raw)
        key = name_of(line, data)
        if key is not None:
            yield key, RawObject(line.version, data)


def _decoded(stream: str, table: Mapping[ObjectKey, RawObject]) -> Iterator[tuple[ObjectKey, Any]]:
    for key, raw in table.items():
        decoding = decoding_of(stream, raw.version)
        if decoding is not None:
            with suppress(ValueError, RecursionError):
                yield key, decoding.row(raw.data)


def _apply(event: Event, mirror: Mirror[Any]) -> None:
    match event:
        case Page(stream, rows, first, last):
            mirror.page(stream, ((row.key, row) for row in rows), first=first, last=last)
        case Put(stream, row):
            mirror.put(stream, row.key, row)
        case Gone(stream, row):
            mirror.gone(stream, row.key)
        case HealthChanged(stream, health):
            mirror.became(stream, health)
