"""Operators and functions: what absorbs errors, what chooses, and what is simply applied to its operands."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from dratui.allocation.cel import types
from dratui.allocation.cel.cost import Cost
from dratui.allocation.cel.declarations import Functions, Overload
from dratui.allocation.cel.errors import NO_OVERLOAD, EvaluationError
from dratui.allocation.cel.evaluation import Constant, Evaluation, Step
from dratui.allocation.cel.library import implementations
from dratui.allocation.cel.library.lists import in_list
from dratui.allocation.cel.syntax import Call
from dratui.allocation.cel.types import Type
from dratui.allocation.cel.values import NAMES, Map, Optional, Uint, compare, equal, same, type_name

Function = Callable[..., Any]

CONVERSIONS: Final = frozenset(
    ("bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "type", "uint")
)
"""Of a constant these are done at once, and fail at once."""

_ORDERS: Final[Mapping[str, Callable[[int], bool]]] = {
    "_<_": lambda order: order < 0,
    "_<=_": lambda order: order <= 0,
    "_>_": lambda order: order > 0,
    "_>=_": lambda order: order >= 0,
}
_FOR_ALL: Final = {
    "_+_": "add_int64",
    "_-_": "subtract_int64",
    "_*_": "multiply_int64",
    "_/_": "divide_int64",
    "_%_": "modulo_int64",
    "-_": "negate_int64",
    "!_": "logical_not",
    "size": "size_list",
}
"""Functions that find out by themselves what they are given: one overload does for all."""

_TERSE: Final = frozenset(("contains", "startsWith", "endsWith", "matches"))
_ORDERED: Final = frozenset((bool, int, Uint, float, str, bytes)) | {
    kind for kind, name in NAMES.items() if name.startswith("google.protobuf")
}
_CLASSES: Final = {
    name: frozenset(kind for kind, that in NAMES.items() if that == name) for name in set(NAMES.values())
}


def function_of(call: Call, functions: Functions) -> Function:
    """What a call does, by the overloads that the checker took for possible."""
    name = call.function
    if name == "_==_":
        return equal
    if name == "_!=_":
        return lambda one, other: not same(one, other)
    if name in _ORDERS:
        return _comparison(name)
    if name == "@in":
        return _in
    if name in _FOR_ALL:
        return implementations()[_FOR_ALL[name]]
    if len(call.overloads) == 1 and not any(uncertain(operand.type) for operand in call.operands):
        return implementations()[call.overloads[0]]
    is_member = call.target is not None
    return _dispatched(name, [overload for overload in functions[name] if overload.member is is_member])


def uncertain(type_: Type) -> bool:
    """Whether the checker does not know what it will be."""
    if type_.name == "optional_type":
        return uncertain(type_.of[0])
    return types.lenient(type_) or type_ == types.NULL


def _comparison(name: str) -> Function:
    holds = _ORDERS[name]

    def comparison(one: Any, other: Any) -> bool:
        if type(one) not in _ORDERED:
            raise EvaluationError(f"no such overload: {name}")
        return holds(compare(one, other))

    return comparison


def _in(wanted: Any, among: Any) -> bool:
    return among.has(wanted) if type(among) is Map else in_list(wanted, among)


def _dispatched(name: str, overloads: Sequence[Overload]) -> Function:
    """By what the arguments turn out to be."""
    ways = [(tuple(map(_classes, o.arguments)), implementations()[o.name]) for o in overloads]

    def dispatched(*arguments: Any) -> Any:
        for classes, function in ways:
            if len(classes) == len(arguments) and all(
                any_of is None or type(argument) in any_of
                for any_of, argument in zip(classes, arguments, strict=True)
            ):
                return function(*arguments)
        if name in _TERSE:
            raise EvaluationError(NO_OVERLOAD)
        raise EvaluationError(f"no such overload: {name}({', '.join(map(type_name, arguments))})")

    return dispatched


def _classes(type_: Type) -> frozenset[type] | None:
    """Those that values of a type have; None for any."""
    return None if type_.variable or types.lenient(type_) else _CLASSES[type_.name]


def applied(function: Function, operands: Sequence[Step]) -> Step:
    """To all operands; an error of one is the call's."""
    match operands:
        case []:
            return lambda evaluation: function()
        case [only]:
            return lambda evaluation: function(only(evaluation))
        case [one, Constant(value=str(text))] if function is equal:
            return lambda evaluation: equal(one(evaluation), text)
        case [one, other]:
            return lambda evaluation: function(one(evaluation), other(evaluation))
    return lambda evaluation: function(*[operand(evaluation) for operand in operands])


def counted(function: Function, operands: Sequence[Step], price: Cost) -> Step:
    """The same, with its cost. Of two operands both are evaluated, whatever becomes of the first."""

    def call(evaluation: Evaluation) -> Any:
        arguments: list[Any] = []
        error: EvaluationError | None = None
        for operand in operands:
            try:
                arguments.append(operand(evaluation))
            except EvaluationError as raised:
                if len(operands) > 2:
                    raise
                error = error or raised
                arguments.append(raised)
        result: Any = error
        if error is None:
            try:
                result = function(*arguments)
            except EvaluationError as raised:
                result = error = raised
        evaluation.charge(price(arguments, result))
        if error is not None:
            raise error
        return result

    return call


def logical(left: Step, right: Step, *, decides: bool) -> Step:
    """`&&`, which False decides, and `||`, which True does: whichever side says it, and whatever the other."""

    def either(evaluation: Evaluation) -> Any:
        error: EvaluationError | None = None
        try:
            one = left(evaluation)
            if one is decides:
                return decides
            if one is not (not decides):
                error = EvaluationError(NO_OVERLOAD)
        except EvaluationError as raised:
            error = raised
        try:
            other = right(evaluation)
        except EvaluationError as raised:
            raise error or raised from None
        if other is decides:
            return decides
        if error is not None:
            raise error
        if other is not (not decides):
            raise EvaluationError(NO_OVERLOAD)
        return not decides

    return either


def conditional(condition: Step, then: Step, otherwise: Step) -> Step:
    """`?:`."""

    def chosen(evaluation: Evaluation) -> Any:
        holds = condition(evaluation)
        if holds is True:
            return then(evaluation)
        if holds is False:
            return otherwise(evaluation)
        raise EvaluationError(NO_OVERLOAD)

    return chosen


def not_strictly_false(step: Step) -> Step:
    """Whether a loop goes on: an error does not end it."""

    def goes_on(evaluation: Evaluation) -> bool:
        try:
            return step(evaluation) is not False
        except EvaluationError:
            return True

    return goes_on


def or_else(first: Step, second: Step, *, unwrap: bool) -> Step:
    """`or` and `orValue`: the second is only looked at if the first is not there."""

    def either(evaluation: Evaluation) -> Any:
        value = first(evaluation)
        if type(value) is not Optional:
            return value
        if value.present:
            return value.value if unwrap else value
        return second(evaluation)

    return either


def in_constants(wanted: Step, elements: Step) -> Step | None:
    """Membership of a constant list of numbers, strings or bools; None for any other."""
    if not isinstance(elements, Constant):
        return None
    if not elements.value:
        return Constant(value=False)
    if any(type(element) not in (bool, int, Uint, float, str) for element in elements.value):
        return None
    known = Map((element, True) for element in elements.value)
    return lambda evaluation: known.has(wanted(evaluation))
