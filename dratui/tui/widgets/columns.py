"""Which columns of a table fit, and where: pure arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

GAP: Final = 2
FIXED: Final = 44  # the widest that a column is which gives no width away, while there are others to show
NAME: Final = 18  # a name that is cut shorter is hard to tell from others
PROSE: Final = 30  # a sentence that is cut shorter does not say much
NARROWEST: Final = 14  # ... and still more than nothing: to this all give way for one more that can


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


def arrange(natural: Sequence[int], enough: Sequence[int], *, pinned: int, first: int, room: int) -> Layout:
    """Place columns in `room`.

    `natural` is what each column's text needs, `enough` what it is content with (FIXED, NAME, PROSE) where that lets
    other columns show. The first `pinned` columns always show; after them `first` columns are scrolled away.
    """
    kept = [*range(min(pinned, len(natural))), *range(min(pinned + first, len(natural)), len(natural))]
    least = [min(natural[c], enough[c]) for c in kept]
    tight = [min(natural[c], enough[c] if enough[c] == FIXED else NARROWEST) for c in kept]
    shown, squeezed = _count_that_fit(least, room), _count_that_fit(tight, room)
    if shown < squeezed and enough[kept[shown]] != FIXED:
        shown, least = shown + 1, tight
    widths = least[:shown]
    spare = room - sum(widths) - GAP * max(shown - 1, 0)
    if widths and spare < 0:  # not even the first column fits
        widths[0] += spare
    _widen(widths, [natural[c] for c in kept[:shown]], spare)
    spans, x = [], 0
    for column, width in zip(kept, widths, strict=False):
        spans.append(Span(column, x, width))
        x += width + GAP
    return Layout(
        tuple(spans),
        min(first, max(len(natural) - pinned, 0)),
        len(natural) - pinned - first - max(len(widths) - pinned, 0),
    )


def _widen(widths: list[int], natural: Sequence[int], spare: int) -> None:
    """Give what is left to the columns that need it, the narrowest of them first."""
    while spare > 0:
        wanting = [n for n, width in enumerate(widths) if width < natural[n]]
        if not wanting:
            return
        widths[min(wanting, key=widths.__getitem__)] += 1
        spare -= 1


def _count_that_fit(widths: Sequence[int], room: int) -> int:
    taken = 0
    for count, width in enumerate(widths):
        taken += width + (GAP if count else 0)
        if taken > room:
            return max(count, 1)
    return len(widths)
