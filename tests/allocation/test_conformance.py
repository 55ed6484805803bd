"""The real allocators' answers, of three releases: outcome, devices in their order, shares, words of errors."""

import pytest

from tests.conformance.allocator import run
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
    found = dict(run([needed(name)]))
    assert len(found) > 200
    assert not {where: wrong for where, wrong in found.items() if wrong}
