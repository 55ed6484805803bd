"""Work that takes more than a moment: the last line says what it is and how far, and `esc` ends it."""

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from textual.screen import Screen
from textual.timer import Timer
from textual.worker import Worker

from dratui.failure import Failure
from dratui.tui.keymap import Keymap
from dratui.views.table import Style

SOON: Final = 0.3  # seconds; what is done before is not worth a word
PACE: Final = 0.25  # seconds between two words about how far it is

Tell = Callable[[str], None]
"""Says how far it is."""
Job = Callable[[Tell], Awaitable[str]]
"""Does it; returns what to say at the end, if anything. May raise Failure."""


class Work:
    """One piece of work at a time; a new one ends the one before. Keys go on meanwhile."""

    def __init__(
        self, screen: Screen[None], say: Callable[[str, Style], None], tell: Tell, keymap: Keymap
    ) -> None:
        self._screen = screen
        self._leaves = f"{keymap.first('back')} stops it"
        self._say = say
        self._tell = tell
        self._what = ""
        self._tell_at = 0.0
        self._worker: Worker[None] | None = None
        self._soon: Timer | None = None

    def start(self, what: str, job: Job) -> None:
        """Do it; `what` as in `saving claims`."""
        self.stop()
        self._what = what
        self._tell_at = time.monotonic() + SOON
        # It may never say how far it is
        self._soon = self._screen.set_timer(SOON, lambda: self._progress(""))
        self._worker = self._screen.run_worker(partial(self._run, job))  # it may be stopped before it begins

    def stop(self) -> str:
        """End it; returns what it was, or nothing where nothing is done."""
        if self._worker is None:
            return ""
        self._worker.cancel()
        self._done()
        return self._what

    async def _run(self, job: Job) -> None:
        try:
            told, style = await job(self._progress), Style.PLAIN
        except Failure as failure:
            told, style = str(failure), Style.FAULT
        self._done()
        if told:
            self._say(told, style)

    def _progress(self, far: str) -> None:
        if (now := time.monotonic()) >= self._tell_at:
            self._tell_at = now + PACE
            self._tell("  ".join(filter(None, (f"{self._what} …", far, self._leaves))))

    def _done(self) -> None:
        if self._soon is not None:
            self._soon.stop()
        self._worker = self._soon = None
        self._tell("")
