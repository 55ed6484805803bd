"""What devices do, on the screens: numbers change in place and calmly, and only what one looks at is measured."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from dratui.api.model import ObjectKey
from dratui.events import Event
from dratui.prepared import Orphan, Plugin
from dratui.tui.screens import idle
from dratui.tui.widgets.board import Entry
from dratui.views.idle import IdleHolder
from dratui.views.query import Query
from tests.tui.cluster import (
    NOW,
    ScriptedSource,
    claim,
    listed,
    live,
    many_claims,
    put,
    slice_of,
    small,
    told,
)
from tests.tui.driving import (
    COLOURS,
    Driver,
    flashing,
    hides,
    press,
    running,
    screen,
    shows,
    text,
    type_in,
    under_cursor,
    until,
)

CLOCK = NOW.timestamp()
BUSY = (0.93, 0.02, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5)
CLAIMS = Query(kind="claims")
DEVICES = Query(kind="devices")


class MeasuredSource(ScriptedSource):
    """Says which nodes were wanted last."""

    wanted: Sequence[str] | None = None

    def want(self, nodes: Sequence[str]) -> None:
        self.wanted = nodes


def measured(*more: Event) -> list[Event]:
    return [*small(), *live("samples"), told("gpu-node-1", *BUSY), told("gpu-node-2", *BUSY), *more]


# --- tables -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["claims", "devices", "pods", "nodes", "namespaces"])
async def test_utilisation_shows_on_a_small_screen(kind: str) -> None:
    async with running(ScriptedSource(measured()), query=Query(kind=kind)) as pilot:
        await shows(pilot, "UTIL", "%")


@pytest.mark.parametrize("kind", ["claims", "devices", "pods", "nodes", "namespaces"])
async def test_where_nothing_measures_its_columns_take_room_only_in_the_wide_form(kind: str) -> None:
    async with running(ScriptedSource(small()), query=Query(kind=kind), size=(200, 24)) as pilot:
        await shows(pilot, "1/")
        assert "UTIL" not in text(pilot)
        await press(pilot, "ctrl+w")
        await shows(pilot, "UTIL", "MEM GiB")


async def test_columns_come_when_someone_measures() -> None:
    source = ScriptedSource(small())
    async with running(source, query=CLAIMS) as pilot:
        await shows(pilot, "train-6-gpu")
        source.say(*live("samples"), told("gpu-node-1", *BUSY))
        await shows(pilot, "UTIL", " 48%")
        assert "–" in next(row for row in screen(pilot) if "eval-gpu" in row), "its node is not measured"


async def test_numbers_change_in_place_and_do_not_flash() -> None:
    source = ScriptedSource(measured())
    async with running(source, query=DEVICES) as pilot:
        await shows(pilot, "▇ 93%")
        await until(pilot, lambda: not flashing(pilot), "what flashed at first")
        source.say(told("gpu-node-1", 0.11, *BUSY[1:], at=NOW + timedelta(seconds=1)))
        await shows(pilot, "▂ 11%")
        assert not flashing(pilot)


async def test_what_is_unknown_partial_or_old_says_so() -> None:
    source = ScriptedSource(measured(told("gpu-node-1", None, 0.5, problem="needs get on pods/proxy")))
    async with running(source, query=Query(kind="nodes"), size=(200, 24)) as pilot:
        await shows(pilot, "▄ 50% 1/2")
        source.clock += 90
        await shows(pilot, "▄ 50% 1/2 90s old")
        await press(pilot, "ctrl+w")
        await shows(pilot, "agent, 90s ago, 1/2 devices")


# --- order ------------------------------------------------------------------------------------------------------------


def order(lines: Sequence[str], *names: str) -> list[str]:
    return sorted(names, key=lambda name: next(y for y, row in enumerate(lines) if name in row))


@pytest.mark.parametrize(("key", "title"), [("U", "UTIL↓"), ("M", "MEM GiB↓")])
async def test_a_key_sorts_by_what_has_most(key: str, title: str) -> None:
    async with running(ScriptedSource(measured()), query=CLAIMS, size=(200, 24)) as pilot:
        await shows(pilot, " 48%")
        await press(pilot, key)
        await shows(pilot, title)
        most = await sorted_so(pilot, lambda first: True)
        await press(pilot, key)
        await shows(pilot, title.replace("↓", "↑"))
        await sorted_so(pilot, lambda first: first != most)


async def sorted_so(pilot: Driver, wanted: Callable[[str], bool]) -> str:
    """Rows are put in order after the title says so: the first, when what nothing is known of is at the end."""

    def done() -> bool:
        rows = screen(pilot)
        return wanted(rows[3].split()[1]) and "train-7-gpu" in rows[5]

    await until(pilot, done, "the order")
    return screen(pilot)[3].split()[1]


async def test_what_rows_are_sorted_by_is_in_sight() -> None:
    async with running(ScriptedSource(measured()), query=CLAIMS) as pilot:
        await shows(pilot, " 48%")
        assert "POWER" not in text(pilot)
        assert "IDLE" not in text(pilot)
        await press(pilot, "I")
        await shows(pilot, "IDLE↓", "train-6-gpu", "‹")
        await press(pilot, *["h"] * 9)
        await hides(pilot, "‹")


async def test_rows_sorted_by_what_moves_stay_where_they_are_for_some_seconds() -> None:
    source = ScriptedSource(measured())
    async with running(source, query=CLAIMS) as pilot:
        await shows(pilot, " 48%")
        await press(pilot, "U")
        await until(
            pilot, lambda: order(screen(pilot), "train-6", "eval") == ["eval", "train-6"], "the order"
        )
        await press(pilot, "g")
        assert "eval-gpu" in under_cursor(pilot)
        source.say(told("gpu-node-1", 1.0, 1.0, *BUSY[2:], at=NOW + timedelta(seconds=1)))
        await shows(pilot, "▇100%")
        assert order(screen(pilot), "train-6", "eval") == ["eval", "train-6"], "not at once"
        shell = pilot.app.screen
        for _ in range(5):
            shell.tick()  # type: ignore[attr-defined]
        await until(
            pilot, lambda: order(screen(pilot), "train-6", "eval") == ["train-6", "eval"], "the order"
        )
        assert "eval-gpu" in under_cursor(pilot), "the cursor stays on its object"


# --- the past ---------------------------------------------------------------------------------------------------------


async def test_the_past_shows_what_devices_did_then() -> None:
    source = ScriptedSource(measured())
    async with running(source, query=DEVICES) as pilot:
        await shows(pilot, "▇ 93%")
        source.clock += 60
        source.say(put(claim("another"), "resourceclaims"))
        source.say(told("gpu-node-1", 0.11, *BUSY[1:], at=NOW + timedelta(seconds=60)))
        await shows(pilot, "▂ 11%")
        await type_in(pilot, "t")
        await type_in(pilot, "-50s")
        await press(pilot, "enter")
        await shows(pilot, "◀", "▇ 93%")
        assert "▂ 11%" not in text(pilot)
        await press(pilot, "end")
        await shows(pilot, "▂ 11%")


# --- what is looked at ------------------------------------------------------------------------------------------------


async def test_only_what_one_looks_at_is_measured() -> None:
    nodes = [f"gpu-node-{n:03}" for n in range(100)]
    source = MeasuredSource([listed("resourceslices", *(slice_of(n, devices=2) for n in nodes)), *live()])
    async with running(source) as pilot:
        await until(pilot, lambda: source.wanted is not None and len(source.wanted) == 100, "all of them")
        await type_in(pilot, ":nodes")
        await press(pilot, "enter")
        await until(pilot, lambda: len(source.wanted or ()) == 40, "what shows, and a page more")
        assert source.wanted is not None
        assert list(source.wanted) == nodes[:40]
        await press(pilot, "G")
        await until(pilot, lambda: (source.wanted or [""])[0] == nodes[80], "the last rows first")
        await press(pilot, "d")
        await until(pilot, lambda: tuple(source.wanted or ()) == (nodes[99],), "the one of the card")


async def test_of_a_selector_that_one_tries_the_devices_that_match_are_measured() -> None:
    nodes = [f"gpu-node-{n:02}" for n in range(100)]
    source = MeasuredSource([listed("resourceslices", *map(slice_of, nodes)), *live()])
    async with running(source) as pilot:
        await shows(pilot, "● live")
        await type_in(pilot, ":selector")
        await press(
            pilot, "enter", *'device.attributes["gpu.nvidia.com"].uuid.startsWith("GPU-gpu-node-42-")'
        )
        await shows(pilot, "8 of 800 devices match")
        await until(pilot, lambda: tuple(source.wanted or ()) == (nodes[42],), "the one of those that match")


async def test_sorted_by_what_is_measured_all_nodes_count() -> None:
    nodes = [f"gpu-node-{n:03}" for n in range(100)]
    source = MeasuredSource(
        [listed("resourceslices", *(slice_of(n, devices=2) for n in nodes)), *live(), *live("samples")]
    )
    async with running(source, query=Query(kind="devices")) as pilot:
        await until(pilot, lambda: 0 < len(source.wanted or ()) < 100, "what shows")
        await press(pilot, "U")
        await until(pilot, lambda: len(source.wanted or ()) == 100, "all of them")


# --- overview, cards, health ------------------------------------------------------------------------------------------


async def test_the_overview_tells_what_products_do_and_of_how_many_nodes_that_is_known() -> None:
    source = ScriptedSource(measured())
    async with running(source) as pilot:
        await shows(pilot, "measured on 2 nodes", "UTIL", " 49%", "▄ 48%", "▄ 50%")  # products, tenants
        source.say(told("gpu-node-2", *BUSY, problem="no agent"))
        await shows(pilot, "partial: 1 of 2 nodes", "samples of 1 node: no agent")


async def test_the_overview_says_who_holds_and_does_nothing() -> None:
    source = ScriptedSource([*small(), *live("samples")])
    async with running(source, size=(140, 30)) as pilot:
        await shows(pilot, "TENANTS", "● live")
        for n in range(70):
            source.clock = (NOW + timedelta(seconds=n)).timestamp()
            for node in ("gpu-node-1", "gpu-node-2"):
                source.say(told(node, 0.0, 0.01, 0.0, 0.9, at=NOW + timedelta(seconds=n)))
            await until(pilot, lambda: not pilot.app._session._feed._queue, "it to be taken in")  # type: ignore[attr-defined]
        await shows(pilot, "HELD BUT IDLE 1", "ml-team/train-6-gpu", "100% of 60s", "160 GiB", "2 ×")
        await type_in(pilot, ":claims")
        await press(pilot, "enter", "I")
        await shows(pilot, "IDLE↓")
        await until(
            pilot, lambda: order(screen(pilot), "train-6", "eval") == ["train-6", "eval"], "the order"
        )


async def test_a_card_draws_gauges_and_history() -> None:
    source = ScriptedSource(measured())
    async with running(source, query=DEVICES) as pilot:
        await shows(pilot, "▇ 93%")
        source.clock += 1
        source.say(told("gpu-node-1", *BUSY, at=NOW + timedelta(seconds=1)))
        await press(pilot, "d")
        await shows(pilot, "LIVE", "util", "93%", "40.0 of 80.0 GiB", "last 5m", "▇")


@pytest.mark.parametrize("ascii_only", [False, True])
async def test_what_is_measured_is_drawn_in_ascii_where_that_is_all_there_is(ascii_only: bool) -> None:
    async with running(
        ScriptedSource(measured()), query=DEVICES, size=(120, 24), ascii_only=ascii_only
    ) as pilot:
        await shows(pilot, " 93%")
        assert text(pilot).isascii() is ascii_only
        await press(pilot, "d")
        await shows(pilot, "LIVE")
        assert text(pilot).isascii() is ascii_only


async def test_health_says_which_nodes_are_not_measured_and_why() -> None:
    source = ScriptedSource(measured(told("gpu-node-1", *BUSY, problem="403: needs get on pods/proxy")))
    async with running(source) as pilot:
        await type_in(pilot, ":health")
        await press(pilot, "enter")
        await shows(pilot, "403: needs get on pods/proxy: gpu-node-1")
        source.say(told("gpu-node-1", *BUSY))
        await hides(pilot, "pods/proxy")


async def test_health_says_where_plugins_disagree_with_the_cluster_how_often_and_for_how_long() -> None:
    left = [Orphan(what="spec", subject=name, since=CLOCK - age) for name, age in (("a", 50), ("b", 200))]
    plugin = Plugin(driver="gpu.dratui.dev", orphans=tuple(left))
    async with running(ScriptedSource(measured(told("gpu-node-1", *BUSY, plugin=plugin)))) as pilot:
        await type_in(pilot, ":health")
        await press(pilot, "enter")
        await shows(pilot, "CDI spec of no claim: 2, the oldest for 3m20s, on gpu-node-1")


async def test_a_filter_does_not_search_what_moves() -> None:
    async with running(ScriptedSource(measured()), query=DEVICES) as pilot:
        await shows(pilot, "▇ 93%")
        await type_in(pilot, "/93%")
        await shows(pilot, "No row matches")


async def test_many_rows_of_which_few_are_measured_are_sorted_too() -> None:
    source = ScriptedSource([*many_claims(5000), *small()[0:1], *live("samples"), told("gpu-node-1", *BUSY)])
    async with running(source, query=CLAIMS) as pilot:
        await shows(pilot, "[5000]")
        await press(pilot, "U")
        await shows(pilot, "UTIL↓", "claim-004999", "1/5000")


def test_what_is_left_out_of_who_is_idle_is_counted_without_those_that_show() -> None:
    holders = [
        IdleHolder(
            "claims", ObjectKey("ml", f"c-{n}"), share=1.0, watched=900, memory=0, devices=1, product="H100"
        )
        for n in range(10)
    ]
    block = idle.block(holders, COLOURS, Entry(()))
    assert len(block.body(60)) == 10
    assert block.fold is not None
    ((text, _),) = block.fold.rest(4).line
    assert text == "… 6 more"
