"""Small recordings, and what came out of one."""

import asyncio
import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dratui.cluster.store import Store
from dratui.events import About, Event, Gone, Health, HealthChanged, Page, Phase, Put
from dratui.recording.raw import RawObject
from dratui.recording.replay import Replay
from dratui.recording.writer import Writer

STARTED = 1_790_000_000.0
ABOUT = About(cluster="prod", user="jane", namespace="ml", server_version="v1.36.3")

Moment = tuple[float, Sequence[Event]]


def claim(name: str, version: str = "v1", **more: Any) -> RawObject:
    """A claim as a server sends it."""
    body = {"metadata": {"namespace": "ml", "name": name, "uid": f"uid-{name}"}, **more}
    return RawObject(version, json.dumps(body).encode())


def health(stream: str, phase: Phase, since: float = STARTED) -> HealthChanged:
    return HealthChanged(stream, Health(phase=phase, since=since))


STORY: Sequence[Moment] = (
    (0.0, [health("resourceclaims", Phase.SYNCING)]),
    (
        0.5,
        [
            Page("resourceclaims", [claim("one"), claim("two")], first=True, last=True),
            health("resourceclaims", Phase.LIVE, STARTED + 0.5),
        ],
    ),
    (10.0, [Put("resourceclaims", claim("three"))]),
    (20.0, [Put("resourceclaims", claim("one", spec={"devices": {}}))]),
    (30.0, [Gone("resourceclaims", claim("two"))]),
)
"""Claims: one and two are listed, three comes at 10 s, one changes at 20 s, two goes at 30 s. It ends at 60 s."""


def write(path: Path, moments: Sequence[Moment] = STORY, duration: float = 60.0) -> Path:
    """Write a recording as the recorder does."""
    writer = Writer(path)
    writer.begin(ABOUT, STARTED)
    for t, events in moments:
        writer.write(events, STARTED + t)
        writer.flush()
    writer.close(STARTED + duration)
    return path


def write_lines(path: Path, lines: Sequence[bytes | Mapping[str, Any]], **header: Any) -> Path:
    """Write a recording as nobody does: `lines` are taken as they are."""
    first = {"dratui": "recording", "format": 1, "started": STARTED, "about": {"cluster": "prod"}} | header
    data = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in (first, *lines)]
    path.write_bytes(gzip.compress(b"\n".join([*data, b""])))
    return path


class Audience:
    """Takes in a replay as a screen does, and keeps what was said."""

    def __init__(self) -> None:
        self.store = Store()
        self.events: list[Event] = []

    def emit(self, events: Sequence[Event]) -> None:
        self.events.extend(events)
        self.store.apply(events)

    @property
    def claims(self) -> set[str]:
        return {key.name for key in self.store.claims}

    def health(self, stream: str = "resourceclaims") -> Health:
        return self.store.health[stream]


async def played(path: Path, speed: float = 0.0) -> Audience:
    """All that a recording says."""
    audience = Audience()
    await Replay(path, speed=speed).run(audience.emit)
    return audience


class WallClock:
    """Time that passes when somebody sleeps, and only then."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.on_sleep: Callable[[], None] = lambda: None

    def __call__(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        """Half of it, then a word to `on_sleep`, then the rest."""
        self.time += seconds / 2
        self.on_sleep()
        self.time += seconds / 2
        await asyncio.sleep(0)
