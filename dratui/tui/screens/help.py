"""The keys, from the keymap: on one screen of 80×24; on a narrower one, below each other."""

from itertools import zip_longest
from textwrap import wrap
from typing import Final

from dratui.terminal import fit
from dratui.tui.commands import PLACES, THEME, Quit
from dratui.tui.keymap import WIDEST, Keymap, Where
from dratui.tui.lines import Line
from dratui.tui.places import Keys
from dratui.tui.screens.face import World
from dratui.tui.screens.reading import Reading
from dratui.tui.themes import Skin
from dratui.tui.widgets.pager import Pager
from dratui.views.tables import TABLES

COLUMNS: Final = (
    (Where.MOVE, Where.INSPECT),
    (Where.GO, Where.PROMPT),
    (Where.TABLE, Where.CARD, Where.TIME),
)
RARE: Final = frozenset({"podgroups", "computedomains"})
"""Places that few clusters have anything in, and no room is left for; `:` completes them."""
UNLIKE_K9S: Final = " as in k9s, but: q leaves the first view, space folds, ctrl-s saves text"
KEY_WIDTH: Final = WIDEST + 2
COLUMN_WIDTH: Final = 26
ARROWS: Final = {"↑": "up", "↓": "down", "←": "left", "→": "right"}


class HelpFace(Reading):
    """Shows every key."""

    hints = ("back", "command", "quit")

    def __init__(self, world: World) -> None:
        self._world = world
        self.view = Pager(world.skin, id="help")

    def enter(self, place: Keys, mark: int | None) -> None:
        """Show them."""
        self.view.set_text(self._text(), top=mark or 0)

    def tick(self) -> None:
        """The screen may be another size."""
        self.view.set_text(self._text())

    def headline(self) -> tuple[Line, Line]:
        """The title."""
        skin = self._world.skin
        return ((" Keys", skin.strong), (UNLIKE_K9S, skin.dim)), ()

    def _text(self) -> list[Line]:
        return text(self._world.skin, self._world.keymap, self.view.app.size.width)


def text(skin: Skin, keymap: Keymap, columns: int) -> list[Line]:
    """The help; with 78 columns short enough for 80×24."""
    stacks: list[list[Line]] = [[] for _ in COLUMNS[: max(columns // COLUMN_WIDTH, 1)]]
    for number, column in enumerate(COLUMNS):
        stacks[number % len(stacks)] += [line for where in column for line in _group(where, skin, keymap)]
    empty: Line = ((" " * COLUMN_WIDTH, skin.plain),)
    lines: list[Line] = [
        tuple(part for piece in pieces for part in piece) for pieces in zip_longest(*stacks, fillvalue=empty)
    ]
    named = [*TABLES, *(name for name, place in PLACES.items() if not isinstance(place, Quit | Keys)), THEME]
    places = " ".join(f":{name}" for name in named if name not in RARE)
    yours = [
        ((fit(f" {shown}", KEY_WIDTH), skin.accent), (what, skin.plain))
        for shown, what in keymap.rows(Where.YOURS)
    ]
    return [
        *lines,
        (),
        *(((f" {line}", skin.dim),) for line in wrap(places, max(columns - 4, 20))),
        *([(), *yours] if yours else []),
    ]


def _group(where: Where, skin: Skin, keymap: Keymap) -> list[Line]:
    return [
        ((fit(f" {where.value.upper()}", COLUMN_WIDTH), skin.strong),),
        *(
            (
                (fit(f" {_spelled(shown) if skin.ascii else shown}", KEY_WIDTH), skin.accent),
                (fit(what, COLUMN_WIDTH - KEY_WIDTH), skin.plain),
            )
            for shown, what in keymap.rows(where)
        ),
    ]


def _spelled(shown: str) -> str:
    """Keys without arrows, or with words for them: the signs that stand for them in ASCII are other keys."""
    keys = shown.split()
    return " ".join([key for key in keys if key not in ARROWS] or [ARROWS[key] for key in keys])
