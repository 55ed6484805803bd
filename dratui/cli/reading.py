"""What a command that ends reads: a store filled from a cluster or a recording, once, and what could not be read."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from dratui import when
from dratui.api.streams import PRIORITY_CLASSES, STREAMS
from dratui.cluster.store import Store
from dratui.events import SETTLED, About, Event, Health, Phase, Source
from dratui.failure import Failure, UsageFailure
from dratui.kube.options import Options
from dratui.terminal import clean


def note(text: str) -> None:
    """Tell the person, beside what is printed."""
    print(f"note: {clean(text)}", file=sys.stderr)


def time_of(t: float) -> str:
    """As --at takes it."""
    return datetime.fromtimestamp(t, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def settled(store: Store, streams: Sequence[str]) -> bool:
    """Whether each has said what it can."""
    return all((h := store.health.get(s)) is not None and h.phase in SETTLED for s in streams)


async def either(following: "asyncio.Task[None]", arrived: asyncio.Event) -> None:
    """Wait until something arrived or the source ended."""
    waiting = asyncio.create_task(arrived.wait())
    await asyncio.wait({following, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


def cannot_list(stream: str, health: Health) -> Failure:
    """Why nothing is known of a kind, and what to do."""
    if health.phase is Phase.NOT_SERVED:
        return Failure(f"cannot list {stream}: the server has no such kind", hint="kubectl api-resources")
    hint = ""
    if health.phase is Phase.FORBIDDEN:
        hint = f"kubectl auth can-i list {stream}"
        if STREAMS[stream].namespaced:
            hint += "; with rights in one namespace only, name it with -n"
    not_yet = "was not listed yet" if health.phase in (Phase.WAITING, Phase.SYNCING) else health.phase
    return Failure(f"cannot list {stream}: {health.detail or not_yet}", hint=hint)


async def at_time(recording: Path, at: str) -> tuple[Store, About, float]:
    """A recording as it was then. Raises Failure for a time that it does not know."""
    from dratui.recording.past import Recorded

    past = Recorded(recording)
    await past.prepare(partial(_progress, recording))
    t = when.parse(at, past.begins, past.ends)
    if not past.begins <= t <= past.ends:
        raise Failure(
            f"{recording} does not know {time_of(t)}: it is from {time_of(past.begins)} to {time_of(past.ends)}",
            hint="--at +90s is after its beginning, --at -30s before its end",
        )
    store = Store()
    async for piece in past.at(t):
        store.apply(piece)
    return store, past.about, t


def _progress(recording: Path, done: float) -> None:
    """What a terminal is told while a recording without an index is read."""
    if sys.stderr.isatty():
        text = f"reading {recording.name}: {done:.0%}" if done < 1 else ""
        print(f"\r{clean(text)}\x1b[K", end="", file=sys.stderr, flush=True)


async def once(
    streams: Sequence[str], options: Options, recording: Path | None, at: str
) -> tuple[Store, About, float]:
    """What these streams list: a store, whose it is, and when that was, in unix seconds."""
    if at and recording is None:
        raise UsageFailure("--at is a time of a recording", hint="name one with --from")
    if recording is not None and at:
        return await at_time(recording, at)
    source = _source(streams, options, recording)
    store = Store()
    arrived = asyncio.Event()

    def emit(events: Sequence[Event]) -> None:
        store.apply(events)
        arrived.set()

    following = asyncio.create_task(source.run(emit))
    try:
        while not following.done() and not settled(store, streams):
            arrived.clear()
            await either(following, arrived)
        if following.done():
            following.result()
        return store, source.about, source.now()
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError, Failure):
            await following


def _source(streams: Sequence[str], options: Options, recording: Path | None) -> Source:
    if recording is not None:
        from dratui.recording.replay import Replay

        return Replay(recording, speed=0)
    from dratui.kube.source import ClusterSource

    known = {**STREAMS, PRIORITY_CLASSES.name: PRIORITY_CLASSES}
    return ClusterSource(options, [known[name] for name in streams])
