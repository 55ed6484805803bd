"""The file: gzip-compressed JSON lines, the first one a header, each other one something that a source said.

    {"dratui": "recording", "format": 1, "started": 1790000000.0, "about": {"cluster": "prod", …}}
    {"t": 0.21, "stream": "resourceclaims", "version": "v1", "page": [{…}, …], "first": true, "last": true}
    {"t": 3.75, "stream": "resourceclaims", "version": "v1", "put": {…}}      or "gone": {…}
    {"t": 9.02, "stream": "resourceclaims", "health": {"phase": "stale", …}}

`t` is in seconds since `started`. The writer flushes so that a file that was cut off anywhere can be read up to there.
"""

import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from dratui.events import About, Event, Gone, Health, HealthChanged, Page, Put
from dratui.failure import Failure

FORMAT = 1
LONGEST_LINE = 256 * 2**20
"""Bytes of one line, decompressed. A page of 500 objects is a few MiB; what is longer is no recording of ours."""


class RecordingFailure(Failure):
    """A recording cannot be read or written."""


class Header(msgspec.Struct, frozen=True):
    """The first line."""

    started: float  # unix seconds
    about: About
    dratui: str = ""
    format: int = 0


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """Any other line: exactly one of `page`, `put`, `gone`, `health` is set."""

    t: float
    stream: str
    version: str = ""
    page: tuple[msgspec.Raw, ...] | None = None
    first: bool = False
    last: bool = False
    put: msgspec.Raw | None = None
    gone: msgspec.Raw | None = None
    health: Health | None = None


class Writer:
    """Writes events whose rows are RawObjects. The file is complete when it is closed."""

    def __init__(self, path: Path, header: Header) -> None:
        try:
            self._file = path.open("xb")
        except FileExistsError as error:
            raise RecordingFailure(
                f"{path} exists already", hint="give another name: a recording is not overwritten"
            ) from error
        except OSError as error:
            raise RecordingFailure(f"cannot write {path}: {error.strerror}") from error
        self.path = path
        self._started = header.started
        # mtime=0: the same events give the same bytes.
        self._gzip = gzip.GzipFile(fileobj=self._file, mode="wb", mtime=0)
        self._write(msgspec.json.encode(header))

    def close(self) -> None:
        """Complete the file."""
        self._gzip.close()
        self._file.close()

    def write(self, events: Sequence[Event], now: float) -> None:
        """Append what a source said at `now`, unix seconds."""
        t = round(now - self._started, 3)
        for event in events:
            self._write(msgspec.json.encode(_line(t, event)))

    def flush(self) -> int:
        """Make what was written readable, even if we are killed now. Returns the file's size in bytes."""
        self._gzip.flush()
        self._file.flush()
        return self._file.tell()

    def _write(self, line: bytes) -> None:
        try:
            self._gzip.write(line + b"\n")
        except OSError as error:
            raise RecordingFailure(f"cannot write {self.path}: {error.strerror}") from error


def _line(t: float, event: Event) -> Line:
    match event:
        case HealthChanged(stream, health):
            return Line(t, stream, health=health)
        case Page(stream, rows, first, last):
            version = rows[0].version if rows else ""
            page = tuple(msgspec.Raw(row.data) for row in rows)
            return Line(t, stream, version, page=page, first=first, last=last)
        case Put(stream, row):
            return Line(t, stream, row.version, put=msgspec.Raw(row.data))
        case Gone(stream, row):
            return Line(t, stream, row.version, gone=msgspec.Raw(row.data))


class Reader:
    """Reads a recording line by line. `torn` says, once the lines are over, what cut them off; empty: nothing did.

    Raises RecordingFailure for a file that cannot be opened or that is no recording.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file: BinaryIO = path.open("rb")
            self.size = os.fstat(self._file.fileno()).st_size
        except OSError as error:
            raise RecordingFailure(f"cannot read {path}: {error.strerror}") from error
        self.torn = ""
        self._lines = gzip.GzipFile(fileobj=self._file, mode="rb")
        self._decoder = msgspec.json.Decoder(Line)
        first = self._line()
        try:
            self.header = msgspec.json.decode(first or b"", type=Header)
        except (msgspec.DecodeError, ValueError) as error:
            self.close()
            raise RecordingFailure(f"{path} is no recording of dratui") from error
        if self.header.dratui != "recording" or self.header.format != FORMAT:
            self.close()
            raise RecordingFailure(
                f"{path} is a recording of format {self.header.format}, this dratui reads {FORMAT}"
                if self.header.dratui == "recording"
                else f"{path} is no recording of dratui"
            )

    @property
    def progress(self) -> float:
        """How much of the file was read, 0 to 1."""
        return self._file.tell() / self.size if self.size else 1.0

    def lines(self) -> Iterator[Line]:
        """What can be read, until the end or until the file is torn."""
        while (data := self._line()) is not None:
            try:
                yield self._decoder.decode(data)
            except (msgspec.DecodeError, ValueError):
                self.torn = "a line cannot be read"
                return

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _line(self) -> bytes | None:
        try:
            data = self._lines.readline(LONGEST_LINE)
        except (OSError, EOFError, zlib.error):
            self.torn = "the file ends in the middle"
            return None
        if data and not data.endswith(b"\n"):
            self.torn = "the file ends in the middle" if len(data) < LONGEST_LINE else "a line is too long"
            return None
        return data or None
