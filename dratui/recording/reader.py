"""A file to lines: as many as can be had, whatever happened to the file."""

import gzip
import io
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Self

import msgspec

from dratui.recording.format import FORMAT, LONGEST_LINE, Header, Line, RecordingFailure, plausible

_LINE = msgspec.json.Decoder(Line)
_MEMBER = b"\x1f\x8b\x08"  # how a gzip member begins
_TAIL = 512  # bytes; the member with the end line takes some fifty


class Reader:
    """Reads a recording line by line.

    Once the lines are over, `torn` says what cut them off (empty: nothing did), and `skipped` how many were no lines
    of a recording. `duration` is in seconds, None where the file was cut off. Raises RecordingFailure for a file that
    cannot be opened or that is no recording. A context manager: leaving it closes the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.torn = ""
        self.skipped = 0
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for its writer
                raise RecordingFailure(f"cannot read {path}: it is no regular file")
            self.size = status.st_size
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise _unreadable(path, error) from error
        try:
            self.duration = _duration(self._file, self.size)
            self._text = gzip.GzipFile(fileobj=self._file, mode="rb")
            self.header = self._header()
        except OSError as error:
            self._file.close()
            raise _unreadable(path, error) from error
        except RecordingFailure:
            self._file.close()
            raise

    @property
    def read(self) -> float:
        """How much of the file was read, 0 to 1."""
        return min(1.0, self._file.tell() / self.size) if self.size else 1.0

    def lines(self) -> Iterator[Line]:
        """What can be read, until the end or until the file is torn. The line that says the end is not among them."""
        while (data := self._line()) is not None:
            try:
                line = _LINE.decode(data)
            except (
                ValueError,
                RecursionError,
            ):  # no JSON, no UTF-8, or other types than ours; or nested too deep
                self.skipped += 1
                continue
            if line.end:
                return
            if plausible(line.t) and plausible(self.header.started + line.t):
                yield line
            else:
                self.skipped += 1
        self.torn = self.torn or "the file ends in the middle"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _header(self) -> Header:
        data = self._line()
        try:
            header = msgspec.json.decode(data or b"", type=Header)
        except (ValueError, RecursionError) as error:
            raise self._foreign() from error
        if header.dratui != "recording" or not plausible(header.started):
            raise self._foreign()
        if header.format != FORMAT:
            raise RecordingFailure(
                f"{self.path} is a recording of format {header.format}, this dratui reads {FORMAT}",
                hint="read it with the dratui that wrote it",
            )
        return header

    def _foreign(self) -> RecordingFailure:
        what = "is empty" if self.size == 0 else "is no recording of dratui, or was cut off before it began"
        return RecordingFailure(f"{self.path} {what}")

    def _line(self) -> bytes | None:
        """The next line; None at the end, and where the file is torn."""
        try:
            data = self._text.readline(LONGEST_LINE)
        except EOFError:
            return None
        except (gzip.BadGzipFile, zlib.error):
            self.torn = "what follows is damaged"
            return None
        except OSError as error:
            self.torn = f"it cannot be read any further: {error.strerror}"
            return None
        if data.endswith(b"\n"):
            return data
        if len(data) >= LONGEST_LINE:
            self.torn = "a line has no end"
        return None


def _unreadable(path: Path, error: OSError) -> RecordingFailure:
    return RecordingFailure(f"cannot read {path}: {error.strerror}")


def _duration(file: BinaryIO, size: int) -> float | None:
    """What the file's last gzip member says; None if that is not the end of a recording."""
    file.seek(max(0, size - _TAIL))
    tail = file.read(_TAIL)
    file.seek(0)
    begins = tail.rfind(_MEMBER)
    if begins < 0:
        return None
    try:
        text = gzip.GzipFile(fileobj=io.BytesIO(tail[begins:])).read(_TAIL)
        line = _LINE.decode(text)
    except (OSError, EOFError, zlib.error, ValueError, RecursionError):
        return None
    return line.t if line.end and plausible(line.t) else None
