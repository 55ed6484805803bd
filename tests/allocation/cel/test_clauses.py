"""Of a selector that says no, the clause that says it."""

import pytest

from dratui.allocation.cel.clauses import clauses, refusal
from dratui.allocation.cel.selector import Selector
from dratui.allocation.fleet import view
from tests.allocation.cel.asking import NEWEST, gpu

A = 'device.attributes["gpu.example.com"]'
MEMORY = 'device.capacity["gpu.example.com"].memory.compareTo(quantity("100Gi")) >= 0'


def refused(expression: str) -> tuple[str, str] | None:
    found = refusal(Selector(expression, NEWEST), view("gpu.example.com", gpu(), NEWEST))
    return (found.clause.text, found.error) if found else None


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (f'{A}.model == "H100" && {MEMORY}', (MEMORY, "")),
        (f'{A}.model == "L4" && {MEMORY}', (f'{A}.model == "L4"', "")),
        (f"( {A}.index > 5 ) &&\n  true", (f"( {A}.index > 5 )", "")),
        (f"{A}.nope && {MEMORY}", (MEMORY, "")),
        (f"{A}.nope && true", (f"{A}.nope", "no such key: nope")),
        (f"{A}.mig || {MEMORY}", (f"{A}.mig || {MEMORY}", "")),
        (f'{A}.model == "H100"', None),
    ],
)
def test_the_clause_that_says_no(expression: str, expected: tuple[str, str] | None) -> None:
    assert refused(expression) == expected


def test_what_each_clause_reads() -> None:
    first, second, third = clauses(Selector(f'{A}.model == "x" && {MEMORY} && device.driver != "y"', NEWEST))
    assert first.reads == (("attributes", "gpu.example.com", "model"),)
    assert second.reads == (("capacity", "gpu.example.com", "memory"),)
    assert third.reads == (("driver",),)
