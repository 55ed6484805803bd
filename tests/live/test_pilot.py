"""The app itself on the real control plane: what a screen shows, cell by cell, as the cluster changes."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from dratui.api.streams import STREAMS
from dratui.kube.options import Options
from dratui.kube.source import ClusterSource
from dratui.tui.app import DratuiApp
from dratui.views.overview import Summary
from dratui.views.query import Query
from tests.live.conftest import OneGpu
from tests.tui.driving import Driver, press, screen, shows, text, type_in, until

SIZES = pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])


@asynccontextmanager
async def watching(world: OneGpu, query: Query, size: tuple[int, int]) -> AsyncIterator[Driver]:
    kubeconfig = str(world.plane.kubeconfig("viewer"))
    app = DratuiApp(ClusterSource(Options(kubeconfig=kubeconfig), list(STREAMS.values())), query=query)
    async with app.run_test(size=size) as pilot:
        await shows(pilot, "● live")
        yield pilot


@SIZES
async def test_an_allocation_appears_and_deletion_frees_the_device(
    one_gpu: OneGpu, size: tuple[int, int]
) -> None:
    devices = Query(kind="devices", filter=one_gpu.name)
    async with watching(one_gpu, devices, size) as pilot:
        await shows(pilot, "Devices[1", "□ free")
        one_gpu.start("first")
        await shows(pilot, "■ held")
        await press(pilot, "d")
        await shows(pilot, "HELD BY", "for first · request gpu")
        one_gpu.end("first")
        await until(pilot, lambda: screen(pilot)[1].endswith("□ free"), "the card to say free")
        assert "HELD BY" not in text(pilot)
        await press(pilot, "escape")
        await shows(pilot, "□ free")


@SIZES
async def test_the_overview_counts_who_waits(one_gpu: OneGpu, size: tuple[int, int]) -> None:
    async with watching(one_gpu, Query(kind="pods", namespace=one_gpu.name), size) as pilot:
        app = pilot.app
        assert isinstance(app, DratuiApp)
        store = app._session._store
        # The control plane serves other tests, whose pods have waited longer; counting them takes a moment.
        await until(
            pilot,
            lambda: app._session.settled and waiting(pilot) == Summary(store).waiting,
            "all to be counted",
        )
        others = waiting(pilot)
        one_gpu.start("first")
        await shows(pilot, "■ Running")
        one_gpu.start("second")
        await shows(pilot, "… Pending", "1 node: cannot allocate all", f"{others + 1} waiting")
        await type_in(pilot, ":overview")
        await press(pilot, "enter")
        await shows(pilot, f"WAITING {others + 1} ", "× cannot allocate all claims")
        one_gpu.end("second")
        await until(pilot, lambda: waiting(pilot) == others, "second to wait no more")


async def test_a_change_is_seen_then_what_was_before_it_and_the_present_again(one_gpu: OneGpu) -> None:
    devices = Query(kind="devices", filter=one_gpu.name)
    async with watching(one_gpu, devices, (110, 30)) as pilot:
        await shows(pilot, "Devices[1", "□ free")
        one_gpu.start("first")
        await shows(pilot, "■ held")
        while "□ free" not in text(
            pilot
        ):  # the pod's own changes come after the claim's, those of others between
            at = screen(pilot)[0]
            await press(pilot, "<")
            await until(pilot, lambda before=at: screen(pilot)[0] != before, "a step")  # type: ignore[misc]
        await shows(pilot, "◀", "□ free")
        one_gpu.start("second")
        await press(pilot, "d")
        await shows(pilot, "□ free", "DEVICE")
        assert "HELD BY" not in text(pilot), "as it was, whatever happens now"
        await press(pilot, "end")
        await shows(pilot, "● live", "HELD BY", "for first")
        await type_in(pilot, f":pods {one_gpu.name}")
        await press(pilot, "enter")
        await shows(pilot, "second", "… Pending")


async def test_what_was_watched_of_a_claim_times_its_steps(one_gpu: OneGpu) -> None:
    async with watching(one_gpu, Query(kind="claims", namespace=one_gpu.name), (110, 36)) as pilot:
        one_gpu.start("first")
        await shows(pilot, "■ allocated,reserved")
        await press(pilot, "d")
        await shows(pilot, "STEPS", "running")
        assert "nobody tells" not in text(pilot)
        await press(pilot, "t")
        await type_in(pilot, "+0s")
        await press(pilot, "enter")
        await shows(pilot, "◀", "✖ gone")


def waiting(pilot: Driver) -> int:
    """The counter on the last line."""
    found = re.search(r"(\d+) waiting", screen(pilot)[-1])
    assert found is not None
    return int(found[1])
