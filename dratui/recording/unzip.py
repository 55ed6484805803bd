"""The lines of a gzip file: from the beginning or from a place in it, as far as they can be read.

Like `gzip`, but for two things: the place where the reading stands can be kept and returned to, and it is known in
which member a line was.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

MEMBER = b"\x1f\x8b\x08"
"""How a gzip member begins."""

_READ = 16 << 10  # bytes read at once, compressed
_WRITE = 256 << 10  # bytes made of them at once
_HCRC, _EXTRA, _NAME, _COMMENT = 2, 4, 8, 16  # flags of a member: what follows its header


class DamagedError(Exception):
    """What follows cannot be decompressed."""


class TooLongError(Exception):
    """A line has no end."""


class Place(NamedTuple):
    """Where to go on: before a member, or amid one with the state of its decompression."""

    offset: int = 0  # in the file
    inflate: Any = None  # zlib's decompression object
    check: int = 0  # the member's checksum and size so far
    size: int = 0
    rest: bytes = b""  # how the next line begins


BEGINNING = Place()


class Unzip:
    """Iterates over lines, without their newlines. What follows the last newline of the file is no line.

    `longest` is in bytes. The file stays the caller's. Raises DamagedError, TooLongError, OSError.
    """

    def __init__(self, file: BinaryIO, longest: int, place: Place = BEGINNING) -> None:
        self._file = file
        self._longest = longest
        self._packed = b""  # read from the file, not decompressed yet
        self._read = place.offset
        self._inflate = place.inflate and place.inflate.copy()
        self._check, self._size = place.check, place.size
        self._rest = [place.rest]
        self._length = len(place.rest)
        self.member = place.offset
        self.aligned = False
        file.seek(place.offset)

    member: int
    """Where the member begins that is being read (amid a member: where reading began)."""

    aligned: bool
    """Whether `place` is right behind the latest line; while false, lines wait that it would leave out."""

    @property
    def offset(self) -> int:
        """How far into the file decompression is."""
        return self._read - len(self._packed)

    def place(self) -> Place:
        """Where to go on behind the latest line, if `aligned`."""
        inflate = self._inflate and self._inflate.copy()
        return Place(self.offset, inflate, self._check, self._size, b"".join(self._rest))

    def __iter__(self) -> Iterator[bytes]:
        while (data := self._more()) is not None:
            *lines, rest = data.split(b"\n")
            for n, line in enumerate(lines):
                if n == 0:
                    self._rest.append(line)
                    line = b"".join(self._rest)
                    self._rest = [rest]
                    self._length = len(rest)
                self.aligned = n == len(lines) - 1
                yield line
            if not lines:
                self._rest.append(rest)
                self._length += len(rest)
                if self._length >= self._longest:
                    raise TooLongError

    def _more(self) -> bytes | None:
        """The next piece of text; None at the end of the file, and where it was cut off."""
        if self._inflate is not None and self._inflate.eof and not self._close():
            return None
        if self._inflate is None and not self._open():
            return None
        over = not self._fill()
        try:
            data: bytes = self._inflate.decompress(self._packed, _WRITE)
        except zlib.error as error:
            raise DamagedError from error
        self._packed = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
        self._check = zlib.crc32(data, self._check)
        self._size += len(data)
        return None if over and not data and not self._inflate.eof else data

    def _open(self) -> bool:
        """Read a member's header; false if the file ends before it does."""
        while self._fill() and not (rest := self._packed.lstrip(b"\0")):  # gzip allows zeros between members
            self._packed = rest
        self._packed = self._packed.lstrip(b"\0")
        self.member = self.offset
        head = self._take(10)
        if head and not head.startswith(MEMBER[: len(head)]):
            raise DamagedError
        if len(head) < 10:
            return False
        flags = head[3]
        if flags & _EXTRA:
            self._take(int.from_bytes(self._take(2), "little"))
        for flag in (_NAME, _COMMENT):
            while flags & flag and self._take(1) not in (b"\0", b""):
                pass
        if flags & _HCRC:
            self._take(2)
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        self._check = self._size = 0
        return True

    def _close(self) -> bool:
        """Compare what a member says of itself; false if the file ends before it does."""
        said = self._take(8)
        if len(said) < 8:
            return False
        if said != struct.pack("<II", self._check, self._size & 0xFFFFFFFF):
            raise DamagedError
        self._inflate = None
        return True

    def _fill(self) -> bool:
        """See to it that there are bytes; false at the end of the file."""
        if not self._packed:
            self._packed = self._file.read(_READ)
            self._read += len(self._packed)
        return bool(self._packed)

    def _take(self, count: int) -> bytes:
        """So many bytes of the file, or as many as there are."""
        taken = b""
        while len(taken) < count and self._fill():
            piece = self._packed[: count - len(taken)]
            self._packed = self._packed[len(piece) :]
            taken += piece
        return taken
