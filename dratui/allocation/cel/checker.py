"""Static types for a tree, or what is wrong with it.

Follows cel-go's checker (checker/checker.go, v0.26) with aggregate literals of one type, and the validators that
Kubernetes adds: constants that are meant as regular expressions, durations or timestamps.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from dratui.allocation.cel import types
from dratui.allocation.cel.declarations import TYPE_NAMES, Functions, Overload
from dratui.allocation.cel.errors import CompileError, EvaluationError, Problem
from dratui.allocation.cel.library import formatting, implementations
from dratui.allocation.cel.library.text import WrongPattern, compiled
from dratui.allocation.cel.syntax import (
    UNCHECKED,
    Call,
    Fold,
    Ident,
    ListOf,
    Literal,
    MapOf,
    Message,
    Node,
    Select,
    dotted,
    parts,
)
from dratui.allocation.cel.types import Bindings, Type, lenient, unwrapped
from dratui.allocation.cel.values import Uint

_LITERALS: Final[Mapping[type, Type]] = {
    bool: types.BOOL,
    int: types.INT,
    Uint: types.UINT,
    float: types.DOUBLE,
    str: types.STRING,
    bytes: types.BYTES,
    type(None): types.NULL,
}


_INTEGERS: Final = frozenset(("int", "uint", "dyn"))
_FLOATS: Final = frozenset(("double", "string", "dyn"))
_FORMATTED: Final = {
    "s": frozenset(
        (
            *("list", "map", "int", "uint", "double", "bool", "string", "bytes", "type", "null", "dyn"),
            types.TIMESTAMP.name,
            types.DURATION.name,
        )
    ),
    "d": _INTEGERS,
    "o": _INTEGERS,
    "b": _INTEGERS | {"bool"},
    "x": _INTEGERS | {"string", "bytes"},
    "X": _INTEGERS | {"string", "bytes"},
    "f": _FLOATS,
    "e": _FLOATS,
}


_WRITTEN: Final[Mapping[str, Callable[[str], object]]] = {
    "matches": compiled,
    "duration": lambda text: implementations()["string_to_duration"](text),
    "timestamp": lambda text: implementations()["string_to_timestamp"](text),
}


def _unformattable(node: Node, allowed: frozenset[str]) -> Node | None:
    """What of an argument is of no type that is allowed: itself, or an element."""
    if node.type.name not in allowed:
        return node
    if "list" not in allowed:
        return None
    inner = node.elements if isinstance(node, ListOf) else parts(node) if isinstance(node, MapOf) else ()
    return next((wrong for part in inner if (wrong := _unformattable(part, allowed))), None)


def _runtime_name(type_: Type) -> str:
    return "google.protobuf.Any" if type_ == types.ANY else type_.name


def check(
    source: str, node: Node, functions: Functions, variables: Mapping[str, Type], fields: Mapping[str, Type]
) -> Type:
    """Note a type on every node, and on calls their overloads; the type of the whole. Raises CompileError.

    `fields` are those of `device`. Calls of functions with a dot in their name lose their target, which was the name.
    """
    checker = _Checker(functions, variables, fields)
    checker.check(node)
    if not checker.problems:
        checker.settle()
        checker.literals_of_one_type()
        checker.formats()
        checker.constants()
    if checker.problems:
        raise CompileError(source, checker.problems)
    return node.type


class _Checker:
    def __init__(
        self, functions: Functions, variables: Mapping[str, Type], fields: Mapping[str, Type]
    ) -> None:
        self.problems: list[Problem] = []
        self._functions = functions
        self._fields = fields
        self._scopes: list[dict[str, Type]] = [dict(variables)]
        self._bindings = Bindings()
        # Calls without type variables
        self._known: dict[tuple[object, ...], tuple[tuple[str, ...], Type]] = {}
        self._likely: dict[tuple[str, bool, str], Sequence[Overload]] = {}
        self._checked: list[Node] = []  # each before its parts

    def check(self, node: Node) -> Type:
        if node.type is not UNCHECKED:
            return node.type  # `optMap` has its target twice
        self._checked.append(node)
        match node:
            case Literal():
                node.type = _LITERALS[type(node.value)]
            case Ident():
                node.type = self._ident(node)
            case Select():
                node.type = self._select(node)
            case Call():
                node.type = self._call(node)
            case ListOf():
                node.type = self._list(node)
            case MapOf():
                node.type = self._map(node)
            case Message():
                self._wrong(node, _undeclared(node.name))
                node.type = types.ERROR
            case Fold():
                node.type = self._fold(node)
        return node.type

    def settle(self) -> None:
        """Variables are what they turned out to be, or anything."""
        known: dict[int, Type] = {}
        for node in self._checked:
            if node.type.open:
                node.type = self._bindings.settled(node.type, known)

    def literals_of_one_type(self) -> None:
        """Elements must not only fit each other: `dyn` among others is told, too."""
        exempt: set[int] = set()
        for node in self._checked:
            if isinstance(node, Call):
                if node.function in ("format", "cel.@mapInsert"):
                    exempt.update(map(id, node.arguments))
            elif isinstance(node, ListOf) and id(node) not in exempt:
                self._alike([(e, i in node.optional) for i, e in enumerate(node.elements)])
            elif isinstance(node, MapOf) and id(node) not in exempt:
                self._alike([(key, False) for key, _, _ in node.entries])
                self._alike([(value, optional) for _, value, optional in node.entries])

    def formats(self) -> None:
        """Arguments of a constant format are of the types that it asks for."""
        for node in self._checked:
            if isinstance(node, Call) and node.function == "format" and isinstance(node.target, Literal):
                self._format(node, formatting.clauses(node.target.value))

    def _format(self, node: Call, asked: Sequence[str]) -> None:
        [arguments] = node.arguments
        if not isinstance(arguments, ListOf):
            return
        for kind, argument in zip(asked, arguments.elements, strict=False):
            if kind in _FORMATTED and (wrong := _unformattable(argument, _FORMATTED[kind])):
                self._wrong(wrong, formatting.wrong_argument(kind, _runtime_name(wrong.type)))
        if len(arguments.elements) > len(asked):
            self._wrong(
                node,
                f"too many arguments supplied to string.format (expected {len(asked)},"
                f" got {len(arguments.elements)})",
            )

    def constants(self) -> None:
        """Texts that are written as regular expressions, durations or timestamps, are such."""
        for node in self._checked:
            if not (isinstance(node, Call) and node.function in _WRITTEN):
                continue
            literal = node.arguments[0]
            try:
                if isinstance(literal, Literal) and isinstance(literal.value, str):
                    _WRITTEN[node.function](literal.value)
            except (WrongPattern, EvaluationError) as wrong:
                self._wrong(literal, f"invalid {node.function} argument: {wrong}")

    def _alike(self, elements: Sequence[tuple[Node, bool]]) -> None:
        first: Type | None = None
        for element, optional in elements:
            type_ = unwrapped(element.type)[0] if optional else element.type
            if first is None:
                first = type_
            elif not (_equivalent(first, type_)):
                self._wrong(element, f"expected type '{_shown(first)}' but found '{_shown(type_)}'")
                return

    def _wrong(self, node: Node, text: str) -> None:
        self.problems.append(Problem(node.at, text))

    def _ident(self, node: Ident) -> Type:
        name = node.name
        if not name.startswith("."):
            for scope in reversed(self._scopes):
                if name in scope:
                    return scope[name]
        elif name[1:] in self._scopes[0]:
            node.name = name[1:]
            return self._scopes[0][name[1:]]
        bare = name.removeprefix(".")
        if bare in TYPE_NAMES:
            node.name = bare
            return TYPE_NAMES[bare]
        self._wrong(node, _undeclared(name))
        return types.ERROR

    def _select(self, node: Select) -> Type:
        if not node.test and (name := dotted(node)) in TYPE_NAMES and not self._shadowed(name):
            return TYPE_NAMES[name]
        result = self._field(node, node.operand, node.field, optional=False)
        return types.BOOL if node.test else self._bindings.resolve(result)

    def _shadowed(self, name: str) -> bool:
        root = name.partition(".")[0]
        return any(root in scope for scope in self._scopes)

    def _field(self, node: Node, operand: Node, field: str, *, optional: bool) -> Type:
        target, is_optional = unwrapped(self._bindings.resolve(self.check(operand)))
        result: Type = types.ERROR
        if target.name == "map":
            result = target.of[1]
        elif target == types.DEVICE:
            if field in self._fields:
                result = self._fields[field]
            else:
                self._wrong(node, f"undefined field '{field}'")
        elif target in (types.QUANTITY, types.SEMVER, types.URL, types.FORMAT):
            self._wrong(node, f"undefined field '{field}'")
        elif target.variable:
            self._bindings.fits(types.DYN, target)
            result = types.DYN
        else:
            if not lenient(target):
                self._wrong(node, f"type '{_shown(target)}' does not support field selection")
            result = types.DYN
        return types.optional_of(result) if is_optional or optional else result

    def _call(self, node: Call) -> Type:
        if node.function == "_?._":
            operand, field = node.arguments
            assert isinstance(field, Literal)
            field.type = types.STRING
            node.overloads = ("select_optional_field",)
            return self._bindings.resolve(self._field(node, operand, field.value, optional=True))
        for argument in node.arguments:
            self.check(argument)
        if node.target is not None:
            name = dotted(node.target)
            if name and (called := f"{name}.{node.function}".removeprefix(".")) in self._functions:
                node.function, node.target = called, None
        elif node.function.startswith("."):
            node.function = node.function[1:]
        if node.target is not None:
            self.check(node.target)
        overloads = self._functions.get(node.function)
        if overloads is None:
            self._wrong(node, _undeclared(node.function))
            return types.ERROR
        return self._resolved(node, overloads)

    def _resolved(self, node: Call, overloads: Sequence[Overload]) -> Type:
        given = [operand.type for operand in node.operands]
        if node.function in ("_&&_", "_||_"):
            return self._logical(node, overloads[0])
        plain = (node.function, node.target is None, *given)
        if (known := self._known.get(plain)) is not None:
            node.overloads, gives = known
            return gives
        fitting: list[str] = []
        result: Type | None = None
        for overload in self._perhaps(node, overloads, given):
            wanted: Sequence[Type] = overload.arguments
            gives = overload.result
            if overload.variables:
                fresh = {name: self._bindings.fresh() for name in overload.variables}
                *wanted, gives = (types.instantiate(type_, fresh) for type_ in (*wanted, gives))
            if not self._bindings.fit(given, wanted):
                continue
            fitting.append(overload.name)
            gives = self._bindings.resolve(gives)
            if result is None:
                result = gives
            elif not types.dynamic(result) and gives != result:
                result = types.DYN
        if result is None:
            shown = [_shown(self._bindings.settled(t, {})) for t in given]
            applied = (
                f"({', '.join(shown)})" if node.target is None else f"{shown[0]}.({', '.join(shown[1:])})"
            )
            self._wrong(node, f"found no matching overload for '{node.function}' applied to '{applied}'")
            return types.ERROR
        node.overloads = tuple(fitting)
        if not result.open and not any(type_.open for type_ in given):
            self._known[plain] = node.overloads, result
        return result

    def _perhaps(
        self, node: Call, overloads: Sequence[Overload], given: Sequence[Type]
    ) -> Sequence[Overload]:
        """Those that the first operand's name does not rule out."""
        is_member = node.target is not None
        name = "" if not given or types.flexible(given[0]) else given[0].name
        key = node.function, is_member, name
        if (found := self._likely.get(key)) is None:
            found = self._likely[key] = [
                overload
                for overload in overloads
                if overload.member is is_member
                and (
                    not name
                    or not overload.arguments
                    or types.flexible(overload.arguments[0])
                    or overload.arguments[0].name == name
                )
            ]
        return found

    def _logical(self, node: Call, overload: Overload) -> Type:
        node.overloads = (overload.name,)
        result = types.BOOL
        for argument in node.arguments:
            if not self._bindings.fits(argument.type, types.BOOL):
                self._wrong(argument, f"expected type 'bool' but found '{_shown(argument.type)}'")
                result = types.ERROR
        return result

    def _list(self, node: ListOf) -> Type:
        joined: Type | None = None
        for index, element in enumerate(node.elements):
            type_ = self.check(element)
            if index in node.optional:
                type_ = self._optional(element, type_)
            joined = self._joined(element, joined, type_)
        return types.list_of(joined or self._bindings.fresh())

    def _map(self, node: MapOf) -> Type:
        keys: Type | None = None
        values: Type | None = None
        for key, value, optional in node.entries:
            keys = self._joined(key, keys, self.check(key))
            type_ = self.check(value)
            if optional:
                type_ = self._optional(value, type_)
            values = self._joined(value, values, type_)
        return types.map_of(keys or self._bindings.fresh(), values or self._bindings.fresh())

    def _optional(self, node: Node, type_: Type) -> Type:
        inner, is_optional = unwrapped(type_)
        if not is_optional and not types.dynamic(type_):
            expected = types.optional_of(type_)
            self._wrong(node, f"expected type '{_shown(expected)}' but found '{_shown(type_)}'")
        return inner

    def _joined(self, node: Node, before: Type | None, type_: Type) -> Type:
        if before is None:
            return type_
        if self._bindings.fits(before, type_):
            return types.more_general(before, type_)
        self._wrong(node, f"expected type '{_shown(before)}' but found '{_shown(type_)}'")
        return types.ERROR

    def _fold(self, node: Fold) -> Type:
        self.check(node.over)
        accumulated = self.check(node.initial)
        over = self._bindings.resolve(node.over.type)
        self._scopes.append({node.accumulator: accumulated})
        first, second = self._elements(node.over, over, two=bool(node.second))
        scope = {node.variable: first}
        if node.second:
            scope[node.second] = second
        self._scopes.append(scope)
        for part, wanted in ((node.condition, types.BOOL), (node.step, accumulated)):
            self.check(part)
            if not self._bindings.fits(wanted, part.type):
                self._wrong(part, f"expected type '{_shown(wanted)}' but found '{_shown(part.type)}'")
        self._scopes.pop()
        result = self.check(node.result)
        self._scopes.pop()
        return self._bindings.resolve(result)

    def _elements(self, node: Node, over: Type, *, two: bool) -> tuple[Type, Type]:
        """What the variables of a loop over this type are."""
        if over.name == "list":
            return (types.INT, over.of[0]) if two else (over.of[0], over.of[0])
        if over.name == "map":
            return over.of[0], over.of[1]
        if over.variable or (lenient(over) and over != types.ANY):
            self._bindings.fits(types.DYN, over)
            return types.DYN, types.DYN
        self._wrong(
            node,
            f"expression of type '{_shown(over)}' cannot be range of a comprehension"
            " (must be list, map, or dynamic)",
        )
        return types.ERROR, types.ERROR


def _undeclared(name: str) -> str:
    return f"undeclared reference to '{name}' (in container '')"


def _equivalent(one: Type, other: Type) -> bool:
    if one.variable and other.variable:
        return True
    return one.name == other.name and len(one.of) == len(other.of) and all(map(_equivalent, one.of, other.of))


def _shown(type_: Type) -> str:
    return str(type_)
