"""The real allocators' answers, of three releases: outcome, devices in their order, shares, words of errors.

By a search that does as the real one, and by one with shortcuts.
"""

import pytest

from tests.breadth import sampled
from tests.conformance.allocator import cases, compared
from tests.conformance.data import needed


@pytest.mark.parametrize(
    "name",
    [
        "allocator-cases.json",
        "allocator-random.json.gz",
        "allocator-random-1.34.json.gz",
        "allocator-random-1.35.json.gz",
    ],
)
def test_every_answer_is_one_of_the_real_ones(name: str) -> None:
    release, recorded = cases(needed(name))
    assert len(recorded) > 200
    found = [each for case in sampled(recorded) for each in compared(release, case)]
    assert found
    assert not {where: wrong for where, wrong in found if wrong}
