"""The program on a real pty, with a terminal that understands what it writes."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

import pexpect
import pyte

PATIENCE = 20.0
ALTERNATE_SCREEN = ("\x1b[?1049h", "\x1b[?1049l")
CURSOR_HIDDEN = ("\x1b[?25l", "\x1b[?25h")
MOUSE = ("\x1b[?1000h", "\x1b[?1000l")


class Terminal:
    """Runs a command; `written` is every byte that came, `screen` what they drew."""

    def __init__(
        self,
        *command: str,
        program: str = sys.executable,
        size: tuple[int, int] = (80, 24),
        env: Mapping[str, str] | None = None,
    ) -> None:
        columns, lines = size
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.Stream(self._screen)
        self.written = ""
        self.child = pexpect.spawn(
            program,
            list(command),
            dimensions=(lines, columns),
            encoding="utf-8",
            codec_errors="replace",
            env={
                # The size is the pty's, whatever this process was told of its own: one of xdist's was.
                **{key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")},
                "TERM": "xterm-256color",
                "COLORTERM": "truecolor",
                "LANG": "C.UTF-8",
                **(env or {}),
            },
        )

        # No pauses for programs that turn off echo late, or end late.
        self.child.delaybeforesend = None
        self.child.ptyproc.delayafterclose = 0  # type: ignore[attr-defined]  # types-pexpect does not know it

    @property
    def screen(self) -> str:
        """What a person would see."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def read(self, seconds: float) -> str:
        """What is written within this time, and no longer than it takes to be written."""
        with suppress(pexpect.TIMEOUT, pexpect.EOF):
            piece: str = self.child.read_nonblocking(65536, timeout=seconds)
            self.written += piece
            self._stream.feed(piece)
            return piece
        return ""

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Read until a condition holds."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, f"waited in vain for {what}; the screen is:\n{self.screen}"
            self.read(0.1)

    def shows(self, wanted: str) -> None:
        """Wait for a text."""
        self.until(lambda: wanted in self.screen, repr(wanted))

    def writes_within(self, seconds: float) -> str:
        """Everything written in this time."""
        end, got = time.monotonic() + seconds, ""
        while (left := end - time.monotonic()) > 0:
            got += self.read(left)
        return got

    def press(self, keys: str) -> None:
        """Type."""
        self.child.send(keys)

    def ends(self) -> int:
        """Wait for the end; returns the exit status, negative for a signal."""
        self.until(lambda: not self.child.isalive(), "the end")
        self.read(0.5)
        self.child.close()
        return -(self.child.signalstatus or 0) or self.child.exitstatus or 0

    def is_restored(self) -> bool:
        """Whether every mode that was set is reset."""
        return all(
            on not in self.written or self.written.rindex(off) > self.written.rindex(on)
            for on, off in (ALTERNATE_SCREEN, CURSOR_HIDDEN, MOUSE)
        )


@contextmanager
def terminal(
    script: str, *, size: tuple[int, int] = (80, 24), env: Mapping[str, str] | None = None
) -> Iterator[Terminal]:
    """The app on a scripted source (`played`)."""
    running = Terminal("-m", "tests.tui.played", script, size=size, env=env)
    try:
        yield running
    finally:
        if running.child.isalive():
            running.child.kill(signal.SIGKILL)
            running.child.wait()
        running.child.close()
