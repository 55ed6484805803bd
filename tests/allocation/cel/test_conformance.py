"""The real code's answers, all of them: outcome, words of runtime errors, actual and estimated cost."""

import pytest

from tests.breadth import sampled
from tests.conformance.cel import cases, compared
from tests.conformance.data import needed


@pytest.mark.parametrize("name", ["cel-cases.json", "cel-random.json.gz"])
def test_every_answer_is_the_real_ones(name: str) -> None:
    recorded = sampled(cases(needed(name)))
    wrong = {case["expression"]: found for case in recorded if (found := compared(case))}
    assert recorded
    assert not wrong
