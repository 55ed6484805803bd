"""Lines out of chunks, however the network cuts them; and how long to wait after failures."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from dratui.kube.lines import Lines
from dratui.kube.oversize import Head
from dratui.kube.pace import Backoff


@given(st.lists(st.text(alphabet="ab\n", max_size=9)))
def test_lines_are_the_same_however_they_are_cut(chunks: list[str]) -> None:
    lines = Lines()
    got = [line for chunk in chunks for line in lines.feed(chunk.encode())]
    whole = "".join(chunks)
    ended = whole[: whole.rfind("\n") + 1]
    assert got == [line.encode() for line in ended.split("\n") if line]


@given(st.lists(st.text(alphabet="ab\n", max_size=9)))
def test_of_a_line_that_is_too_long_the_beginning_comes_once(chunks: list[str]) -> None:
    lines = Lines(longest=4)
    got = [line for chunk in chunks for line in lines.feed(chunk.encode())]
    whole = [line.encode() for line in "".join(chunks).split("\n") if line]
    assert len(got) <= len(whole)
    for line, full in zip(got, whole, strict=False):
        assert full.startswith(line) if isinstance(line, Head) else line == full
        assert len(line) <= 4 + 9 or isinstance(line, Head)


def test_what_follows_a_line_that_is_too_long_is_read() -> None:
    lines = Lines(longest=10)
    assert lines.feed(b"short\n12345") == [b"short"]
    [head] = lines.feed(b"678901")
    assert (head, type(head)) == (b"12345678901", Head)
    assert lines.feed(b"and so on") == []
    assert lines.feed(b"its end\nnext\n") == [b"next"]


def test_delays_double_up_to_a_limit_and_differ() -> None:
    backoff = Backoff(1.0, 8.0, Random(1))
    delays = [backoff.next() for _ in range(100)]
    for delay, most in zip(delays, [1, 2, 4, 8, 8], strict=False):
        assert most / 2 <= delay <= most
    assert len(set(delays)) == len(delays)
    backoff.reset()
    assert backoff.next() <= 1.0
