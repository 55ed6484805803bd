"""The clock of a replay, on a wall clock that the test turns."""

import asyncio

import pytest

from dratui.recording.playhead import LONGEST_GAP, Playhead
from tests.recording.samples import WallClock


async def test_it_waits_as_long_as_the_speed_says() -> None:
    wall = WallClock()
    head = Playhead(4.0, wall, wall.sleep)
    await head.reach(0.0)
    began = wall()
    await head.reach(60.0)
    assert wall() - began == 15.0


async def test_the_position_moves_while_it_waits_and_not_past_what_comes_next() -> None:
    wall = WallClock()
    seen: list[float] = []
    head = Playhead(2.0, wall, wall.sleep)
    wall.on_sleep = lambda: seen.append(head.position)
    await head.reach(0.0)
    await head.reach(10.0)
    wall.time += 0.1  # somebody is busy with what came
    assert seen == [5.0]
    assert head.position == 10.0


async def test_being_a_little_late_is_made_up_for() -> None:
    wall = WallClock()
    head = Playhead(1.0, wall, wall.sleep)
    await head.reach(0.0)
    began = wall()
    for t in range(1, 11):
        await head.reach(float(t))
        wall.time += 0.2
    assert wall() - began == pytest.approx(10.2)


async def test_being_very_late_is_not_rushed_through() -> None:
    wall = WallClock()
    head = Playhead(1.0, wall, wall.sleep)
    await head.reach(1.0)
    wall.time += 3600.0  # the process was suspended
    await head.reach(2.0)
    resumed = wall()
    await head.reach(12.0)
    assert wall() - resumed == 10.0


async def test_held_it_stands_and_goes_on_from_there() -> None:
    wall = WallClock()
    head = Playhead(1.0, wall, wall.sleep)
    await head.reach(0.0)
    reaching = asyncio.create_task(head.reach(10.0))
    wall.on_sleep = lambda: head.toggle() if not head.paused else None
    await asyncio.sleep(0)  # it sleeps half of the ten seconds, and is held
    await asyncio.sleep(0)
    assert head.paused
    wall.time += 1000.0
    assert head.position == 5.0
    await asyncio.sleep(0)
    assert not reaching.done()
    wall.on_sleep = lambda: None
    resumed = wall()
    head.toggle()
    await reaching
    assert wall() - resumed == 5.0
    assert head.position == 10.0


async def test_time_that_goes_backwards_is_not_waited_for() -> None:
    wall = WallClock()
    head = Playhead(1.0, wall, wall.sleep)
    await head.reach(10.0)
    began = wall()
    await head.reach(3.0)
    assert wall() == began
    assert head.position == 10.0


async def test_a_huge_gap_is_jumped_over() -> None:
    wall = WallClock()
    head = Playhead(1.0, wall, wall.sleep)
    await head.reach(1.0)
    began = wall()
    await head.reach(1.0 + LONGEST_GAP + 1)
    assert wall() == began
    assert head.position == 1.0 + LONGEST_GAP + 1


async def test_at_speed_0_it_is_where_it_is_asked_to_be() -> None:
    wall = WallClock()
    head = Playhead(0.0, wall, wall.sleep)
    await head.reach(100.0)
    assert (head.position, wall()) == (100.0, 1000.0)


async def test_stopped_it_stands() -> None:
    wall = WallClock()
    head = Playhead(1.0, wall, wall.sleep)
    await head.reach(5.0)
    head.stop()
    wall.time += 100.0
    assert head.position == 5.0
