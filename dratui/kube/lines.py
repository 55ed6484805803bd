"""Lines out of chunks."""

LONGEST_LINE = 16 << 20
"""Bytes. etcd takes 1.5 MiB an object, the API server 3 MiB a request; as JSON that is some times more."""


class LineTooLongError(ValueError):
    """A line without an end; what it held is dropped."""


class Lines:
    """Splits a stream of bytes at line feeds, holding back what has no end yet."""

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        self._longest = longest
        self._held: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that `chunk` completes, without empty ones. Raises LineTooLongError."""
        complete, end, rest = chunk.rpartition(b"\n")
        lines: list[bytes] = []
        if end:
            lines = (b"".join((*self._held, complete)) if self._held else complete).split(b"\n")
            self._held.clear()
            self._size = 0
        if rest:
            self._held.append(rest)
            self._size += len(rest)
            if self._size > self._longest:
                self._held.clear()
                raise LineTooLongError(f"a line of more than {self._longest} bytes")
        return [line for line in lines if line]
