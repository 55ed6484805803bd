"""How many of a great number of cases are tried: all, or with `--hypothesis-profile=sample` (`make check`) a sample.

A sample is always the same. Of what hypothesis makes up it is a tenth, too.
"""

from collections.abc import Sequence
from typing import Final, TypeVar

from hypothesis import settings

T = TypeVar("T")

WHOLE: Final = "whole"
SAMPLE: Final = "sample"
_ONE_OF: Final = 10


def sampled(cases: Sequence[T]) -> Sequence[T]:
    """Of the cases those that are tried."""
    return cases[::_ONE_OF] if settings.get_current_profile_name() == SAMPLE else cases


def examples(number: int) -> settings:
    """For a test of hypothesis, instead of `settings(max_examples=number)`."""
    return settings(max_examples=max(1, len(sampled(range(number)))))


def register() -> None:
    """The two profiles; the first is in use from now on."""
    # No deadlines: how long an example takes says how busy the machine is.
    settings.register_profile(WHOLE, deadline=None)
    settings.register_profile(
        SAMPLE, deadline=None, derandomize=True, max_examples=settings().max_examples // _ONE_OF
    )
    settings.load_profile(WHOLE)
