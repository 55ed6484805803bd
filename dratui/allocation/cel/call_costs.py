"""What calls cost at worst, and how large what they give may be, by overload or by function.

As k8s.io/apiserver/pkg/cel/library/cost.go and cel-go 0.26 (checker/cost.go, ext/lists.go, ext/sets.go) reckon it.
"""

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final, NamedTuple, Protocol

from dratui.allocation.cel import cost, types
from dratui.allocation.cel.cost import REGEX_FACTOR, STRING_FACTOR
from dratui.allocation.cel.sizes import ENDLESS, NOTHING, ONE, Entries, Range, either, just
from dratui.allocation.cel.syntax import Call, Literal, Node


class CallCost(NamedTuple):
    """The cost of a call without that of its arguments, and the size of what it gives."""

    cost: Range
    size: Range | None = None


class Sizes(Protocol):
    """What is known of the parts of an expression."""

    def size(self, node: Node) -> Range:
        """What is known of it, or anything."""

    def element_size(self, node: Node) -> Range | None:
        """Of the elements of a list; None where it is no list."""

    def entries_of(self, node: Node) -> Entries | None:
        """How large keys and values of a list or map are."""

    def note(self, node: Node, size: Range | None, entries: Entries | None = None) -> None:
        """From now on that is known."""


_Reckon = Callable[[Sizes, Call], CallCost]


def of_overload(sizes: Sizes, node: Call, overload: str) -> CallCost:
    """Without its arguments."""
    if node.function == "_==_" and _simple_equality(node):
        return _FIXED
    return _reckoning(overload, node.function, node.target is not None)(sizes, node)


@cache
def _reckoning(overload: str, function: str, member: bool) -> _Reckon:
    if (found := _OVERLOADS.get(overload)) is not None:
        return found
    if overload.endswith("_sort"):
        return lambda sizes, node: _sorted(sizes, node.operands[0], overload)
    if overload.endswith("_sortByAssociatedKeys"):
        return lambda sizes, node: _sorted(sizes, node.operands[1], overload)
    if function == "ip":
        return _first_string(1) if overload != "cidr_ip" else _fixed
    if (function != "split" or member) and (found := _FUNCTIONS.get(function)) is not None:
        return found
    return _DEFAULTS.get(overload, _fixed)


def _concatenated(sizes: Sizes, node: Call) -> CallCost:
    """`+` of strings, bytes or lists."""
    one, other = node.arguments
    size = sizes.size(one) + sizes.size(other)
    sizes.note(node, None, either(sizes.entries_of(one), sizes.entries_of(other)))
    return CallCost(ONE if node.overloads == ("add_list",) else size.by(STRING_FACTOR), size)


_FIXED: Final = CallCost(ONE)


def _fixed(sizes: Sizes, node: Call) -> CallCost:
    return _FIXED


def _first_string(factor: float) -> _Reckon:
    """By the length of the first operand."""
    return lambda sizes, node: CallCost(sizes.size(node.operands[0]).by(factor * STRING_FACTOR))


def _same_size(sizes: Sizes, node: Call) -> CallCost:
    size = sizes.size(node.operands[0])
    return CallCost(size.by(STRING_FACTOR), size)


def _searched(sizes: Sizes, node: Call) -> CallCost:
    """Through a list, or a string."""
    target = node.operands[0]
    size = sizes.size(target)
    inner = sizes.element_size(target)
    if inner is None:
        return CallCost(size.by(STRING_FACTOR))
    each = ONE
    if target.type.of[0] in (types.STRING, types.BYTES):
        each += inner.by(STRING_FACTOR)
    return CallCost(size.times(each))


def _included(sizes: Sizes, node: Call) -> CallCost:
    """Through what may be a list."""
    target = node.operands[0]
    return CallCost(sizes.size(target)) if sizes.element_size(target) is None else _searched(sizes, node)


