"""Where in a recording reading may begin, and what its time looks like as a whole: as its index says, or found out.

An index is believed no further than what it points to bears out: at a mark there must be a state. One that is damaged,
made up or of fields that this dratui does not read is left alone, and the file is read through instead, once, leaving
at most `_MEMORY` bytes behind.
"""

import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec

from dratui.api.streams import codec
from dratui.api.trim import fields
from dratui.recording.format import LONGEST_LINE, Index, Line, plausible
from dratui.recording.keeper import Keeper
from dratui.recording.reader import LINE, Reader
from dratui.recording.unzip import BEGINNING, Place, Unzip

_SPACING = 4 << 20  # bytes of the file between two places that are found by reading through
_MEMORY = 128 << 20  # bytes that all of them may take
_PLACE = 300 << 10  # bytes that one takes without its state, at most: zlib's, and what it was given


class Mark(NamedTuple):
    """A place where reading may begin."""

    t: float  # seconds of the recording
    place: Place  # of the beginning of the file: behind its header
    state: bytes | None = None  # compressed lines; None: the lines at `place` say it
    lines: int | None = None  # that can be read from here to the next mark; None: it is a member


FIRST = Mark(0.0, BEGINNING)


class Marks:
    """All places of a recording in their order, the beginning among them, and how many changes there were when."""

    def __init__(self, started: float, marks: Sequence[Mark], duration: float, index: Index) -> None:
        self.started = started
        self.marks = marks
        self.duration = duration
        self._index = index

    def before(self, t: float) -> int:
        """The number of the last mark at or before `t`, unix seconds."""
        return max(0, bisect_right(self.marks, t, key=lambda mark: self.started + mark.t) - 1)

    def lines(self, reader: Reader, number: int) -> tuple[Iterator[Line], Iterator[Line]]:
        """What says the state at a mark, and what follows up to the next one. To be read in this order."""
        mark = self.marks[number]
        following = self.marks[number + 1] if number + 1 < len(self.marks) else None
        if mark.place is not BEGINNING:
            reader.go_to(mark.place)
        if mark.lines is not None:
            lines = islice(reader.lines(), mark.lines)
            return _unpacked(mark.state), lines
        until = following.place.offset if following else None
        return _states(reader, until) if mark.place is not BEGINNING else iter(()), reader.lines(until)

    def density(self, count: int) -> Sequence[int]:
        """Changes in each of `count` equal pieces of the time."""
        found = [0] * count
        for n, changes in enumerate(self._index.counts):
            piece = (n + 0.5) * self._index.width / (self.duration or 1.0) * count
            found[int(min(piece, count - 1))] += changes
        return found


def marks_of(path: Path, progress: Callable[[float], None], stopped: Callable[[], bool]) -> Marks:
    """Find them. Takes as long as reading the file where there is no index to be believed, unless it is `stopped`."""
    with Reader(path) as reader:
        if marks := _indexed(reader):
            return marks
    with Reader(path) as reader:
        return _found(reader, progress, stopped)


def _indexed(reader: Reader) -> Marks | None:
    if reader.index_at is None or reader.duration is None or not 0 < reader.index_at < reader.size:
        return None
    reader.go_to(Place(reader.index_at))
    line = next(reader.all_lines(), None)
    index = line.index if line else None
    if index is None or not (_orderly(index, reader.index_at) and _read_here(index)):
        return None
    marks = [FIRST, *(Mark(t, Place(offset)) for t, offset in index.marks)]
    if not all(_bears_out(reader, mark) for mark in marks[1:]):
        return None
    return Marks(reader.header.started, marks, reader.duration, index)


def _orderly(index: Index, size: int) -> bool:
    """Whether it can be true."""
    times = [0.0, *(t for t, _ in index.marks)]
    offsets = [0, *(offset for _, offset in index.marks), size]
    return (
        all(plausible(t) for t in times)
        and all(one <= other for one, other in pairwise(times))
        and all(one < other for one, other in pairwise(offsets))
        and plausible(index.width)
        and (index.width > 0 or not index.counts)
        and len(index.counts) <= 1 << 16
        and all(0 <= count < 1 << 32 for count in index.counts)
    )


def _read_here(index: Index) -> bool:
    """Whether states hold all fields that are read here of what is in the recording."""
    for stream, versions in index.fields.items():
        for version, kept in versions.items():
            try:
                read = fields(codec(stream.partition(":")[0], version))
            except KeyError:
                continue  # not read here at all
            if not read <= set(kept):
                return False
    return True


def _bears_out(reader: Reader, mark: Mark) -> bool:
    reader.go_to(mark.place)
    line = next(reader.all_lines(), None)
    return line is not None and line.state is not None and line.t == mark.t


def _states(reader: Reader, until: int | None) -> Iterator[Line]:
    for line in reader.all_lines(until):
        if line.state is None:
            return
        yield line
        if line.state.last:
            return


def _unpacked(state: bytes | None) -> Iterator[Line]:
    return map(LINE.decode, Unzip(BytesIO(state), LONGEST_LINE)) if state else iter(())


def _found(reader: Reader, progress: Callable[[float], None], stopped: Callable[[], bool]) -> Marks:
    """Read through. Where places become too many, every second one is given up."""
    keeper = Keeper()
    marks = [FIRST]
    spacing, t, lines, memory = _SPACING, 0.0, 0, 0
    for line in reader.lines():
        keeper.take(line)
        t = max(t, line.t)
        lines += 1
        place = reader.place()
        if place is None or place.offset - marks[-1].place.offset < spacing:
            continue
        if stopped():
            break
        progress(reader.read)
        marks[-1] = marks[-1]._replace(lines=lines)
        lines = 0
        state = _packed(keeper.state(t))
        marks.append(Mark(t, place, state))
        memory += len(state) + _PLACE
        if memory > _MEMORY:
            spacing *= 2
            marks = list(_every_second(marks))
            lines = marks[-1].lines or 0
            memory = sum(len(mark.state or b"") + _PLACE for mark in marks)
    marks[-1] = marks[-1]._replace(lines=lines)
    return Marks(reader.header.started, marks, max(t, reader.duration or 0.0), keeper.index())


def _every_second(marks: Sequence[Mark]) -> Iterator[Mark]:
    """The last one has no lines yet."""
    for n in range(0, len(marks), 2):
        following = marks[n + 1].lines if n + 1 < len(marks) else None
        yield marks[n]._replace(lines=(marks[n].lines or 0) + (following or 0))


def _packed(lines: Sequence[Line]) -> bytes:
    pack = zlib.compressobj(1, wbits=zlib.MAX_WBITS | 16)
    return b"".join([*(pack.compress(msgspec.json.encode(line) + b"\n") for line in lines), pack.flush()])
