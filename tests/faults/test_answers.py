"""A server or a network that answers badly, or not at all, between the dashboard and a real API server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.faults.between import Between, between
from tests.faults.conftest import claims
from tests.faults.watched import Times, Watch, watching
from tests.realparts.controlplane import ControlPlane


@asynccontextmanager
async def meddled(plane: ControlPlane, times: Times, folder: Path) -> AsyncIterator[tuple[Between, Watch]]:
    async with (
        between(plane, folder) as (middle, kubeconfig),
        watching(kubeconfig, times, fresh=plane.kubeconfig("viewer")) as watch,
    ):
        await watch.remembers(through=middle)
        yield middle, watch


async def created(plane: ControlPlane, name: str) -> None:
    await asyncio.to_thread(plane.apply, claims(name))


async def test_a_storm_of_429(plane: ControlPlane, times: Times, tmp_path: Path) -> None:
    async with meddled(plane, times, tmp_path) as (middle, watch):
        middle.refuse(429, "too many requests, please try again later", Retry_After="1")
        middle.break_all()
        await watch.shows("◍ stale", "429: too many requests", "before")
        await watch.health_says("429: too many requests")
        await created(plane, "after")
        await times.lasts(30)
        asked = middle.refused
        await watch.until(lambda: middle.refused >= asked + 13, "every stream to ask again")
        middle.mend()
        await watch.shows("after")
        await watch.recovers()
        await watch.messages_say("live again after")


async def test_half_open_connections(plane: ControlPlane, times: Times, tmp_path: Path) -> None:
    """As when a firewall forgets them: nothing breaks, and nothing comes.

    The next check may happen on a forgotten connection, and then all watches are dropped with it; or on a new one, and
    then it takes the watches' own patience.
    """
    async with meddled(plane, times.with_(watch_silence=3.0), tmp_path) as (middle, watch):
        middle.forget_all()
        await created(plane, "after")
        await watch.shows("after")
        await watch.recovers()


async def test_a_watch_that_stalls_silently(plane: ControlPlane, times: Times, tmp_path: Path) -> None:
    """The server answers all else, so nobody can know; the watch is asked for again in time."""
    async with meddled(plane, times.with_(watch_silence=3.0), tmp_path) as (middle, watch):
        middle.stall("resourceclaims")
        await created(plane, "after")
        await watch.shows("after")
        await watch.recovers()


def torn(piece: bytes) -> list[bytes]:
    return [piece[: len(piece) // 2] + b"\n"]


async def test_json_that_is_cut_off(plane: ControlPlane, times: Times, tmp_path: Path) -> None:
    """In a watch it comes whole the second time, in a list too. What stays torn is told."""
    async with meddled(plane, times, tmp_path) as (middle, watch):
        for round_ in range(20):
            middle.meddle_once("resourceclaims", torn)
            await created(plane, f"after-{round_}")
            await watch.shows(f"after-{round_}")
        middle.meddle("resourceclaims", torn)
        await created(plane, "last")
        await watch.messages_say("resourceclaims: the server sent something that is no object of this kind")
        middle.mend()
        await watch.shows("last")
        await watch.recovers()
