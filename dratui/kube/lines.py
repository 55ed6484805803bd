"""Lines out of chunks."""

from dratui.kube.oversize import head

LONGEST_LINE = 16 << 20
"""Bytes. etcd takes 1.5 MiB an object, the API server 3 MiB a request; as JSON that is some times more."""


class Lines:
    """Splits a stream of bytes at line feeds, holding back what has no end yet.

    Of a line longer than `longest` only the beginning is kept, and comes as `Head` at once; the rest is let pass.
    """

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        self._longest = longest
        self._held: list[bytes] = []
        self._size = 0
        self._passing = False  # the rest of a line that was too long

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that `chunk` completes, without empty ones."""
        complete, end, rest = chunk.rpartition(b"\n")
        lines: list[bytes] = []
        if end:
            if self._passing:
                _, _, complete = complete.partition(b"\n")
                self._passing = False
            lines = (b"".join((*self._held, complete)) if self._held else complete).split(b"\n")
            self._held.clear()
            self._size = 0
        if rest and not self._passing:
            self._held.append(rest)
            self._size += len(rest)
            if self._size > self._longest:
                lines.append(head(self._held))
                self._held.clear()
                self._size = 0
                self._passing = True
        return [line for line in lines if line]
