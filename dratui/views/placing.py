"""Where things are in an ordered list, where they belong, and the list with some more or less of them.

`place` gives what a thing is ordered by; no two have the same.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")
Place = Callable[[T], Any]


def index_of(things: Sequence[T], thing: T, place: Place[T], *, descending: bool = False) -> int:
    """Where a thing is, or would be."""
    if not descending:
        return bisect_left(things, place(thing), key=place)
    wanted, low, high = place(thing), 0, len(things)
    while low < high:
        middle = (low + high) // 2
        if wanted < place(things[middle]):
            low = middle + 1
        else:
            high = middle
    return low


def without(things: list[T], some: Iterable[T], place: Place[T], *, descending: bool = False) -> list[T]:
    """The list without some of its things."""
    left: list[T] = []
    at = 0
    for index in sorted(index_of(things, each, place, descending=descending) for each in some):
        left += things[at:index]
        at = index + 1
    return left + things[at:] if at else things


def joined(things: list[T], some: Iterable[T], place: Place[T], *, descending: bool = False) -> list[T]:
    """The list with some more things, each where it belongs."""
    more = sorted(some, key=place, reverse=descending)
    if not more:
        return things
    merged: list[T] = []
    at = 0
    for each in more:
        index = index_of(things, each, place, descending=descending)
        merged += things[at:index]
        merged.append(each)
        at = index
    return merged + things[at:]
