"""Driving the app in a test: a size, keys, and waiting for what should be on the screen."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from rich.color import Color
from textual import events
from textual.pilot import Pilot
from textual.strip import Strip

from dratui.failure import Failure
from dratui.tui.aliases import Aliases
from dratui.tui.app import DratuiApp
from dratui.tui.contexts import Contexts
from dratui.tui.keymap import Keymap
from dratui.tui.shell import Shell
from dratui.tui.terminals import Colours, Terminal
from dratui.tui.themes import skin
from dratui.tui.wardrobe import Wardrobe
from dratui.views.query import Query
from tests.tui.cluster import ScriptedSource

PATIENCE = 60.0  # seconds: a busy machine shows the same, later
SETTLES = 3  # a key changes the screen, that its layout, that what is drawn
COLOURS = skin()
CURSOR, FLASH = COLOURS.cursor.bgcolor, COLOURS.flash.bgcolor
NAMES = {
    ":": "colon",
    "/": "slash",
    " ": "space",
    "-": "minus",
    "(": "left_parenthesis",
    "?": "question_mark",
    "<": "less_than_sign",
    ">": "greater_than_sign",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
}

Driver = Pilot[Failure]


@asynccontextmanager
async def running(
    source: ScriptedSource,
    *,
    query: Query | None = None,
    size: tuple[int, int] = (80, 24),
    ascii_only: bool = False,
    aliases: Aliases | None = None,
    keymap: Keymap | None = None,
    themes: Path | None = None,
    contexts: Contexts | None = None,
) -> AsyncIterator[Driver]:
    """The app, listening, when it shows all that the source says at first: of a part of it a busy machine makes a
    picture of its own, and the rest flashes."""
    wardrobe = Wardrobe(Terminal(Colours.TRUE, ascii_only), folder=themes)
    app = DratuiApp(source, query=query, wardrobe=wardrobe, aliases=aliases, keymap=keymap, contexts=contexts)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: source.heard and not app._session._feed.busy, "what is said at first")
        yield pilot


def screen(pilot: Driver) -> list[str]:
    """What is on the screen, line by line."""
    lines = pilot.app.screen._compositor.render_strips()
    return [line.text.rstrip() for line in lines]


def text(pilot: Driver) -> str:
    """What is on the screen."""
    return "\n".join(screen(pilot))


def tick(pilot: Driver) -> bool:
    """A second passes; true, so that a condition may begin with it."""
    shell = pilot.app.screen
    assert isinstance(shell, Shell)
    shell.tick()
    return True


async def until(pilot: Driver, condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Wait for a condition, not for a time."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}; the screen is:\n{text(pilot)}"
        await pilot.pause(0.005)


async def shows(pilot: Driver, *wanted: str) -> None:
    """Wait until all of these are on the screen."""
    await until(pilot, lambda: all(w in text(pilot) for w in wanted), " and ".join(map(repr, wanted)))


async def hides(pilot: Driver, unwanted: str) -> None:
    """Wait until this is not on the screen."""
    await until(pilot, lambda: unwanted not in text(pilot), f"{unwanted!r} to go")


def under_cursor(pilot: Driver) -> str:
    """The line that the cursor is on."""
    lines = pilot.app.screen._compositor.render_strips()
    return next((line.text.rstrip() for line in lines if _background(line, CURSOR, whole=True)), "")


def flashing(pilot: Driver) -> bool:
    """Whether a cell flashes."""
    return any(_background(line, FLASH) for line in pilot.app.screen._compositor.render_strips())


def _background(line: Strip, wanted: Color | None, *, whole: bool = False) -> bool:
    backgrounds = [segment.style.bgcolor if segment.style else None for segment in line]
    return wanted in backgrounds[:1] if whole else wanted in backgrounds


async def press(pilot: Driver, *keys: str) -> None:
    """Press keys, each a character or Textual's name of a key, as fast as a terminal pastes them.

    The app has to take them in order; what it shows after the last is waited for, not a time as Textual's pilot does.
    """
    for key in keys:
        pilot.app.post_message(events.Key(NAMES.get(key, key), key if len(key) == 1 else None))
    taken = asyncio.Event()
    pilot.app.call_later(taken.set)
    await taken.wait()
    for _ in range(SETTLES):
        await pilot.pause(0)


async def type_in(pilot: Driver, text: str) -> None:
    """Type text."""
    await press(pilot, *text)
