"""What is wrong with an expression, and what goes wrong when one is evaluated."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dratui.failure import Failure

_MOST_TOLD: Final = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, at a place in the text: code points from 0."""

    at: int
    text: str


class CompileError(Failure):
    """An expression that is none. `problems` in the order of their places."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        self.source = source
        self.problems = sorted(problems, key=lambda p: p.at)
        told = [_told(source, problem) for problem in self.problems[:_MOST_TOLD]]
        if (more := len(self.problems) - _MOST_TOLD) > 0:
            told.append(f"{more} more errors were truncated")  # in cel-go's words
        super().__init__("\n".join(told))


class InstantiationError(Exception):
    """A constant part of an expression cannot work: a regular expression, or a conversion. `at`: its place."""

    def __init__(self, at: int, text: str) -> None:
        super().__init__(text)
        self.at = at


class EvaluationError(Exception):
    """An evaluation without a result. `&&`, `||` and the like absorb it."""


class TooLong(EvaluationError):
    """One that takes longer than we wait: what it would say, nobody knows."""


class OutOfBudget(Exception):
    """An evaluation that would cost too much. Nothing absorbs it."""


NO_OVERLOAD = "no such overload"


def line_and_column(source: str, at: int) -> tuple[int, int]:
    """Both from 1."""
    before = source[:at]
    return before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1


def _told(source: str, problem: Problem) -> str:
    line, column = line_and_column(source, problem.at)
    text = source.split("\n")[line - 1]
    return f"ERROR: <input>:{line}:{column}: {problem.text}\n | {text}\n | {'.' * (column - 1)}^"
