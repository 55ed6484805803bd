"""Calls that are written as functions and mean a loop, a name for a value, or a test.

Those of CEL itself, of cel-go's optional types (version 2), bindings, comprehensions of two variables, and `sortBy`.
"""

from typing import Final

from dratui.allocation.cel.syntax import ACCUMULATOR, Call, Fold, Ident, ListOf, Literal, MapOf, Node, Select

_UNUSED: Final = "#unused"
_SORTED: Final = "@__sortBy_input__"
_QUANTIFIERS: Final = ("all", "exists", "exists_one", "existsOne")
_OVERWRITES: Final = "iteration variable overwrites accumulator variable"


class WrongMacro(Exception):
    """A macro that is not written as it should be."""

    def __init__(self, at: int, text: str) -> None:
        super().__init__(text)
        self.at = at
        self.text = text


def global_macro(at: int, name: str, arguments: list[Node]) -> Node | None:
    """What a call without a target becomes, if it is a macro. Raises WrongMacro."""
    if name != "has" or len(arguments) != 1:
        return None
    [tested] = arguments
    if not isinstance(tested, Select) or tested.test:
        raise WrongMacro(tested.at, "invalid argument to has() macro")
    return Select(at, tested.operand, tested.field, test=True)


def member_macro(at: int, name: str, target: Node, arguments: list[Node]) -> Node | None:
    """What a call on a target becomes, if it is a macro. Raises WrongMacro."""
    count = len(arguments)
    match name, count:
        case (("all" | "exists" | "exists_one" | "existsOne"), (2 | 3)):
            return _quantifier(at, name, target, arguments)
        case ("map", 2 | 3) | ("filter", 2):
            return _collected(at, name, target, arguments)
        case (("transformList" | "transformMap" | "transformMapEntry"), (3 | 4)):
            return _transformed(at, name, target, arguments)
        case ("bind", 3) if isinstance(target, Ident) and target.name == "cel":
            wrong = "cel.bind() variable names must be simple identifiers"
            return _bound(at, _name(arguments[0], wrong), arguments[1], arguments[2])
        case (("optMap" | "optFlatMap"), 2):
            variable = _name(arguments[0], f"{name}() variable name must be a simple identifier")
            value: Node = _bound(at, variable, Call(at, "value", [], target), arguments[1])
            if name == "optMap":
                value = Call(at, "optional.of", [value])
            return Call(at, "_?_:_", [Call(at, "hasValue", [], target), value, Call(at, "optional.none", [])])
        case "sortBy", 2:
            if isinstance(target, Literal | MapOf):
                raise WrongMacro(
                    target.at,
                    "sortBy can only be applied to a list, identifier, comprehension, call or select expression",
                )
            keys = _collected(at, "map", Ident(at, _SORTED), arguments)
            sorting = Call(at, "@sortByAssociatedKeys", [keys], Ident(at, _SORTED))
            return _bound(at, _SORTED, target, sorting)
    return None


def _name(node: Node, wrong: str) -> str:
    if not isinstance(node, Ident) or node.name.startswith("."):
        raise WrongMacro(node.at, wrong)
    return node.name


def _variable(node: Node, wrong: str = "argument must be a simple name") -> str:
    name = _name(node, wrong)
    if name == ACCUMULATOR:
        raise WrongMacro(node.at, _OVERWRITES)
    return name


def _variables(nodes: list[Node]) -> tuple[str, str]:
    first, second = (_name(node, "argument must be a simple name") for node in nodes)
    if first == second:
        raise WrongMacro(nodes[1].at, f"duplicate variable name: {first}")
    return _variable(nodes[0]), _variable(nodes[1])


def _accumulated(at: int) -> Node:
    return Ident(at, ACCUMULATOR)


def _quantifier(at: int, name: str, over: Node, arguments: list[Node]) -> Node:
    *named, predicate = arguments
    first, second = _variables(named) if len(named) == 2 else (_variable(named[0]), "")
    initial: Node
    condition: Node
    result: Node = _accumulated(at)
    if name == "all":
        initial = Literal(at, value=True)
        condition = Call(at, "@not_strictly_false", [_accumulated(at)])
        step = Call(at, "_&&_", [_accumulated(at), predicate])
    elif name == "exists":
        initial = Literal(at, value=False)
        condition = Call(at, "@not_strictly_false", [Call(at, "!_", [_accumulated(at)])])
        step = Call(at, "_||_", [_accumulated(at), predicate])
    else:
        initial, condition = Literal(at, 0), Literal(at, value=True)
        more = Call(at, "_+_", [_accumulated(at), Literal(at, 1)])
        step = Call(at, "_?_:_", [predicate, more, _accumulated(at)])
        result = Call(at, "_==_", [_accumulated(at), Literal(at, 1)])
    return Fold(
        at,
        over=over,
        variable=first,
        second=second,
        initial=initial,
        condition=condition,
        step=step,
        result=result,
    )


def _collected(at: int, name: str, over: Node, arguments: list[Node]) -> Node:
    """`map` and `filter`: a list of what the last argument gives, or of the elements for which it holds."""
    variable = _variable(arguments[0], "argument is not an identifier")
    if name == "filter":
        kept: Node | None = arguments[1]
        element: Node = arguments[0]
    else:
        kept = arguments[1] if len(arguments) == 3 else None
        element = arguments[-1]
    return _fold(at, over, variable, "", ListOf(at, []), _appended(at, element), kept)


def _transformed(at: int, name: str, over: Node, arguments: list[Node]) -> Node:
    first, second = _variables(arguments[:2])
    kept = arguments[2] if len(arguments) == 4 else None
    element = arguments[-1]
    if name == "transformList":
        return _fold(at, over, first, second, ListOf(at, []), _appended(at, element), kept)
    inserted = [element] if name == "transformMapEntry" else [Ident(at, first), element]
    step = Call(at, "cel.@mapInsert", [_accumulated(at), *inserted])
    return _fold(at, over, first, second, MapOf(at, []), step, kept)


def _appended(at: int, element: Node) -> Node:
    return Call(at, "_+_", [_accumulated(at), ListOf(at, [element])])


def _fold(
    at: int, over: Node, variable: str, second: str, initial: Node, step: Node, kept: Node | None
) -> Node:
    if kept is not None:
        step = Call(at, "_?_:_", [kept, step, _accumulated(at)])
    return Fold(
        at,
        over=over,
        variable=variable,
        second=second,
        initial=initial,
        condition=Literal(at, value=True),
        step=step,
        result=_accumulated(at),
    )


def _bound(at: int, name: str, value: Node, within: Node) -> Node:
    return Fold(
        at,
        over=ListOf(at, []),
        variable=_UNUSED,
        accumulator=name,
        initial=value,
        condition=Literal(at, value=False),
        step=Ident(at, name),
        result=within,
    )
