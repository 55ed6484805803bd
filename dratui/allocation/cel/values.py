"""What expressions compute with.

`bool int Uint float str bytes None list Map` and the classes here. Python's own ideas of equality and order are not
CEL's: `True == 1` is false there, and `1 == 1.0 == 1u` true. So values are compared by `equal` and `compare` only.
"""

import ipaddress
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from dratui.allocation.cel.errors import NO_OVERLOAD, EvaluationError
from dratui.allocation.cel.quantity import Quantity
from dratui.allocation.cel.semver import Semver
from dratui.allocation.cel.work import spend

SMALLEST_INT: Final = -(1 << 63)
LARGEST_INT: Final = (1 << 63) - 1
LARGEST_UINT: Final = (1 << 64) - 1


class Uint(int):
    """An unsigned number of 64 bits."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Duration:
    """Nanoseconds."""

    nanos: int


@dataclass(frozen=True, slots=True)
class Timestamp:
    """Nanoseconds since 1970, UTC."""

    nanos: int


@dataclass(frozen=True, slots=True)
class TypeValue:
    """A type as a value: what `type(x)` gives."""

    name: str


@dataclass(frozen=True, slots=True)
class Url:
    """The parts of an absolute URL, as Go's net/url has them."""

    scheme: str
    host: str
    path: str  # escaped
    query: str
    text: str


@dataclass(frozen=True, slots=True)
class Format:
    """A named format: `problems` says what of a text is wrong. `regex` is the length of the longest pattern in it."""

    name: str
    problems: Callable[[str], list[str]]
    regex: int


class Optional:
    """A value that may not be there."""

    __slots__ = ("present", "value")

    def __init__(self, value: Any, *, present: bool = True) -> None:
        self.value = value
        self.present = present


NONE: Final = Optional(None, present=False)

Cidr = ipaddress.IPv4Interface | ipaddress.IPv6Interface
Ip = ipaddress.IPv4Address | ipaddress.IPv6Address

_BOOL_KEYS: Final = {True: object(), False: object()}  # no number is equal to these
_BOOLS: Final = {id(key): value for value, key in _BOOL_KEYS.items()}
_KEYS: Final = frozenset((bool, int, Uint, float, str))


class Map:
    """Values by key. With a `default` there is an entry for every key, though iteration does not know of it."""

    __slots__ = ("default", "entries")

    def __init__(self, entries: Iterable[tuple[Any, Any]] = (), default: Any = None) -> None:
        self.entries: dict[Any, Any] = {_stored(key): value for key, value in entries}
        self.default = default

    def find(self, key: Any) -> tuple[Any, bool]:
        """The value, and whether there is one."""
        kind = type(key)
        if kind is bool:
            key = _BOOL_KEYS[key]
        elif kind not in _KEYS:
            return self.default, self.default is not None
        found = self.entries.get(key, self)
        return (self.default, self.default is not None) if found is self else (found, True)

    def has(self, key: Any) -> bool:
        """Whether there is an entry of its own: the default is none."""
        kind = type(key)
        if kind is bool:
            key = _BOOL_KEYS[key]
        return kind in _KEYS and key in self.entries

    def insert(self, key: Any, value: Any) -> None:
        """Raises EvaluationError for a key that is there already."""
        stored = _stored(key)
        if stored in self.entries:
            raise EvaluationError(f"insert failed: key {written(key)} already exists")
        self.entries[stored] = value

    def __iter__(self) -> Iterator[Any]:
        return (_BOOLS.get(id(key), key) for key in self.entries)

    def __len__(self) -> int:
        return len(self.entries)


def _stored(key: Any) -> Any:
    if type(key) is bool:
        return _BOOL_KEYS[key]
    if type(key) not in _KEYS:
        raise EvaluationError(f"unsupported key type: {type_name(key)}")
    return key


