"""A recording as a source: what it says, when, and what its clock says meanwhile."""

import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dratui.events import Event, HealthChanged, Page, Phase, Put
from dratui.recording.format import RecordingFailure
from dratui.recording.replay import Replay
from tests.recording.samples import (
    STARTED,
    Audience,
    Moment,
    WallClock,
    claim,
    health,
    played,
    write,
    write_lines,
)


async def test_all_events_come_in_order_and_then_the_end(tmp_path: Path) -> None:
    audience = Audience()
    wall = WallClock()
    replay = Replay(write(tmp_path / "a.rec"), clock=wall, sleep=wall.sleep)
    began = wall()
    await replay.run(audience.emit)
    assert audience.claims == {"one", "three"}
    assert audience.health().phase is Phase.ENDED
    assert audience.health().detail == "end of the recording"
    assert wall() - began == 60.0
    assert (replay.now(), replay.progress) == (STARTED + 60.0, 1.0)


async def test_after_the_end_the_clock_stands(tmp_path: Path) -> None:
    wall = WallClock()
    replay = Replay(write(tmp_path / "a.rec"), clock=wall, sleep=wall.sleep)
    await replay.run(Audience().emit)
    wall.time += 100.0
    assert replay.now() == STARTED + 60.0


async def test_time_and_progress_move_between_events(tmp_path: Path) -> None:
    wall = WallClock()
    replay = Replay(write(tmp_path / "a.rec"), clock=wall, sleep=wall.sleep)
    seen: list[tuple[float, float]] = []
    wall.on_sleep = lambda: seen.append((replay.now() - STARTED, round(replay.progress, 3)))
    await replay.run(Audience().emit)
    assert seen == [(0.25, 0.004), (5.25, 0.087), (15.0, 0.25), (25.0, 0.417), (45.0, 0.75)]


async def test_about_says_that_it_is_a_recording(tmp_path: Path) -> None:
    path = write(tmp_path / "a.rec")
    assert Replay(path).about.recorded
    assert Replay(path).about.cluster == "prod"
    assert Replay(path, name="demo").about.cluster == "demo"


async def test_fetch_gives_the_object_as_of_now(tmp_path: Path) -> None:
    wall = WallClock()
    replay = Replay(write(tmp_path / "a.rec"), clock=wall, sleep=wall.sleep)
    answers: list[asyncio.Task[bytes]] = []
    wall.on_sleep = lambda: answers.append(asyncio.create_task(replay.fetch("resourceclaims", "ml", "one")))
    await replay.run(Audience().emit)
    answers.append(asyncio.create_task(replay.fetch("resourceclaims", "ml", "one")))
    found = await asyncio.gather(*answers, return_exceptions=True)
    assert isinstance(found[0], RecordingFailure)
    assert ["spec" in json.loads(each) for each in found[1:] if isinstance(each, bytes)] == [
        False,
        False,
        True,
        True,
        True,
    ]


@pytest.mark.parametrize(("name", "there"), [("three", True), ("two", False), ("other", False)])
async def test_fetch_after_the_end_knows_what_came_and_went(tmp_path: Path, name: str, there: bool) -> None:
    replay = Replay(write(tmp_path / "a.rec"), speed=0)
    await replay.run(Audience().emit)
    if there:
        assert json.loads(await replay.fetch("resourceclaims", "ml", name))["metadata"]["name"] == name
    else:
        with pytest.raises(RecordingFailure, match=f"ml/{name} is not in the recording at this time"):
            await replay.fetch("resourceclaims", "ml", name)


async def test_at_speed_0_health_is_said_once_all_is_read(tmp_path: Path) -> None:
    audience = await played(write(tmp_path / "a.rec"))
    said = [
        e.health.phase
        for e in audience.events
        if isinstance(e, HealthChanged) and e.stream == "resourceclaims"
    ]
    assert said == [Phase.ENDED]
    assert audience.claims == {"one", "three"}


async def test_a_long_recording_leaves_the_loop_to_others(tmp_path: Path) -> None:
    claims: Sequence[Event] = [Put("resourceclaims", claim(f"claim-{n}")) for n in range(20_000)]
    replay = Replay(write(tmp_path / "a.rec", [(0.0, claims)]), speed=0)
    playing = asyncio.create_task(replay.run(lambda events: None))
    turns = 0
    while not playing.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 5


