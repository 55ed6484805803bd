"""What macros become: loops with an accumulator, and names for values."""

from collections.abc import Iterable
from typing import Any, Final

from dratui.allocation.cel import cost
from dratui.allocation.cel.errors import NO_OVERLOAD, EvaluationError, OutOfBudget
from dratui.allocation.cel.evaluation import Evaluation, Step
from dratui.allocation.cel.values import Map, type_name
from dratui.allocation.cel.work import spend

_UNSET: Final = object()


def variable(index: int) -> Step:
    """The variable of a loop."""
    return lambda evaluation: evaluation.locals[index]


def lazy(index: int, initial: Step) -> Step:
    """An accumulator, or a name for a value: made when it is first looked at; an error stays one."""

    def value(evaluation: Evaluation) -> Any:
        found = evaluation.locals[index]
        if found is _UNSET:
            try:
                found = initial(evaluation)
            except EvaluationError as error:
                found = error
            evaluation.locals[index] = found
        if isinstance(found, EvaluationError):
            raise found
        return found

    return value


def empty_list(evaluation: Evaluation) -> list[Any]:
    """A new one, that a loop may fill in place."""
    return []


def appended(accumulated: Step, added: Step) -> Step:
    """To the list that a loop makes, in place: it is nobody else's yet."""

    def append(evaluation: Evaluation) -> Any:
        made = accumulated(evaluation)
        made += added(evaluation)
        return made

    return append


def binding(index: int, result: Step) -> Step:
    """A value has a name within `result`."""

    def bound(evaluation: Evaluation) -> Any:
        spend(2)  # chains of `optMap` evaluate their targets twice, and those theirs
        evaluation.locals[index] = _UNSET
        return result(evaluation)

    return bound


def loop(
    over: Step, condition: Step, step: Step, result: Step, indices: tuple[int, int, int], *, two: bool
) -> Step:
    """`indices` of the accumulator and the variables. An error in a round is the accumulator of the next."""
    accumulated, first, second = indices

    def looping(evaluation: Evaluation) -> Any:
        elements = over(evaluation)
        variables = evaluation.locals
        variables[accumulated] = _UNSET
        for one, other in _entries(elements, two=two):
            variables[first], variables[second] = one, other
            try:
                if condition(evaluation) is False:
                    break
            except EvaluationError:
                pass
            try:
                variables[accumulated] = step(evaluation)
            except EvaluationError as error:
                variables[accumulated] = error
        return result(evaluation)

    return looping


def quantified(
    over: Step,
    predicate: Step,
    result: Step,
    indices: tuple[int, int, int],
    prices: tuple[int, int],
    *,
    decides: bool,
    two: bool,
) -> Step:
    """`all`, which False decides, and `exists`, which True does: what `loop` makes of them, without a step for every
    part. `prices`: of the look whether to go on, and of what was found so far."""
    accumulated, first, second = indices
    look, known = prices
    both = look + known

    def looping(evaluation: Evaluation) -> Any:
        elements = over(evaluation)
        variables = evaluation.locals
        found: Any = not decides
        variables[accumulated] = found
        for one, other in _entries(elements, two=two):
            if found is decides:
                evaluation.charge(look)
                break
            spent = evaluation.cost = evaluation.cost + both
            if spent > cost.LIMIT:
                raise OutOfBudget
            variables[first], variables[second] = one, other
            try:
                holds = predicate(evaluation)
            except EvaluationError as error:
                if found is (not decides):
                    variables[accumulated] = found = error
                continue
            if holds is decides:
                variables[accumulated] = found = decides
            elif holds is not (not decides) and found is (not decides):
                variables[accumulated] = found = EvaluationError(NO_OVERLOAD)
        return result(evaluation)

    return looping


def _entries(elements: Any, *, two: bool) -> Iterable[tuple[Any, Any]]:
    if type(elements) is list:
        spend(1 + len(elements))
        return enumerate(elements) if two else ((element, None) for element in elements)
    if type(elements) is Map:
        return [(key, elements.find(key)[0] if two else None) for key in elements]
    if two:
        raise EvaluationError(f"unsupported comprehension range type: {_go_name(elements)}")
    raise EvaluationError(f"got '{_go_name(elements)}', expected iterable type")


def _go_name(value: Any) -> str:
    package, _, name = type_name(value).rpartition(".")
    return f"cel.{name}" if package in ("kubernetes", "net") else f"types.{name.capitalize()}"
