"""Prioritized lists: which choice was taken."""

import pytest

from dratui.api.model import Request
from dratui.cluster.requests import Choice, choice, request_of

BIG, SMALL = Request("big", device_class="h200"), Request("small", device_class="h100")
REQUESTS = (Request("nic"), Request("gpu", alternatives=(BIG, SMALL)))


@pytest.mark.parametrize(
    ("result", "taken", "request_"),
    [
        ("gpu/big", Choice("big", 1, 2), BIG),
        ("gpu/small", Choice("small", 2, 2), SMALL),
        ("nic", None, REQUESTS[0]),
        ("gpu/other", None, None),
        ("gpu", None, None),
        ("absent/big", None, None),
    ],
)
def test_a_result_names_its_request_and_the_choice(
    result: str, taken: Choice | None, request_: Request | None
) -> None:
    assert choice(REQUESTS, result) == taken
    assert request_of(REQUESTS, result) == request_