def _replaced(sizes: Sizes, node: Call) -> CallCost:
    text, old, new = (sizes.size(operand) for operand in node.operands[:3])
    kept_least = kept_most = count_least = count_most = 0
    if old.least == 0:
        count_most, kept_most = min(text.most + 1, ENDLESS), text.most
    elif new.most <= old.least:
        kept_most = text.most
    else:
        count_most = min(math.ceil(text.most / old.least), ENDLESS)
    if old.most == 0:
        count_least, kept_least = min(text.least + 1, ENDLESS), text.least
    elif old.most <= new.least:
        kept_least = text.least
    else:
        count_least = math.ceil(text.least / old.most)
    size = Range(count_least, count_most).times(new) + Range(kept_least, kept_most)
    return CallCost(text.by(2 * STRING_FACTOR), size)


def _split(sizes: Sizes, node: Call) -> CallCost:
    text = sizes.size(node.operands[0])
    most = text.most
    if len(node.arguments) > 1:
        limit = node.arguments[1]
        if isinstance(limit, Literal) and type(limit.value) is int:
            most = limit.value % (1 << 64)
    return CallCost(text.by(2 * STRING_FACTOR), Range(0, most))


def _joined(sizes: Sizes, node: Call) -> CallCost:
    texts = node.operands[0]
    count = sizes.size(texts)
    inner = sizes.element_size(texts)
    size = count.times(inner) if inner is not None else NOTHING
    if node.arguments:
        between = Range(max(count.least - 1, 0), max(count.most - 1, 0))
        size += sizes.size(node.arguments[0]).times(between)
    return CallCost(size.by(STRING_FACTOR), size)


def _found(sizes: Sizes, node: Call) -> CallCost:
    text = sizes.size(node.operands[0])
    pattern = sizes.size(node.operands[1]).by(REGEX_FACTOR)
    return CallCost((text + ONE).by(STRING_FACTOR).times(pattern), Range(0, text.most))


def _matched(sizes: Sizes, node: Call) -> CallCost:
    text, pattern = (sizes.size(operand) for operand in node.operands)
    return CallCost((text + ONE).by(STRING_FACTOR).times(pattern.by(REGEX_FACTOR)))


def _contained(sizes: Sizes, node: Call) -> CallCost:
    text, part = (sizes.size(operand) for operand in node.operands)
    return CallCost(text.by(STRING_FACTOR).times(part.by(STRING_FACTOR)))


_ADDRESS: Final = Range(4, 16)


def _contains_address(sizes: Sizes, node: Call) -> CallCost:
    total = (_ADDRESS + _ADDRESS).by(STRING_FACTOR)
    if node.function == "containsCIDR":
        total = total + _ADDRESS.by(STRING_FACTOR) + ONE
    if node.arguments[0].type == types.STRING:
        total += sizes.size(node.arguments[0]).by(STRING_FACTOR)
    return CallCost(total)


_LONGEST_NAME_PATTERN: Final = 128


def _validated(sizes: Sizes, node: Call) -> CallCost:
    text = sizes.size(node.arguments[0])
    return CallCost(text.by(STRING_FACTOR).by(_LONGEST_NAME_PATTERN * REGEX_FACTOR))


def _in_list(sizes: Sizes, node: Call) -> CallCost:
    return CallCost(sizes.size(node.operands[1]).by(1))


def _argument(factor: float) -> _Reckon:
    """By the length of the argument, not of the target."""
    return lambda sizes, node: CallCost(sizes.size(node.arguments[0]).by(factor * STRING_FACTOR))


def _to_bytes(sizes: Sizes, node: Call) -> CallCost:
    size = sizes.size(node.arguments[0])
    return CallCost(size.by(STRING_FACTOR), Range(size.least, min(size.most * 4, ENDLESS)))


