"""What an expression costs at worst, before it is evaluated: the API server stores none that may cost too much.

From what a device's attributes can be at most (`sizes`) and what functions cost (`call_costs`). As cel-go 0.26
(checker/cost.go) reckons it.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from dratui.allocation.cel import cost, types
from dratui.allocation.cel.call_costs import of_overload
from dratui.allocation.cel.sizes import (
    ENDLESS,
    NOTHING,
    ONE,
    UNKNOWN,
    Entries,
    Range,
    either,
    is_scalar,
    just,
    limit_at,
    written_size,
)
from dratui.allocation.cel.syntax import ACCUMULATOR, Call, Fold, Ident, ListOf, Literal, MapOf, Node, Select

_STRUCTURES: Final = frozenset((types.DEVICE, types.QUANTITY, types.SEMVER, types.URL, types.FORMAT))


class _Known(NamedTuple):
    """What is known of a variable."""

    path: tuple[str, ...]
    size: Range | None
    entries: Entries | None


def worst_case(node: Node) -> int:
    """The most that a checked expression costs; ENDLESS where nobody can say."""
    return _Estimator().cost(node).most


class _Estimator:
    def __init__(self) -> None:
        self._costs: dict[int, Range] = {}
        self._paths: dict[int, tuple[str, ...]] = {}
        self._sizes: dict[int, Range] = {}
        self._entries: dict[int, Entries] = {}
        self._known: defaultdict[str, list[_Known]] = defaultdict(list)

    def cost(self, node: Node) -> Range:
        """Of a node with all its parts."""
        if isinstance(node, Literal):
            return NOTHING
        found = self._costs.get(id(node))  # `optMap` has its target twice
        if found is None:
            found = self._costs[id(node)] = self._cost(node)
        return found

    def _cost(self, node: Node) -> Range:
        match node:
            case Ident():
                known = self._variable(node)
                self._paths[id(node)] = known.path if known else (node.name,)
                return ONE
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
        return NOTHING

    # Sizes

    def _variable(self, node: Node) -> _Known | None:
        if isinstance(node, Ident) and (known := self._known.get(node.name)):
            return known[-1]
        return None

    def _path(self, node: Node) -> tuple[str, ...]:
        known = self._variable(node)
        return known.path if known else self._paths.get(id(node), ())

    def _size(self, node: Node) -> Range | None:
        if (found := self._sizes.get(id(node))) is not None:
            return found
        if (written := written_size(node)) is not None:
            return written
        path = self._path(node)
        if (limit := limit_at(path)) is not None:
            self._sizes[id(node)] = limit
            return limit
        if is_scalar(node.type):
            return ONE
        known = self._variable(node)
        return known.size if known else None

    def _size_or_unknown(self, node: Node) -> Range:
        return self._size(node) or UNKNOWN

    def entries_of(self, node: Node) -> Entries | None:
        """How large the keys and values of a list or map are."""
        if (found := self._entries.get(id(node))) is not None:
            return found
        known = self._variable(node)
        return known.entries if known else None

    def note(self, node: Node, size: Range | None, entries: Entries | None = None) -> None:
        """From now on that is known."""
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
        return (limit_at((*path, "@items")) if path else None) or UNKNOWN

    # Parts

    def _select(self, node: Select) -> Range:
        if node.test:
            return self.cost(node.operand)
        total = self.cost(node.operand)
        kind = node.operand.type
        if kind.name == "map" or kind.variable or kind in _STRUCTURES:
            total += ONE
        self._paths[id(node)] = (*self._path(node.operand), node.field)
        return total

    def _list(self, node: ListOf) -> Range:
        total = NOTHING
        sizes = Range(ENDLESS if node.elements else 0, 0)
        for element in node.elements:
            total += self.cost(element)
            sizes = sizes.or_(self._size_or_unknown(element))
        self._entries[id(node)] = Entries(ONE, sizes)
        return total + just(cost.LIST)

    def _map(self, node: MapOf) -> Range:
        total = NOTHING
        keys = values = Range(ENDLESS if node.entries else 0, 0)
        for key, value, _ in node.entries:
            total += self.cost(key)
            total += self.cost(value)
            keys = keys.or_(self._size_or_unknown(key))
            values = values.or_(self._size_or_unknown(value))
        self._entries[id(node)] = Entries(keys, values)
        return total + just(cost.MAP)

    def _fold(self, node: Fold) -> Range:
        total = self.cost(node.over) + self.cost(node.initial)
        self._push(node.accumulator, self._of(node.initial))
        entries = self.entries_of(node.over)
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
            self.note(node, self._size(node.initial))
        elif isinstance(node.initial, ListOf | MapOf):
            self.note(node, count, self.entries_of(node.step))
        return total

    def _binding(self, node: Fold) -> Range:
        total = self.cost(node.over) + self.cost(node.initial)
        self._push(node.accumulator, self._of(node.initial))
        total += self.cost(node.result)
        self._known[node.accumulator].pop()
        self.note(node, self._size(node.result), self.entries_of(node.result))
        return total

    def _of(self, node: Node) -> _Known:
        return _Known(self._path(node), self._size(node), self.entries_of(node))

    def _push(self, name: str, known: _Known) -> None:
        self._known[name].append(known)

    # Calls

    def _call(self, node: Call) -> Range:
        if node.function == "dyn":
            [argument] = node.arguments
            total = self.cost(argument)
            self.note(node, self._size(argument), self.entries_of(argument))
            return total + ONE
        costs = [self.cost(argument) for argument in node.arguments]
        if not node.overloads:
            return NOTHING
        match node.function:
            case "_&&_" | "_||_":
                return Range(costs[0].least, (costs[0] + costs[1]).most)
            case "_?_:_":
                return self._conditional(node, costs)
        total = self.cost(node.target) if node.target is not None else NOTHING
        for of_argument in costs:
            total += of_argument
        of_call: Range | None = None
        result: Range | None = None
        for overload in node.overloads:
            found = of_overload(self, node, overload)
            of_call = found.cost if of_call is None else of_call.or_(found.cost)
            if found.size is not None:
                result = found.size if result is None else result.or_(found.size)
            if overload in ("index_list", "index_map"):
                entries = self.entries_of(node.arguments[0])
                result = entries.values if entries else None
                way = "@items" if overload == "index_list" else "@values"
                self._paths[id(node)] = (*self._path(node.arguments[0]), way)
            if result is None and len(node.overloads) > 1:  # of one alone it is found when somebody asks
                result = self._size(node)
        self.note(node, result)
        return total + (of_call or NOTHING)

    def _conditional(self, node: Call, costs: Sequence[Range]) -> Range:
        _, then, otherwise = node.arguments
        size = self._size_or_unknown(then).or_(self._size_or_unknown(otherwise))
        self.note(node, size, either(self.entries_of(then), self.entries_of(otherwise)))
        return costs[0] + costs[1].or_(costs[2])

    def size(self, node: Node) -> Range:
        """What is known of it, or anything."""
        return self._size_or_unknown(node)
