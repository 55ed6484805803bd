"""The table: what was measured, beside its goal and beside what no program could undercut here."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Result:
    """`value` is to be at most `goal`; None: it could not be measured, and `note` says why. `floor`: what the least
    that could be done takes, in the same run."""

    measure: str
    value: float | None
    goal: float | None
    unit: str
    floor: float | None = None
    note: str = ""
    profile: tuple[str, ...] = ()  # where the time goes, if the goal is missed

    @property
    def verdict(self) -> str:
        if self.goal is None or self.value is None:
            return ""
        return "met" if self.value <= self.goal else "MISSED"


def print_table(results: Sequence[Result]) -> None:
    """One line a result."""
    titles = ("measure", "value", "goal", "", "floor", "÷ floor", "")
    lines = [titles, *map(_cells, results)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    for result in results:
        if result.profile:
            print(f"\n{result.measure}: most of the time is taken by")
            print("\n".join(f"  {line}" for line in result.profile))


def _cells(result: Result) -> tuple[str, ...]:
    unit = result.unit
    floor = "" if result.floor is None else f"{result.floor:.3g} {unit}"
    ratio = f"{result.value / result.floor:.2f}" if result.floor and result.value is not None else ""
    value = "not measured" if result.value is None else f"{result.value:.3g} {unit}"
    goal = "" if result.goal is None else f"≤ {result.goal:g} {unit}"
    return (result.measure, value, goal, result.verdict, floor, ratio, result.note)