async def test_a_stream_that_lists_again_forgets_what_is_gone(tmp_path: Path) -> None:
    moments: list[Moment] = [
        (0.0, [Page("resourceclaims", [claim("one"), claim("two")], first=True, last=True)]),
        (1.0, [health("resourceclaims", Phase.STALE)]),
        (2.0, [Page("resourceclaims", [claim("two")], first=True, last=False)]),
        (3.0, [Page("resourceclaims", [claim("three")], first=False, last=True)]),
    ]
    replay = Replay(write(tmp_path / "a.rec", moments), speed=0)
    audience = Audience()
    await replay.run(audience.emit)
    assert audience.claims == {"two", "three"}
    with pytest.raises(RecordingFailure):
        await replay.fetch("resourceclaims", "ml", "one")
    assert await replay.fetch("resourceclaims", "ml", "two")


async def test_a_torn_recording_says_so_in_the_health(tmp_path: Path) -> None:
    path = write(tmp_path / "a.rec")
    path.write_bytes(path.read_bytes()[:-60])
    audience = await played(path)
    assert "one" in audience.claims
    assert audience.health().phase is Phase.ENDED
    assert audience.health().detail == "the recording is torn: the file ends in the middle"


async def test_a_list_that_was_cut_off_is_not_taken_for_complete(tmp_path: Path) -> None:
    moments = [(0.0, [health("pods", Phase.SYNCING)])]
    audience = await played(write(tmp_path / "a.rec", moments))
    for stream in ("pods", "nodes"):
        assert audience.health(stream).phase is Phase.FAILED
        assert audience.health(stream).detail == "was never complete: end of the recording"


async def test_what_was_forbidden_stays_forbidden(tmp_path: Path) -> None:
    audience = await played(write(tmp_path / "a.rec", [(0.0, [health("pods", Phase.FORBIDDEN)])]))
    assert audience.health("pods").phase is Phase.FORBIDDEN


async def test_lines_that_say_nothing_to_us_are_counted(tmp_path: Path) -> None:
    lines: list[bytes | dict[str, Any]] = [
        {"t": 0, "stream": "resourceclaims", "health": {"phase": "live", "since": STARTED}},
        {"t": 0, "stream": "gadgets", "version": "v1", "put": {"metadata": {"name": "one"}}},
        {"t": 0, "stream": "resourceclaims", "version": "v1", "put": 7},
        {"t": 0, "stream": "resourceclaims", "version": "v1", "gone": []},
        {"t": 0, "stream": "resourceclaims", "version": "v1", "page": [None, {"metadata": {"name": "one"}}]},
        {"t": 0, "stream": "resourceclaims"},
        {"t": 0, "stream": "resourceclaims", "bookmark": True},
        b"no JSON",
        {"t": 0, "end": True},
    ]
    audience = await played(write_lines(tmp_path / "a.rec", lines))
    assert audience.claims == {"one"}
    assert audience.health().detail == "end of the recording; 7 lines in it could not be read"


async def test_a_kind_in_a_version_that_we_do_not_read_is_not_taken_for_empty(tmp_path: Path) -> None:
    moments: list[Moment] = [
        (0.0, [Page("resourceclaims", [claim("one", version="v9")], first=True, last=True)]),
        (0.0, [health("resourceclaims", Phase.LIVE)]),
    ]
    audience = await played(write(tmp_path / "a.rec", moments))
    assert audience.health().phase is Phase.FAILED
    assert audience.health().detail == "recorded as 'v9', which this dratui does not read"


async def test_damaged_times_do_not_hold_a_replay_up(tmp_path: Path) -> None:
    put = {"stream": "resourceclaims", "version": "v1"}
    lines = [
        {"t": t, **put, "put": {"metadata": {"name": f"claim-{n}", "namespace": "ml"}}}
        for n, t in enumerate((1.0, 0.5, -3.0, 1e30, 2e9, 2.0))
    ]
    wall = WallClock()
    replay = Replay(write_lines(tmp_path / "a.rec", lines), clock=wall, sleep=wall.sleep)
    audience = Audience()
    began = wall()
    await replay.run(audience.emit)
    assert audience.claims == {"claim-0", "claim-1", "claim-4", "claim-5"}
    assert wall() - began == 1.0


async def test_a_recording_without_its_end_counts_progress_in_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.rec")
    path.write_bytes(path.read_bytes()[:-60])
    replay = Replay(path, speed=0)
    assert 0 <= replay.progress <= 1
    await replay.run(Audience().emit)
    assert replay.progress == 1.0


async def test_held_before_it_began_it_begins_when_let_go(tmp_path: Path) -> None:
    replay = Replay(write(tmp_path / "a.rec"), speed=0, clock=time.monotonic)
    replay.toggle_pause()
    audience = Audience()
    playing = asyncio.create_task(replay.run(audience.emit))
    await asyncio.sleep(0)
    assert not audience.events
    replay.toggle_pause()
    await playing
    assert audience.claims == {"one", "three"}
