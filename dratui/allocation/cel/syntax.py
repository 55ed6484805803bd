"""The tree of an expression, as parser and macros make it. `at` is where it is in the text, in code points from 0.

The checker notes on each node its static `type`, and on a call the `overloads` that may be meant.
"""

from typing import Any, Final

from dratui.allocation.cel.types import Type

ACCUMULATOR: Final = "__result__"
"""The accumulator of every macro, as cel-go names it."""

INDEX: Final = frozenset(("_[_]", "_[?_]", "_?._"))
"""The calls that look into something, as `Select` does."""

UNCHECKED: Final = Type("unchecked")

_NOT_NOTED: Final = (0, 0)
_MOST_NAMES: Final = 3


class Node:
    """Any part of an expression."""

    __slots__ = ("at", "span", "type")

    def __init__(self, at: int) -> None:
        self.at = at
        self.span = _NOT_NOTED  # of the text, where the parser takes note: of clauses and literals
        self.type = UNCHECKED


class Literal(Node):
    """A value of `dratui.allocation.cel.values`."""

    __slots__ = ("value",)

    def __init__(self, at: int, value: Any) -> None:
        super().__init__(at)
        self.value = value


class Ident(Node):
    """A name; with a leading dot where it was written so."""

    __slots__ = ("name",)

    def __init__(self, at: int, name: str) -> None:
        super().__init__(at)
        self.name = name


class Select(Node):
    """`operand.field`, or whether there is such a field: `has(operand.field)`."""

    __slots__ = ("field", "operand", "test")

    def __init__(self, at: int, operand: Node, field: str, *, test: bool = False) -> None:
        super().__init__(at)
        self.operand = operand
        self.field = field
        self.test = test


class Call(Node):
    """A function, or an operator as `_+_`. `target` is what a member function is called on."""

    __slots__ = ("arguments", "function", "overloads", "target")

    def __init__(self, at: int, function: str, arguments: list[Node], target: Node | None = None) -> None:
        super().__init__(at)
        self.function = function
        self.arguments = arguments
        self.target = target
        self.overloads: tuple[str, ...] = ()

    @property
    def operands(self) -> list[Node]:
        """The target, if there is one, and the arguments."""
        return self.arguments if self.target is None else [self.target, *self.arguments]


class ListOf(Node):
    """`[a, ?b]`: of the `optional` ones the value is taken, if there is one."""

    __slots__ = ("elements", "optional")

    def __init__(self, at: int, elements: list[Node], optional: frozenset[int] = frozenset()) -> None:
        super().__init__(at)
        self.elements = elements
        self.optional = optional


class MapOf(Node):
    """`{k: v, ?k: v}`: key, value and whether it is optional."""

    __slots__ = ("entries",)

    def __init__(self, at: int, entries: list[tuple[Node, Node, bool]]) -> None:
        super().__init__(at)
        self.entries = entries


class Message(Node):
    """`name{field: value}`. No type that an expression may make has fields, so this is an error."""

    __slots__ = ("fields", "name")

    def __init__(self, at: int, name: str, fields: list[tuple[str, Node]]) -> None:
        super().__init__(at)
        self.name = name
        self.fields = fields


class Fold(Node):
    """What macros become: `accumulator = initial; for variable in over: if not condition: break;
    accumulator = step`, and then `result`. With `second` the variables are index or key, and value."""

    __slots__ = ("accumulator", "condition", "initial", "over", "result", "second", "step", "variable")

    def __init__(
        self,
        at: int,
        *,
        over: Node,
        variable: str,
        initial: Node,
        condition: Node,
        step: Node,
        result: Node,
        second: str = "",
        accumulator: str = ACCUMULATOR,
    ) -> None:
        super().__init__(at)
        self.over = over
        self.variable = variable
        self.second = second
        self.accumulator = accumulator
        self.initial = initial
        self.condition = condition
        self.step = step
        self.result = result

    @property
    def binds(self) -> bool:
        """Whether it is no loop, but gives a value a name."""
        return (
            isinstance(self.over, ListOf)
            and not self.over.elements
            and isinstance(self.condition, Literal)
            and self.condition.value is False
            and self.accumulator != ACCUMULATOR
        )


def dotted(node: Node) -> str:
    """A name of identifiers and dots, or nothing; none that means something has more than four."""
    names: list[str] = []
    while isinstance(node, Select) and not node.test and len(names) < _MOST_NAMES:
        names.append(node.field)
        node = node.operand
    return ".".join((node.name, *reversed(names))) if isinstance(node, Ident) else ""


def parts(node: Node) -> list[Node]:
    """What a node is made of."""
    match node:
        case Select():
            return [node.operand]
        case Call():
            return node.operands
        case ListOf():
            return node.elements
        case MapOf():
            return [part for key, value, _ in node.entries for part in (key, value)]
        case Fold():
            return [node.over, node.initial, node.condition, node.step, node.result]
    return []
