"""`"%s of %d".format([…])`: the clauses of cel-go's ext/formatting.go."""

import math
import re
from typing import Any, Final

from dratui.allocation.cel.errors import EvaluationError
from dratui.allocation.cel.library.conversion import to_string
from dratui.allocation.cel.values import Duration, Map, Timestamp, TypeValue, Uint, type_name
from dratui.allocation.cel.work import spend

_CLAUSE: Final = re.compile(r"%(?:(%)|(?:\.([0-9]{1,3}))?(.))?", re.DOTALL)
_PRECISION: Final = 6
_TAKES: Final = {
    "s": "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and"
    " timestamps",
    "d": "decimal clause can only be used on integers",
    "f": "fixed-point clause can only be used on doubles",
    "e": "scientific clause can only be used on doubles",
    "b": "only integers and bools can be formatted as binary",
    "x": "only integers, byte buffers, and strings can be formatted as hex",
    "o": "octal clause can only be used on integers",
}
_FLOATS: Final = ("NaN", "Infinity", "-Infinity")


def formatted(text: str, arguments: list[Any]) -> str:
    """Raises EvaluationError."""
    pieces: list[str] = []
    end = taken = 0
    for match in _CLAUSE.finditer(text):
        pieces.append(text[end : match.start()])
        end = match.end()
        if match[1]:
            pieces.append("%")
            continue
        if match[3] is None:
            raise EvaluationError("unexpected end of string")
        if taken >= len(arguments):
            raise EvaluationError(f"index {taken} out of range")
        pieces.append(_clause(match[3], match[2], arguments[taken]))
        taken += 1
    if taken < len(arguments):
        raise EvaluationError(
            f"too many arguments supplied to string.format (expected {taken}, got {len(arguments)})"
        )
    return "".join((*pieces, text[end:]))


def _clause(kind: str, precision: str | None, value: Any) -> str:
    match kind:
        case "s":
            return _string(value)
        case "d":
            if type(value) in (int, Uint):
                return str(int(value))
            raise _wrong(kind, value)
        case "f" | "e":
            places = _PRECISION if precision is None else int(precision)
            return _float(kind, places, value)
        case "b":
            if type(value) in (int, Uint, bool):
                return f"{int(value):b}"
            raise _wrong(kind, value)
        case "x" | "X":
            return _hexadecimal(kind, value)
        case "o":
            if type(value) in (int, Uint):
                return f"{int(value):o}"
            raise _wrong(kind, value)
    raise EvaluationError(f'could not parse formatting clause: unrecognized formatting clause "{kind}"')


def clauses(text: str) -> list[str]:
    """What a format asks of its arguments, one after the other: `s`, `d`, `f`, …"""
    return [match[3] for match in _CLAUSE.finditer(text) if match[3]]


def wrong_argument(kind: str, given: str) -> str:
    """What to say of an argument of a type that a clause does not take."""
    return f"error during formatting: {_TAKES[kind.lower()]}, was given {given}"


def _wrong(kind: str, value: Any) -> EvaluationError:
    return EvaluationError(wrong_argument(kind, type_name(value)))


def _float(kind: str, places: int, value: Any) -> str:
    if type(value) is str and value in _FLOATS:
        value = float(value)
    if type(value) is not float:
        raise _wrong(kind, value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:.{places}{kind}}"


def _hexadecimal(kind: str, value: Any) -> str:
    if type(value) in (int, Uint):
        return f"{int(value):{kind}}"
    if type(value) in (str, bytes):
        text = (value.encode() if type(value) is str else value).hex()
        return text.upper() if kind == "X" else text
    raise _wrong(kind, value)


def _string(value: Any) -> str:
    kind = type(value)
    if kind is list:
        spend(len(value))
        return f"[{', '.join(_within(element) for element in value)}]"
    if kind is Map:
        spend(len(value))
        entries = sorted((_within(key), _within(value.find(key)[0])) for key in value)
        return f"{{{', '.join(f'{key}:{entry}' for key, entry in entries)}}}"
    if value is None:
        return "null"
    if kind is TypeValue:
        return str(value.name)
    if kind in (bool, int, Uint, float, str, bytes, Duration, Timestamp):
        return to_string(value)
    raise _wrong("s", value)


def _within(value: Any) -> str:
    """In a list or a map: as a literal."""
    kind = type(value)
    if kind is str:
        return f'"{value}"'
    if kind is bytes:
        return f'b"{to_string(value)}"'
    if kind is float:
        return f"{value:.{_PRECISION}f}" if math.isfinite(value) else f'"{value}"'
    if kind is Duration:
        return f'duration("{to_string(value)}")'
    if kind is Timestamp:
        return f'timestamp("{to_string(value)}")'
    return _string(value)
