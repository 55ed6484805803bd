"""Shares as blocks: what is drawn is as long as asked for, and never says more than is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dratui.terminal import width
from dratui.views.gauges import LEVELS, UNTOLD, bar, level, line

SHARES = st.floats(0, 1)


@pytest.mark.parametrize(
    ("share", "block"), [(0, "▁"), (0.31, "▃"), (0.54, "▄"), (0.93, "▇"), (1, "▇"), (7, "▇")]
)
def test_a_share_is_a_block_as_high(share: float, block: str) -> None:
    assert level(share) == block


@pytest.mark.parametrize(
    ("share", "drawn"),
    [
        (0, "░░░░░░░░"),
        (0.001, "▏░░░░░░░"),
        (0.5, "████░░░░"),
        (0.78, "██████▎░"),
        (0.999, "███████▉"),
        (1, "████████"),
        (1.3, "████████"),
    ],
)
def test_a_bar_is_exact_to_an_eighth_and_neither_hides_a_little_nor_a_rest(share: float, drawn: str) -> None:
    assert bar(share, 8) == drawn


@given(SHARES, SHARES, st.integers(1, 40))
def test_more_is_never_drawn_shorter(one: float, other: float, columns: int) -> None:
    small, large = sorted((one, other))
    assert len(bar(small, columns).rstrip("░")) <= len(bar(large, columns).rstrip("░"))
    assert LEVELS.index(level(small)) <= LEVELS.index(level(large))


@given(st.lists(SHARES | st.none(), max_size=300), st.integers(1, 60))
def test_history_takes_no_more_room_than_there_is(shares: list[float | None], columns: int) -> None:
    assert width(line(shares, columns)) == min(len(shares), columns)


def test_what_was_not_known_is_a_gap_in_history() -> None:
    assert line([0.0, None, 1.0], 10) == f"▁{UNTOLD}▇"
    assert line([0.0, 0.0, None, None, 1.0, None], 3) == f"▁{UNTOLD}▇"
