"""One row of a table as a line: cells, colours, glyphs, what flashes."""

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple, Protocol

from dratui.terminal import fit, width
from dratui.tui.lines import Line
from dratui.tui.themes import GLYPHS, Skin
from dratui.tui.widgets.columns import GAP, Layout
from dratui.views.table import Column, Style


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


def face(row: Any, texts: Sequence[str], columns: Sequence[tuple[int, Column[Any]]]) -> Face:
    """How `row` shows in `columns`, each given with its place in `texts`."""
    styles = tuple(column.style_of(row) for _, column in columns)
    cells = tuple(
        f"{GLYPHS[style]} {texts[at]}" if column.glyph and style in GLYPHS else texts[at]
        for (at, column), style in zip(columns, styles, strict=True)
    )
    return Face(cells, styles)


def line(
    shown: Face,
    columns: Sequence[tuple[int, Column[Any]]],
    layout: Layout,
    flashing: frozenset[int],
    skin: Skin,
) -> Line:
    """The row's cells in their places. `flashing` are indexes of columns."""
    parts = [(" ", skin.plain)]
    for number, span in enumerate(layout.spans):
        if number:
            parts.append((" " * GAP, skin.plain))
        style = shown.styles[span.column]
        ink = skin.states.get(style, skin.plain)
        if span.column in flashing:
            ink += skin.flash
        column = columns[span.column][1]
        parts.append((fit(shown.cells[span.column], span.width, column.align, prose=column.prose), ink))
    return tuple(parts)


def differing(old: Face, new: Face, columns: Sequence[tuple[int, Column[Any]]]) -> frozenset[int]:
    """The columns whose text changed, not counting those that change with the clock."""
    return frozenset(
        c
        for c, (_, column) in enumerate(columns)
        if not column.ticks and old.cells[c : c + 1] != new.cells[c : c + 1]
    )


def needs(shown: Face) -> list[int]:
    """Columns of the screen that each cell takes."""
    return [width(cell) for cell in shown.cells]
