"""A recording that is damaged at any byte, played to its end: what could be read shows, and what is amiss is said."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from dratui.cluster.store import Store
from dratui.events import ENDED_WELL, Event, Phase
from dratui.recording.format import RecordingFailure
from dratui.recording.replay import Replay
from tests.breadth import sampled
from tests.recording.samples import STARTED, STORY, Audience, played, write


async def states(path: Path) -> list[set[str]]:
    """The claims' names after each event of the whole recording, and before the first."""
    store, seen = Store(), [set[str]()]

    def take(events: Sequence[Event]) -> None:
        store.apply(events)
        seen.append({key.name for key in store.claims})

    await Replay(path, speed=0).run(take)
    return seen


async def audience(path: Path) -> Audience | None:
    """None for what is said to be no recording."""
    try:
        return await played(path)
    except RecordingFailure:
        return None


DAMAGE: dict[str, Callable[[bytes, int], bytes]] = {
    "cut off": lambda data, at: data[:at],
    "a bit flipped": lambda data, at: data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :],
    "a byte lost": lambda data, at: data[:at] + data[at + 1 :],
}


@pytest.mark.parametrize("damage", DAMAGE)
async def test_damaged_at_every_byte_it_plays_what_can_be_read(tmp_path: Path, damage: str) -> None:
    path = write(tmp_path / "a.rec", STORY)
    data = path.read_bytes()
    possible = await states(path)
    for at in sampled(range(len(data))):
        path.write_bytes(DAMAGE[damage](data, at))
        heard = await audience(path)
        if heard is None:
            continue
        health = heard.health()
        assert health.phase in (Phase.ENDED, Phase.FAILED), at
        assert health.since >= STARTED
        whole = health.phase is Phase.ENDED and health.detail == ENDED_WELL
        if damage == "cut off" or whole:
            assert heard.claims in possible, at
        if damage == "cut off":
            assert not whole or heard.claims == possible[-1], at
