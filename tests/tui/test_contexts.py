"""From one source to another: what begins anew, and what stays when the other is of no use."""

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from dratui.events import About, Context, Source
from dratui.failure import Failure
from dratui.tui.app import DratuiApp
from dratui.tui.contexts import Contexts
from tests.tui.cluster import ScriptedSource, live, small
from tests.tui.driving import Driver, hides, press, running, screen, shows, text, type_in

KNOWN = [
    Context(name=name, cluster=f"{name}-cluster", user="jane")
    for name in ("prod-eu1", "prod-us1", "lab\x1b[31m")
]


class Lab(ScriptedSource):
    """Another cluster, with nothing in it."""

    def __init__(self) -> None:
        super().__init__(live())
        self.about = About(cluster="lab", user="joe", server_version="v1.33.0")


@asynccontextmanager
async def between(
    connect: Callable[[str], Source], read: Callable[[], Sequence[Context]] = lambda: KNOWN
) -> AsyncIterator[Driver]:
    async with running(ScriptedSource(small()), contexts=Contexts(read, connect)) as pilot:
        await shows(pilot, "TENANTS", "● live")
        yield pilot


async def command(pilot: Driver, line: str) -> None:
    await type_in(pilot, f":{line}")
    await press(pilot, "enter")


async def test_in_another_cluster_all_begins_anew() -> None:
    async with between(lambda name: Lab()) as pilot:
        await command(pilot, "claims ml-team /train")
        await shows(pilot, "Claims(ml-team)[2 of 3]</train>")
        await command(pilot, "ctx lab")
        await shows(pilot, " dratui  lab › overview", "v1.33.0", "joe")
        assert "ml-team" not in text(pilot)
        await press(pilot, "[")
        assert "there is no view before this one" in screen(pilot)[-1]
        await command(pilot, "claims")
        await shows(pilot, "Claims(all)[0]")
        await press(pilot, "1")
        assert "Claims(all)[0]" in text(pilot), "the other cluster's namespaces have no keys here"


async def test_of_the_cluster_that_was_left_nothing_is_kept() -> None:
    async with between(lambda name: Lab()) as pilot:
        await command(pilot, "claims")
        await shows(pilot, "Claims(all)[3]")
        assert isinstance(pilot.app, DratuiApp)
        left = weakref.ref(pilot.app._session._store)
        await command(pilot, "ctx lab")
        await shows(pilot, " dratui  lab › overview")
        async with asyncio.timeout(30):
            while left() is not None:  # noqa: ASYNC110 — the app collects what it left, a moment later
                await asyncio.sleep(0.01)


async def test_of_the_cluster_that_was_left_nothing_is_kept_when_a_tick_comes_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    change = DratuiApp._change

    async def change_and_tick(app: DratuiApp, *of: Any) -> None:
        last = app._session  # as a task of it has that is about to end
        await change(app, *of)
        while not app._session.settled:  # noqa: ASYNC110
            await asyncio.sleep(0)
        app._tick()
        del last

    monkeypatch.setattr(DratuiApp, "_change", change_and_tick)
    await test_of_the_cluster_that_was_left_nothing_is_kept()


async def test_a_command_can_name_the_cluster_that_it_is_for() -> None:
    async with between(lambda name: Lab()) as pilot:
        await command(pilot, "nodes @lab")
        await shows(pilot, "lab › overview › nodes", "Nodes[0]")


async def test_a_cluster_that_is_of_no_use_leaves_one_where_one_is() -> None:
    wrong = Failure("cannot reach https://10.0.0.1: refused", hint="is it up?")
    async with between(lambda name: ScriptedSource(failure=wrong)) as pilot:
        await command(pilot, "claims")
        await command(pilot, "ctx prod-us1")
        await shows(pilot, "cannot reach https://10.0.0.1: refused", "prod-eu1 › overview › claims")
        await command(pilot, "ctx")
        await shows(pilot, "● prod-eu1", "✖ prod-us1", "hint: is it up?")


async def test_what_cannot_be_read_and_what_is_not_there_is_told() -> None:
    def broken() -> Sequence[Context]:
        raise Failure("/home/jane/.kube/config is not valid YAML at line 3")

    async with between(lambda name: Lab(), broken) as pilot:
        await command(pilot, "ctx")
        await shows(pilot, "/home/jane/.kube/config is not valid YAML at line 3")
    async with between(lambda name: Lab(), list) as pilot:
        await command(pilot, "ctx")
        await shows(pilot, "There are no contexts.")


async def test_a_list_of_contexts_is_filtered_and_cleaned() -> None:
    async with between(lambda name: Lab()) as pilot:
        await command(pilot, "ctx")
        await shows(pilot, "Contexts[3]", r"lab\x1b[31m")
        await type_in(pilot, "/PROD-us")
        await press(pilot, "enter")
        await shows(pilot, "Contexts[1 of 3]</PROD-us>")
        await hides(pilot, "prod-eu1-cluster")
        await type_in(pilot, "/[")
        assert "unterminated character set" in screen(pilot)[-1]
        await press(pilot, "escape", "escape")
        await shows(pilot, "Contexts[3]")
