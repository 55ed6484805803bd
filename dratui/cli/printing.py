"""A listing as text: a table as kubectl prints it, names, JSON or YAML; with nothing in it that terminals act on."""

import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from dratui.cluster.store import Changes
from dratui.failure import Failure
from dratui.terminal import clean, fit, width
from dratui.views.listing import Listing
from dratui.views.live import measured
from dratui.views.table import Column
from dratui.views.tables import named, path

GAP = "   "  # between columns, as kubectl
_NOT_PLAIN = re.compile(r"[^\n -~]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """How to print. `name`: only the object of this name. `watch`: changes will follow."""

    output: str
    name: str = ""
    watch: bool = False


class Printer:
    """Prints a listing in the form that was asked for."""

    def __init__(self, listing: Listing, form: Form, now: Callable[[], datetime]) -> None:
        self._listing = listing
        self._table = listing.table
        self._form = form
        self._now = now
        self._print: Callable[[Sequence[Any]], None] = {
            "json": self._json,
            "yaml": self._yaml,
            "name": self._names,
        }.get(form.output, self._columns)
        self._widths: list[int] = []

    def print_all(self) -> None:
        """The whole list. Raises Failure when one object was asked for and is not there."""
        rows = list(self._select(self._listing.rows()))
        if self._form.name and not rows:
            namespace = self._listing.query.namespace
            raise Failure(
                f"{self._table.singular} {self._form.name!r} not found"
                + (f" in namespace {namespace}" if namespace else ""),
                hint=f"dratui get {self._table.kind}{' -A' if self._table.namespaced else ''}",
            )
        if not rows and self._form.output in ("table", "wide"):
            namespace = self._listing.query.namespace
            where = f" Looked in namespace {namespace}; -A looks in all." if namespace else ""
            print(self._table.empty + clean(where), file=sys.stderr)
        if rows or self._form.output in ("json", "yaml"):
            self._print(rows)
        sys.stdout.flush()

    def print_changes(self, changes: Changes) -> None:
        """The rows that changed, one by one; those that were deleted as they were last, as kubectl does."""
        delta = self._listing.apply(changes, self._now())
        rows = [
            self._listing.row(key)
            for key in sorted(delta.changed, key=lambda k: self._listing.index_of(k) or 0)
        ]
        for row in self._select([*delta.gone, *rows]):
            self._print([row])
        sys.stdout.flush()

    def _select(self, rows: Iterable[Any]) -> Iterable[Any]:
        return named(self._table, rows, self._form.name) if self._form.name else rows

    def _columns(self, rows: Sequence[Any]) -> None:
        now = self._now()
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
        columns = self._table.shown(wide=self._form.output == "wide", live=measured(self._listing.store))
        one = bool(self._listing.query.namespace)
        return sorted((c for c in columns if not (one and c.title == "NAMESPACE")), key=lambda c: c.prose)

    def _names(self, rows: Sequence[Any]) -> None:
        for row in rows:
            key = row.key
            name = key.name if hasattr(key, "name") else path(key)
            print(clean(f"{self._table.singular}/{name}"))

    def _document(self, rows: Sequence[Any]) -> Any:
        if self._form.name and len(rows) == 1:
            return rows[0]
        return {"kind": self._table.list_kind, "items": rows}

    def _json(self, rows: Sequence[Any]) -> None:
        # JSON escapes control characters; bidirectional and other invisible ones are escaped here.
        text = msgspec.json.format(msgspec.json.encode(self._document(rows)), indent=2).decode()
        print(escape_json(text))

    def _yaml(self, rows: Sequence[Any]) -> None:
        import yaml

        plain = msgspec.to_builtins(self._document(rows), builtin_types=())
        # allow_unicode is off: everything but printable ASCII is escaped.
        print(yaml.safe_dump(plain, sort_keys=False, width=120), end="---\n" if self._form.watch else "")


def escape_json(text: str) -> str:
    """JSON with nothing in it that terminals act on."""
    if text.isascii() and "\x7f" not in text:  # nearly always, and a hundred times as fast to see
        return text
    return _NOT_PLAIN.sub(lambda c: c[0] if clean(c[0]) == c[0] else json.dumps(c[0])[1:-1], text)
