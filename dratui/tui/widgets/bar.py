"""A line of its own: something to the left, something to the right."""

from collections.abc import Sequence

from textual.strip import Strip

from dratui.tui.lines import Line, line_width
from dratui.tui.themes import Skin
from dratui.tui.widgets.pane import Pane


class Bar(Pane):
    """The left side is cut where there is no room for both."""

    def __init__(self, skin: Skin, *, id: str) -> None:  # noqa: A002 — Textual's word
        super().__init__(skin, id=id)
        self._left: Line = ()
        self._right: Line = ()

    def say(self, left: Line, right: Line = ()) -> None:
        """Show these."""
        self._left, self._right = left, right
        self.repaint()

    def draw(self, columns: int, lines: int) -> Sequence[Strip]:
        """The one line."""
        right = line_width(self._right)
        if right >= columns:
            return [self.ink(self._right, columns)]
        return [Strip.join([self.ink(self.left_side(), columns - right), self.ink(self._right, right)])]

    def left_side(self) -> Line:
        """What is to the left; a subclass may have something else to say there."""
        return self._left
