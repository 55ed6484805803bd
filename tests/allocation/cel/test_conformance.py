"""The real code's answers, all of them: outcome, words of runtime errors, actual and estimated cost."""

import pytest

from tests.conformance.cel import run
from tests.conformance.data import needed


@pytest.mark.parametrize("name", ["cel-cases.json", "cel-random.json.gz"])
def test_every_answer_is_the_real_ones(name: str) -> None:
    wrong = {case["expression"]: found for case, found in run([needed(name)]) if found}
    assert not wrong
