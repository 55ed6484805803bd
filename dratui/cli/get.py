"""`dratui get`: the tables as text. Lists what the rows are made of and prints it; with -w it follows, with --at it
looks at one time of a recording."""

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from dratui import when
from dratui.api.model import ObjectKey
from dratui.api.streams import STREAMS
from dratui.cli.printing import Form, Printer
from dratui.cluster.store import Changes, Store
from dratui.events import COMPLETE, ENDED_WELL, SETTLED, About, Event, Health, Phase, Source
from dratui.failure import Failure, UsageFailure
from dratui.kube.options import Options
from dratui.samples import STREAM as SAMPLES
from dratui.samples import OnDemand
from dratui.settings.metrics import NOBODY
from dratui.telemetry.protocol import MOST
from dratui.terminal import clean
from dratui.tui.notices import Notices
from dratui.views.listing import Listing
from dratui.views.query import Query
from dratui.views.table import Table
from dratui.views.tables import TABLES, named, table_named
from dratui.views.whereabouts import nodes_behind
from dratui.views.words import count

PATIENCE: Final = 5.0  # seconds for the nodes to be measured


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What to print. `at`: when in the recording, as typed; empty for its end."""

    kind: str
    name: str
    namespace: str
    everywhere: bool
    output: str
    watch: bool
    at: str = ""

    @property
    def form(self) -> Form:
        """How to print it."""
        return Form(output=self.output, name=self.name, watch=self.watch)


def run(wanted: Wanted, options: Options, recording: Path | None, metrics_from: str = NOBODY) -> int:
    """Print it. Raises Failure for what cannot be told."""
    table = table_named(wanted.kind)
    if table is None:
        raise UsageFailure(f"there is no kind {wanted.kind!r}", hint=f"one of {', '.join(TABLES)}")
    if not wanted.at:
        return asyncio.run(_get(table, wanted, _source(table, options, recording, metrics_from)))
    if recording is None:
        raise UsageFailure("--at is a time of a recording", hint="name one with --from")
    if wanted.watch:
        raise UsageFailure("--at shows one time: there is nothing to watch", hint="leave out -w, or --at")
    return asyncio.run(_get_at(table, wanted, recording))


def _source(table: Table[Any], options: Options, recording: Path | None, metrics_from: str) -> Source:
    if recording is not None:
        from dratui.recording.replay import Replay

        return Replay(recording, speed=0)
    from dratui.kube.source import ClusterSource

    cluster = ClusterSource(options, [STREAMS[name] for name in (*table.streams, *table.joins)])
    if metrics_from == NOBODY:
        return cluster
    from dratui.telemetry.source import MeasuredSource

    return MeasuredSource(cluster, metrics_from)


async def _get(table: Table[Any], wanted: Wanted, source: Source) -> int:
    store = Store()
    arrived = asyncio.Event()
    changes = Changes()

    def emit(events: Sequence[Event]) -> None:
        nonlocal changes
        changes |= store.apply(events)
        arrived.set()

    following = asyncio.create_task(source.run(emit))
    try:
        while not following.done() and not _settled(store, table):
            arrived.clear()
            await _either(following, arrived)
        if following.done():
            following.result()
        if isinstance(source, OnDemand):
            nodes = list(dict.fromkeys(_nodes(table, wanted, store, source)))
            source.want(nodes)
            await _measured(nodes, store, following, arrived)
        changes = Changes()
        printer = _printer(table, wanted, store, source.about, source.now)
        printer.print_all()
        notices = Notices()
        notices.of_health(store.health, source.now())
        while wanted.watch and not following.done():
            arrived.clear()
            await _either(following, arrived)
            seen, changes = changes, Changes()
            if not source.about.recorded:
                for notice in notices.of_health(store.health, source.now()):
                    _note(notice.text)
            printer.print_changes(seen)
        return 0
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def _nodes(table: Table[Any], wanted: Wanted, store: Store, source: Source) -> Iterator[str]:
    """Those behind what is to be printed."""
    query = _query(table, wanted, source.about)
    listing = Listing(store, query, datetime.fromtimestamp(source.now(), UTC))
    for key in listing.keys:
        row = listing.row(key)
        if not wanted.name or any(named(table, [row], wanted.name)):
            yield from nodes_behind(store, table.kind, key, row)


async def _measured(
    nodes: Sequence[str], store: Store, following: "asyncio.Task[None]", arrived: asyncio.Event
) -> None:
    """Wait until something is known of each node, but not for long; what stays unknown is said."""

    def unheard() -> int:
        return sum(ObjectKey("", node) not in store.samples for node in nodes[:MOST])

    try:
        async with asyncio.timeout(PATIENCE):
            while unheard() and not following.done():
                arrived.clear()
                await _either(following, arrived)
    except TimeoutError:
        _note(f"{count(unheard(), 'node')} could not be measured within {PATIENCE:g} seconds")
    if len(nodes) > MOST:
        _note(f"partial: {MOST} of {len(nodes)} nodes are measured")
    if (health := store.health.get(SAMPLES)) is not None and health.detail:
        _note(f"{SAMPLES}: {health.detail}")


async def _get_at(table: Table[Any], wanted: Wanted, recording: Path) -> int:
    from dratui.recording.past import Recorded

    past = Recorded(recording)
    await past.prepare(partial(_progress, recording))
    t = when.parse(wanted.at, past.begins, past.ends)
    if not past.begins <= t <= past.ends:
        raise Failure(
            f"{recording} does not know {_time(t)}: it is from {_time(past.begins)} to {_time(past.ends)}",
            hint="--at +90s is after its beginning, --at -30s before its end",
        )
    store = Store()
    async for piece in past.at(t):
        store.apply(piece)
    _printer(table, wanted, store, past.about, lambda: t).print_all()
    return 0


def _progress(recording: Path, done: float) -> None:
    """What a terminal is told while a recording without an index is read."""
    if sys.stderr.isatty():
        text = f"reading {recording.name}: {done:.0%}" if done < 1 else ""
        print(f"\r{clean(text)}\x1b[K", end="", file=sys.stderr, flush=True)


def _time(t: float) -> str:
    """As --at takes it."""
    return datetime.fromtimestamp(t, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _printer(
    table: Table[Any], wanted: Wanted, store: Store, about: About, now: Callable[[], float]
) -> Printer:
    """Raises Failure for rows that nothing is known of."""
    query = _query(table, wanted, about)
    _judge(store, table, query.namespace)

    def clock() -> datetime:
        return datetime.fromtimestamp(now(), UTC)

    listing = Listing(store, query, clock(), told=wanted.output in ("json", "yaml"))
    return Printer(listing, wanted.form, clock)


async def _either(following: "asyncio.Task[None]", arrived: asyncio.Event) -> None:
    """Wait until something arrived or the source ended."""
    waiting = asyncio.create_task(arrived.wait())
    await asyncio.wait({following, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


def _settled(store: Store, table: Table[Any]) -> bool:
    streams = (*table.streams, *table.joins)
    return all((h := store.health.get(s)) is not None and h.phase in SETTLED for s in streams)


def _judge(store: Store, table: Table[Any], namespace: str) -> None:
    """What the rows need most must be known; what else is missing is said, and shows as unknown."""
    for position, stream in enumerate((*table.streams, *table.joins)):
        health = store.health.get(stream)
        optional = position >= len(table.streams)
        if health is None:
            continue
        if health.phase in COMPLETE:
            if health.phase is Phase.STALE:
                since = f"{datetime.fromtimestamp(health.since, UTC):%H:%M:%S}Z"
                _note(f"{stream}: as it was at {since}; not heard of since. {health.detail}")
            if health.namespace not in ("", namespace):
                _note(f"{stream}: your rights allow only namespace {health.namespace}")
            if position == 0 and health.phase is Phase.ENDED and health.detail != ENDED_WELL:
                _note(f"{health.detail}. What could be read is shown.")
        elif health.phase is Phase.NOT_SERVED and optional:
            pass  # normal: an older server, or a feature that is off
        elif position == 0:
            raise _cannot_list(stream, health)
        else:
            _note(f"{stream} {health.phase}: what depends on them is unknown. {health.detail}")


def _cannot_list(stream: str, health: Health) -> Failure:
    if health.phase is Phase.NOT_SERVED:
        return Failure(f"cannot list {stream}: the server has no such kind", hint="kubectl api-resources")
    hint = ""
    if health.phase is Phase.FORBIDDEN:
        hint = f"kubectl auth can-i list {stream}"
        if STREAMS[stream].namespaced:
            hint += "; with rights in one namespace only, name it with -n"
    not_yet = "was not listed yet" if health.phase in (Phase.WAITING, Phase.SYNCING) else health.phase
    return Failure(f"cannot list {stream}: {health.detail or not_yet}", hint=hint)


def _note(text: str) -> None:
    print(f"note: {clean(text)}", file=sys.stderr)


def _query(table: Table[Any], wanted: Wanted, about: About) -> Query:
    namespace = wanted.namespace
    if not namespace and not wanted.everywhere and not about.recorded:
        namespace = about.namespace or "default"
    return Query(kind=table.kind, namespace="" if wanted.everywhere or not table.namespaced else namespace)
