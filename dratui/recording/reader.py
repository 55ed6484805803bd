"""A file to lines: as many as can be had, whatever happened to the file."""

import io
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Self

import msgspec

from dratui.recording.format import FORMAT, LONGEST_LINE, Header, Line, RecordingFailure, plausible
from dratui.recording.unzip import MEMBER, DamagedError, Place, TooLongError, Unzip

LINE = msgspec.json.Decoder(Line)
_TAIL = 512  # bytes; the member with the end line takes some eighty


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
        self._over = False
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for its writer
                raise RecordingFailure(f"cannot read {path}: it is no regular file")
            self.size = status.st_size
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise _unreadable(path, error) from error
        try:
            end = _end(self._file, self.size)
            self.duration = end.t if end else None
            self.index_at = end.index_at if end else None
            self._unzip = Unzip(self._file, LONGEST_LINE)
            self._lines = iter(self._unzip)
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
        return 1.0 if self._over or not self.size else min(1.0, self._unzip.offset / self.size)

    def place(self) -> Place | None:
        """Where the reading stands, to `go_to` later; None where that cannot be said, a few lines later it can."""
        return self._unzip.place() if self._unzip.aligned else None

    def go_to(self, place: Place) -> None:
        """Go on at a place that was given, or at a member. What is wrong there shows when it is read."""
        self._unzip = Unzip(self._file, LONGEST_LINE, place)
        self._lines = iter(self._unzip)

    def lines(self, until: int | None = None) -> Iterator[Line]:
        """What was recorded, as far as it can be read: until the end, or until the file is torn.

        `until`: until the member that begins at this offset or behind it.
        """
        return (line for line in self.all_lines(until) if line.state is None and line.index is None)

    def all_lines(self, until: int | None = None) -> Iterator[Line]:
        """The same, with the lines that are there only for those who seek."""
        while (data := self._line()) is not None:
            if until is not None and self._unzip.member >= until:
                return
            try:
                line = LINE.decode(data)
            except (
                ValueError,
                RecursionError,
            ):  # no JSON, no UTF-8, or other types than ours; or nested too deep
                self.skipped += 1
                continue
            if line.end:
                self._over = True
                if plausible(line.t):
                    self.duration = line.t
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
            return next(self._lines, None)
        except DamagedError:
            self.torn = "what follows is damaged"
        except TooLongError:
            self.torn = "a line has no end"
        except OSError as error:
            self.torn = f"it cannot be read any further: {error.strerror}"
        return None


def _unreadable(path: Path, error: OSError) -> RecordingFailure:
    return RecordingFailure(f"cannot read {path}: {error.strerror}")


def _end(file: BinaryIO, size: int) -> Line | None:
    """What the file's last gzip member says; None if that is not the end of a recording."""
    file.seek(max(0, size - _TAIL))
    tail = file.read(_TAIL)
    begins = tail.rfind(MEMBER)
    if begins < 0:
        return None
    try:
        data = next(iter(Unzip(io.BytesIO(tail[begins:]), _TAIL)), b"")
        line = LINE.decode(data)
    except (DamagedError, TooLongError, ValueError, RecursionError):
        return None
    return line if line.end and plausible(line.t) else None
