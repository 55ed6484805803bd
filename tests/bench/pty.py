"""A program on a real pty, and what its screen shows: when, and for how many bytes and how much CPU."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pexpect
import pyte

SIZE = (50, 180)  # lines, columns
PATIENCE = 240.0  # seconds


class Pty:
    """A running program. Times are those at which bytes came, whatever understanding them takes."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        self._screen = pyte.Screen(SIZE[1], SIZE[0])
        self._stream = pyte.ByteStream(self._screen)
        self._came = 0.0
        terminal = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        self.began = time.perf_counter()
        self._child = pexpect.spawn(
            argv[0], list(argv[1:]), dimensions=SIZE, env={**os.environ, **terminal, **env}, maxread=1 << 20
        )
        self._child.delaybeforesend = None

    def line(self, y: int) -> str:
        """A line of the screen, from 0."""
        line = self._screen.buffer[y]
        return "".join(line[x].data for x in range(SIZE[1]))

    def lines(self) -> list[str]:
        """All of them."""
        return [self.line(y) for y in range(SIZE[0])]

    def background(self, colour: str) -> str:
        """The first line that begins in this colour; empty if none does."""
        return next((self.line(y) for y in range(SIZE[0]) if self._screen.buffer[y][0].bg == colour), "")

    def until(self, shows: Callable[[], bool]) -> float:
        """Read until this is so; returns when the bytes came that made it so."""
        end = time.monotonic() + PATIENCE
        while not shows():
            if time.monotonic() > end:
                raise TimeoutError("waited in vain; the screen is:\n" + "\n".join(self.lines()))
            self._read(1)
        return self._came

    def took(self, keys: str, shows: Callable[[], bool]) -> float:
        """Seconds from these keys to this."""
        began = time.perf_counter()
        self._child.send(keys)
        return self.until(shows) - began

    def read(self, seconds: float) -> int:
        """How many bytes come in this time."""
        end, count = time.monotonic() + seconds, 0
        while (left := end - time.monotonic()) > 0:
            count += self._read(left)
        return count

    def _read(self, seconds: float) -> int:
        with suppress(pexpect.TIMEOUT):
            piece = self._child.read_nonblocking(1 << 20, timeout=seconds)
            self._came = time.perf_counter()
            self._stream.feed(piece)  # type: ignore[arg-type]  # without an encoding pexpect gives bytes
            return len(piece)
        return 0

    def watched(self, seconds: float) -> tuple[float, float]:
        """The share of a core, and bytes a second."""
        before, began = self._cpu(), time.monotonic()
        count = self.read(seconds)
        took = time.monotonic() - began
        return (self._cpu() - before) / took, count / took

    def _cpu(self) -> float:
        """Seconds of CPU so far. Linux's; elsewhere there is no such file."""
        stat = Path(f"/proc/{self._child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Bytes that it holds now. Linux's, as well."""
        lines = Path(f"/proc/{self._child.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))

    def end(self, keys: str) -> None:
        """Wait for the end that these keys bring."""
        self._child.send(keys)
        self._child.expect(pexpect.EOF, timeout=PATIENCE)

    def close(self) -> None:
        """Kill it."""
        if self._child.isalive():
            self._child.kill(9)
        self._child.close(force=True)


@contextmanager
def running(*argv: str, env: Mapping[str, str] | None = None) -> Iterator[Pty]:
    """A program until the end."""
    pty = Pty(argv, env or {})
    try:
        yield pty
    finally:
        pty.close()


@contextmanager
def python(*argv: str) -> Iterator[Pty]:
    """The same of a program in Python."""
    with running(sys.executable, *argv) as pty:
        yield pty
