"""`dratui get`: the tables as text. Lists what the rows are made of and prints it; with -w it follows, with --at it
looks at one time of a recording."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from dratui.api.model import ObjectKey
from dratui.api.streams import STREAMS
from dratui.cli.printing import Form, Printer
from dratui.cli.reading import at_time, cannot_list, either, note, settled
from dratui.cluster.store import Changes, Store
from dratui.events import COMPLETE, ENDED_WELL, About, Event, Phase, Source
from dratui.failure import UsageFailure
from dratui.kube.options import Options
from dratui.samples import STREAM as SAMPLES
from dratui.samples import OnDemand
from dratui.settings.metrics import NOBODY
from dratui.telemetry.protocol import MOST
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
            await either(following, arrived)
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
            await either(following, arrived)
            seen, changes = changes, Changes()
            if not source.about.recorded:
                for notice in notices.of_health(store.health, source.now()):
                    note(notice.text)
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
                await either(following, arrived)
    except TimeoutError:
        note(f"{count(unheard(), 'node')} could not be measured within {PATIENCE:g} seconds")
    if len(nodes) > MOST:
        note(f"partial: {MOST} of {len(nodes)} nodes are measured")
    if (health := store.health.get(SAMPLES)) is not None and health.detail:
        note(f"{SAMPLES}: {health.detail}")


async def _get_at(table: Table[Any], wanted: Wanted, recording: Path) -> int:
    store, about, t = await at_time(recording, wanted.at)
    _printer(table, wanted, store, about, lambda: t).print_all()
    return 0


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


def _settled(store: Store, table: Table[Any]) -> bool:
    return settled(store, (*table.streams, *table.joins))


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
                note(f"{stream}: as it was at {since}; not heard of since. {health.detail}")
            if health.namespace not in ("", namespace):
                note(f"{stream}: your rights allow only namespace {health.namespace}")
            if position == 0 and health.phase is Phase.ENDED and health.detail != ENDED_WELL:
                note(f"{health.detail}. What could be read is shown.")
        elif health.phase is Phase.NOT_SERVED and optional:
            pass  # normal: an older server, or a feature that is off
        elif position == 0:
            raise cannot_list(stream, health)
        else:
            note(f"{stream} {health.phase}: what depends on them is unknown. {health.detail}")


def _query(table: Table[Any], wanted: Wanted, about: About) -> Query:
    namespace = wanted.namespace
    if not namespace and not wanted.everywhere and not about.recorded:
        namespace = about.namespace or "default"
    return Query(kind=table.kind, namespace="" if wanted.everywhere or not table.namespaced else namespace)