NAMES: Final[dict[type, str]] = {
    bool: "bool",
    int: "int",
    Uint: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    type(None): "null_type",
    list: "list",
    Map: "map",
    Duration: "google.protobuf.Duration",
    Timestamp: "google.protobuf.Timestamp",
    TypeValue: "type",
    Optional: "optional_type",
    Quantity: "kubernetes.Quantity",
    Semver: "kubernetes.Semver",
    Url: "kubernetes.URL",
    Format: "kubernetes.NamedFormat",
    ipaddress.IPv4Address: "net.IP",
    ipaddress.IPv6Address: "net.IP",
    ipaddress.IPv4Interface: "net.CIDR",
    ipaddress.IPv6Interface: "net.CIDR",
}

_NUMBERS: Final = frozenset((int, Uint, float))
_STRICT: Final = frozenset(
    (
        Quantity,
        Semver,
        Url,
        Format,
        ipaddress.IPv4Address,
        ipaddress.IPv6Address,
        ipaddress.IPv4Interface,
        ipaddress.IPv6Interface,
    )
)
"""Types of Kubernetes: to be compared with another type is an error, not false."""


def type_name(value: Any) -> str:
    """The name of its type, as CEL says it."""
    return NAMES.get(type(value), type(value).__name__)


def equal(one: Any, other: Any) -> bool:
    """CEL's `==`. Raises EvaluationError where a type of Kubernetes is compared with another type."""
    kind, that = type(one), type(other)
    if kind in _NUMBERS:
        return that in _NUMBERS and one == other
    if kind is str or kind is bool or kind is bytes:
        return that is kind and one == other
    if one is None or other is None:
        return one is other
    if kind is list:
        if that is not list or len(one) != len(other):
            return False
        spend(len(one))
        return all(map(_not_unequal, one, other))
    if kind is Map:
        if that is not Map or len(one) != len(other):
            return False
        spend(4 * len(one))
        return all(_same_entry(one, other, key) for key in one)
    if kind is Optional:
        return that is Optional and (
            equal(one.value, other.value) if one.present and other.present else one.present == other.present
        )
    if kind in _STRICT and (NAMES[kind] != NAMES.get(that) or (kind is Quantity and other.computed)):
        raise EvaluationError(NO_OVERLOAD)
    return bool(one == other) if NAMES.get(kind) == NAMES.get(that) else False


def _not_unequal(one: Any, other: Any) -> bool:
    """Within lists and maps cel-go takes an error for equality."""
    try:
        return equal(one, other)
    except EvaluationError:
        return True


def _same_entry(one: Map, other: Map, key: Any) -> bool:
    value, found = other.find(key)
    return found and _not_unequal(one.find(key)[0], value)


def same(one: Any, other: Any) -> bool:
    """`equal`, where an error means no."""
    try:
        return equal(one, other)
    except EvaluationError:
        return False


def compare(one: Any, other: Any) -> int:
    """-1, 0 or 1. Raises EvaluationError for what has no order."""
    kind, that = type(one), type(other)
    if kind in _NUMBERS and that in _NUMBERS:
        if (kind is float and math.isnan(one)) or (that is float and math.isnan(other)):
            raise EvaluationError("NaN values cannot be ordered")
        return _order(one, other)
    if kind is that:
        if kind is str:
            one, other = one.encode(), other.encode()  # by bytes, as Go does
            return _order(one, other)
        if kind is bool or kind is bytes:
            return _order(one, other)
        if kind is Duration or kind is Timestamp:
            return _order(one.nanos, other.nanos)
    raise EvaluationError(NO_OVERLOAD)


def _order(one: Any, other: Any) -> int:
    return -1 if one < other else 1 if one > other else 0


def size(value: Any) -> int:
    """What cost is reckoned by: characters, bytes, elements; 1 of everything else."""
    kind = type(value)
    if kind is str or kind is list or kind is bytes or kind is Map:
        length: int = len(value)
        return length
    if kind is Optional and value.present:
        return size(value.value)
    if kind is ipaddress.IPv4Address or kind is ipaddress.IPv6Address:
        return int(value.max_prefixlen) // 8
    if kind is ipaddress.IPv4Interface or kind is ipaddress.IPv6Interface:
        return -(-int(value.network.prefixlen) // 8)
    return 1


def written(value: Any) -> str:
    """As an error tells of it."""
    return (
        value
        if type(value) is str
        else "true"
        if value is True
        else "false"
        if value is False
        else str(value)
    )
