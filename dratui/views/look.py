"""A query, understood: which rows it selects, and in which order."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from dratui.cluster.store import Store
from dratui.failure import UsageFailure
from dratui.views.filter import key_filter
from dratui.views.navigation import belongs
from dratui.views.query import Query
from dratui.views.searching import Search, Texts
from dratui.views.table import Column, Style, Table


class Look:
    """A query, understood: what it selects, and in which order. Raises BadFilter or UsageFailure."""

    def __init__(self, table: Table[Any], query: Query) -> None:
        self.query = query
        self.table = table
        self.search = Search(query.filter)
        self.allows = key_filter(query.filter, table.kind)
        self.column = _sort_column(table, query.sort)

    def same_rows(self, other: "Look") -> bool:
        """Whether it selects what `other` does, in the same order."""
        return replace(self.query, wide=False) == replace(other.query, wide=False)

    def turns_round(self, other: "Look") -> bool:
        """Whether it selects what `other` does, in the opposite order."""
        turned = replace(self.query, wide=False, descending=not self.query.descending)
        return turned == replace(other.query, wide=False)

    def narrows(self, other: "Look") -> bool:
        """Whether it is `other` with fewer rows."""
        same = replace(self.query, filter="", wide=False) == replace(other.query, filter="", wide=False)
        return same and other.allows is None and self.search.narrows(other.search)

    @property
    def by_key(self) -> bool:
        """Whether the key of a row tells if it is selected, and where it belongs."""
        query = self.query
        content = query.faults_only or query.within is not None or self.allows is not None
        return self.search.all and self.column is None and not content

    @property
    def moves(self) -> bool:
        """Whether what it sorts by changes all the time."""
        return self.column is not None and self.column.live

    @property
    def selects_all(self) -> bool:
        """Whether it leaves nothing out."""
        somewhere = bool(self.query.namespace) and self.table.namespaced
        query = self.query
        return self.search.all and not (
            somewhere
            or query.faults_only
            or query.within is not None
            or query.only is not None
            or self.allows is not None
        )

    def selected(
        self, keys: Sequence[Any], rows: dict[Any, Any], texts: Texts, store: Store, now: datetime
    ) -> list[Any]:
        """Those of `keys` that it selects."""
        query, table = self.query, self.table
        left = list(keys)
        if query.only is not None:
            left = [k for k in left if k in query.only]
        if query.namespace and table.namespaced:
            left = [k for k in left if k.namespace == query.namespace]
        if query.faults_only:
            left = [k for k in left if is_fault(table, rows[k], now)]
        if (allows := self.allows) is not None:
            left = [k for k in left if allows(store, k)]
        if query.within is not None:
            within = query.within
            left = [k for k in left if belongs(store, table.kind, rows[k], within)]
        return self.search.found(left, rows, texts, now)

    def rank(self, row: Any) -> Any:
        """What rows are sorted by before the table's own order decides. Unknown sorts last, both ways."""
        value = self.value(row)
        return (value is None) != self.query.descending, 0 if value is None else value

    def value(self, row: Any) -> Any:
        """What rows are sorted by; None is unknown. Values of one column have one type."""
        assert self.column is not None
        value = (self.column.rank or self.column.value)(row)
        # Mappings have no order of their own
        return sum(value.values()) if isinstance(value, dict) else value

    def place(self, row: Any, own: Any) -> Any:
        """Where a row belongs; `own` is where the table's own order has it."""
        return own if self.column is None else (self.rank(row), own)


def is_fault(table: Table[Any], row: Any, now: datetime) -> bool:
    """Whether any cell of a row is a fault, waits, or is tainted: what an operator looks for."""
    wanted = (Style.FAULT, Style.WAITING, Style.TAINTED)
    return any(column.style_of(row, now) in wanted for column in table.columns if column.glyph)


def _sort_column(table: Table[Any], title: str) -> Column[Any] | None:
    if not title:
        return None
    for column in table.columns:
        if column.title == title:
            return column
    titles = ", ".join(c.title for c in table.columns)
    raise UsageFailure(f"{table.kind} have no column {title!r}", hint=f"one of {titles}")