def _to_text(sizes: Sizes, node: Call) -> CallCost:
    size = sizes.size(node.arguments[0])
    return CallCost(size.by(STRING_FACTOR), Range(size.least // 4, size.most))


def _quoted(sizes: Sizes, node: Call) -> CallCost:
    size = sizes.size(node.arguments[0])
    return CallCost(size.by(STRING_FACTOR), Range(size.least + 2, min(size.most * 2 + 2, ENDLESS)))


def _compared(sizes: Sizes, node: Call) -> CallCost:
    most = min(sizes.size(operand).most for operand in node.operands)
    return CallCost(Range(1 if most else 0, most).by(STRING_FACTOR))


def _simple_equality(node: Call) -> bool:
    one, other = node.operands
    return one.type == other.type and one.type in (types.IP, types.CIDR, types.QUANTITY, types.SEMVER)


def _allocating(factor: float, size: Range, length: Range | None = None) -> CallCost:
    return CallCost((length or size).by(factor) + ONE + just(cost.LIST), size)


def _sorted(sizes: Sizes, keys: Node, overload: str) -> CallCost:
    size = sizes.size(keys)
    factor = 2.0 + (STRING_FACTOR if overload.split("_")[1] in ("string", "bytes") else 0)
    return _allocating(factor, size.times(size))


def _whole(node: Node, otherwise: int) -> int:
    if isinstance(node, Literal) and type(node.value) is int:
        return max(node.value, 0)
    return otherwise


def _sliced(sizes: Sizes, node: Call) -> CallCost:
    size = sizes.size(node.operands[0])
    start, end = _whole(node.arguments[0], 0), _whole(node.arguments[1], size.most)
    return _allocating(1, just((end - start) % (1 << 64)))


def _flattened(sizes: Sizes, node: Call) -> CallCost:
    depth = _whole(node.arguments[0], ENDLESS) if node.arguments else 1
    return _allocating(float(depth), sizes.size(node.operands[0]))


def _distinct(sizes: Sizes, node: Call) -> CallCost:
    size = sizes.size(node.operands[0])
    return _allocating(2, size.times(size))


def _sets(factor: float) -> _Reckon:
    def sets(sizes: Sizes, node: Call) -> CallCost:
        one, other = (sizes.size(argument) for argument in node.arguments)
        return CallCost(one.times(other).by(factor) + ONE)

    return sets


_OVERLOADS: Final[Mapping[str, _Reckon]] = {
    "dra_includes_dyn_dyn": lambda sizes, node: CallCost(Range(0, 48)),
    "list_includes_dyn_dyn": _included,
    "list_slice": _sliced,
    "list_flatten": _flattened,
    "list_flatten_int": _flattened,
    "lists_range": lambda sizes, node: _allocating(1, just(_whole(node.arguments[0], ENDLESS))),
    "list_reverse": lambda sizes, node: _allocating(1, sizes.size(node.operands[0])),
    "list_distinct": _distinct,
    "list_sets_contains_list": _sets(1),
    "list_sets_intersects_list": _sets(1),
    "list_sets_equivalent_list": _sets(2),
}

_FUNCTIONS: Final[Mapping[str, _Reckon]] = {
    **dict.fromkeys(("isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"), _searched),
    **dict.fromkeys(("url", "lowerAscii", "upperAscii", "substring", "trim"), _same_size),
    "replace": _replaced,
    "split": _split,
    "join": _joined,
    "find": _found,
    "findAll": _found,
    **dict.fromkeys(
        ("cidr", "isIP", "isCIDR", "quantity", "isQuantity", "semver", "isSemver"), _first_string(1)
    ),
    "ip.isCanonical": _first_string(2),
    "containsIP": _contains_address,
    "containsCIDR": _contains_address,
    "validate": _validated,
}

_DEFAULTS: Final[Mapping[str, _Reckon]] = {
    "string_format": _first_string(1),
    "string_to_bytes": _to_bytes,
    "bytes_to_string": _to_text,
    "strings_quote": _quoted,
    "starts_with_string": _argument(1),
    "ends_with_string": _argument(1),
    "in_list": _in_list,
    "matches_string": _matched,
    "contains_string": _contained,
    **dict.fromkeys(("add_string", "add_bytes", "add_list"), _concatenated),
    **dict.fromkeys(("equals", "not_equals"), _compared),
    **{
        f"{order}_{kind}": _compared
        for order in ("less", "greater", "less_equals", "greater_equals")
        for kind in ("string", "bytes")
    },
}
