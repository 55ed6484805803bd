"""The API server dies, hangs, or comes back with another history."""

import asyncio
import json
import socket
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from aiohttp.connector import AddrInfoType

from dratui.api.model import ObjectKey
from dratui.kube import connection
from dratui.kube.connection import _socket
from tests.faults.between import between
from tests.faults.conftest import SPACE, claims
from tests.faults.watched import Times, watching
from tests.realparts.controlplane import ControlPlane


async def test_killed_for_30_seconds(plane: ControlPlane, times: Times) -> None:
    async with watching(plane.kubeconfig("viewer"), times) as watch:
        await watch.remembers()
        await asyncio.to_thread(plane.kill_apiserver)
        await watch.shows("◍ stale", "kinds: ", "before")
        await watch.health_says("nobody answers", "connection refused")
        assert ObjectKey(SPACE, "before") in watch.store.claims, "what was known stays"
        await times.lasts(30)
        await asyncio.to_thread(plane.start_apiserver)
        await asyncio.to_thread(plane.apply, claims("after"))
        await watch.shows("after")
        await watch.recovers()
        await watch.messages_say("live again after", "nobody answers")


async def test_frozen_for_60_seconds(plane: ControlPlane, times: Times) -> None:
    """As a machine that hangs: no connection breaks."""
    async with watching(plane.kubeconfig("viewer"), times) as watch:
        await watch.remembers()
        plane.freeze()
        try:
            await watch.shows("◍ stale", "before")
            await watch.health_says("cannot be reached (time ran out while connecting)")
            await times.lasts(60)
        finally:
            plane.thaw()
        await asyncio.to_thread(plane.apply, claims("after"))
        await watch.shows("after")
        await watch.recovers()
        await watch.messages_say("live again after", "◍ stale: ")


async def test_who_leaves_a_server_that_hangs_leaves_nothing_open(
    plane: ControlPlane, times: Times, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS would wait for the server to take leave, too."""
    made: list[socket.socket] = []

    def remembered(address: AddrInfoType) -> socket.socket:
        made.append(_socket(address))
        return made[-1]

    monkeypatch.setattr(connection, "_socket", remembered)
    try:
        async with watching(plane.kubeconfig("viewer"), times):
            plane.freeze()
        assert made
        async with asyncio.timeout(20):  # TLS would wait for 30
            while [each for each in made if each.fileno() != -1]:  # noqa: ASYNC110 — the app does not wait for it
                await asyncio.sleep(0.01)
    finally:
        plane.thaw()


async def test_restarted_with_its_history_compacted(
    plane: ControlPlane, times: Times, tmp_path: Path
) -> None:
    """Where every watch was is no longer in etcd: 410, and all is listed anew."""
    async with (
        between(plane, tmp_path) as (middle, kubeconfig),
        watching(kubeconfig, times, fresh=plane.kubeconfig("viewer")) as watch,
    ):
        await watch.remembers(through=middle)
        middle.cut()
        await watch.shows("◍ stale")
        await asyncio.to_thread(plane.kubectl, "delete", "resourceclaim", "before", "-n", SPACE)
        await asyncio.to_thread(plane.apply, claims("after"))
        await asyncio.to_thread(compact, plane)
        await asyncio.to_thread(plane.restart_apiserver)
        middle.mend()
        await watch.messages_say("too old resource version")
        await watch.shows("after")
        await watch.recovers()
        assert ObjectKey(SPACE, "before") not in watch.store.claims


def compact(plane: ControlPlane) -> None:
    """Make etcd forget all but the state as it is now."""
    at = _etcd(plane, "range", {"key": "AA=="})["header"]["revision"]
    _etcd(plane, "compaction", {"revision": at, "physical": True})


def _etcd(plane: ControlPlane, call: str, document: dict[str, Any]) -> dict[str, Any]:
    asked = urllib.request.Request(f"{plane.etcd}/v3/kv/{call}", json.dumps(document).encode())
    with urllib.request.urlopen(asked, timeout=10) as answer:
        said: dict[str, Any] = json.load(answer)
    return said
