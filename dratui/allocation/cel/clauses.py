"""Which part of a selector says no, and what it saw: `memory = 40Gi`, where `>= 80Gi` was asked."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from dratui.allocation.cel.columns import Path, read_by
from dratui.allocation.cel.compiler import instantiate
from dratui.allocation.cel.errors import EvaluationError, OutOfBudget
from dratui.allocation.cel.evaluation import Evaluation, Step
from dratui.allocation.cel.selector import Selector
from dratui.allocation.cel.syntax import Call, Node
from dratui.allocation.cel.values import Map
from dratui.allocation.cel.work import OutOfWork, limited


@dataclass(frozen=True, slots=True)
class Clause:
    """One of the conditions that `&&` joins: its text, and the paths that it reads (none: it may read anything)."""

    text: str
    node: Node
    span: tuple[int, int]  # of the selector
    reads: tuple[Path, ...]
    step: Step
    variables: int


class Refusal(NamedTuple):
    """The first clause that does not hold, and the error if it has no answer."""

    clause: Clause
    error: str


@lru_cache(maxsize=1024)
def clauses(selector: Selector) -> tuple[Clause, ...]:
    """All of a selector, in their order."""
    found: list[Clause] = []
    for node in _terms(selector.node):
        step, variables = instantiate(node, selector.dialect.functions, counting=True)
        begin, end = span = node.span if node.span[0] < node.span[1] else (0, len(selector.source))
        text = selector.source[begin:end].strip()
        found.append(Clause(text, node, span, read_by(node) or (), step, variables))
    return tuple(found)


def _terms(node: Node) -> list[Node]:
    if isinstance(node, Call) and node.function == "_&&_":
        return [term for argument in node.arguments for term in _terms(argument)]
    return [node]


def refusal(selector: Selector, device: Map) -> Refusal | None:
    """Why a selector does not select a device; None if no clause by itself says no.

    An error counts only where no clause is false: `&&` absorbs it.
    """
    first: Refusal | None = None
    for clause in clauses(selector):
        try:
            with limited():
                if clause.step(Evaluation(device, clause.variables)) is False:
                    return Refusal(clause, "")
        except EvaluationError as error:
            first = first or Refusal(clause, str(error))
        except (OutOfBudget, OutOfWork):
            first = first or Refusal(clause, "it costs too much")
    return first
