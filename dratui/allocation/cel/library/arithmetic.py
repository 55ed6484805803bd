"""Numbers, times and optionals. What leaves 64 bits is an error; so is division by zero, but of doubles."""

import math
from collections.abc import Mapping
from typing import Any, Final

from dratui.allocation.cel.errors import NO_OVERLOAD, EvaluationError
from dratui.allocation.cel.values import (
    LARGEST_INT,
    LARGEST_UINT,
    NONE,
    SMALLEST_INT,
    Duration,
    Map,
    Optional,
    Timestamp,
    TypeValue,
    Uint,
    type_name,
)

LONGEST: Final = 1 << 20
"""Characters, bytes or elements of anything that an expression makes. More is more than any device's attributes."""


def in_int(number: int) -> int:
    """Raises EvaluationError for what has more than 64 bits."""
    if not SMALLEST_INT <= number <= LARGEST_INT:
        raise EvaluationError("integer overflow")
    return number


def in_uint(number: int) -> Uint:
    """The same of unsigned numbers."""
    if not 0 <= number <= LARGEST_UINT:
        raise EvaluationError("unsigned integer overflow")
    return Uint(number)


def bounded(made: Any) -> Any:
    """A text or list that is not too long. Raises EvaluationError."""
    if len(made) > LONGEST:
        raise EvaluationError(
            f"a value of {len(made)} elements is too long: at most {LONGEST} are dealt with"
        )
    return made


def add(one: Any, other: Any) -> Any:
    """`+` of whatever it may be."""
    kind, that = type(one), type(other)
    if kind is that:
        if kind is int:
            return in_int(one + other)
        if kind is str or kind is list or kind is bytes:
            return bounded(one + other)
        if kind is float:
            return one + other
        if kind is Uint:
            return in_uint(int(one) + int(other))
        if kind is Duration:
            return _duration(one.nanos + other.nanos)
    if kind is Timestamp and that is Duration:
        return Timestamp(one.nanos + other.nanos)
    if kind is Duration and that is Timestamp:
        return Timestamp(one.nanos + other.nanos)
    raise EvaluationError(NO_OVERLOAD if kind in _ADDED else "no such overload: _+_")


_ADDED: Final = frozenset((int, str, list, bytes, float, Uint, Duration, Timestamp))


def subtract(one: Any, other: Any) -> Any:
    """`-` of whatever it may be."""
    kind, that = type(one), type(other)
    if kind is that:
        if kind is int:
            return in_int(one - other)
        if kind is float:
            return one - other
        if kind is Uint:
            return in_uint(int(one) - int(other))
        if kind is Duration or kind is Timestamp:
            return _duration(one.nanos - other.nanos)
    if kind is Timestamp and that is Duration:
        return Timestamp(one.nanos - other.nanos)
    raise EvaluationError(NO_OVERLOAD)


def multiply(one: Any, other: Any) -> Any:
    """`*` of numbers of one type."""
    kind = type(one)
    if kind is type(other):
        if kind is int:
            return in_int(one * other)
        if kind is float:
            return one * other
        if kind is Uint:
            return in_uint(int(one) * int(other))
    raise EvaluationError(NO_OVERLOAD)


def divide(one: Any, other: Any) -> Any:
    """`/` of numbers of one type, towards zero."""
    kind = type(one)
    if kind is type(other):
        if kind is float:
            return _divided(one, other)
        if kind is int or kind is Uint:
            if other == 0:
                raise EvaluationError("division by zero")
            quotient = abs(one) // abs(other)
            return (
                Uint(quotient)
                if kind is Uint
                else in_int(quotient if (one < 0) == (other < 0) else -quotient)
            )
    raise EvaluationError(NO_OVERLOAD)


def _divided(one: float, other: float) -> float:
    if other:
        return one / other
    if one == 0 or math.isnan(one):
        return math.nan
    return math.copysign(math.inf, one) * math.copysign(1.0, other)


def modulo(one: Any, other: Any) -> Any:
    """`%` of whole numbers of one type, with the sign of the first."""
    kind = type(one)
    if kind is type(other) and (kind is int or kind is Uint):
        if other == 0:
            raise EvaluationError("modulus by zero")
        rest = abs(one) % abs(other)
        return Uint(rest) if kind is Uint else -rest if one < 0 else rest
    raise EvaluationError(NO_OVERLOAD)


def negate(number: Any) -> Any:
    """`-` before an int or a double."""
    if type(number) is int:
        return in_int(-number)
    if type(number) is float:
        return -number
    raise EvaluationError(NO_OVERLOAD)


def logical_not(value: Any) -> bool:
    """`!`."""
    if value is True or value is False:
        return not value
    raise EvaluationError(NO_OVERLOAD)


def length(value: Any) -> int:
    """`size`."""
    if type(value) in (str, list, bytes, Map):
        return len(value)
    raise EvaluationError("no such overload: size")


def _duration(nanos: int) -> Duration:
    return Duration(in_int(nanos))


def _value(optional: Any) -> Any:
    if not optional.present:
        raise EvaluationError("optional.none() dereference")
    return optional.value


def _non_zero(value: Any) -> Optional:
    empty = value is None or value is False or (type(value) in _EMPTY and not value)
    return NONE if empty or value in (Duration(0), NONE) else Optional(value)


_EMPTY: Final = frozenset((int, Uint, float, str, bytes, list, Map))


def _unwrapped(optionals: Any) -> list[Any]:
    return [optional.value for optional in optionals if optional.present]


def _inserted(into: Map, *entry: Any) -> Map:
    """Into the map of a loop, which nobody else holds yet."""
    if len(entry) == 2:
        into.insert(*entry)
    else:
        for key in entry[0]:
            into.insert(key, entry[0].find(key)[0])
    return into


_COMMON: Final = {
    "add": (
        add,
        "bytes double duration_duration duration_timestamp timestamp_duration int64 list string uint64",
    ),
    "subtract": (
        subtract,
        "double duration_duration int64 timestamp_duration timestamp_timestamp uint64",
    ),
    "multiply": (multiply, "double int64 uint64"),
    "divide": (divide, "double int64 uint64"),
    "modulo": (modulo, "int64 uint64"),
    "negate": (negate, "double int64"),
    "size": (length, "bytes list map string"),
}

IMPLEMENTATIONS: Final[Mapping[str, Any]] = {
    **{f"{name}_{kind}": function for name, (function, kinds) in _COMMON.items() for kind in kinds.split()},
    **{f"{kind}_size": length for kind in ("bytes", "list", "map", "string")},
    "logical_not": logical_not,
    "type": lambda value: TypeValue(type_name(value)),
    "to_dyn": lambda value: value,
    "optional_of": Optional,
    "optional_ofNonZeroValue": _non_zero,
    "optional_none": lambda: NONE,
    "optional_unwrap": _unwrapped,
    "optional_unwrapOpt": _unwrapped,
    "optional_value": _value,
    "optional_hasValue": lambda optional: optional.present,
    "list_first": lambda elements: Optional(elements[0]) if elements else NONE,
    "list_last": lambda elements: Optional(elements[-1]) if elements else NONE,
    "@mapInsert_map_key_value": _inserted,
    "@mapInsert_map_map": _inserted,
}
