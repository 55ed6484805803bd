"""Long work in pieces, so that whoever drives it can answer keys in between.

A piece of work is a generator: between two of its steps it yields how far it is, from 0 to 1, and its driver decides
whether to go on now. Nothing here knows a clock.
"""

from bisect import bisect_right
from collections.abc import Callable, Generator, Sequence
from typing import Any, Final, TypeVar

T = TypeVar("T")

Work = Generator[float, None, T]
Enough = Callable[[], bool]
"""Asked between two steps: whether to stop for now."""

STEP: Final = 200  # rows between two looks at the clock: a millisecond or two
_BUCKET: Final = 1000  # values sorted at once


def never() -> bool:
    """Go on to the end."""
    return False


def stretch(work: Work[T], start: float, end: float) -> Work[T]:
    """Work that is a part of a longer one: from `start` to `end` of it."""
    while True:
        try:
            done = next(work)
        except StopIteration as over:
            result: T = over.value
            return result
        yield start + done * (end - start)


def ordered(items: Sequence[T], values: Sequence[Any], *, descending: bool = False) -> Work[list[T]]:
    """`items` by their `values`; equal ones as they come, or the other way round when `descending`.

    A sort is one call that cannot be left, so the items are first dealt into buckets, each a range of values.
    """
    sample = sorted(values[:: max(1, len(values) // 512)])
    bounds = sorted({*sample[:: max(1, len(sample) * _BUCKET // max(1, len(values)))]})
    buckets: list[list[int]] = [[] for _ in range(len(bounds) + 1)]
    places = range(len(items) - 1, -1, -1) if descending else range(len(items))
    for at in range(0, len(places), 4 * STEP):
        for place in places[at : at + 4 * STEP]:
            buckets[bisect_right(bounds, values[place])].append(place)
        yield at / len(places) / 2
    done: list[T] = []
    for bucket in reversed(buckets) if descending else buckets:
        bucket.sort(key=values.__getitem__, reverse=descending)
        done += [items[place] for place in bucket]
        yield 0.5 + len(done) / len(items) / 2 if items else 1.0
    return done
