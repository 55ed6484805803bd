"""From one type to another, in Go's way of reading and writing."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from dratui.allocation.cel.errors import EvaluationError
from dratui.allocation.cel.library.arithmetic import in_int, in_uint
from dratui.allocation.cel.values import (
    LARGEST_INT,
    LARGEST_UINT,
    SMALLEST_INT,
    Duration,
    Timestamp,
    Uint,
    type_name,
)

_WHOLE: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)
_FLOAT: Final = re.compile(
    r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(inf|infinity)|nan", re.ASCII | re.I
)
_BOOLS: Final = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}
_DURATION: Final = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)")
_NANOS: Final = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_RFC3339: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)", re.ASCII
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_1: Final = -62135596800  # seconds
_YEAR_10000: Final = 253402300800


def _wrong(value: Any, to: str) -> EvaluationError:
    return EvaluationError(f"type conversion error from '{type_name(value)}' to '{to}'")


def to_int(value: Any) -> int:
    """`int`."""
    kind = type(value)
    if kind is int or kind is Uint:
        return in_int(int(value))
    if kind is float:
        if not SMALLEST_INT < value < LARGEST_INT:
            raise EvaluationError("integer overflow")
        return int(value)
    if kind is str and len(value) <= 64 and _WHOLE.fullmatch(value):
        number = int(value)
        if SMALLEST_INT <= number <= LARGEST_INT:
            return number
    elif kind is Duration:
        return int(value.nanos)
    elif kind is Timestamp:
        return int(value.nanos) // 10**9
    raise _wrong(value, "int")


def to_uint(value: Any) -> Uint:
    """`uint`."""
    kind = type(value)
    if kind is int or kind is Uint:
        return in_uint(int(value))
    if kind is float:
        if not 0 <= value < LARGEST_UINT:
            raise EvaluationError("unsigned integer overflow")
        return Uint(int(value))
    if (
        kind is str
        and len(value) <= 64
        and value.isascii()
        and value.isdigit()
        and int(value) <= LARGEST_UINT
    ):
        return Uint(int(value))
    raise _wrong(value, "uint")


def to_double(value: Any) -> float:
    """`double`."""
    kind = type(value)
    if kind is float or kind is int or kind is Uint:
        return float(value)
    if kind is str and len(value) <= 1024 and _FLOAT.fullmatch(value):
        number = float(value)
        if not math.isinf(number) or "inf" in value.lower():
            return number
    raise _wrong(value, "double")


def to_bool(value: Any) -> bool:
    """`bool`."""
    if type(value) is bool:
        return value
    if type(value) is str and value in _BOOLS:
        return _BOOLS[value]
    raise _wrong(value, "bool")


def to_bytes(value: Any) -> bytes:
    """`bytes`."""
    if type(value) is bytes:
        return value
    if type(value) is str:
        return value.encode()
    raise _wrong(value, "bytes")


def to_string(value: Any) -> str:
    """`string`."""
    writer = _WRITERS.get(type(value))
    if writer is None:
        raise _wrong(value, "string")
    return writer(value)


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise EvaluationError("invalid UTF-8 in bytes, cannot convert to string") from None


def shortest(number: float) -> str:
    """A double as Go's `%g` writes it: with an exponent from a million on."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    if number == 0:
        return "-0" if math.copysign(1, number) < 0 else "0"
    decimal = Decimal(repr(number)).normalize().as_tuple()
    assert isinstance(decimal.exponent, int)  # not infinite
    sign, digits = "-" if decimal.sign else "", "".join(map(str, decimal.digits))
    exponent = len(digits) + decimal.exponent - 1
    if not -4 <= exponent < 6:
        rest = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{rest}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    whole, rest = digits[: exponent + 1].ljust(exponent + 1, "0"), digits[exponent + 1 :]
    return f"{sign}{whole}.{rest}" if rest else f"{sign}{whole}"


def duration_text(duration: Duration) -> str:
    """`90s`, `0.5s`."""
    whole, rest = divmod(abs(duration.nanos), 10**9)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{'-' if duration.nanos < 0 else ''}{whole}{fraction}s"


