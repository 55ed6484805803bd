"""Limits that a selector sets, `memory >= 80Gi`: what they say of a device, and what they would say if it passed."""

from collections.abc import Set
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

from dratui.allocation.cel.clauses import clauses
from dratui.allocation.cel.columns import Path, read_by
from dratui.allocation.cel.compiler import instantiate
from dratui.allocation.cel.errors import EvaluationError, OutOfBudget
from dratui.allocation.cel.evaluation import Evaluation, Step
from dratui.allocation.cel.quantity import Quantity
from dratui.allocation.cel.selector import Selector
from dratui.allocation.cel.semver import Semver
from dratui.allocation.cel.syntax import Call, Literal, Node, Select
from dratui.allocation.cel.values import Map
from dratui.allocation.cel.work import OutOfWork, limited
from dratui.api import quantity

Value = Fraction | Semver | int | float
"""What is compared; of one limit always the same kind."""

_RELATIONS: Final = {"_>=_": ">=", "_>_": ">", "_<=_": "<=", "_<_": "<"}
_MEMBERS: Final = {"isGreaterThan": ">", "isLessThan": "<"}
_TURNED: Final = {">=": "<=", ">": "<", "<=": ">=", "<": ">"}
_LARGEST: Final = 1 << 63


@dataclass(frozen=True, slots=True)
class Limit:
    """A clause that compares what a device has under one name with what is written at `span` of the selector.

    `relation` is that of the device's value to the limit, `written` the limit without its quotes.
    """

    clause: str
    path: Path
    relation: str
    written: str
    bound: Value
    span: tuple[int, int]
    quote: str
    step: Step
    variables: int

    def value(self, device: Map) -> Value | None:
        """What a device has; None where that cannot be compared."""
        found = _evaluated(self.step, self.variables, device)
        return found if type(found) is type(self.bound) else None

    def nearest(self, values: Set[Any]) -> list[Any]:
        """Those that do not pass, without repetition; what comes nearest first."""
        downwards = self.relation in (">=", ">")
        strict = self.relation in (">", "<")
        missed = {each for each in values if (each < self.bound) == downwards and each != self.bound}
        if strict and self.bound in values:
            missed.add(self.bound)
        return sorted(missed, reverse=downwards)

    def admitting(self, value: Value) -> str:
        """The limit at which a device with this value just passes, as this one is written; nothing if there is none."""
        match value:
            case Fraction():
                return self._quantity(value)
            case Semver():
                return self._version(value)
            case int():
                number = value + {">": -1, "<": 1}.get(self.relation, 0)
                return f"{number}{'u' if self.written.endswith('u') else ''}"
        return str(value) if self.relation in (">=", "<=") else ""

    def _quantity(self, value: Fraction) -> str:
        if self.relation in (">=", "<="):
            return quantity.write(int(value * quantity.NANO), self.written)
        suffix = self.written.lstrip("+-0123456789.")
        unit = Fraction(quantity.parse(f"1{suffix}") or 0, quantity.NANO)
        if not unit:
            return ""
        number = -(-value // unit) - 1 if self.relation == ">" else value // unit + 1
        return f"{number}{suffix}" if number >= 0 else ""

    def _version(self, value: Semver) -> str:
        major, minor, patch = value.major, value.minor, value.patch
        match self.relation:
            case "<":
                patch += 1
            case ">" if patch:
                patch -= 1
            case ">" if minor:
                minor, patch = minor - 1, 0
            case ">" if major:
                major, minor, patch = major - 1, 0, 0
            case ">":
                return ""
            case _ if value.pre:
                return f"{major}.{minor}.{patch}-{'.'.join(value.pre)}"
        return f"{major}.{minor}.{patch}"


@lru_cache(maxsize=256)
def limits(selector: Selector) -> tuple[Limit, ...]:
    """Those among its clauses: numbers, quantities and versions, compared by operators or by their functions."""
    found = []
    for clause in clauses(selector):
        compared = _compared(clause.node)
        if compared is None:
            continue
        measured, relation, limit, literal = compared
        paths = read_by(measured)
        if not paths or len(paths) != 1 or not _is_plain(measured):
            continue
        bound = _evaluated(*instantiate(limit, selector.dialect.functions, counting=True), Map())
        if bound is None:
            continue
        step, variables = instantiate(measured, selector.dialect.functions, counting=True)
        begin, end = literal.span
        text = selector.source[begin:end]
        quote = text[0] if isinstance(literal.value, str) else ""
        written = literal.value if quote else text
        if quote in ("", '"', "'"):
            found.append(
                Limit(clause.text, paths[0], relation, written, bound, (begin, end), quote, step, variables)
            )
    return tuple(found)


def _evaluated(step: Step, variables: int, device: Map) -> Value | None:
    try:
        with limited():
            found: Any = step(Evaluation(device, variables))
    except (EvaluationError, OutOfBudget, OutOfWork):
        return None
    if isinstance(found, Quantity):
        return found.number if abs(found.number) < _LARGEST else None
    if isinstance(found, Semver):
        return found
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return int(found) if isinstance(found, int) else found


def _is_plain(node: Node) -> bool:
    return isinstance(node, Select) or (isinstance(node, Call) and node.function == "_[_]")


_Compared = tuple[Node, str, Node, Literal]
"""What is measured, its relation to the limit, the limit, and what of it is written."""


def _compared(node: Node) -> _Compared | None:
    if not isinstance(node, Call):
        return None
    if node.function in _MEMBERS and node.target is not None:
        return _sides(node.target, _MEMBERS[node.function], node.arguments[0])
    if (relation := _RELATIONS.get(node.function)) is None:
        return None
    left, right = node.arguments
    if (
        isinstance(left, Call)
        and left.function == "compareTo"
        and left.target is not None
        and isinstance(right, Literal)
        and right.value == 0
    ):
        return _sides(left.target, relation, left.arguments[0])
    return _sides(left, relation, right)


def _sides(left: Node, relation: str, right: Node) -> _Compared | None:
    if (literal := _written(right)) is not None:
        return left, relation, right, literal
    if (literal := _written(left)) is not None:
        return right, _TURNED[relation], left, literal
    return None


def _written(node: Node) -> Literal | None:
    if isinstance(node, Call) and node.function in ("quantity", "semver") and node.target is None:
        node = node.arguments[0]
        return node if isinstance(node, Literal) and isinstance(node.value, str) else None
    if isinstance(node, Literal) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return node
    return None
