"""`dratui get`: the tables as text. Lists what the rows are made of, prints, and with -w follows."""

import asyncio
import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from dratui.api.streams import STREAMS
from dratui.cluster.store import Changes, Store
from dratui.events import COMPLETE, ENDED_WELL, SETTLED, Event, Health, Phase, Source
from dratui.failure import Failure, UsageFailure
from dratui.kube.options import Options
from dratui.terminal import clean, fit, width
from dratui.views.listing import Listing
from dratui.views.query import Query
from dratui.views.table import Column, Table
from dratui.views.tables import TABLES, named, path, table_named

GAP = "   "  # between columns, as kubectl
_NOT_PLAIN = re.compile(r"[^\n -~]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What to print."""

    kind: str
    name: str
    namespace: str
    everywhere: bool
    output: str
    watch: bool


def run(wanted: Wanted, options: Options, recording: Path | None) -> int:
    """Print it. Raises Failure for what cannot be told."""
    table = table_named(wanted.kind)
    if table is None:
        raise UsageFailure(f"there is no kind {wanted.kind!r}", hint=f"one of {', '.join(TABLES)}")
    return asyncio.run(_get(table, wanted, _source(table, options, recording)))


def _source(table: Table[Any], options: Options, recording: Path | None) -> Source:
    if recording is not None:
        from dratui.recording.replay import Replay

        return Replay(recording, speed=0)
    from dratui.kube.source import ClusterSource

    return ClusterSource(options, [STREAMS[name] for name in (*table.streams, *table.joins)])


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
        query = _query(table, wanted, source)
        _judge(store, table, query.namespace)
        changes = Changes()
        listing = Listing(store, query, _now(source), told=wanted.output in ("json", "yaml"))
        printer = _Printer(listing, wanted, source)
        printer.print_all()
        while wanted.watch and not following.done():
            arrived.clear()
            await _either(following, arrived)
            seen, changes = changes, Changes()
            printer.print_changes(seen)
        return 0
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


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
    return Failure(f"cannot list {stream}: {health.detail or health.phase}", hint=hint)


def _note(text: str) -> None:
    print(f"note: {clean(text)}", file=sys.stderr)


def _query(table: Table[Any], wanted: Wanted, source: Source) -> Query:
    namespace = wanted.namespace
    if not namespace and not wanted.everywhere and not source.about.recorded:
        namespace = source.about.namespace or "default"
    return Query(kind=table.kind, namespace="" if wanted.everywhere or not table.namespaced else namespace)


def _now(source: Source) -> datetime:
    return datetime.fromtimestamp(source.now(), UTC)


class _Printer:
    """Prints a listing in the form that was asked for."""

    def __init__(self, listing: Listing, wanted: Wanted, source: Source) -> None:
        self._listing = listing
        self._table = listing.table
        self._wanted = wanted
        self._source = source
        self._print: Callable[[Sequence[Any]], None] = {
            "json": self._json,
            "yaml": self._yaml,
            "name": self._names,
        }.get(wanted.output, self._columns)
        self._widths: list[int] = []

    def print_all(self) -> None:
        """The whole list. Raises Failure when one object was asked for and is not there."""
        rows = list(self._select(self._listing.rows()))
        if self._wanted.name and not rows:
            namespace = self._listing.query.namespace
            raise Failure(
                f"{self._table.singular} {self._wanted.name!r} not found"
                + (f" in namespace {namespace}" if namespace else ""),
                hint=f"dratui get {self._table.kind}{' -A' if self._table.namespaced else ''}",
            )
        if not rows and self._wanted.output in ("table", "wide"):
            namespace = self._listing.query.namespace
            where = f" Looked in namespace {namespace}; -A looks in all." if namespace else ""
            print(self._table.empty + clean(where), file=sys.stderr)
        if rows or self._wanted.output in ("json", "yaml"):
            self._print(rows)
        sys.stdout.flush()

    def print_changes(self, changes: Changes) -> None:
        """The rows that changed, one by one; those that were deleted as they were last, as kubectl does."""
        delta = self._listing.apply(changes, _now(self._source))
        rows = [
            self._listing.row(key)
            for key in sorted(delta.changed, key=lambda k: self._listing.index_of(k) or 0)
        ]
        for row in self._select([*delta.gone, *rows]):
            self._print([row])
        sys.stdout.flush()

    def _select(self, rows: Iterable[Any]) -> Iterable[Any]:
        return named(self._table, rows, self._wanted.name) if self._wanted.name else rows

    def _columns(self, rows: Sequence[Any]) -> None:
        now = _now(self._source)
        columns = self._shown()
        lines = [[c.cell(row, now) for c in columns] for row in rows]
        if not self._widths:
            titles = [c.title for c in columns]
            self._widths = [max(map(width, cells)) for cells in zip(titles, *lines, strict=True)]
            lines.insert(0, titles)
        for line in lines:
            # No cell is cut: a script may read this.
            cells = (fit(c, max(w, width(c))) for c, w in zip(line, self._widths, strict=True))
            print(GAP.join(cells).rstrip())

    def _shown(self) -> list[Column[Any]]:
        """As kubectl: no namespace column where all rows are of one. Sentences come last: nothing is cut here."""
        columns = self._table.shown(wide=self._wanted.output == "wide")
        one = bool(self._listing.query.namespace)
        return sorted((c for c in columns if not (one and c.title == "NAMESPACE")), key=lambda c: c.prose)

    def _names(self, rows: Sequence[Any]) -> None:
        for row in rows:
            key = row.key
            name = key.name if hasattr(key, "name") else path(key)
            print(clean(f"{self._table.singular}/{name}"))

    def _document(self, rows: Sequence[Any]) -> Any:
        if self._wanted.name and len(rows) == 1:
            return rows[0]
        return {"kind": self._table.list_kind, "items": rows}

    def _json(self, rows: Sequence[Any]) -> None:
        # JSON escapes control characters; bidirectional and other invisible ones are escaped here.
        text = msgspec.json.format(msgspec.json.encode(self._document(rows)), indent=2).decode()
        print(_escape_json(text))

    def _yaml(self, rows: Sequence[Any]) -> None:
        import yaml

        plain = msgspec.to_builtins(self._document(rows), builtin_types=())
        # allow_unicode is off: everything but printable ASCII is escaped.
        print(yaml.safe_dump(plain, sort_keys=False, width=120), end="---\n" if self._wanted.watch else "")


def _escape_json(text: str) -> str:
    if text.isascii() and "\x7f" not in text:  # nearly always, and a hundred times as fast to see
        return text
    return _NOT_PLAIN.sub(lambda c: c[0] if clean(c[0]) == c[0] else json.dumps(c[0])[1:-1], text)