def timestamp_text(timestamp: Timestamp) -> str:
    """RFC 3339."""
    seconds, rest = divmod(timestamp.nanos, 10**9)
    try:
        day = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        raise EvaluationError("timestamp overflow") from None
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{day:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def to_duration(value: Any) -> Duration:
    """`duration`."""
    if type(value) is Duration:
        return value
    if type(value) is int:
        return Duration(in_int(value))
    if type(value) is str and (nanos := _nanos(value)) is not None:
        return Duration(nanos)
    raise _wrong(value, "google.protobuf.Duration")


def _nanos(text: str) -> int | None:
    sign = -1 if text[:1] == "-" else 1
    text = text[1:] if text[:1] in ("+", "-") else text
    if text == "0":
        return 0
    if not text or len(text) > 256:
        return None
    total, at = 0, 0
    while at < len(text):
        found = _DURATION.match(text, at)
        if found is None or not (found[1] or found[2]):
            return None
        unit = _NANOS[found[3]]
        fraction = found[2] or ""
        total += int(found[1] or 0) * unit + (int(fraction) * unit // 10 ** len(fraction) if fraction else 0)
        at = found.end()
    return sign * total if total <= LARGEST_INT else None


def to_timestamp(value: Any) -> Timestamp:
    """`timestamp`."""
    if type(value) is Timestamp:
        return value
    if type(value) is int:
        if not _YEAR_1 <= value < _YEAR_10000:
            raise EvaluationError("timestamp overflow")
        return Timestamp(value * 10**9)
    if type(value) is str and (found := _RFC3339.fullmatch(value)):
        *parts, fraction, zone = found.groups()
        try:
            year, month, day, hour, minute, second = map(int, parts)
            there = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        except ValueError:
            raise _wrong(value, "google.protobuf.Timestamp") from None
        seconds = (there - _EPOCH) // timedelta(seconds=1)
        if zone != "Z":
            offset = int(zone[1:3]) * 3600 + int(zone[4:]) * 60
            seconds += offset if zone[0] == "-" else -offset
        if not _YEAR_1 <= seconds < _YEAR_10000:
            raise EvaluationError("timestamp overflow")
        return Timestamp(seconds * 10**9 + int((fraction or "0")[:9].ljust(9, "0")))
    raise _wrong(value, "google.protobuf.Timestamp")


_WRITERS: Final[Mapping[type, Callable[[Any], str]]] = {
    str: lambda value: value,
    bool: lambda value: "true" if value else "false",
    bytes: _decoded,
    float: shortest,
    int: str,
    Uint: lambda value: str(int(value)),
    Duration: duration_text,
    Timestamp: timestamp_text,
}

_FROM: Final = {
    "bool": (to_bool, "bool string"),
    "bytes": (to_bytes, "bytes string"),
    "double": (to_double, "double int64 string uint64"),
    "duration": (to_duration, "duration int64 string"),
    "int64": (to_int, "int64 double duration string timestamp uint64"),
    "string": (to_string, "string bool bytes double duration int64 timestamp uint64"),
    "timestamp": (to_timestamp, "timestamp int64 string"),
    "uint64": (to_uint, "uint64 double int64 string"),
}


def _part(of: Callable[[datetime], int]) -> Callable[..., int]:
    def part(timestamp: Timestamp, zone: str = "UTC") -> int:
        seconds, rest = divmod(timestamp.nanos, 10**9)
        return of(_EPOCH + timedelta(seconds=seconds + _offset(zone), microseconds=rest // 1000))

    return part


def _offset(zone: str) -> int:
    """Seconds east of Greenwich. Names of zones need a database that not every machine has: an error here."""
    if zone == "UTC" or not zone:
        return 0
    found = re.fullmatch(r"([+-]?)(\d\d):(\d\d)", zone)
    if found is None:
        raise EvaluationError(f"unknown time zone {zone}")
    offset = int(found[2]) * 3600 + int(found[3]) * 60
    return -offset if found[1] == "-" else offset


_PARTS: Final[Mapping[str, Callable[[datetime], int]]] = {
    "year": lambda day: day.year,
    "month": lambda day: day.month - 1,
    "day_of_year": lambda day: day.timetuple().tm_yday - 1,
    "day_of_month": lambda day: day.day - 1,
    "day_of_month_1_based": lambda day: day.day,
    "day_of_week": lambda day: day.isoweekday() % 7,
    "hours": lambda day: day.hour,
    "minutes": lambda day: day.minute,
    "seconds": lambda day: day.second,
    "milliseconds": lambda day: day.microsecond // 1000,
}


def _whole(nanos: int, unit: int) -> int:
    """Of a duration, towards zero."""
    return nanos // unit if nanos >= 0 else -(-nanos // unit)


def _in(unit: int) -> Callable[[Duration], int]:
    return lambda duration: _whole(duration.nanos, unit)


IMPLEMENTATIONS: Final[Mapping[str, Callable[..., Any]]] = {
    **{f"{kind}_to_{to}": function for to, (function, kinds) in _FROM.items() for kind in kinds.split()},
    **{f"timestamp_to_{name}": _part(of) for name, of in _PARTS.items()},
    **{f"timestamp_to_{name}_with_tz": _part(of) for name, of in _PARTS.items()},
    "timestamp_to_seconds_tz": _part(_PARTS["seconds"]),
    "duration_to_hours": _in(3600 * 10**9),
    "duration_to_minutes": _in(60 * 10**9),
    "duration_to_seconds": _in(10**9),
    "duration_to_milliseconds": lambda duration: _whole(
        duration.nanos - _whole(duration.nanos, 10**9) * 10**9, 10**6
    ),
}
