"""A line of time: when it begins and ends, where in it something changed, and where in it one is."""

from collections.abc import Callable, Sequence
from math import log
from typing import Final

from textual import events
from textual.message import Message
from textual.strip import Strip

from dratui.terminal import width
from dratui.tui.lines import Part
from dratui.tui.themes import Skin
from dratui.tui.widgets.pane import Pane
from dratui.views.table import Style

BLOCKS: Final = "▁▂▃▄▅▆▇█"
QUIET: Final = "·"  # nothing changed then


class TimeBar(Pane):
    """`density` says how often something changed in each of so many equal pieces of the time."""

    class Pointed(Message):
        """Someone clicked at a time, or drags: where, from 0 to 1."""

        def __init__(self, at: float) -> None:
            super().__init__()
            self.at = at

    def __init__(self, skin: Skin, density: Callable[[int], Sequence[int]], *, id: str) -> None:  # noqa: A002 — Textual's word
        super().__init__(skin, id=id)
        self._density = density
        self._begins = self._ends = ""
        self._at = 0.0

    def say(self, begins: str, ends: str, at: float) -> None:
        """Show these at the ends, and that one is `at`, from 0 to 1."""
        self._begins, self._ends, self._at = f" {begins} ", f" {ends} ", at
        self.repaint()

    def draw(self, columns: int, lines: int) -> Sequence[Strip]:
        """The one line."""
        skin, room = self.skin, self._room(columns)
        counts = self._density(room) if room else ()
        here = min(int(self._at * room), room - 1)
        cells: list[Part] = [
            (
                glyph,
                skin.strong + skin.cursor
                if n == here
                else skin.dim
                if glyph == QUIET
                else skin.states[Style.HELD],
            )
            for n, glyph in enumerate(blocks(counts))
        ]
        return [self.ink([(self._begins, skin.dim), *cells, (self._ends, skin.dim)], columns)]

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Go there."""
        self._point(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag."""
        if event.button:
            self._point(event.x)

    def _point(self, x: int) -> None:
        room = self._room(self.size.width)
        if room:
            cell = min(max(x - width(self._begins), 0), room - 1)
            self.post_message(self.Pointed((cell + 0.99) / room))  # after all that it stands for

    def _room(self, columns: int) -> int:
        return max(0, columns - width(self._begins) - width(self._ends))


def blocks(counts: Sequence[int]) -> str:
    """A block for each count. Its height goes by the logarithm: a single change is seen beside a hundred."""
    most = max(counts, default=0)
    return "".join(
        BLOCKS[round((len(BLOCKS) - 1) * log(count) / log(most)) if most > 1 else 0] if count else QUIET
        for count in counts
    )
