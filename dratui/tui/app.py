"""The terminal program: it wires a source to a store and the store to the screen, and gives the terminal back clean.

Nothing flows back: a key changes what is looked at. Keys and places are in `shell`, what each screen shows in
`screens`, how it is drawn in `widgets`.
"""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime
from typing import Final

from textual.app import App
from textual.screen import Screen

from dratui.cluster.store import Changes, Store
from dratui.events import Source
from dratui.failure import Failure
from dratui.tui import crash
from dratui.tui.feed import SHOW_SECONDS, Feed
from dratui.tui.keymap import Keymap
from dratui.tui.places import Overview, Place, Rows
from dratui.tui.screens.face import World
from dratui.tui.shell import Shell
from dratui.tui.themes import DARK, MONOCHROME, skin
from dratui.views.query import Query
from dratui.views.table import Style

TICK_SECONDS: Final = 1.0  # the grain of ages; nothing is repainted that reads the same


class DratuiApp(App[Failure], inherit_bindings=False):
    """Shows what `source` tells. `run` returns the Failure that made the source useless, if one did."""

    CSS = """
    Shell { layout: vertical; overflow: hidden; background: $background; }
    Bar { height: 1; }
    .body { height: 1fr; display: none; }
    .shown { display: block; }
    """
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None

    def __init__(
        self,
        source: Source,
        *,
        query: Query | None = None,
        ascii: bool = False,  # noqa: A002 — the option's name
        namespace: str = "",
        start: Place | None = None,
        headless: bool = False,
        refresh: float = SHOW_SECONDS,
        keymap: Keymap | None = None,
    ) -> None:
        colour = "NO_COLOR" not in os.environ
        super().__init__(ansi_color=None if colour else True)
        self.register_theme(DARK)
        self.theme = DARK.name if colour else MONOCHROME
        self.animation_level = "none"
        self._source = source
        store = Store()
        self._feed = Feed(store, self._show, refresh)
        if start is None:
            start = Rows(query) if query is not None else Overview()
        self._crash = ""
        self._shown = False  # whether anything of the cluster ever was
        self._shell = Shell(
            World(store, self._now, skin(colour=colour, ascii_only=ascii), keymap or Keymap()),
            source,
            start,
            (start.query.namespace if isinstance(start, Rows) else "") or namespace,
            headless=headless,
        )

    def get_default_screen(self) -> Screen[None]:
        """The one screen."""
        return self._shell

    def on_mount(self) -> None:
        """Listen once the screen is painted: what a source imports takes longer than painting."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.exit, None, 128 + number)
        self.set_interval(TICK_SECONDS, self._shell.tick)
        self.call_after_refresh(self._begin)

    def on_unmount(self) -> None:
        """Signals mean what they did before."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)

    def _begin(self) -> None:
        self.run_worker(self._feed.follow())
        self.run_worker(self._listen())

    async def _listen(self) -> None:
        try:
            await self._source.run(self._feed.emit)
        except Failure as failure:
            if self._shown:
                self._shell.say(str(failure), Style.FAULT)
            else:
                self.exit(failure, return_code=1)

    def _show(self, changes: Changes) -> None:
        self._shown |= any(changes.rows.values())
        self._shell.changed(changes)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._source.now(), UTC)

    # Textual has no public hooks for the end of a crash: its own prints a traceback with all local variables, wrapped.

    def _fatal_error(self) -> None:
        error = sys.exception()
        self._crash = crash.report(error) if error is not None else "dratui crashed"
        self.panic()

    def _print_error_renderables(self) -> None:
        if self._crash:
            print(self._crash, file=sys.stderr)  # noqa: T201 — the terminal is given back, nothing else can tell
