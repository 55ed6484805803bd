"""Small grids and bars inside a block."""

from collections.abc import Sequence
from dataclasses import dataclass

from dratui.terminal import fit, width
from dratui.tui.lines import Line, Part
from dratui.tui.themes import Skin
from dratui.views import gauges
from dratui.views.table import Style

LONGEST_BAR = 24
SHORTEST_BAR = 8
GAP = "  "
NARROWEST = 10  # to which a column gives way


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of a grid."""

    text: str
    style: Style = Style.PLAIN
    right: bool = False

    @classmethod
    def number(cls, number: int, style: Style) -> "Cell":
        """A count; none of it is not worth a colour."""
        return cls(str(number), style if number else Style.DIM, right=True)


def natural(rows: Sequence[Sequence[Cell]]) -> int:
    """Columns that a grid of these takes where nothing gives way."""
    return sum(_widths(rows)) + len(GAP) * (len(rows[0]) - 1)


def _widths(rows: Sequence[Sequence[Cell]]) -> list[int]:
    return [max(width(row[c].text) for row in rows) for c in range(len(rows[0]))]


def grid(rows: Sequence[Sequence[Cell]], skin: Skin, columns: int, *, shrink: Sequence[int]) -> list[Line]:
    """The rows with their cells under each other; the columns `shrink`, first the first, give way when there is too
    little room."""
    widths, missing = _widths(rows), natural(rows) - columns
    for column in shrink:
        given = min(max(missing, 0), max(widths[column] - NARROWEST, 0))
        widths[column] -= given
        missing -= given
    lines: list[Line] = []
    for row in rows:
        parts: list[Part] = []
        for number, (cell, taken) in enumerate(zip(row, widths, strict=True)):
            text = fit(cell.text, taken, "right" if cell.right else "left")
            parts.append((GAP + text if number else text, skin.states[cell.style]))
        lines.append(tuple(parts))
    return lines


def bar(share: float | None, room: int, skin: Skin) -> Line:
    """A share of 1 as a bar of eighth blocks with the per cent behind it, if there is room for one."""
    columns = min(room - 7, LONGEST_BAR)
    if share is None or columns < SHORTEST_BAR:
        return ()
    return ((GAP, skin.plain), *gauge(share, columns, skin), (f" {share:4.0%}", skin.plain))


def gauge(share: float, columns: int, skin: Skin, style: Style = Style.HELD) -> Line:
    """A share of 1 as a bar in exactly `columns`."""
    drawn = gauges.bar(share, columns)
    full = drawn.rstrip("░")
    return ((full, skin.states[style]), (drawn[len(full) :], skin.dim))
