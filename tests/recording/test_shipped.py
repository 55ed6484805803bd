"""The demo that everybody gets: it must show what dratui is for, and nothing of the machine that made it."""

import gzip
import re
import socket
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from dratui.cluster.store import Store
from dratui.events import Event, Phase
from dratui.recording.reader import Reader
from dratui.recording.replay import Replay
from dratui.views.listing import Listing
from dratui.views.overview import Summary
from dratui.views.query import Query
from dratui.views.tables import TABLES
from tests.recording.samples import STARTED, Audience, WallClock, played

LARGEST = 1_000_000


@pytest.fixture
def demo() -> Path:
    with as_file(files("dratui") / "demo.rec") as path:
        return path


def rows(store: Store, kind: str, now: float) -> Listing:
    return Listing(store, Query(kind=kind), datetime.fromtimestamp(now, UTC))


def test_it_is_small_whole_and_of_some_minutes(demo: Path) -> None:
    assert demo.stat().st_size < LARGEST
    with Reader(demo) as reader:
        assert reader.duration is not None
        assert 120 <= reader.duration <= 300


async def test_it_is_read_to_its_end_without_a_skipped_line(demo: Path) -> None:
    audience = await played(demo)
    for stream, health in audience.store.health.items():
        if stream in LATER:
            continue
        assert (health.phase, health.detail) == (Phase.ENDED, "end of the recording"), stream


LATER = ("podgroups", "computedomains")
"""Kinds that its cluster does not serve."""


class Beginning(Audience):
    """What a screen knows when every stream is live for the first time."""

    complete = False

    def emit(self, events: Sequence[Event]) -> None:
        if not self.complete:
            super().emit(events)
            phases = {health.phase for stream, health in self.store.health.items() if stream not in LATER}
            self.complete = bool(phases) and phases == {Phase.LIVE}


@pytest.mark.parametrize("kind", [kind for kind in TABLES if kind not in LATER])
async def test_every_kind_is_there_from_the_beginning(demo: Path, kind: str) -> None:
    beginning = Beginning()
    wall = WallClock()
    await Replay(demo, clock=wall, sleep=wall.sleep).run(beginning.emit)
    assert beginning.complete
    assert len(list(rows(beginning.store, kind, STARTED).rows())) > 0


async def test_it_tells_what_dratui_is_for(demo: Path) -> None:
    """Each line is a moment that somebody can watch."""
    wall = WallClock()
    replay = Replay(demo, clock=wall, sleep=wall.sleep)
    audience = Audience()
    seen: set[str] = set()
    looked_at = set[int]()

    def look() -> None:
        store, now = audience.store, replay.now()
        if (second := int(now)) in looked_at:
            return
        looked_at.add(second)
        for pod in rows(store, "pods", now).rows():
            if pod.waiting is not None:
                seen.add(f"a pod waits, {pod.waiting.source}")
        for claim in rows(store, "claims", now).rows():
            if len(claim.consumers) >= 3:
                seen.add("a claim is shared")
            if "deleted" in claim.state:
                seen.add("a claim is held while it is deleted")
        seen.update(f"a device is {device.state}" for device in rows(store, "devices", now).rows())
        seen.update(f"a pool is {pool.state}" for pool in rows(store, "pools", now).rows())
        seen.update(f"streams are {health.phase}" for health in store.health.values())
        for node in rows(store, "nodes", now).rows():
            if node.live is not None:
                seen.add("a node is measured" if node.live.known else f"a node has {node.live.why}")
        for device in rows(store, "devices", now).rows():
            if device.live is not None and device.live.known:
                kind = "MIG device" if "mig" in device.device else "GPU"
                seen.add(f"a {kind} is {'busy' if (device.live.utilization or 0) > 0.5 else 'not busy'}")
            elif device.live is not None:
                seen.add(f"a device {device.live.why}")
        seen.update(f"{each.kind} hold and do nothing" for each in Summary(store).overview().idle)

    wall.on_sleep = look
    await replay.run(audience.emit)
    assert seen >= {
        "a pod waits, scheduler",
        "a pod waits, event",
        "a pod waits, derived",
        "a claim is shared",
        "a claim is held while it is deleted",
        "a device is free",
        "a device is held",
        "a device is tainted",
        "a pool is complete",
        "a pool is incomplete",
        "streams are live",
        "streams are stale",
        "a node is measured",
        "a node has no agent",
        "a GPU is busy",
        "a MIG device is busy",
        "a MIG device is not busy",
        "a device fell off the bus",
        "claims hold and do nothing",
    }


def test_it_says_nothing_of_the_machine_that_made_it(demo: Path) -> None:
    text = gzip.decompress(demo.read_bytes()).decode()
    for private in (str(Path.home()), tempfile.gettempdir(), str(Path(__file__).parents[2])):
        assert f"{private}/" not in text
    assert not re.search(rf"\b{re.escape(socket.gethostname())}\b", text)
    with Reader(demo) as reader:
        assert reader.header.about.user == reader.header.about.cluster == "viewer"
