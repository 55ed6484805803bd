"""What devices do, in words that fit a cell."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from dratui.cluster.live import Live
from dratui.views import live
from dratui.views.table import Style
from tests.cluster.build import NOW

GIB = 1 << 30
T = NOW.timestamp()


def told(**values: object) -> Live:
    fields: dict[str, object] = {"at": T, "known": 1, "source": "agent", **values}
    return Live(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (None, "–"),
        (told(utilization=0.93), "▇ 93%"),
        (told(utilization=0.0), "▁  0%"),
        (told(utilization=1.0), "▇100%"),
        (told(utilization=0.31, known=38, of=40), "▃ 31% 38/40"),
        (told(utilization=0.93, at=T - 12), "▇ 93% 12s old"),
        (told(known=0, why="no agent"), "? no agent"),
        (told(known=0), "?"),
        (told(known=0, why="needs get on pods/proxy in gpu"), "? needs get o…"),
        (told(known=0, why="silent", at=T - 300), "? silent 5m old"),
    ],
)
def test_utilisation_says_what_is_known_of_how_many_and_how_old(state: Live | None, said: str) -> None:
    assert live.UTIL.cell(SimpleNamespace(live=state), NOW) == said


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (None, "–"),
        (told(memory_used=62.1 * GIB, memory_total=79.6 * GIB), "62.1/79.6"),
        (told(memory_total=79.6 * GIB), "?/79.6"),
        (told(memory_used=62.1 * GIB), "62.1/?"),
        (told(memory_used=19354 * GIB, memory_total=25600 * GIB), "19354/25600"),
        (told(), "?"),
    ],
)
def test_memory_is_used_and_all_of_it_and_never_0_when_it_is_not_known(state: Live | None, said: str) -> None:
    assert live.MEMORY.cell(SimpleNamespace(live=state), NOW) == said


def test_idle_says_of_which_time() -> None:
    row = SimpleNamespace(live=told(idle=0.97, watched=9 * 3600.0))
    assert live.IDLE.cell(row, NOW) == "97% of 9h"
    assert live.IDLE.cell(SimpleNamespace(live=told()), NOW) == "?"


def test_who_was_watched_for_seconds_is_not_the_idlest() -> None:
    seconds = told(idle=1.0, watched=20.0)
    hours = told(idle=0.97, watched=9 * 3600.0)
    busy = told(idle=0.3, watched=9 * 3600.0)
    assert sorted((seconds, hours, busy), key=lambda state: live.idle_rank(state) or 0) == [
        seconds,
        busy,
        hours,
    ]


def test_who_measured_what_is_missing_and_why_is_said_in_full() -> None:
    row = SimpleNamespace(
        live=told(known=38, of=40, utilization=0.5, at=T - 2, why="needs get on pods/proxy")
    )
    assert live.SAMPLED.cell(row, NOW) == "agent, 2s ago, 38/40 devices, needs get on pods/proxy"


def test_what_is_old_or_not_known_looks_so() -> None:
    row = SimpleNamespace(live=told(utilization=0.93))
    assert live.UTIL.style_of(row, NOW) is Style.PLAIN
    assert live.UTIL.style_of(row, NOW + timedelta(minutes=1)) is Style.DIM
    assert live.MEMORY.style_of(row, NOW) is Style.UNKNOWN
    assert live.MEMORY.style_of(SimpleNamespace(live=None), NOW) is Style.DIM


def test_what_was_not_told_is_sorted_as_unknown() -> None:
    ranks = [live.UTIL.rank(SimpleNamespace(live=state)) for state in (None, told(), told(utilization=0.0))]  # type: ignore[misc]
    assert ranks == [None, None, 0.0]
