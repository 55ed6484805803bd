"""One row of a table as a line: cells, colours, glyphs, what flashes."""

import re
from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from dratui.terminal import fit, width
from dratui.tui.lines import Line
from dratui.tui.themes import GLYPHS, Skin
from dratui.tui.widgets.columns import GAP, Layout
from dratui.views.table import Column, Style

_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)(\D*|/.*)")  # 3, 93 %, 2/3


class Face(NamedTuple):
    """What of a row shows: the text and the style of each shown column."""

    cells: tuple[str, ...]
    styles: tuple[Style, ...]


class Rows(Protocol):
    """What a table draws from; `dratui.views.listing` has it."""

    @property
    def keys(self) -> Sequence[Hashable]:
        """The rows, in order."""

    @property
    def total(self) -> int:
        """How many rows there are before the filter."""

    def row(self, key: Hashable) -> Any | None:
        """The row itself."""

    def index_of(self, key: Hashable) -> int | None:
        """Where `key` is in `keys`."""


def face(row: Any, texts: Sequence[str], columns: Sequence[tuple[int, Column[Any]]], now: datetime) -> Face:
    """How `row` shows in `columns`, each given with its place in `texts`."""
    styles = tuple(column.style_of(row, now) for _, column in columns)
    cells = tuple(
        f"{GLYPHS[style]} {texts[at]}" if column.glyph and style in GLYPHS else texts[at]
        for (at, column), style in zip(columns, styles, strict=True)
    )
    return Face(cells, styles)


def line(
    shown: Face,
    columns: Sequence[tuple[int, Column[Any]]],
    layout: Layout,
    flashing: Mapping[int, str],
    skin: Skin,
) -> Line:
    """The row's cells in their places. `flashing` are indexes of columns and the signs of how they changed.

    A sign stands behind its cell, in the gap if the cell leaves no room, so nothing moves for it.
    """
    parts = [(" ", skin.plain)]
    gap = 0
    for span in layout.spans:
        parts.append((" " * gap, skin.plain))
        gap = GAP
        style, text, column = shown.styles[span.column], shown.cells[span.column], columns[span.column][1]
        ink, room = skin.states.get(style, skin.plain), span.width
        if (sign := flashing.get(span.column)) is not None:
            ink += skin.flash
            text = fit(text, min(room, width(text)), prose=column.prose) + sign
            room, gap = room + 1, GAP - 1
        parts.append((fit(text, room, column.align, prose=column.prose), ink))
    return tuple(parts)


def differing(old: Face, new: Face, columns: Sequence[tuple[int, Column[Any]]]) -> Mapping[int, str]:
    """The columns whose text changed and how, not counting those that change all the time."""
    return {
        c: delta(before, after)
        for c, ((_, column), before, after) in enumerate(zip(columns, old.cells, new.cells, strict=True))
        if not column.moves and before != after
    }


def delta(before: str, after: str) -> str:
    """`↑` or `↓` between numbers of the same unit, `Δ` between all else: k9s's deltas."""
    old, new = _NUMBER.fullmatch(before), _NUMBER.fullmatch(after)
    if old is None or new is None or old[2] != new[2]:
        return "Δ"
    return "↑" if float(old[1]) < float(new[1]) else "↓"


def needs(shown: Face) -> list[int]:
    """Columns of the screen that each cell takes."""
    return [width(cell) for cell in shown.cells]
