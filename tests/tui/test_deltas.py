"""What changes tells how: in the gap behind its cell, while it flashes, and at the price of a few bytes."""

import pytest

from dratui.tui.widgets.row import delta
from dratui.views.query import Query
from tests.tui.cluster import ScriptedSource, claim, listed, live, put, slice_of, small
from tests.tui.driving import flashing, hides, running, screen, shows, until
from tests.tui.terminal import terminal

CLAIMS = Query(kind="claims")


@pytest.mark.parametrize(
    ("before", "after", "sign"),
    [
        ("3", "12", "↑"),
        ("12", "3", "↓"),
        ("1.5", "-2", "↓"),
        ("31 %", "93 %", "↑"),
        ("80 GB", "79 GB", "↓"),
        ("1/2", "2/2", "↑"),
        ("80 GB", "79 MB", "Δ"),  # not the same unit
        ("1/2", "1/3", "Δ"),
        ("–", "3", "Δ"),
        ("… pending", "■ allocated,reserved", "Δ"),
        ("gpu-1", "gpu-2", "Δ"),
        ("10:00:01", "10:00:02", "Δ"),
    ],
)
def test_numbers_of_one_unit_go_up_or_down_and_all_else_differs(before: str, after: str, sign: str) -> None:
    assert delta(before, after) == sign


async def test_a_changed_cell_says_so_and_nothing_moves_for_it() -> None:
    source = ScriptedSource(small())
    async with running(source, query=CLAIMS) as pilot:
        await shows(pilot, "… pending ")
        before = screen(pilot)
        source.say(
            put(claim("train-7-gpu", devices=("gpu-7",), node="gpu-node-1", age=720), "resourceclaims")
        )
        await shows(pilot, "□ allocatedΔ")
        during = screen(pilot)
        await until(pilot, lambda: not flashing(pilot), "the flash to end")
        await hides(pilot, "Δ")
        for lines in (during, screen(pilot)):
            assert lines[2] == before[2], "the columns are where they were"
            assert lines[3] == before[3]
            assert lines[4].startswith(" ml-team     train-7-gpu  □ allocated")


async def test_a_number_that_grows_says_so() -> None:
    source = ScriptedSource([listed("resourceslices", slice_of("gpu-node-1", devices=2)), *live()])
    async with running(source, query=Query(kind="pools")) as pilot:
        await shows(pilot, "Pools[1]", "gpu-node-1")
        source.say(put(slice_of("gpu-node-1", devices=5), "resourceslices"))
        await shows(pilot, "5↑")


def test_without_colour_the_sign_is_what_tells() -> None:
    with terminal("changing", env={"NO_COLOR": "1"}) as tty:
        tty.shows("train-7-gpu")
        tty.until(lambda: "allocatedΔ" in tty.screen or "pendingΔ" in tty.screen, "a sign")


async def test_the_sign_of_the_last_column_has_room_too() -> None:
    source = ScriptedSource(small())
    async with running(source, query=CLAIMS, size=(200, 24)) as pilot:
        await shows(pilot, "… pending ")
        source.say(put(claim("train-7-gpu", pod="renamed", age=720), "resourceclaims"))
        await until(pilot, lambda: any(line.endswith("Δ") for line in screen(pilot)), "the sign")


def test_one_changed_cell_a_second_costs_few_bytes() -> None:
    with terminal("one cell", size=(180, 50)) as tty:
        tty.shows("Claims(all)[3]")
        tty.until(lambda: "Δ" in tty.screen, "a change")
        written = tty.writes_within(4.0)
        assert "Δ" in written
        assert len(written.encode()) / 4 <= 200
