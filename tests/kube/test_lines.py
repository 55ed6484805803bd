"""Lines out of chunks, however the network cuts them; and how long to wait after failures."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dratui.kube.lines import Lines, LineTooLongError
from dratui.kube.pace import Backoff


@given(st.lists(st.text(alphabet="ab\n", max_size=9)))
def test_lines_are_the_same_however_they_are_cut(chunks: list[str]) -> None:
    lines = Lines()
    got = [line for chunk in chunks for line in lines.feed(chunk.encode())]
    whole = "".join(chunks)
    ended = whole[: whole.rfind("\n") + 1]
    assert got == [line.encode() for line in ended.split("\n") if line]


def test_a_line_without_an_end_is_given_up() -> None:
    lines = Lines(longest=10)
    assert lines.feed(b"short\n12345") == [b"short"]
    with pytest.raises(LineTooLongError):
        lines.feed(b"678901")
    assert lines.feed(b"next\n") == [b"next"]


def test_delays_double_up_to_a_limit_and_differ() -> None:
    backoff = Backoff(1.0, 8.0, Random(1))
    delays = [backoff.next() for _ in range(100)]
    for delay, most in zip(delays, [1, 2, 4, 8, 8], strict=False):
        assert most / 2 <= delay <= most
    assert len(set(delays)) == len(delays)
    backoff.reset()
    assert backoff.next() <= 1.0
