"""One evaluation, and the steps that it is made of."""

from collections.abc import Callable
from typing import Any

from dratui.allocation.cel import cost
from dratui.allocation.cel.errors import EvaluationError, OutOfBudget
from dratui.allocation.cel.values import Map


class Evaluation:
    """What is looked at, the variables of loops, and what it has cost so far."""

    __slots__ = ("cost", "device", "locals")

    def __init__(self, device: Map, variables: int) -> None:
        self.device = device
        self.locals: list[Any] = [None] * variables
        self.cost = 0

    def charge(self, amount: int) -> None:
        """Raises OutOfBudget."""
        self.cost += amount
        if self.cost > cost.LIMIT:
            raise OutOfBudget


Step = Callable[[Evaluation], Any]
"""Gives a value, or raises EvaluationError; OutOfBudget, where costs are counted."""


class Constant:
    """A step whose result is known."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self, evaluation: Evaluation) -> Any:
        """The result."""
        return self.value


def charged(step: Step, amount: int) -> Step:
    """A step that costs so much, whether it fails or not."""
    if isinstance(step, Constant):
        return step

    def paying(evaluation: Evaluation) -> Any:
        try:
            value = step(evaluation)
        except EvaluationError:
            evaluation.charge(amount)
            raise
        # As `charge` does: this is what counting takes long over
        spent = evaluation.cost = evaluation.cost + amount
        if spent > cost.LIMIT:
            raise OutOfBudget
        return value

    return paying
