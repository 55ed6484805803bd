"""Looking at the past, and the future, of a recording: it is one tape, on which playing is one way to move."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from dratui.events import Gone, Page, Phase, Put
from dratui.recording.replay import Replay
from dratui.tui.app import DratuiApp
from dratui.views.query import Query
from tests.recording.samples import STARTED, Moment, claim, health, write
from tests.screenshots import HeldClock
from tests.tui.driving import Driver, press, screen, shows, text, type_in, until

WANTS = {"devices": {"requests": [{"name": "gpu", "exactly": {"deviceClassName": "h100"}}]}}
STORY: Sequence[Moment] = (
    (0.0, [health("resourceclaims", Phase.SYNCING)]),
    (0.5, [Page("resourceclaims", [claim("one"), claim("two")], first=True, last=True)]),
    (0.5, [health("resourceclaims", Phase.LIVE)]),
    (10.0, [Put("resourceclaims", claim("three"))]),
    (20.0, [Put("resourceclaims", claim("one", spec=WANTS))]),
    (30.0, [Gone("resourceclaims", claim("two"))]),
)
"""Claims one and two; three comes at 10 s, one changes at 20 s, two goes at 30 s."""


@asynccontextmanager
async def played(folder: Path, second: float, speed: float = 1.0) -> AsyncIterator[Driver]:
    """A recording of 60 s, held at `second`."""
    clock = HeldClock(second / speed)
    source = Replay(write(folder / "story.rec", STORY), speed=speed, clock=clock.now, sleep=clock.sleep)
    app = DratuiApp(source, query=Query(kind="claims"))
    async with app.run_test(size=(80, 24)) as pilot:
        await clock.at_end.wait()
        await shows(pilot, "▶ replay", " two ")
        yield pilot


def clock(second: float) -> str:
    return datetime.fromtimestamp(STARTED + second, UTC).astimezone().strftime("%H:%M:%S")


def claims(pilot: Driver) -> list[str]:
    names = [line.split()[1:2] for line in screen(pilot) if line.startswith(" ml ")]
    return sorted(name for names in names for name in names)


async def test_the_bar_is_there_while_it_plays(tmp_path: Path) -> None:
    async with played(tmp_path, 25) as pilot:
        line = screen(pilot)[-2]
        assert line.startswith(f" {clock(0)} ")
        assert line.endswith(clock(60))
        await until(pilot, lambda: sum(screen(pilot)[-2].count(c) for c in "▁▂▃▄▅▆▇█") == 4, "four changes")


async def test_a_step_holds_it_and_end_lets_it_go_on(tmp_path: Path) -> None:
    async with played(tmp_path, 25) as pilot:
        await press(pilot, "<")
        await shows(pilot, f"◀ {clock(20)}, 20s of 60s", "Δ claim ml/one")
        await press(pilot, "<", "<")
        await until(pilot, lambda: claims(pilot) == ["one", "two"], "the claims at first")
        await press(pilot, "end")
        await shows(pilot, "▶ replay 1× 42 %", " three ")


async def test_what_was_not_played_yet_can_be_looked_at(tmp_path: Path) -> None:
    async with played(tmp_path, 25) as pilot:
        await press(pilot, ">")
        await shows(pilot, f"◀ {clock(30)}", "Δ claim ml/two gone")
        assert claims(pilot) == ["one", "three"]
        await press(pilot, ">")
        await shows(pilot, f"the recording ends at {clock(60)}")


async def test_a_replay_that_was_held_stays_held(tmp_path: Path) -> None:
    async with played(tmp_path, 25) as pilot:
        await press(pilot, " ")
        await shows(pilot, "‖ paused 42 %")
        await press(pilot, "<")
        await shows(pilot, f"◀ {clock(20)}")
        await press(pilot, "end")
        await shows(pilot, "‖ paused 42 %")


async def test_space_plays_on_from_there(tmp_path: Path) -> None:
    async with played(tmp_path, 25, speed=1000) as pilot:
        await press(pilot, "<", "<")
        await shows(pilot, f"◀ {clock(10)}")
        await press(pilot, " ")
        await shows(pilot, f"◀ {clock(60)}, 60s of 60s", f"the recording ends at {clock(60)}")
        assert claims(pilot) == ["one", "three"]


async def test_yaml_is_as_it_was(tmp_path: Path) -> None:
    async with played(tmp_path, 25) as pilot:
        await press(pilot, "y")
        await shows(pilot, "name: one", "h100")
        await press(pilot, "<", "<")
        await shows(pilot, f"◀ {clock(10)}", "name: one")
        await until(pilot, lambda: "h100" not in text(pilot), "the YAML of that time")


async def test_a_time_of_day_in_it(tmp_path: Path) -> None:
    async with played(tmp_path, 25) as pilot:
        await press(pilot, "t")
        await type_in(pilot, clock(15))
        await press(pilot, "enter")
        await shows(pilot, f"◀ {clock(15)}")
        assert claims(pilot) == ["one", "three", "two"]


async def test_a_file_that_is_no_more_says_so_and_stays_where_one_was(tmp_path: Path) -> None:
    async with played(tmp_path, 25) as pilot:
        await until(pilot, lambda: "▁" in screen(pilot)[-2], "what it remembers to be found")
        (tmp_path / "story.rec").unlink()
        await press(pilot, "<")
        await shows(pilot, "cannot read", "▶ replay")
