"""Lists and sets of them."""

from collections.abc import Callable, Mapping
from functools import cmp_to_key
from itertools import pairwise
from typing import Any, Final

from dratui.allocation.cel.cost import LIMIT
from dratui.allocation.cel.errors import NO_OVERLOAD, EvaluationError, OutOfBudget
from dratui.allocation.cel.library.arithmetic import LONGEST, add, bounded
from dratui.allocation.cel.values import Duration, Uint, compare, same
from dratui.allocation.cel.work import spend

_LONGEST_INCLUDES: Final = 48
"""Elements. An attribute has no more values: resource.k8s.io's ResourceSliceMaxAttributeValuesPerDevice."""


def contains(elements: list[Any], wanted: Any) -> bool:
    """Whether one is equal."""
    return any(same(wanted, element) for element in elements)


def includes(value: Any, wanted: Any) -> bool:
    """Of a list whether it contains it, of anything else whether it is equal."""
    if type(value) is not list:
        return same(value, wanted)
    return any(same(element, wanted) for element in value)


def _includes_few(value: Any, wanted: Any) -> bool:
    """The same, of lists that are not too long."""
    if (
        type(value) is list
        and len(value) > _LONGEST_INCLUDES
        and not contains(value[:_LONGEST_INCLUDES], wanted)
    ):
        raise EvaluationError(
            f"'includes' function cannot be applied to lists longer than {_LONGEST_INCLUDES} values"
        )
    return includes(value, wanted)


def _range(end: int) -> list[int]:
    if end > LONGEST:
        raise OutOfBudget
    return list(range(end))


def _slice(elements: list[Any], start: int, end: int) -> list[Any]:
    if start < 0 or end < 0:
        raise EvaluationError(f"cannot slice({start}, {end}), negative indexes not supported")
    if start > end:
        raise EvaluationError(
            f"cannot slice({start}, {end}), start index must be less than or equal to end index"
        )
    if len(elements) < end:
        raise EvaluationError(f"cannot slice({start}, {end}), list is length {len(elements)}")
    return elements[start:end]


def _flatten(elements: list[Any], depth: int = 1) -> list[Any]:
    if depth < 0:
        raise EvaluationError("level must be non-negative")
    while depth > 0 and any(type(element) is list for element in elements):
        elements = bounded(
            [part for element in elements for part in (element if type(element) is list else (element,))]
        )
        depth -= 1
    return elements


def _distinct(elements: list[Any]) -> list[Any]:
    _affordable(2 * len(elements) ** 2)
    kept: list[Any] = []
    for element in elements:
        if not contains(kept, element):
            kept.append(element)
    return kept


def _sorted_by(elements: list[Any], keys: list[Any]) -> list[Any]:
    if len(elements) != len(keys):
        raise EvaluationError(
            "@sortByAssociatedKeys() expected a list of the same size as the associated keys list,"
            f" but got {len(elements)} and {len(keys)} elements respectively"
        )
    if any(type(key) is not type(keys[0]) for key in keys):
        raise EvaluationError("list elements must have the same type")
    _affordable(2 * len(elements) ** 2)
    order = sorted(range(len(keys)), key=cmp_to_key(_by(keys)))
    return [elements[index] for index in order]


def _by(keys: list[Any]) -> Callable[[int, int], int]:
    return lambda one, other: compare(keys[one], keys[other])


def _is_sorted(elements: list[Any]) -> bool:
    return all(compare(one, other) <= 0 for one, other in pairwise(elements))


def _extreme(name: str, sign: int) -> Callable[[list[Any]], Any]:
    def extreme(elements: list[Any]) -> Any:
        if not elements:
            raise EvaluationError(f"{name} called on empty list")
        found = elements[0]
        for element in elements[1:]:
            if compare(found, element) == sign:
                found = element
        return found

    return extreme


def _sum(zero: Any) -> Callable[[list[Any]], Any]:
    def total(elements: list[Any]) -> Any:
        found = zero
        for element in elements:
            found = add(found, element)
        return found

    return total


def _index_of(elements: list[Any], wanted: Any) -> int:
    return next((index for index, element in enumerate(elements) if same(element, wanted)), -1)


def _last_index_of(elements: list[Any], wanted: Any) -> int:
    return next((i for i in range(len(elements) - 1, -1, -1) if same(elements[i], wanted)), -1)


def _affordable(price: int) -> None:
    """What costs too much is not even begun: it would take a second until that is charged. Raises OutOfBudget."""
    if price > LIMIT:
        raise OutOfBudget
    spend(price // 8)


def _holds(elements: list[Any], others: list[Any]) -> bool:
    _affordable(len(elements) * len(others))
    return all(contains(elements, other) for other in others)


def _meets(one: list[Any], other: list[Any]) -> bool:
    _affordable(len(one) * len(other))
    return any(contains(other, element) for element in one)


_ZEROS: Final = {"int": 0, "uint": Uint(0), "double": 0.0, "duration": Duration(0)}
_ORDERED: Final = ("int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes")

IMPLEMENTATIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "lists_range": _range,
    "list_slice": _slice,
    "list_flatten": _flatten,
    "list_flatten_int": _flatten,
    "list_reverse": lambda elements: elements[::-1],
    "list_distinct": _distinct,
    "list_a_index_of_int": _index_of,
    "list_a_last_index_of_int": _last_index_of,
    "list_sets_contains_list": _holds,
    "list_sets_equivalent_list": lambda one, other: _holds(one, other) and _holds(other, one),
    "list_sets_intersects_list": _meets,
    "dra_includes_dyn_dyn": _includes_few,
    "list_includes_dyn_dyn": includes,
    **{f"list_{kind}_sum_{kind}": _sum(zero) for kind, zero in _ZEROS.items()},
    **{f"list_{kind}_is_sorted_bool": _is_sorted for kind in _ORDERED},
    **{f"list_{kind}_max_{kind}": _extreme("max", -1) for kind in _ORDERED},
    **{f"list_{kind}_min_{kind}": _extreme("min", 1) for kind in _ORDERED},
    **{f"list_{kind}_sort": lambda elements: _sorted_by(elements, elements) for kind in _ORDERED},
    **{f"list_{kind}_sortByAssociatedKeys": _sorted_by for kind in _ORDERED},
}


def in_list(wanted: Any, elements: Any) -> bool:
    """`in`. Raises EvaluationError for what has no elements."""
    if type(elements) is list:
        return contains(elements, wanted)
    raise EvaluationError(NO_OVERLOAD)
