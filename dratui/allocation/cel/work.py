"""How much one evaluation may do, so that no expression takes long: about a tenth of a second.

What CEL itself limits is another thing: a cost that the API server and the scheduler reckon, of which a unit may take
anything from 50 ns to 10 µs, and in which much costs nothing (regular expressions made in a loop, lists of lists of the
same list compared with each other). A unit of work is one or two microseconds, and the same on every machine.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

LIMIT: Final = 50_000

_SLOW: Final = 50
"""Units of a call to most functions: those that read a text, an address, a version, a quantity."""

_FAST: Final = frozenset(
    (
        "size",
        "contains",
        "startsWith",
        "endsWith",
        "matches",
        "includes",
        "hasValue",
        "value",
        "orValue",
        "dyn",
        "type",
    )
)
_LONG: Final = frozenset((str, bytes, list))


class OutOfWork(Exception):
    """An evaluation that takes too long. Nothing absorbs it."""


_ENDLESS: Final = 1 << 62


class _Meter(threading.local):
    left: int = _ENDLESS


_meter: Final = _Meter()


@contextmanager
def limited() -> Iterator[Callable[[], int]]:
    """What is evaluated within may do no more than LIMIT, and what it did can be asked for. Else there is no limit."""
    _meter.left = LIMIT
    try:
        yield lambda: LIMIT - _meter.left
    finally:
        _meter.left = _ENDLESS


def spend(amount: int) -> None:
    """Raises OutOfWork."""
    _meter.left -= amount
    if _meter.left < 0:
        raise OutOfWork


def metered(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that a loop calls: operators take no longer than the round does."""
    units = 0 if name in _FAST or not name.isidentifier() or name.startswith("_") else _SLOW

    def paying(*arguments: Any) -> Any:
        if units or any(type(each) in _LONG for each in arguments):
            spend(units + (sum(len(each) for each in arguments if type(each) in _LONG) >> 5))
        return function(*arguments)

    return paying
