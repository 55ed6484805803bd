"""What is said of a selector that someone tries: how many match, which fail, what is wrong with it."""

from collections.abc import Iterator
from typing import Final

from dratui.allocation.cel.errors import CompileError, line_and_column
from dratui.failure import Failure
from dratui.terminal import clean
from dratui.views.words import count
from dratui.why.selecting import Tried

_MOST: Final = 3  # errors, devices that are named


def counted(tried: Tried, free: int | None, *, device_class: str, empty: bool) -> str:
    """`12 of 96 devices match · 3 free · on 4 nodes`; `free` is None while it is not known."""
    number = f"{tried.among:,} device{'s' * (tried.among != 1)}"
    if device_class:
        number += f" of class {clean(device_class)}"
    match = "matches" if tried.among == 1 else "match"
    said = [f"no selector: all of {number}" if empty else f"{len(tried.matches):,} of {number} {match}"]
    if free is not None and tried.matches:
        said.append(f"{free:,} free")
    if tried.nodes:
        said.append(f"on {count(tried.nodes, 'node')}")
    return " · ".join(said)


def raised(tried: Tried) -> Iterator[str]:
    """Devices at which evaluating it fails, by error, those of most devices first."""
    errors = sorted(tried.errors.items(), key=lambda each: -len(each[1]))
    for error, keys in errors[:_MOST]:
        names = ", ".join(f"{key.pool}/{key.device}" for key in keys[:_MOST])
        more = ", …" if len(keys) > _MOST else ""
        raises = "device raises" if len(keys) == 1 else "devices raise"
        yield clean(f"{len(keys):,} {raises}: {error} ({names}{more})")
    if rest := sum(len(keys) for _, keys in errors[_MOST:]):
        yield f"{rest:,} more raise other errors"


def wrong(failure: Failure) -> Iterator[str]:
    """What the API server says of it, problem by problem, each with line and column."""
    if not isinstance(failure, CompileError):
        yield clean(failure.what)
        return
    for problem in failure.problems:
        line, column = line_and_column(failure.source, problem.at)
        yield clean(f"{line}:{column}: {problem.text}")


def places(failure: Failure | None) -> tuple[int, ...]:
    """Where something is wrong, characters from 0."""
    return tuple(problem.at for problem in failure.problems) if isinstance(failure, CompileError) else ()
