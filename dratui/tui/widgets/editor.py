"""An expression being typed, what is wrong with it marked in it, and some lines about it below."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from rich.style import Style as Ink
from textual import events
from textual.message import Message
from textual.strip import Strip

from dratui.terminal import clean, width
from dratui.tui.lines import Line, Part
from dratui.tui.themes import Skin
from dratui.tui.typed_line import TypedLine
from dratui.tui.widgets.pane import Pane
from dratui.views.table import Style

MOST_LINES: Final = 8  # of the expression that show; the one with the cursor does
_WRONG: Final = re.compile(r"[\s\S]\w*")  # what is marked from where something is wrong


@dataclass(frozen=True, slots=True)
class Shown:
    """What an editor shows. `wrong` are places in the text; `typing`: whether keys go into it."""

    typed: TypedLine
    typing: bool = False
    wrong: Sequence[int] = ()
    notes: Sequence[Line] = ()


class Editor(Pane):
    """As high as what it shows."""

    class Clicked(Message):
        """Someone wants to type."""

        def __init__(self, at: int) -> None:
            super().__init__()
            self.at = at

    def __init__(self, skin: Skin, *, id: str) -> None:  # noqa: A002 — Textual's word
        super().__init__(skin, id=id)
        self._shown = Shown(TypedLine())
        self._wrapped: tuple[tuple[str, int], list[list[tuple[int, str]]]] = ("", 0), []

    @property
    def text(self) -> str:
        """The expression."""
        return self._shown.typed.text

    def show(self, shown: Shown) -> None:
        """Show this."""
        self._shown = shown
        self._grow()
        self.repaint()

    def on_resize(self) -> None:
        """Other columns may want other lines."""
        self._grow()

    def on_click(self, event: events.Click) -> None:
        """The cursor goes where it was clicked."""
        rows = self._rows(self.size.width)
        top = self._top(rows)
        if top + event.y < min(top + MOST_LINES, len(rows)):
            row, x = rows[top + event.y], event.x - len(_MARGIN)
            ends = accumulate(width(text) for _, text in row)
            at = next((at for (at, _), end in zip(row, ends, strict=True) if end > x), row[-1][0])
            self.post_message(self.Clicked(at))

    def draw(self, columns: int, lines: int) -> Sequence[Strip]:
        """The expression with its mark at the left, then the notes."""
        skin, shown = self.skin, self._shown
        rows = self._rows(columns)
        top = self._top(rows)
        marked = {n for at in shown.wrong if (m := _WRONG.match(self.text, at)) for n in range(*m.span())}
        marked |= {at for at in shown.wrong if at >= len(self.text)}
        margin: Part = (_MARGIN, skin.accent if shown.typing else skin.dim)
        return [
            *(
                self.ink((margin, *((text, self._inked(at, text, marked)) for at, text in row)), columns)
                for row in rows[top : top + MOST_LINES]
            ),
            *(self.ink(((" ", skin.plain), *note), columns) for note in shown.notes),
        ]

    def _inked(self, at: int, text: str, marked: set[int]) -> Ink:
        ink = self.skin.plain if self._shown.typing else self.skin.strong
        if at in marked:
            fault = self.skin.states[Style.FAULT]
            ink = fault + (self.skin.flash if text.isspace() else Ink(underline=True))
        return ink + self.skin.cursor if self._shown.typing and at == self._shown.typed.at else ink

    def _rows(self, columns: int) -> list[list[tuple[int, str]]]:
        """The characters by line, each with its place; a blank behind the last of a line, for the cursor."""
        if self._wrapped[0] == (self.text, columns):
            return self._wrapped[1]
        room = max(columns - len(_MARGIN) - 1, 1)
        rows: list[list[tuple[int, str]]] = [[]]
        taken = 0
        for at, char in enumerate(self.text):
            text = " " if char == "\n" else clean(char)
            if taken + width(text) > room and char != "\n":
                blank = max((n for n, (_, each) in enumerate(rows[-1]) if each == " "), default=0)
                # Words stay whole, where they can
                keep = blank + 1 if blank > len(rows[-1]) // 3 else len(rows[-1])
                rows[-1:] = rows[-1][:keep], rows[-1][keep:]
                taken = sum(width(each) for _, each in rows[-1])
            rows[-1].append((at, text))
            taken += width(text)
            if char == "\n":
                rows.append([])
                taken = 0
        rows[-1].append((len(self.text), " "))
        self._wrapped = (self.text, columns), rows
        return rows

    def _top(self, rows: Sequence[Sequence[tuple[int, str]]]) -> int:
        here = next((y for y, row in enumerate(rows) if row[-1][0] >= self._shown.typed.at), 0)
        return max(0, here - MOST_LINES + 1)

    def _grow(self) -> None:
        if self.size.width:
            lines = min(len(self._rows(self.size.width)), MOST_LINES)
            self.styles.height = lines + len(self._shown.notes)


_MARGIN: Final = " │ "
