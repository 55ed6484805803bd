"""A manifest's value beside its shape: what is unknown, misplaced, or of another type, with its path."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from itertools import islice
from typing import Any, Final

from dratui.allocation.documents import Wrong
from dratui.allocation.schema import Fields, ListOf, MapOf, Shape
from dratui.api import quantity

_MOST_TOLD: Final = 5  # errors of one object


def check(where: str, value: Any, shape: Shape) -> None:
    """Raises Wrong with what is unknown, misplaced, or of another type."""
    found = list(islice(_errors("", value, shape), _MOST_TOLD + 1))
    if found:
        more = "; and more" if len(found) > _MOST_TOLD else ""
        raise Wrong(f"{where}: {'; '.join(found[:_MOST_TOLD])}{more}")


def _errors(path: str, value: Any, shape: Shape) -> Iterator[str]:
    if value is None or shape == "anything":
        return
    if isinstance(shape, Fields):
        if not isinstance(value, dict):
            yield f"{path or 'it'}: is to be fields, `name: value`"
            return
        for name, part in value.items():
            here = f"{path}.{name[:63]}" if path else name[:63]
            if name in shape.known:
                yield from _errors(here, part, shape.known[name])
            elif name in shape.elsewhere:
                yield f"{here}: does not belong here: {shape.elsewhere[name]}"
            else:
                near = meant(name, shape.known)
                yield f"{here}: unknown field{'; ' + near if near else ''}"
    elif isinstance(shape, MapOf):
        if not isinstance(value, dict):
            yield f"{path}: is to be fields, `name: value`"
            return
        for name, part in value.items():
            yield from _errors(f"{path}[{name[:63]}]", part, shape.of)
    elif isinstance(shape, ListOf):
        if not isinstance(value, list):
            yield f"{path}: is to be a list"
            return
        for number, part in enumerate(value):
            if part is None:
                yield f"{path}[{number}]: is empty"
            yield from _errors(f"{path}[{number}]", part, shape.of)
    elif wrong := _wrong(value, shape):
        yield f"{path}: {wrong}"


def _wrong(value: Any, shape: str) -> str:
    match shape:
        case "text" if isinstance(value, bool):
            return "is to be text: put it in quotes (in YAML y, n, yes, no, on and off are true or false)"
        case "text" if not isinstance(value, str):
            return f"is to be text: put {str(value)[:40]!r} in quotes"
        case "whole" if type(value) is not int:
            return f"is to be a whole number, not {str(value)[:40]!r}"
        case "switch" if type(value) is not bool:
            return "is to be true or false"
        case "quantity":
            parsed = None if isinstance(value, bool | dict | list) else quantity.parse(str(value))
            if parsed is None:
                return f"{str(value)[:40]!r} is no quantity such as 40Gi"
            if parsed < 0:
                return f"{str(value)[:40]!r} is below 0"
            if parsed >= quantity.LARGEST:
                return f"{str(value)[:40]!r} is more than any quantity can be"
    return ""


def meant(name: str, known: Iterable[str], *, alike: float = 0.6) -> str:
    """A question whether the nearest of these was meant; empty if none is so much `alike`, which 1 is the same."""
    by_lower = {each.lower(): each for each in known}
    near = get_close_matches(name[:63].lower(), list(by_lower), n=1, cutoff=alike)
    return f"did you mean {by_lower[near[0]]}?" if near else ""
