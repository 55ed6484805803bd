"""What has to be kept while a recording is written, or read through, so that one can seek in it.

The state, to be written down where a seek shall begin, of every object only what dratui reads; and how many changes
there were when.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec

from dratui.api.model import ObjectKey
from dratui.api.trim import fields, trim
from dratui.api.wire import Decoding
from dratui.events import Health
from dratui.recording.decode import decoding_of
from dratui.recording.format import PIECE, Index, Line, State
from dratui.recording.mirror import Mirror
from dratui.recording.raw import RawObject
from dratui.recording.samples import Samples
from dratui.samples import STREAM

_PIECES = 1024  # of the time, at most: a bar is some hundred cells wide
_NARROWEST = 0.05  # seconds


class Keeper:
    """Follows the lines of a recording."""

    def __init__(self) -> None:
        self.weight = 0  # bytes of all rows
        self._mirror: Mirror[RawObject] = Mirror()
        self._mirror.journal = self
        self._t = 0.0
        self._width = _NARROWEST
        self._counts: list[int] = []
        self._complete: set[str] = set()
        self._versions: defaultdict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)

    def take(self, line: Line) -> None:
        """Take in what the recording says next."""
        self._t = max(self._t, line.t)
        mirror, stream = self._mirror, line.stream
        if line.health is not None:
            mirror.became(stream, line.health)
        elif line.page is not None:
            mirror.page(stream, self._trimmed(line, *line.page), first=line.first, last=line.last)
        elif line.put:
            for key, row in self._trimmed(line, line.put):
                mirror.put(stream, key, row)
        elif line.gone:
            for key, _ in self._trimmed(line, line.gone):
                mirror.gone(stream, key)

    def _trimmed(self, line: Line, *objects: msgspec.Raw) -> Iterator[tuple[ObjectKey, RawObject]]:
        """What cannot be read is left out: it would not be read later, either."""
        if not objects:
            return
        decoding = decoding_of(line.stream, line.version)
        if line.version not in self._versions[line.stream]:
            known = tuple(sorted(fields(decoding))) if isinstance(decoding, Decoding) else ()
            self._versions[line.stream][line.version] = known
        if decoding is None:
            return
        for data in objects:
            try:
                if isinstance(decoding, Samples):
                    key, trimmed = decoding.row(bytes(data)).key, bytes(data)
                else:
                    key, trimmed = trim(decoding, bytes(data))
            except (ValueError, RecursionError):
                continue
            yield key, RawObject(line.version, trimmed)

    # --- what the mirror tells

    def changed(self, stream: str, old: Any, new: Any, *, listing: bool) -> None:
        """Count it, but for what a first list names, and for samples: they are no news."""
        self.weight += (len(new.data) if new else 0) - (len(old.data) if old else 0)
        if stream != STREAM and (not listing or stream in self._complete):
            self._count()

    def listed(self, stream: str) -> None:
        """A list is complete."""
        self._complete.add(stream)

    def became(self, stream: str, old: Health | None, new: Health) -> None:
        """Count it, but for progress."""
        if stream != STREAM and old is not None and old.phase is not new.phase:
            self._count()

    def _count(self) -> None:
        while (piece := int(self._t / self._width)) >= _PIECES:
            self._width *= 2
            self._counts = [sum(self._counts[n : n + 2]) for n in range(0, len(self._counts), 2)]
        self._counts.extend([0] * (piece + 1 - len(self._counts)))
        self._counts[piece] += 1

    # --- what is written down

    def state(self, t: float) -> list[Line]:
        """The state as lines; none if there is none."""
        found = [line for stream in self._mirror.health | self._mirror.tables for line in self._of(stream, t)]
        if found:
            last = found[-1]
            state = msgspec.structs.replace(last.state or State(), last=True)
            found[-1] = msgspec.structs.replace(last, state=state)
        return found

    def index(self, marks: tuple[tuple[float, int], ...] = ()) -> Index:
        """Of the whole recording."""
        return Index(marks, self._width, tuple(self._counts), dict(self._versions))

    def _of(self, stream: str, t: float) -> Iterator[Line]:
        listed = self._mirror.listed.get(stream)
        state = State(
            health=self._mirror.health.get(stream), listed=None if listed is None else tuple(sorted(listed))
        )
        yield Line(t, stream, page=(), state=state)
        by_version: defaultdict[str, list[bytes]] = defaultdict(list)
        for row in self._mirror.tables.get(stream, {}).values():
            by_version[row.version].append(row.data)
        for version, objects in by_version.items():
            for piece in pieces(objects):
                yield Line(t, stream, version, page=(), state=State(rows=piece))


def pieces(objects: list[bytes]) -> Iterator[tuple[msgspec.Raw, ...]]:
    """Objects by the line. At least one line: an empty page says that there is nothing."""
    piece: list[msgspec.Raw] = []
    size = 0
    for data in objects:
        piece.append(msgspec.Raw(data))
        size += len(data)
        if size >= PIECE:
            yield tuple(piece)
            piece, size = [], 0
    if piece or not objects:
        yield tuple(piece)
