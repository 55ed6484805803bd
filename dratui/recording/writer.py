"""Events to a file that can be read up to the last flush, whatever happens to the writer."""

import gzip
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from dratui.events import About, Event, Gone, HealthChanged, Page, Put
from dratui.recording.format import FORMAT, PIECE, Header, Line, RecordingFailure

# 9, the default, takes three times as long as 6 and saves 3 %.
_COMPRESSION = 6


class Writer:
    """Writes events whose rows are RawObjects. Raises RecordingFailure for a file that cannot be written.

    The file exists from the beginning, so that a name that cannot be had is known at once; it becomes a recording
    with `begin`, and is complete after `close`. An existing file is never touched.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
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
                    self._gzip.close()
                    self._gzip = self._member()
                    self._write(msgspec.json.encode(Line(self._time(now), end=True)))
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
            pieces = list(_pieces([row.data for row in rows]))
            for position, piece in enumerate(pieces):
                yield Line(
                    t,
                    stream,
                    version,
                    page=piece,
                    first=first and position == 0,
                    last=last and position == len(pieces) - 1,
                )
        case Put(stream, row):
            yield Line(t, stream, row.version, put=msgspec.Raw(row.data))
        case Gone(stream, row):
            yield Line(t, stream, row.version, gone=msgspec.Raw(row.data))


def _pieces(objects: Sequence[bytes]) -> Iterator[tuple[msgspec.Raw, ...]]:
    """A page as several short ones. At least one: an empty page says that there is nothing."""
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
