"""Server-Sent Events in whatever pieces they come."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dratui.telemetry.sse import Event, Events

TEXT = (
    b": hello\n\nevent: full\nid: 1-1\ndata: {}\n\n: still here\n\nevent: values\nid: 1-2\ndata: a\ndata:b\n\n"
    b"data: bare\n\nid: 9\n\nevent: torn\ndata: ne"
)
EVENTS = [
    Event(b"full", b"1-1", b"{}"),
    Event(b"values", b"1-2", b"a\nb"),
    Event(b"message", b"", b"bare"),
]


@given(st.lists(st.integers(0, len(TEXT)), max_size=12), st.booleans())
def test_it_does_not_matter_where_the_pieces_end(cuts: list[int], carriage_returns: bool) -> None:
    text = TEXT.replace(b"\n", b"\r\n") if carriage_returns else TEXT
    ends = sorted({0, *cuts, len(text)})
    events = Events()
    pieces = [text[a:b] for a, b in pairwise(ends)]
    assert [event for piece in pieces for event in events.feed(piece)] == EVENTS


def test_an_event_without_end_is_given_up() -> None:
    events = Events(longest=1000)
    events.feed(b"data: " + b"x" * 900)
    with pytest.raises(ValueError, match="larger than"):
        events.feed(b"x" * 200)


def test_an_event_that_is_too_long_is_given_up() -> None:
    with pytest.raises(ValueError, match="larger than"):
        Events(longest=1000).feed(b"data: " + b"x" * 2000 + b"\n\n")


@given(st.binary(max_size=200))
def test_noise_is_no_trouble(noise: bytes) -> None:
    Events().feed(noise)
