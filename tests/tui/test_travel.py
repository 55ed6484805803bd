"""Looking at the past of a live session: keys that step, the bar, every screen at that time, and back."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Literal

import pytest

from dratui.events import Event, Phase, Put
from dratui.prepared import Done, Plugin
from dratui.samples import NodeSample
from dratui.tui.app import DratuiApp
from dratui.views.query import Query
from tests.tui.cluster import NOW, ScriptedSource, claim, live, pod, put, small
from tests.tui.driving import Driver, hides, press, running, screen, shows, text, type_in, under_cursor, until

CLAIMS = Query(kind="claims")


class Session:
    """A live session on a clock that the test turns."""

    def __init__(self, pilot: Driver, source: ScriptedSource) -> None:
        self.pilot = pilot
        self.source = source

    async def at(self, minutes: float, *events: Event) -> None:
        """Something happens so many minutes after the start."""
        self.source.clock = NOW.timestamp() + 60 * minutes
        self.source.say(*events)
        await self.pilot.pause(0)
        await self.pilot.pause(0)


@asynccontextmanager
async def session(
    query: Query | None = CLAIMS, size: tuple[int, int] = (80, 24), *, ascii_only: bool = False
) -> AsyncIterator[Session]:
    """claim-1 comes after a minute, is allocated after 2, claim-2 comes after 3; it is 10 minutes after the start."""
    source = ScriptedSource([*live(phase=Phase.WAITING), *small()])
    async with running(source, query=query, size=size, ascii_only=ascii_only) as pilot:
        await shows(pilot, " live")
        lived = Session(pilot, source)
        await lived.at(1, put(claim("claim-1", age=0), "resourceclaims"))
        await lived.at(
            2, put(claim("claim-1", devices=("gpu-7",), node="gpu-node-1", age=0), "resourceclaims")
        )
        await lived.at(3, put(claim("claim-2", age=0), "resourceclaims"))
        await lived.at(10)
        if query == CLAIMS:
            await shows(pilot, "claim-2")
        yield lived


def clock(minutes: float) -> str:
    """A time of the session as the screen writes it."""
    return (NOW + timedelta(minutes=minutes)).astimezone().strftime("%H:%M:%S")


def bar(pilot: Driver) -> str:
    return screen(pilot)[-2]


async def test_the_first_step_goes_to_the_last_change_and_the_next_before_it() -> None:
    async with session() as lived:
        await press(lived.pilot, "<")
        await shows(lived.pilot, f"◀ {clock(3)}, 7m ago", "claim-2")
        await press(lived.pilot, "<")
        await shows(lived.pilot, f"◀ {clock(2)}, 8m ago", "claim-1")
        assert "claim-2" not in text(lived.pilot)
        await press(lived.pilot, ">")
        await shows(lived.pilot, f"◀ {clock(3)}", "claim-2")


async def test_steps_typed_fast_are_all_taken() -> None:
    async with session() as lived:
        await press(lived.pilot, "<", "<", "<", ">")
        await shows(lived.pilot, f"◀ {clock(2)}", "gpu-7")
        await press(lived.pilot, "<", "<", "<", "<", "<")
        await shows(lived.pilot, "nothing changed before: this session began")


async def test_end_returns_to_now_and_so_does_stepping_past_the_last_change() -> None:
    async with session() as lived:
        for back in ("end", ">"):
            await press(lived.pilot, "<")
            await shows(lived.pilot, "◀")
            await press(lived.pilot, back)
            await shows(lived.pilot, "● live")
            assert "◀" not in text(lived.pilot)
        await press(lived.pilot, ">")
        await shows(lived.pilot, "this is now")


async def test_esc_leaves_the_past_when_there_is_no_further_back() -> None:
    async with session() as lived:
        await press(lived.pilot, "<")
        await shows(lived.pilot, "◀")
        await press(lived.pilot, "escape")
        await shows(lived.pilot, "Overview", "◀")
        await press(lived.pilot, "q")
        await shows(lived.pilot, "Overview", "● live")
        await press(lived.pilot, "escape")
        await shows(lived.pilot, "Overview", "● live")


async def test_end_goes_to_the_last_row_where_one_is_in_the_present() -> None:
    async with session() as lived:
        await press(lived.pilot, "end")
        assert "eval-gpu" in under_cursor(lived.pilot)


async def test_what_happens_meanwhile_is_there_when_one_comes_back() -> None:
    async with session() as lived:
        await press(lived.pilot, "<", "<")
        await shows(lived.pilot, f"◀ {clock(2)}")
        await lived.at(11, put(claim("claim-3", age=0), "resourceclaims"))
        await shows(lived.pilot, f"◀ {clock(2)}, 9m ago")
        assert "claim-3" not in text(lived.pilot)
        await press(lived.pilot, "end")
        await shows(lived.pilot, "claim-3", "● live")
        await press(lived.pilot, "<")
        await shows(lived.pilot, f"◀ {clock(11)}")


async def test_ages_are_those_of_the_time() -> None:
    async with session() as lived:
        await shows(lived.pilot, "train-7-gpu", " 22m")
        await press(lived.pilot, "t")
        await type_in(lived.pilot, clock(1))
        await press(lived.pilot, "enter")
        await shows(lived.pilot, f"◀ {clock(1)}", "train-7-gpu", " 13m")
        assert " 22m" not in text(lived.pilot)


@pytest.mark.parametrize(
    ("typed", "minutes"),
    [("-8m30s", 1.5), ("+2m", 2), (clock(1), 1), ((NOW + timedelta(minutes=2)).isoformat(), 2)],
)
async def test_t_goes_to_a_time(typed: str, minutes: float) -> None:
    async with session() as lived:
        await press(lived.pilot, "t")
        await shows(lived.pilot, "-5m")
        await type_in(lived.pilot, typed)
        await press(lived.pilot, "enter")
        await shows(lived.pilot, f"◀ {clock(minutes)}")


async def test_what_is_no_time_is_said_while_it_can_be_mended() -> None:
    async with session() as lived:
        await press(lived.pilot, "t")
        await type_in(lived.pilot, "noon")
        await press(lived.pilot, "enter")
        await shows(lived.pilot, "@noon", "'noon' is no time")
        await press(lived.pilot, "ctrl+u")
        await type_in(lived.pilot, "-8m")
        await press(lived.pilot, "enter")
        await shows(lived.pilot, f"◀ {clock(2)}")


async def test_a_time_before_the_first_that_is_remembered_goes_there_and_says_so() -> None:
    async with session() as lived:
        await press(lived.pilot, "t")
        await type_in(lived.pilot, "-3h")
        await press(lived.pilot, "enter")
        await shows(lived.pilot, f"◀ {clock(0)}", "this session began at")
        assert "claim-1" not in text(lived.pilot)


async def test_a_time_that_has_not_come_is_now() -> None:
    async with session() as lived:
        await press(lived.pilot, "<", "t")
        await type_in(lived.pilot, "+2h")
        await press(lived.pilot, "enter")
        await shows(lived.pilot, "● live")


async def test_the_bar_shows_where_changes_are_and_where_one_is() -> None:
    async with session() as lived:
        assert "▁" not in text(lived.pilot), "in the present there is none"
        await press(lived.pilot, "<", "<")
        await shows(lived.pilot, "◀")
        line = bar(lived.pilot)
        assert line.startswith(f" {clock(0)} ·")
        assert line.endswith(f"· {clock(10)} now")
        assert [c for c in line if c in "▁▂▃▄▅▆▇█"] == ["▁", "▁", "▁"]
        await press(lived.pilot, "end")
        assert "▁" not in text(lived.pilot)


async def test_a_click_on_the_bar_goes_there() -> None:
    async with session() as lived:
        await press(lived.pilot, "<")
        await shows(lived.pilot, "◀")
        column = bar(lived.pilot).index("▁")
        await lived.pilot.click("#time", offset=(column, 0))
        await shows(lived.pilot, f"◀ {clock(1)[:5]}")


async def test_without_unicode_the_bar_and_its_sign_are_ascii() -> None:
    async with session(ascii_only=True) as lived:
        await press(lived.pilot, "<")
        await shows(lived.pilot, f"< {clock(3)}")
        assert text(lived.pilot).isascii()
        assert "_" in bar(lived.pilot)


async def test_filter_sort_namespace_and_cards_work_at_that_time() -> None:
    async with session(size=(110, 30)) as lived:
        pilot = lived.pilot
        await press(pilot, "<", "<")
        await shows(pilot, "◀")
        await press(pilot, "/")
        await type_in(pilot, "claim-")
        await press(pilot, "enter")
        await shows(pilot, "[1 of 4]", "claim-1")
        await press(pilot, "d")
        await shows(pilot, "allocated", "gpu-7", "◀")
        await press(pilot, "<")
        await shows(pilot, f"◀ {clock(1)}", "… pending")
        await press(pilot, "escape", "escape", "N")
        await shows(pilot, "Claims(all)[4]", "claim-1")
        await press(pilot, "end")
        await shows(pilot, "Claims(all)[5]", "● live")


async def test_a_card_of_what_was_not_there_yet_says_so_and_shows_it_again() -> None:
    async with session() as lived:
        pilot = lived.pilot
        await press(pilot, "/")
        await type_in(pilot, "claim-2")
        await press(pilot, "enter", "d")
        await shows(pilot, "claim ml-team/claim-2", "pending")
        await press(pilot, "<", "<")
        await shows(pilot, "◀", "✖ gone")
        await press(pilot, "end")
        await shows(pilot, "… pending")


async def test_the_overview_counts_what_was() -> None:
    async with session(query=None) as lived:
        pilot = lived.pilot
        await shows(pilot, "1 waiting")
        await lived.at(12, put(pod("late", claims=("claim-2",), message="no place"), "pods"))
        await shows(pilot, "2 waiting", "WAITING 2")
        await press(pilot, "<", "<")
        await shows(pilot, "◀", "1 waiting", "WAITING 1")
        await press(pilot, ">")
        await shows(pilot, "2 waiting", "WAITING 2")
        await press(pilot, "end", "<", "<")
        await shows(pilot, "1 waiting")


async def test_yaml_of_a_live_sessions_past_says_that_only_rows_are_kept() -> None:
    async with session() as lived:
        pilot = lived.pilot
        lived.source.objects["resourceclaims", "ml-team", "train-6-gpu"] = b'{"kind": "ResourceClaim"}'
        await press(pilot, "y")
        await shows(pilot, "kind: ResourceClaim")
        await press(pilot, "<")
        await shows(pilot, "cannot be shown in full", "dratui record keeps whole objects")
        await press(pilot, "end")
        await shows(pilot, "kind: ResourceClaim")


async def test_the_cursor_stays_on_its_object_through_time() -> None:
    async with session() as lived:
        pilot = lived.pilot
        await press(pilot, "G", "k")
        here = under_cursor(pilot).split()[1]
        for key in ("<", "<", "<", ">", "end"):
            await press(pilot, key)
            await until(pilot, lambda: under_cursor(pilot).split()[1:2] == [here], f"the cursor on {here}")


async def test_the_last_line_tells_the_keys_of_time() -> None:
    async with session() as lived:
        await press(lived.pilot, "<")
        await shows(lived.pilot, " < > step <end> now")


async def test_a_step_says_what_changed() -> None:
    async with session() as lived:
        await press(lived.pilot, "<")
        await shows(lived.pilot, "  Δ claim ml-team/claim-2 created")
        await press(lived.pilot, "<")
        await shows(lived.pilot, "  Δ claim ml-team/claim-1 pending → allocated")
        await press(lived.pilot, "t")
        await type_in(lived.pilot, "+150s")
        await press(lived.pilot, "enter")
        await shows(lived.pilot, f"◀ {clock(2.5)}", "<enter> open")
        assert "Δ" not in text(lived.pilot)


async def test_what_a_kubelet_plugin_did_is_a_step_too() -> None:
    def tells(*steps: Done) -> Event:
        believed = Plugin(driver="gpu.dratui.dev", steps=steps)
        return Put("samples", NodeSample(node="gpu-node-1", at=NOW.timestamp(), plugin=believed))

    prepared = Done(at=NOW.timestamp(), what="prepare", namespace="ml-team", name="claim-1", claim="uid")
    async with session() as lived:
        await lived.at(11, tells())
        await lived.at(12, tells(prepared))
        await lived.at(13)
        await press(lived.pilot, "<")
        await shows(
            lived.pilot, f"◀ {clock(12)}", " < > step  Δ claim ml-team/claim-1 prepared on gpu-node-1"
        )
        await press(lived.pilot, "<")
        await shows(lived.pilot, f"◀ {clock(3)}")


async def test_without_a_first_line_the_title_tells_the_time() -> None:
    source = ScriptedSource(small())
    app = DratuiApp(source, query=CLAIMS, headless=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "● live")
        lived = Session(pilot, source)
        await lived.at(1, put(claim("claim-1"), "resourceclaims"))
        await press(pilot, "<")
        await until(pilot, lambda: screen(pilot)[0].endswith("0s ago"), "the time in the title")


async def test_what_was_dropped_for_want_of_memory_is_said() -> None:
    source = ScriptedSource([*live(phase=Phase.WAITING), *small()])
    app = DratuiApp(source, query=CLAIMS, history=3_000)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "● live")
        lived = Session(pilot, source)
        for minute in range(1, 9):
            devices = ("gpu-7",) if minute % 2 else ()
            changed = claim("claim-1", devices=devices, node="gpu-node-1", age=0)
            await lived.at(minute, put(changed, "resourceclaims"))
        await press(pilot, *"<" * 12)
        await shows(pilot, "was dropped (setting history)")
        assert bar(pilot).startswith(" older dropped … 12:")


class Tape(ScriptedSource):
    """A past that takes its time."""

    def __init__(self) -> None:
        super().__init__([*live(phase=Phase.WAITING), *small()])
        self.gate = asyncio.Event()
        self.begins = self.clock - 600
        self.ends = self.clock
        self.dropped_before = None

    async def prepare(self, progress: Callable[[float], None]) -> None:
        """At once."""

    def density(self, count: int) -> Sequence[int]:
        """Nothing known."""
        return [0] * count

    async def step(self, t: float, direction: Literal[-1, 1]) -> float | None:
        """A step each minute."""
        return t - 60 if direction < 0 else None

    async def at(self, t: float, *, since: float | None = None) -> AsyncIterator[Sequence[Event]]:
        """The present, and a claim more; half of it has to be waited for."""
        yield small()
        await self.gate.wait()
        yield [put(claim("once"), "resourceclaims")]

    async def fetch_at(self, t: float, stream: str, namespace: str, name: str) -> bytes:
        """Never."""
        raise NotImplementedError


async def test_esc_leaves_a_seek_that_takes_long_and_all_stays_as_it_was() -> None:
    tape = Tape()
    async with running(tape, query=CLAIMS) as pilot:
        await shows(pilot, "train-6-gpu", "● live")
        first = screen(pilot)[0]
        await press(pilot, "<")
        await shows(pilot, "going through time …  esc stops it")
        await press(pilot, "escape")
        await shows(pilot, "stopped: going through time")
        assert screen(pilot)[0] == first
        tape.gate.set()
        await press(pilot, "<")
        await shows(pilot, "◀", " once ")
        tape.gate.clear()
        await press(pilot, "<")
        await shows(pilot, "going through time …  esc stops it")
        await press(pilot, "escape")
        await hides(pilot, " once ")
        assert screen(pilot)[0] == first, "half of another time is none: back in the present"
