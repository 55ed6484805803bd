"""Which columns of a table fit, and where: pure arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

GAP: Final = 2
WIDEST: Final = 44  # a column that does not grow is cut beyond this
NARROWEST: Final = 16  # a column that grows is not squeezed below this, while others can be scrolled away


@dataclass(frozen=True, slots=True)
class Span:
    """A column on the screen: which of the given ones, from where, how wide."""

    column: int
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns on the screen; how many more are to the left and to the right of them."""

    spans: tuple[Span, ...]
    left: int
    right: int


def arrange(natural: Sequence[int], grow: Sequence[bool], *, pinned: int, first: int, room: int) -> Layout:
    """Place columns in `room`.

    `natural` is what each column's text needs. Columns that `grow` give up width first when there is too little.
    The first `pinned` columns always show; after them `first` columns are scrolled away.
    """
    kept = [*range(min(pinned, len(natural))), *range(min(pinned + first, len(natural)), len(natural))]
    least = [min(natural[c], NARROWEST if grow[c] else WIDEST) for c in kept]
    shown = _count_that_fit(least, room)
    kept, widths = kept[:shown], least[:shown]
    spare = room - sum(widths) - GAP * max(len(widths) - 1, 0)
    for position, column in enumerate(kept):
        if grow[column] and spare > 0:
            more = min(natural[column] - widths[position], spare)
            widths[position] += more
            spare -= more
    if kept and spare < 0:  # not even the first column fits
        widths[0] += spare
    spans, x = [], 0
    for column, width in zip(kept, widths, strict=True):
        spans.append(Span(column, x, width))
        x += width + GAP
    return Layout(
        tuple(spans),
        min(first, max(len(natural) - pinned, 0)),
        len(natural) - pinned - first - max(shown - pinned, 0),
    )


def _count_that_fit(widths: Sequence[int], room: int) -> int:
    taken = 0
    for count, width in enumerate(widths):
        taken += width + (GAP if count else 0)
        if taken > room:
            return max(count, 1)
    return len(widths)
