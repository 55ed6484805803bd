"""How large the parts of an expression can be, from what the API allows of a device.

With the sizes of dynamic-resource-allocation/cel/compile.go.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from dratui.allocation.cel import types
from dratui.allocation.cel.syntax import ListOf, Literal, MapOf, Node
from dratui.allocation.cel.types import Type

ENDLESS: Final = (1 << 64) - 1


class Range(NamedTuple):
    """At least and at most, of a size or a cost; never beyond ENDLESS."""

    least: int
    most: int

    def __add__(self, other: "Range") -> "Range":  # type: ignore[override]  # of numbers, not of tuples
        least, most = self[0] + other[0], self[1] + other[1]
        return Range(least, most) if most <= ENDLESS else Range(min(least, ENDLESS), ENDLESS)

    def times(self, other: "Range") -> "Range":
        """The product."""
        return Range(min(self.least * other.least, ENDLESS), min(self.most * other.most, ENDLESS))

    def by(self, factor: float) -> "Range":
        """So much a unit, rounded up."""
        return Range(_scaled(self.least, factor), _scaled(self.most, factor))

    def or_(self, other: "Range") -> "Range":
        """Either."""
        if self == other:
            return self
        return Range(min(self.least, other.least), max(self.most, other.most))


def _scaled(number: int, factor: float) -> int:
    return min(math.ceil(float(number) * factor), ENDLESS)


def just(number: int) -> Range:
    return Range(number, number)


UNKNOWN: Final = Range(0, ENDLESS)
NOTHING: Final = just(0)
ONE: Final = just(1)


class Entries(NamedTuple):
    """How large the keys and values of a list or map are."""

    keys: Range
    values: Range


@dataclass(frozen=True, slots=True)
class _Limit:
    """What the API allows of a part of a device: so many elements or characters."""

    most: int
    elements: "_Limit | None" = None
    keys: "_Limit | None" = None
    fields: "Mapping[str, _Limit] | None" = None
    named: bool = False  # elements may be selected as fields


_DOMAIN: Final = _Limit(63)
_IDENTIFIER: Final = _Limit(32)
_ATTRIBUTE: Final = _Limit(64)
_MOST: Final = 32  # attributes and capacities of a device
_DEVICE: Final = _Limit(
    0,
    fields={
        "driver": _Limit(63),
        "allowMultipleAllocations": _Limit(1),
        "attributes": _Limit(_MOST, _Limit(_MOST, _ATTRIBUTE, _IDENTIFIER, named=True), _DOMAIN),
        "capacity": _Limit(_MOST, _Limit(_MOST, _Limit(0), _IDENTIFIER), _DOMAIN),
    },
)


def written_size(node: Node) -> Range | None:
    match node:
        case Literal():
            return just(len(node.value)) if isinstance(node.value, str | bytes) else ONE
        case ListOf():
            return just(len(node.elements))
        case MapOf():
            return just(len(node.entries))
    return None


def limit_at(path: tuple[str, ...]) -> Range | None:
    """The size of what is at a path into a device, if the API says it."""
    if path[:1] != ("device",):
        return None
    limit = _DEVICE
    for name in path[1:]:
        inner = _inside(limit, name)
        if inner is None:
            return None
        limit = inner
    return Range(0, limit.most)


def _inside(limit: _Limit, name: str) -> _Limit | None:
    if name in ("@items", "@values"):
        return limit.elements
    if name == "@keys":
        return limit.keys
    if limit.fields is not None and name in limit.fields:
        return limit.fields[name]
    return limit.elements if limit.named else None


_SCALARS: Final = frozenset(
    scalar.name
    for scalar in (types.BOOL, types.DOUBLE, types.DURATION, types.INT, types.TIMESTAMP, types.UINT)
)


def is_scalar(type_: Type) -> bool:
    return type_.name in _SCALARS or (type_.name == "optional_type" and is_scalar(type_.of[0]))


def either(one: Entries | None, other: Entries | None) -> Entries | None:
    if one is None or other is None:
        return None
    return Entries(one.keys.or_(other.keys), one.values.or_(other.values))
