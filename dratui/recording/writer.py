"""Events to a file that can be read up to the last flush, whatever happens to the writer."""

import gzip
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from dratui.api.streams import STREAMS
from dratui.events import About, Event, Gone, HealthChanged, Page, Put
from dratui.recording.format import FORMAT, Header, Line, RecordingFailure
from dratui.recording.keeper import Keeper, pieces

# 9, the default, takes three times as long as 6 and saves 3 %.
_COMPRESSION = 6

_SPACING = 1 << 20  # bytes of the file between two states, at least: they are read in a tenth of a second
_SHARE = 0.3  # of the bytes in front of it, a state may take
_RATIO = 0.05  # of a state's bytes once compressed, as long as none was written


class Writer:
    """Writes events whose rows are RawObjects. Raises RecordingFailure for a file that cannot be written.

    The file exists from the beginning, so that a name that cannot be had is known at once; it becomes a recording
    with `begin`, and is complete after `close`. An existing file is never touched.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.states: list[tuple[int, int]] = []  # from byte to byte: written for those who seek
        try:
            self._file = path.open("xb")
        except FileExistsError as error:
            raise RecordingFailure(
                f"{path} exists already", hint="give another name: a recording is not overwritten"
            ) from error
        except OSError as error:
            raise RecordingFailure(f"cannot write {path}: {error.strerror}") from error
        self._gzip = self._member()
        self._started: float | None = None
        self._dirty = False
        self._keeper = Keeper()
        self._marks: list[tuple[float, int]] = []
        self._marked = 0  # where the latest state ends
        self._ratio = _RATIO

    @property
    def begun(self) -> bool:
        """Whether there is a header, without which the file is no recording."""
        return self._started is not None

    def begin(self, about: About, now: float) -> None:
        """Write the header. `now` is unix seconds, the zero of the recording's time."""
        self._started = now
        header = Header(dratui="recording", format=FORMAT, started=now, about=about)
        with self._writing():
            self._write(msgspec.json.encode(header))
        self.flush()

    def write(self, events: Sequence[Event], now: float) -> None:
        """Append what a source said at `now`, unix seconds."""
        t = self._time(now)
        with self._writing():
            for event in events:
                for line in _lines(t, event):
                    self._write(msgspec.json.encode(line))
                    self._keeper.take(line)
            since = self._file.tell() - self._marked
            if since >= max(_SPACING, self._keeper.weight * self._ratio / _SHARE):
                self._mark(t)

    def flush(self) -> int:
        """Make what was written readable, even if we are killed now. Returns the file's size in bytes."""
        with self._writing():
            if self._dirty:
                self._gzip.flush()
                self._file.flush()
                self._dirty = False
            return self._file.tell()

    def close(self, now: float) -> None:
        """Say that it ends at `now`, and complete the file. One that was never begun is removed."""
        try:
            if self.begun:
                with self._writing():
                    t = self._time(now)
                    index_at = self._begin_member()
                    carrier = next(iter(STREAMS))
                    index = self._keeper.index(tuple(self._marks))
                    self._write(msgspec.json.encode(Line(t, carrier, page=(), index=index)))
                    self._begin_member()
                    self._write(msgspec.json.encode(Line(t, end=True, index_at=index_at)))
                    self._gzip.close()
                    self._file.flush()
            else:
                self.path.unlink(missing_ok=True)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Let go of the file as it is."""
        with self._writing():
            # The raw file first: what a full disk has not taken is not tried again.
            self._file.raw.close()

    def _mark(self, t: float) -> None:
        """Write the state down in a member of its own, for those who seek."""
        begins = self._begin_member()
        for line in self._keeper.state(t):
            self._write(msgspec.json.encode(line))
        self._marked = self._begin_member()
        self._marks.append((t, begins))
        self.states.append((begins, self._marked))
        self._ratio = (self._marked - begins) / max(1, self._keeper.weight)

    def _begin_member(self) -> int:
        """Returns where it begins."""
        self._gzip.close()
        begins = self._file.tell()
        self._gzip = self._member()
        return begins

    def _member(self) -> gzip.GzipFile:
        # No name and mtime=0: the same events give the same bytes.
        return gzip.GzipFile("", "wb", _COMPRESSION, self._file, mtime=0)

    def _time(self, now: float) -> float:
        return round(max(0.0, now - (self._started or 0.0)), 3)

    def _write(self, line: bytes) -> None:
        self._gzip.write(line + b"\n")
        self._dirty = True

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RecordingFailure(f"cannot write {self.path}: {error.strerror}") from error


def _lines(t: float, event: Event) -> Iterator[Line]:
    match event:
        case HealthChanged(stream, health):
            yield Line(t, stream, health=health)
        case Page(stream, rows, first, last):
            version = rows[0].version if rows else ""
            found = list(pieces([row.data for row in rows]))
            for position, piece in enumerate(found):
                yield Line(
                    t,
                    stream,
                    version,
                    page=piece,
                    first=first and position == 0,
                    last=last and position == len(found) - 1,
                )
        case Put(stream, row):
            yield Line(t, stream, row.version, put=msgspec.Raw(row.data))
        case Gone(stream, row):
            yield Line(t, stream, row.version, gone=msgspec.Raw(row.data))
