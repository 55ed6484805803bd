"""The rows of one query, in order, kept up to date as the store changes.

Rows are made once and again only when `Changes` names them, so what a screen pays follows what changed, not how much
there is. Cells are made for what is shown; a filter makes them once for every row.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dratui.cluster.store import Changes, Store
from dratui.failure import UsageFailure
from dratui.views.filter import key_filter, line_filter
from dratui.views.navigation import belongs
from dratui.views.query import Query
from dratui.views.table import Column, Style, Table
from dratui.views.tables import TABLES


@dataclass(frozen=True, slots=True)
class Delta:
    """What a change did to a listing. `moved`: rows came, went or changed places."""

    changed: frozenset[Any]
    moved: bool
    gone: tuple[Any, ...] = ()  # the last state of rows that were deleted

    def __bool__(self) -> bool:
        return bool(self.changed) or self.moved


class Listing:
    """The rows that a query selects. `keys` is their order; read-only for others.

    Raises BadFilter, or UsageFailure for an unknown kind or sort column.
    """

    def __init__(self, store: Store, query: Query, now: datetime) -> None:
        self._store = store
        self.table: Table[Any] = table_of(query)
        self._rows: dict[Any, Any] = {}
        self._order: dict[Any, Any] = {}  # sort key by row key
        for key in self.table.keys(store):
            row = self.table.row(store, key)
            if row is not None:
                self._rows[key] = row
        self.keys: list[Any] = []
        self._places: dict[Any, int] | None = None
        self.requery(query, now)

    @property
    def total(self) -> int:
        """Rows of the kind, before any narrowing."""
        return len(self._rows)

    def row(self, key: Any) -> Any | None:
        """A row, whether it is selected or not; None when it is gone."""
        return self._rows.get(key)

    def rows(self) -> Iterator[Any]:
        """The selected rows in order."""
        return (self._rows[key] for key in self.keys)

    def cells(self, key: Any, now: datetime) -> tuple[str, ...]:
        """All cells of a selected row as text, safe for a terminal."""
        return self.table.text(self._rows[key], now)

    def index_of(self, key: Any) -> int | None:
        """Where a row is; None when it is not selected."""
        if self._places is None:
            self._places = {k: i for i, k in enumerate(self.keys)}
        return self._places.get(key)

    def requery(self, query: Query, now: datetime) -> None:
        """Look at the same kind in another way. On BadFilter the listing stays as it was."""
        matches = line_filter(query.filter)
        allows = key_filter(query.filter, self.table.kind)
        column = _sort_column(self.table, query.sort)
        self.query, self._matches, self._allows, self._sort = query, matches, allows, column
        self._order = {key: self._sort_key(row) for key, row in self._rows.items() if self._selects(row, now)}
        self._arrange()

    def apply(self, changes: Changes, now: datetime) -> Delta:
        """Make the rows that changed again."""
        changed: set[Any] = set()
        gone: list[Any] = []
        moved = False
        for key in changes.rows.get(self.table.kind, ()):
            old, new = self._rows.get(key), self.table.row(self._store, key)
            if old == new and self.query.within is None and self._allows is None:
                continue
            if new is None:
                self._rows.pop(key, None)
            else:
                self._rows[key] = new
            place = self._sort_key(new) if new is not None and self._selects(new, now) else None
            if new is None and key in self._order:
                gone.append(old)
            if place != self._order.get(key):
                moved = True
                if place is None:
                    del self._order[key]
                else:
                    self._order[key] = place
            if place is not None and old != new:
                changed.add(key)
        if moved:
            self._arrange()
        return Delta(frozenset(changed), moved, tuple(gone))

    def _arrange(self) -> None:
        self.keys = sorted(self._order, key=self._order.__getitem__, reverse=self.query.descending)
        self._places = None

    def _sort_key(self, row: Any) -> Any:
        order = self.table.order(row)
        if self._sort is None:
            return (order,)
        value = self._sort.value(row)
        # Unknown sorts last, both ways; the table's own order decides between equals.
        return ((value is None) != self.query.descending, _sortable(value), order)

    def _selects(self, row: Any, now: datetime) -> bool:
        query = self.query
        if query.namespace and self.table.namespaced and self.table.namespace_of(row) != query.namespace:
            return False
        if query.faults_only and not is_fault(self.table, row):
            return False
        if query.within is not None and not belongs(self._store, self.table.kind, row, query.within):
            return False
        if self._allows is not None and not self._allows(self._store, row.key):
            return False
        return self._matches is None or self._matches(" ".join(self.table.text(row, now)))


def table_of(query: Query) -> Table[Any]:
    """The table that a query is about."""
    table = TABLES.get(query.kind)
    if table is None:
        raise UsageFailure(f"there is no kind {query.kind!r}", hint=f"one of {', '.join(TABLES)}")
    return table


def is_fault(table: Table[Any], row: Any) -> bool:
    """Whether any cell of a row is a fault, waits, or is tainted: what an operator looks for."""
    wanted = (Style.FAULT, Style.WAITING, Style.TAINTED)
    return any(column.style_of(row) in wanted for column in table.columns if column.glyph)


def _sort_column(table: Table[Any], title: str) -> Column[Any] | None:
    if not title:
        return None
    for column in table.columns:
        if column.title == title:
            return column
    titles = ", ".join(c.title for c in table.columns)
    raise UsageFailure(f"{table.kind} have no column {title!r}", hint=f"one of {titles}")


def _sortable(value: Any) -> Any:
    """Values of one column have one type; mappings and None have no order of their own."""
    if value is None:
        return 0
    if isinstance(value, dict):
        return sum(value.values())
    return value
