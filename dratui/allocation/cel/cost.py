"""What a call costs, as the API server and the scheduler reckon it while they evaluate.

The limit is part of the language: an expression that passes it fails, and with it the pod's scheduling. Costs go by
overload where the checker found exactly one, else by name; from cel-go 0.26 (interpreter/runtimecost.go, ext/lists.go,
ext/sets.go) and k8s.io/apiserver/pkg/cel/library/cost.go.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from dratui.allocation.cel.quantity import Quantity
from dratui.allocation.cel.semver import Semver
from dratui.allocation.cel.values import Format, Map, Url, size

LIMIT: Final = 1_000_000
SELECT: Final = 1
LIST: Final = 10
MAP: Final = 30
STRING_FACTOR: Final = 0.1
REGEX_FACTOR: Final = 0.25

Cost = Callable[[Sequence[Any], Any], int]
"""Of arguments (an error among them counts as one) and the result, or the error."""


def _ceil(value: float) -> int:
    return math.ceil(value)


def _traversal(value: Any) -> int:
    kind = type(value)
    if kind is str:
        return int(len(value.encode()) * STRING_FACTOR)
    if kind is bytes:
        return int(len(value) * STRING_FACTOR)
    if kind is list:
        return sum(map(_traversal, value))
    if kind is Map:
        return sum(_traversal(key) + _traversal(value.find(key)[0]) for key in value)
    return 1


def _one(arguments: Sequence[Any], result: Any) -> int:
    return 1


def _string(factor: float = 1.0) -> Cost:
    return lambda arguments, result: _ceil(size(arguments[0]) * factor * STRING_FACTOR)


def _regex(arguments: Sequence[Any], result: Any) -> int:
    return _ceil((1.0 + size(arguments[0])) * STRING_FACTOR) * _ceil(size(arguments[1]) * REGEX_FACTOR)


def _join(arguments: Sequence[Any], result: Any) -> int:
    return _ceil(size(result) * 2 * STRING_FACTOR)


def _contains_ip(arguments: Sequence[Any], result: Any) -> int:
    cost = _ceil(2 * size(arguments[0]) * STRING_FACTOR)
    return cost + (_ceil(size(arguments[1]) * STRING_FACTOR) if type(arguments[1]) is str else 0)


def _contains_cidr(arguments: Sequence[Any], result: Any) -> int:
    return _contains_ip(arguments, result) + _ceil(size(arguments[0]) * STRING_FACTOR) + 1


def _validate(arguments: Sequence[Any], result: Any) -> int:
    text = _ceil((1.0 + size(arguments[1])) * STRING_FACTOR)
    return text * _ceil(arguments[0].regex * REGEX_FACTOR) if type(arguments[0]) is Format else 1


def _traversed(arguments: Sequence[Any], result: Any) -> int:
    return _traversal(arguments[0])


_SIMPLE_EQUALITY: Final = frozenset((Quantity, Semver, Url, Format))


def _equality(arguments: Sequence[Any], result: Any) -> int:
    one, other = arguments
    if type(one) in _SIMPLE_EQUALITY or type(one).__module__ == "ipaddress":
        return 1
    return _ceil(min(size(one), size(other)) * STRING_FACTOR)


def _shorter(arguments: Sequence[Any], result: Any) -> int:
    return _ceil(min(size(arguments[0]), size(arguments[1])) * STRING_FACTOR)


def _both(arguments: Sequence[Any], result: Any) -> int:
    return _ceil((size(arguments[0]) + size(arguments[1])) * STRING_FACTOR)


def _substring(arguments: Sequence[Any], result: Any) -> int:
    return _ceil(size(arguments[0]) * STRING_FACTOR) * _ceil(size(arguments[1]) * STRING_FACTOR)


def _allocating(factor: float, length: float) -> int:
    return 1 + LIST + int(factor * length)


def _self_compared(elements: Any) -> int:
    length = size(elements)
    factor = 2.0
    if length and type(elements) is list and type(elements[0]) in (str, bytes):
        factor += STRING_FACTOR
    return _allocating(factor, length * length)


def _sets(arguments: Sequence[Any], result: Any) -> int:
    return 1 + size(arguments[0]) * size(arguments[1])


_BY_NAME: Final[Mapping[str, Cost]] = {
    **dict.fromkeys(("isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"), _traversed),
    **dict.fromkeys(("url", "lowerAscii", "upperAscii", "substring", "trim"), _string()),
    **dict.fromkeys(("replace", "split"), _string(2)),
    "join": _join,
    **dict.fromkeys(("find", "findAll"), _regex),
    **dict.fromkeys(("cidr", "isIP", "isCIDR", "quantity", "isQuantity", "semver", "isSemver"), _string()),
    "ip.isCanonical": _string(2),
    "containsIP": _contains_ip,
    "containsCIDR": _contains_cidr,
    "validate": _validate,
    "_==_": _equality,
}
_IP: Final = _string()

_BY_OVERLOAD: Final[Mapping[str, Cost]] = {
    "list_includes_dyn_dyn": _traversed,
    **dict.fromkeys(("list_slice", "lists_range", "list_reverse"), lambda a, r: _allocating(1, size(r))),
    "list_flatten": lambda a, r: _allocating(1, size(a[0])),
    "list_flatten_int": lambda a, r: _allocating(a[1], size(a[0])),
    "list_distinct": lambda a, r: _self_compared(a[0]),
    **dict.fromkeys(
        ("list_sets_contains_list", "list_sets_intersects_list"),
        _sets,
    ),
    "list_sets_equivalent_list": lambda a, r: 1 + 2 * size(a[0]) * size(a[1]),
}

_BY_DEFAULT: Final[Mapping[str, Cost]] = {
    **dict.fromkeys(
        (
            "starts_with_string",
            "ends_with_string",
            "string_to_bytes",
            "bytes_to_string",
            "strings_quote",
            "string_format",
        ),
        _string(),
    ),
    "in_list": lambda a, r: size(a[1]),
    **dict.fromkeys(
        (
            f"{order}_{kind}"
            for order in ("less", "greater", "less_equals", "greater_equals")
            for kind in ("string", "bytes")
        ),
        _shorter,
    ),
    "equals": _shorter,
    "not_equals": _shorter,
    "add_string": _both,
    "add_bytes": _both,
    "matches_string": _regex,
    "contains_string": _substring,
}


def of_call(function: str, overloads: Sequence[str]) -> Cost:
    """The cost of calling one of these."""
    overload = overloads[0] if len(overloads) == 1 else ""
    if overload in _BY_OVERLOAD:
        return _BY_OVERLOAD[overload]
    if overload.endswith("_sort"):
        return lambda arguments, result: _self_compared(arguments[0])
    if overload.endswith("_sortByAssociatedKeys"):
        return lambda arguments, result: _self_compared(arguments[1])
    if function == "ip":
        return _one if overload == "cidr_ip" else _IP
    return _BY_NAME.get(function) or _BY_DEFAULT.get(overload, _one)
