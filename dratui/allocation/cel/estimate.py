"""What an expression costs at worst, before it is evaluated: the API server stores none that may cost too much.

From what a device's attributes can be at most. As cel-go 0.26 (checker/cost.go, ext/lists.go, ext/sets.go) and
k8s.io/apiserver/pkg/cel/library/cost.go reckon it, with the sizes of dynamic-resource-allocation/cel/compile.go.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from dratui.allocation.cel import cost, types
from dratui.allocation.cel.cost import REGEX_FACTOR, STRING_FACTOR
from dratui.allocation.cel.syntax import ACCUMULATOR, Call, Fold, Ident, ListOf, Literal, MapOf, Node, Select
from dratui.allocation.cel.types import Type

ENDLESS: Final = (1 << 64) - 1


class Range(NamedTuple):
    """At least and at most, of a size or a cost; never beyond ENDLESS."""

    least: int
    most: int

    def __add__(self, other: "Range") -> "Range":  # type: ignore[override]  # of numbers, not of tuples
        return Range(min(self.least + other.least, ENDLESS), min(self.most + other.most, ENDLESS))

    def times(self, other: "Range") -> "Range":
        """The product."""
        return Range(min(self.least * other.least, ENDLESS), min(self.most * other.most, ENDLESS))

    def by(self, factor: float) -> "Range":
        """So much a unit, rounded up."""
        return Range(_scaled(self.least, factor), _scaled(self.most, factor))

    def or_(self, other: "Range") -> "Range":
        """Either."""
        return Range(min(self.least, other.least), max(self.most, other.most))


def _scaled(number: int, factor: float) -> int:
    return min(math.ceil(float(number) * factor), ENDLESS)


def _just(number: int) -> Range:
    return Range(number, number)


_UNKNOWN: Final = Range(0, ENDLESS)
_NOTHING: Final = _just(0)
_ONE: Final = _just(1)


class _Entries(NamedTuple):
    """How large the keys and values of a list or map are."""

    keys: Range
    values: Range


class _Known(NamedTuple):
    """What is known of a variable."""

    path: tuple[str, ...]
    size: Range | None
    entries: _Entries | None


class _Call(NamedTuple):
    """The cost of a call without that of its arguments, and the size of what it gives."""

    cost: Range
    size: Range | None = None


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


def worst_case(node: Node) -> int:
    """The most that a checked expression costs; ENDLESS where nobody can say."""
    return _Estimator().cost(node).most


class _Estimator:
    def __init__(self) -> None:
        self._paths: dict[int, tuple[str, ...]] = {}
        self._sizes: dict[int, Range] = {}
        self._entries: dict[int, _Entries] = {}
        self._known: defaultdict[str, list[_Known]] = defaultdict(list)

    def cost(self, node: Node) -> Range:
        match node:
            case Ident():
                known = self._variable(node)
                self._paths[id(node)] = known.path if known else (node.name,)
                return _ONE
            case Select():
                return self._select(node)
            case Call():
                return self._call(node)
            case ListOf():
                return self._list(node)
            case MapOf():
                return self._map(node)
            case Fold():
                return self._binding(node) if node.binds else self._fold(node)
        return _NOTHING

    # Sizes

    def _variable(self, node: Node) -> _Known | None:
        return self._known[node.name][-1] if isinstance(node, Ident) and self._known.get(node.name) else None

    def _path(self, node: Node) -> tuple[str, ...]:
        known = self._variable(node)
        return known.path if known else self._paths.get(id(node), ())

    def _size(self, node: Node) -> Range | None:
        if id(node) in self._sizes:
            return self._sizes[id(node)]
        if (written := _written_size(node)) is not None:
            return written
        path = self._path(node)
        if (limit := _limit(path)) is not None:
            self._sizes[id(node)] = limit
            return limit
        if _scalar(node.type):
            return _ONE
        known = self._variable(node)
        return known.size if known else None

    def _size_or_unknown(self, node: Node) -> Range:
        return self._size(node) or _UNKNOWN

    def _entries_of(self, node: Node) -> _Entries | None:
        if id(node) in self._entries:
            return self._entries[id(node)]
        known = self._variable(node)
        return known.entries if known else None

    def _note(self, node: Node, size: Range | None, entries: _Entries | None = None) -> None:
        if size is not None:
            self._sizes[id(node)] = size
        if entries is not None:
            self._entries[id(node)] = entries

    def element_size(self, node: Node) -> Range | None:
        """Of the elements of a list, as far as what a device can be tells it; None where it is no list."""
        if not node.type.of:
            return None
        path = self._path(node)
        path = () if path[:1] == (ACCUMULATOR,) else path
        return (_limit((*path, "@items")) if path else None) or _UNKNOWN

    # Parts

    def _select(self, node: Select) -> Range:
        if node.test:
            return self.cost(node.operand)
        total = self.cost(node.operand)
        kind = node.operand.type
        if kind.name == "map" or kind.variable or kind in _STRUCTURES:
            total += _ONE
        self._paths[id(node)] = (*self._path(node.operand), node.field)
        return total

    def _list(self, node: ListOf) -> Range:
        total = _NOTHING
        sizes = Range(ENDLESS if node.elements else 0, 0)
        for element in node.elements:
            total += self.cost(element)
            sizes = sizes.or_(self._size_or_unknown(element))
        self._entries[id(node)] = _Entries(_ONE, sizes)
        return total + _just(cost.LIST)

    def _map(self, node: MapOf) -> Range:
        total = _NOTHING
        keys = values = Range(ENDLESS if node.entries else 0, 0)
        for key, value, _ in node.entries:
            total += self.cost(key)
            total += self.cost(value)
            keys = keys.or_(self._size_or_unknown(key))
            values = values.or_(self._size_or_unknown(value))
        self._entries[id(node)] = _Entries(keys, values)
        return total + _just(cost.MAP)

    def _fold(self, node: Fold) -> Range:
        total = self.cost(node.over) + self.cost(node.initial)
        self._push(node.accumulator, self._of(node.initial))
        entries = self._entries_of(node.over)
        path = self._path(node.over)
        is_list = isinstance(node.over, ListOf) or node.over.type.name == "list"
        key = _Known((*path, "@indices" if is_list else "@keys"), entries.keys if entries else None, None)
        value = _Known((*path, "@items" if is_list else "@values"), entries.values if entries else None, None)
        if node.second:
            self._push(node.variable, key)
            self._push(node.second, value)
        else:
            self._push(node.variable, value if is_list else key)
        each = self.cost(node.condition)
        step = self.cost(node.step)
        self._known[node.variable].pop()
        if node.second:
            self._known[node.second].pop()
        total += self.cost(node.result)
        self._known[node.accumulator].pop()
        count = self._size_or_unknown(node.over)
        total += count.times(step + each)
        if isinstance(node.initial, Literal):
            self._note(node, self._size(node.initial))
        elif isinstance(node.initial, ListOf | MapOf):
            self._note(node, count, self._entries_of(node.step))
        return total

    def _binding(self, node: Fold) -> Range:
        total = self.cost(node.over) + self.cost(node.initial)
        self._push(node.accumulator, self._of(node.initial))
        total += self.cost(node.result)
        self._known[node.accumulator].pop()
        self._note(node, self._size(node.result), self._entries_of(node.result))
        return total

    def _of(self, node: Node) -> _Known:
        return _Known(self._path(node), self._size(node), self._entries_of(node))

    def _push(self, name: str, known: _Known) -> None:
        self._known[name].append(known)

    # Calls

    def _call(self, node: Call) -> Range:
        if node.function == "dyn":
            [argument] = node.arguments
            total = self.cost(argument)
            self._note(node, self._size(argument), self._entries_of(argument))
            return total + _ONE
        costs = [self.cost(argument) for argument in node.arguments]
        if not node.overloads:
            return _NOTHING
        total = self.cost(node.target) if node.target is not None else _NOTHING
        of_call = Range(ENDLESS, 0)
        result: Range | None = None
        for overload in node.overloads:
            found = self._of_overload(node, overload, costs)
            of_call = of_call.or_(found.cost)
            if found.size is not None:
                result = found.size if result is None else result.or_(found.size)
            if overload in ("index_list", "index_map"):
                entries = self._entries_of(node.arguments[0])
                result = entries.values if entries else None
                way = "@items" if overload == "index_list" else "@values"
                self._paths[id(node)] = (*self._path(node.arguments[0]), way)
            if result is None:
                result = self._size(node)
        self._note(node, result)
        return total + of_call

    def _of_overload(self, node: Call, overload: str, costs: Sequence[Range]) -> _Call:
        match overload:
            case "logical_and" | "logical_or":
                return _Call(Range(costs[0].least, (costs[0] + costs[1]).most))
            case "conditional":
                return self._conditional(node, costs)
        found = self._of_function(node, overload)
        for argument in costs:
            found = _Call(found.cost + argument, found.size)
        return found

    def _conditional(self, node: Call, costs: Sequence[Range]) -> _Call:
        _, then, otherwise = node.arguments
        size = self._size_or_unknown(then).or_(self._size_or_unknown(otherwise))
        self._note(node, None, _either(self._entries_of(then), self._entries_of(otherwise)))
        return _Call(costs[0] + costs[1].or_(costs[2]), size)

    def _of_function(self, node: Call, overload: str) -> _Call:
        """Without its arguments."""
        reckon = _OVERLOADS.get(overload)
        if reckon is None and overload.endswith("_sort"):
            return _sorted(self, node.operands[0], overload)
        if reckon is None and overload.endswith("_sortByAssociatedKeys"):
            return _sorted(self, node.operands[1], overload)
        if reckon is None and node.function == "ip":
            reckon = _first_string(1) if overload != "cidr_ip" else _fixed
        if reckon is None and node.function == "_==_" and _simple_equality(node):
            reckon = _fixed
        if reckon is None and not (node.function == "split" and node.target is None):
            reckon = _FUNCTIONS.get(node.function)
        if reckon is None:
            reckon = _DEFAULTS.get(overload, _fixed)
        return reckon(self, node)

    def concatenated(self, node: Call) -> _Call:
        """`+` of strings, bytes or lists."""
        one, other = node.arguments
        size = self._size_or_unknown(one) + self._size_or_unknown(other)
        self._note(node, None, _either(self._entries_of(one), self._entries_of(other)))
        return _Call(_ONE if node.overloads == ("add_list",) else size.by(STRING_FACTOR), size)

    def size(self, node: Node) -> Range:
        """What is known of it, or anything."""
        return self._size_or_unknown(node)


_Reckon = Callable[[_Estimator, Call], _Call]

_STRUCTURES: Final = frozenset((types.DEVICE, types.QUANTITY, types.SEMVER, types.URL, types.FORMAT))


def _written_size(node: Node) -> Range | None:
    match node:
        case Literal():
            return _just(len(node.value) if isinstance(node.value, str | bytes) else 1)
        case ListOf():
            return _just(len(node.elements))
        case MapOf():
            return _just(len(node.entries))
    return None


def _limit(path: tuple[str, ...]) -> Range | None:
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
    (types.BOOL, types.DOUBLE, types.DURATION, types.INT, types.TIMESTAMP, types.UINT)
)


def _scalar(type_: Type) -> bool:
    return type_ in _SCALARS or (type_.name == "optional_type" and _scalar(type_.of[0]))


def _either(one: _Entries | None, other: _Entries | None) -> _Entries | None:
    if one is None or other is None:
        return None
    return _Entries(one.keys.or_(other.keys), one.values.or_(other.values))


def _fixed(estimator: _Estimator, node: Call) -> _Call:
    return _Call(_ONE)


def _first_string(factor: float) -> _Reckon:
    """By the length of the first operand."""
    return lambda estimator, node: _Call(estimator.size(node.operands[0]).by(factor * STRING_FACTOR))


def _same_size(estimator: _Estimator, node: Call) -> _Call:
    size = estimator.size(node.operands[0])
    return _Call(size.by(STRING_FACTOR), size)


def _searched(estimator: _Estimator, node: Call) -> _Call:
    """Through a list, or a string."""
    target = node.operands[0]
    size = estimator.size(target)
    inner = estimator.element_size(target)
    if inner is None:
        return _Call(size.by(STRING_FACTOR))
    each = _ONE
    if target.type.of[0] in (types.STRING, types.BYTES):
        each += inner.by(STRING_FACTOR)
    return _Call(size.times(each))


def _replaced(estimator: _Estimator, node: Call) -> _Call:
    text, old, new = (estimator.size(operand) for operand in node.operands[:3])
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
    return _Call(text.by(2 * STRING_FACTOR), size)


def _split(estimator: _Estimator, node: Call) -> _Call:
    text = estimator.size(node.operands[0])
    most = text.most
    if len(node.arguments) > 1:
        limit = node.arguments[1]
        if isinstance(limit, Literal) and type(limit.value) is int:
            most = limit.value % (1 << 64)
    return _Call(text.by(2 * STRING_FACTOR), Range(0, most))


def _joined(estimator: _Estimator, node: Call) -> _Call:
    texts = node.operands[0]
    count = estimator.size(texts)
    inner = estimator.element_size(texts)
    size = count.times(inner) if inner is not None else _NOTHING
    if node.arguments:
        between = Range(max(count.least - 1, 0), max(count.most - 1, 0))
        size += estimator.size(node.arguments[0]).times(between)
    return _Call(size.by(STRING_FACTOR), size)


def _found(estimator: _Estimator, node: Call) -> _Call:
    text = estimator.size(node.operands[0])
    pattern = estimator.size(node.operands[1]).by(REGEX_FACTOR)
    return _Call((text + _ONE).by(STRING_FACTOR).times(pattern), Range(0, text.most))


def _matched(estimator: _Estimator, node: Call) -> _Call:
    text, pattern = (estimator.size(operand) for operand in node.operands)
    return _Call((text + _ONE).by(STRING_FACTOR).times(pattern.by(REGEX_FACTOR)))


def _contained(estimator: _Estimator, node: Call) -> _Call:
    text, part = (estimator.size(operand) for operand in node.operands)
    return _Call(text.by(STRING_FACTOR).times(part.by(STRING_FACTOR)))


_ADDRESS: Final = Range(4, 16)


def _contains_address(estimator: _Estimator, node: Call) -> _Call:
    total = (_ADDRESS + _ADDRESS).by(STRING_FACTOR)
    if node.function == "containsCIDR":
        total = total + _ADDRESS.by(STRING_FACTOR) + _ONE
    if node.arguments[0].type == types.STRING:
        total += estimator.size(node.arguments[0]).by(STRING_FACTOR)
    return _Call(total)


_LONGEST_NAME_PATTERN: Final = 128


def _validated(estimator: _Estimator, node: Call) -> _Call:
    text = estimator.size(node.arguments[0])
    return _Call(text.by(STRING_FACTOR).by(_LONGEST_NAME_PATTERN * REGEX_FACTOR))


def _in_list(estimator: _Estimator, node: Call) -> _Call:
    return _Call(estimator.size(node.operands[1]).by(1))


def _argument(factor: float) -> _Reckon:
    """By the length of the argument, not of the target."""
    return lambda estimator, node: _Call(estimator.size(node.arguments[0]).by(factor * STRING_FACTOR))


def _to_bytes(estimator: _Estimator, node: Call) -> _Call:
    size = estimator.size(node.arguments[0])
    return _Call(size.by(STRING_FACTOR), Range(size.least, min(size.most * 4, ENDLESS)))


def _to_text(estimator: _Estimator, node: Call) -> _Call:
    size = estimator.size(node.arguments[0])
    return _Call(size.by(STRING_FACTOR), Range(size.least // 4, size.most))


def _quoted(estimator: _Estimator, node: Call) -> _Call:
    size = estimator.size(node.arguments[0])
    return _Call(size.by(STRING_FACTOR), Range(size.least + 2, min(size.most * 2 + 2, ENDLESS)))


def _compared(estimator: _Estimator, node: Call) -> _Call:
    most = min(estimator.size(operand).most for operand in node.operands)
    return _Call(Range(1 if most else 0, most).by(STRING_FACTOR))


def _simple_equality(node: Call) -> bool:
    one, other = node.operands
    return one.type == other.type and one.type in (types.IP, types.CIDR, types.QUANTITY, types.SEMVER)


def _allocating(factor: float, size: Range, length: Range | None = None) -> _Call:
    return _Call((length or size).by(factor) + _ONE + _just(cost.LIST), size)


def _sorted(estimator: _Estimator, keys: Node, overload: str) -> _Call:
    size = estimator.size(keys)
    factor = 2.0 + (STRING_FACTOR if overload.split("_")[1] in ("string", "bytes") else 0)
    return _allocating(factor, size.times(size))


def _whole(node: Node, otherwise: int) -> int:
    if isinstance(node, Literal) and type(node.value) is int:
        return max(node.value, 0)
    return otherwise


def _sliced(estimator: _Estimator, node: Call) -> _Call:
    size = estimator.size(node.operands[0])
    start, end = _whole(node.arguments[0], 0), _whole(node.arguments[1], size.most)
    return _allocating(1, _just((end - start) % (1 << 64)))


def _flattened(estimator: _Estimator, node: Call) -> _Call:
    depth = _whole(node.arguments[0], ENDLESS) if node.arguments else 1
    return _allocating(float(depth), estimator.size(node.operands[0]))


def _distinct(estimator: _Estimator, node: Call) -> _Call:
    size = estimator.size(node.operands[0])
    return _allocating(2, size.times(size))


def _sets(factor: float) -> _Reckon:
    def sets(estimator: _Estimator, node: Call) -> _Call:
        one, other = (estimator.size(argument) for argument in node.arguments)
        return _Call(one.times(other).by(factor) + _ONE)

    return sets


_OVERLOADS: Final[Mapping[str, _Reckon]] = {
    "list_slice": _sliced,
    "list_flatten": _flattened,
    "list_flatten_int": _flattened,
    "lists_range": lambda estimator, node: _allocating(1, _just(_whole(node.arguments[0], ENDLESS))),
    "list_reverse": lambda estimator, node: _allocating(1, estimator.size(node.operands[0])),
    "list_distinct": _distinct,
    "list_sets_contains_list": _sets(1),
    "list_sets_intersects_list": _sets(1),
    "list_sets_equivalent_list": _sets(2),
}

_FUNCTIONS: Final[Mapping[str, _Reckon]] = {
    **dict.fromkeys(("isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"), _searched),
    "includes": lambda estimator, node: _Call(Range(0, 48)),
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
    **dict.fromkeys(("add_string", "add_bytes", "add_list"), _Estimator.concatenated),
    **dict.fromkeys(("equals", "not_equals"), _compared),
    **{
        f"{order}_{kind}": _compared
        for order in ("less", "greater", "less_equals", "greater_equals")
        for kind in ("string", "bytes")
    },
}
