"""What a claim of a manifest asks for, as far as it says which devices are wanted: what the API server would refuse."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dratui.allocation.documents import Wrong
from dratui.allocation.expressions import Expressions
from dratui.allocation.schema import NEW, OLD
from dratui.allocation.strict import meant

_MOST_REQUESTS: Final = 32  # and constraints
_MOST_ALTERNATIVES: Final = 8


def check_requests(where: str, devices: Mapping[str, Any], version: str, expressions: Expressions) -> None:
    """`devices` of a claim's spec, whose fields are known already; `where` ends with their path. Raises Wrong."""
    requests = devices.get("requests") or ()
    if not requests:
        raise Wrong(f"{where}.requests: asks for nothing")
    names: set[str] = set()
    for number, request in enumerate(_bounded(f"{where}.requests", requests)):
        here = f"{where}.requests[{number}]"
        name = _named(here, request, names)
        alternatives = _bounded(
            f"{here}.firstAvailable", request.get("firstAvailable") or (), _MOST_ALTERNATIVES
        )
        exactly = request.get("exactly") if version in NEW else request if not alternatives else None
        if version in NEW and (exactly is None) == (not alternatives):
            raise Wrong(
                f"{here}: wants exactly one of exactly and firstAvailable",
                hint="write exactly: {deviceClassName: …}",
            )
        if exactly is not None:
            _check_asked(here if version in OLD else f"{here}.exactly", exactly, expressions)
        others: set[str] = set()
        for n, each in enumerate(alternatives):
            names.add(f"{name}/{_named(f'{here}.firstAvailable[{n}]', each, others)}")
            _check_asked(f"{here}.firstAvailable[{n}]", each, expressions)
    for number, constraint in enumerate(_bounded(f"{where}.constraints", devices.get("constraints") or ())):
        here = f"{where}.constraints[{number}]"
        for wanted in constraint.get("requests") or ():
            if wanted not in names:
                raise Wrong(
                    f"{here}.requests: no request is called {str(wanted)[:63]!r}", hint=meant(wanted, names)
                )
        if sum(bool(constraint.get(way)) for way in ("matchAttribute", "distinctAttribute")) != 1:
            raise Wrong(f"{here}: wants exactly one of matchAttribute and distinctAttribute")


def _bounded(where: str, entries: Sequence[Any], most: int = _MOST_REQUESTS) -> Sequence[Any]:
    if len(entries) > most:
        raise Wrong(f"{where}: are {len(entries)}, and may be {most} at most")
    return entries


def _named(where: str, request: Mapping[str, Any], names: set[str]) -> str:
    """Its name, which no other has."""
    name = request.get("name")
    if not name:
        raise Wrong(f"{where}: has no name")
    if name in names:
        raise Wrong(f"{where}: another is called {name[:63]!r}, too")
    names.add(name)
    return str(name)


def _check_asked(here: str, asked: Mapping[str, Any], expressions: Expressions) -> None:
    if not asked.get("deviceClassName"):
        raise Wrong(f"{here}.deviceClassName: is needed", hint="dratui get classes")
    mode, count = asked.get("allocationMode") or "ExactCount", asked.get("count")
    if mode not in ("ExactCount", "All"):
        raise Wrong(f"{here}.allocationMode: {mode!r} is neither ExactCount nor All")
    if count is not None and not 1 <= count < 2**63:
        raise Wrong(f"{here}.count: {count} is no number of devices, from 1")
    expressions.check(here, asked)
    if mode == "All" and count is not None:
        raise Wrong(f"{here}.count: has no place beside allocationMode: All")
