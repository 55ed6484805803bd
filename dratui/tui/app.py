"""The terminal program: it begins a session with a source and goes on to the next, and gives the terminal back clean.

Nothing flows back: a key changes what is looked at. Keys and places are in `shell`, what each screen shows in
`screens`, how it is drawn in `widgets`.
"""

import asyncio
import gc
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from datetime import datetime
from typing import Any, Final

from rich.color import ColorSystem
from rich.console import RenderableType
from textual._compositor import ChopsUpdate
from textual.app import App
from textual.screen import Screen
from textual.worker import Worker, WorkerError

from dratui.cluster.store import Store
from dratui.events import Source
from dratui.failure import Failure
from dratui.history import LIMIT
from dratui.past import Past
from dratui.tui import crash
from dratui.tui.aliases import Aliases
from dratui.tui.contexts import Contexts
from dratui.tui.feed import SHOW_SECONDS
from dratui.tui.keymap import Keymap
from dratui.tui.narrow import Narrow
from dratui.tui.places import Overview, Place, Rows, Switch
from dratui.tui.screens.face import World
from dratui.tui.session import Session
from dratui.tui.shell import Shell
from dratui.tui.terminals import Colours, Terminal
from dratui.tui.wardrobe import Wardrobe
from dratui.views.query import Query

GIVE_WAY_SECONDS: Final = (
    0.001  # in which a thread lets the screen go on: by default 0.005, several times a key
)
COLLECT_EVERY: Final = (
    10_000  # new objects: by default 700, and all that is not frozen is looked at each 70,000
)
TICK_SECONDS: Final = 1.0  # the grain of ages; nothing is repainted that reads the same


class DratuiApp(App[Failure], inherit_bindings=False):
    """Shows what `source` tells. `run` returns the Failure that made the source useless, if one did."""

    CSS = """
    Shell { layout: vertical; overflow: hidden; }
    Bar, TimeBar { height: 1; }
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
        namespace: str = "",
        start: Place | None = None,
        headless: bool = False,
        refresh: float = SHOW_SECONDS,
        history: float = LIMIT,
        keymap: Keymap | None = None,
        aliases: Aliases | None = None,
        wardrobe: Wardrobe | None = None,
        contexts: Contexts | None = None,
    ) -> None:
        super().__init__()
        # A skin's inks are what the terminal has. Textual asks an older list of terminals than ours, in private.
        self.console._color_system = ColorSystem.TRUECOLOR
        self.animation_level = "none"
        self._wardrobe = wardrobe or Wardrobe(Terminal(Colours.TRUE, ascii_only=False))
        self._keys = keymap or Keymap()
        self._aliases = aliases or Aliases()
        self._pace = refresh
        self._memory = history
        self._headless = headless
        self._contexts = contexts
        self._crash = ""
        if start is None:
            start = Rows(query) if query is not None else Overview()
        named = start.query.namespace if isinstance(start, Rows) else ""
        self._session = self._begin(source, start, named or namespace)
        self._left = 0  # ticks until what another session left is collected
        self._runs: list[Worker[None]] = []  # for the session

    def get_default_screen(self) -> Screen[None]:
        """The screen of the first source."""
        return self._session.shell

    def on_mount(self) -> None:
        """Listen once the screen is painted: what a source imports takes longer than painting."""
        sys.setswitchinterval(GIVE_WAY_SECONDS)
        gc.set_threshold(COLLECT_EVERY)
        self._own = copy_context()  # of no screen: tasks keep the screen alive that they were started from
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.exit, None, 128 + number)
        self.set_interval(TICK_SECONDS, self._tick)
        self.call_after_refresh(self._listen)

    def on_unmount(self) -> None:
        """Signals mean what they did before."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)
        gc.enable()

    def _tick(self) -> None:
        """A second passed."""
        self._session.shell.tick()
        if self._left:
            self._left -= 1
            if self._left == 0:  # its last tasks are over, too; it is large, and full of cycles
                gc.unfreeze()
                gc.collect()
                gc.disable()
        if not self._left and not gc.isenabled() and self._session.settled:  # else it would stay for good
            gc.freeze()
            gc.enable()

    def _begin(self, source: Source, start: Place, namespace: str = "") -> Session:
        def shell(store: Store, now: Callable[[], datetime], past: Past) -> Shell:
            return Shell(
                World(store, now, self._wardrobe.skin, self._keys, self._aliases),
                source,
                past,
                start,
                namespace,
                headless=self._headless,
                contexts=self._contexts,
                wardrobe=self._wardrobe,
                switch=self._switch,
            )

        return Session(source, shell, self._pace, self._memory)

    def _listen(self) -> None:
        gc.disable()
        self._runs = [self.run_worker(self._session.follow()), self.run_worker(self._session.listen())]
        self.run_worker(self._answer())

    async def _answer(self) -> None:
        """A first source that is of no use ends the program, as with every other command."""
        try:
            await self._session.answered()
        except Failure as failure:
            self.exit(failure, return_code=1)

    async def _switch(self, there: Switch) -> None:
        """To another source, once it has answered; until then, and if it does not, all stays as it is."""
        assert self._contexts is not None
        session = self._begin(self._contexts.connect(there.context), there.start)
        listening = self._own.run(self.run_worker, session.listen())
        try:
            await session.answered()
        except BaseException:  # Failure, or esc
            listening.cancel()
            raise
        self._own.run(self.run_worker, self._change(session, listening))  # not the work of a screen that goes

    async def _change(self, session: Session, listening: Worker[None]) -> None:
        for worker in self._runs:
            worker.cancel()
        for worker in self._runs:
            with suppress(WorkerError):
                await worker.wait()  # connections are closed then
        if self.screen is self._session.shell and not self.screen._result_callbacks:
            # Switching pops it, and a default screen has none
            self.screen._push_result_callback(self.screen, None)
        left, self._session = self._session.shell, session
        await self.switch_screen(session.shell)
        left.forget()
        self._runs = [listening, self.run_worker(session.follow())]
        gc.disable()
        self._left = 2  # the first may come at once, before its last tasks are over

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        if isinstance(renderable, ChopsUpdate):
            renderable = Narrow(renderable.chops, renderable.spans, renderable.chop_ends)
        super()._display(screen, renderable)

    # Textual has no public hooks for the end of a crash: its own prints a traceback with all local variables, wrapped.

    def _fatal_error(self) -> None:
        error = sys.exception()
        self._crash = crash.report(error) if error is not None else "dratui crashed"
        self.panic()

    def _print_error_renderables(self) -> None:
        if self._crash:
            print(self._crash, file=sys.stderr)  # noqa: T201 — the terminal is given back, nothing else can tell
