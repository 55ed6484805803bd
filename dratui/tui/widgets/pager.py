"""Lines to read, longer than the screen: YAML, help, health, messages."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from rich.style import Style as Ink
from textual.strip import Strip

from dratui.tui.lines import Line, folded
from dratui.tui.themes import Skin
from dratui.tui.widgets.pane import Pane

STEP: Final = 8  # columns that h and l scroll by
WHEEL: Final = 3


class Pager(Pane):
    """Shows lines from `top` on."""

    def __init__(self, skin: Skin, *, id: str, fold: bool = False) -> None:  # noqa: A002 — Textual's word
        super().__init__(skin, id=id)
        self._fold = fold  # long lines go on below, instead of beyond the edge
        self._text: Sequence[Line] = ()
        self._top = 0
        self._left = 0
        self._wanted: re.Pattern[str] | None = None

    @property
    def top(self) -> int:
        """The first line on the screen."""
        return self._top

    def set_text(self, text: Sequence[Line], *, top: int | None = None) -> None:
        """Show these lines; with `top`, from there."""
        self._text = text
        if top is not None:
            self._top, self._left = top, 0
        self.repaint()

    def as_text(self) -> Iterable[tuple[str, ...]]:
        """The lines, from the first."""
        return [("".join(text for text, _ in line),) for line in self._text]

    def search(self, pattern: re.Pattern[str] | None) -> None:
        """Mark the lines that match, and go to the first at or below the top of the screen."""
        self._wanted = pattern
        if pattern is not None:
            found = [y for y, line in enumerate(self._text) if self._matches(line)]
            if found:
                self._top = next((y for y in found if y >= self._top), found[0])
        self.repaint()

    def next_match(self, by: int) -> None:
        """Go to the next line that matches, or with -1 to the one before; round and round."""
        found = [y for y, line in enumerate(self._text) if self._matches(line)]
        if by > 0 and found:
            self._top = next((y for y in found if y > self._top), found[0])
        elif found:
            self._top = next((y for y in reversed(found) if y < self._top), found[-1])
        self.repaint()

    def go(self, where: str) -> None:
        """Scroll."""
        page = max(self.size.height - 1, 1)
        match where:
            case "down":
                self._top += 1
            case "up":
                self._top -= 1
            case "page_down":
                self._top += page
            case "page_up":
                self._top -= page
            case "top":
                self._top = 0
            case "bottom":
                self._top = len(self._text)
            case "left":
                self._left = max(0, self._left - STEP)
            case "right":
                self._left += STEP
        self.repaint()

    def on_mouse_scroll_down(self) -> None:
        """The wheel scrolls."""
        self._top += WHEEL
        self.repaint()

    def on_mouse_scroll_up(self) -> None:
        """The wheel scrolls."""
        self._top -= WHEEL
        self.repaint()

    def draw(self, columns: int, lines: int) -> Sequence[Strip]:
        """The lines from the top of the window."""
        text = self._text
        if self._fold:
            text = [piece for line in text for piece in folded(line, columns - 2)]
        self._top = max(0, min(self._top, len(text) - lines))
        return [
            self.ink(((" ", self.skin.plain), *_scrolled(line, self._left)), columns, self._over(line))
            for line in text[self._top : self._top + lines]
        ]

    def _matches(self, line: Line) -> bool:
        return self._wanted is not None and self._wanted.search("".join(text for text, _ in line)) is not None

    def _over(self, line: Line) -> Ink | None:
        return self.skin.cursor if self._matches(line) else None


def _scrolled(line: Line, columns: int) -> Line:
    """The line without its first `columns`."""
    parts = []
    for text, ink in line:
        parts.append((text[columns:], ink))
        columns = max(0, columns - len(text))
    return tuple(parts)
