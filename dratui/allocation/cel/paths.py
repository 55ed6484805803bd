"""From a value to what is in it: `device.attributes["gpu.example.com"].model`, `list[0]`, `map[?key].?field`.

A whole path is one thing to cel-go: it costs one, and one more for each step; behind the first optional all is.
"""

from collections.abc import Sequence
from typing import Any, Final

from dratui.allocation.cel import cost
from dratui.allocation.cel.errors import EvaluationError
from dratui.allocation.cel.evaluation import Evaluation, Step
from dratui.allocation.cel.values import NONE, Map, Optional, Uint, type_name, written

Qualifier = tuple[Step, bool]
"""What gives the key, and whether it is optional."""

_MISSING: Final = object()


def _inside(value: Any, key: Any) -> Any:
    """What is at a key, or _MISSING. Raises EvaluationError for an index that is none."""
    kind = type(value)
    if kind is Map:
        found, present = value.find(key)
        return found if present else _MISSING
    if kind is list:
        index = _index(key)
        return value[index] if 0 <= index < len(value) else _MISSING
    return _MISSING


def _index(key: Any) -> int:
    kind = type(key)
    if kind is int or kind is Uint or (kind is float and key.is_integer()):
        return int(key)
    raise EvaluationError(f"unsupported index type '{type_name(key)}' in list")


def _nowhere(value: Any, key: Any) -> EvaluationError:
    if type(value) is list:
        return EvaluationError(f"index out of bounds: {written(key)}")
    return EvaluationError(f"no such key: {written(key)}")


def of_device(keys: Sequence[str], *, tested: bool) -> Step:
    """From the device by names that are written there: what selectors are made of."""
    *before, last = keys

    def path(evaluation: Evaluation) -> Any:
        value: Any = evaluation.device
        for key in before:
            if type(value) is not Map:
                raise _nowhere(value, key)
            value = value.entries.get(key, value.default)
            if value is None:
                raise EvaluationError(f"no such key: {key}")
        found = value.entries.get(last, value.default) if type(value) is Map else None
        if tested:
            return found is not None
        if found is None:
            raise _nowhere(value, last)
        return found

    return path


def of_value(step: Step, qualifiers: Sequence[Qualifier], *, tested: bool) -> Step:
    """From any value."""

    def path(evaluation: Evaluation) -> Any:
        return _along(step, qualifiers, evaluation, tested=tested)

    return path


def counted(step: Step, qualifiers: Sequence[Qualifier], *, tested: bool, charge: int) -> Step:
    """The same, with its cost."""

    def path(evaluation: Evaluation) -> Any:
        try:
            return _along(step, qualifiers, evaluation, tested=tested)
        finally:
            evaluation.charge(charge)

    return path


def _along(step: Step, qualifiers: Sequence[Qualifier], evaluation: Evaluation, *, tested: bool) -> Any:
    value = step(evaluation)
    optional = type(value) is Optional
    if optional:
        if not value.present:
            return False if tested else NONE
        value = value.value
    end = len(qualifiers) - 1
    for at, (key_step, is_optional) in enumerate(qualifiers):
        optional = optional or is_optional
        key = key_step(evaluation)
        found = _inside(value, key)
        if tested and at == end:
            evaluation.cost += cost.SELECT
            return found is not _MISSING
        if found is _MISSING:
            if optional:
                return NONE
            evaluation.cost += cost.SELECT
            raise _nowhere(value, key)
        evaluation.cost += cost.SELECT
        value = found
    return Optional(value) if optional else value
