"""Shares, and how they were, drawn in one line: for cells, cards and screens alike."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

LEVELS: Final = "▁▂▃▄▅▆▇"  # seven: the full block would touch the line above
UNTOLD: Final = "·"  # where nothing is known
_EIGHTHS: Final = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")


def level(share: float) -> str:
    """A share of 1 as one block."""
    return LEVELS[round(_within(share) * (len(LEVELS) - 1))]


def bar(share: float, columns: int) -> str:
    """A share of 1 as a bar in exactly `columns`; more than nothing shows, and less than all leaves room."""
    all_of_it = columns * 8
    eighths = max(round(_within(share) * all_of_it), share > 0)
    full, rest = divmod(min(eighths, all_of_it - (share < 1)), 8)
    return ("█" * full + _EIGHTHS[rest]).ljust(columns, "░")


def line(shares: Sequence[float | None], columns: int) -> str:
    """Shares one after the other in at most `columns`, each column the mean of what falls into it."""
    if len(shares) <= columns:
        return "".join(UNTOLD if share is None else level(share) for share in shares)
    bounds = [len(shares) * n // columns for n in range(columns + 1)]
    means = [_mean(shares[start:end]) for start, end in pairwise(bounds)]
    return line(means, columns)


def _mean(shares: Sequence[float | None]) -> float | None:
    known = [share for share in shares if share is not None]
    return sum(known) / len(known) if known else None


def _within(share: float) -> float:
    return min(max(share, 0.0), 1.0)
