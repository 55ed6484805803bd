"""The rows of one query, in order, kept up to date as the store changes.

Rows are made once and again only when `Changes` names them, so what a screen pays follows what changed, not how much
there is. What does follow how much there is (making all rows at first, looking through all of them for a filter,
sorting) can be done in slices: `ask` and `note` say what is to be done, `advance` does some of it. Until all of it is
done the listing stays as it was; a newer question drops the older one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from dratui.cluster.store import Changes, Store
from dratui.failure import UsageFailure
from dratui.views.filter import key_filter
from dratui.views.navigation import belongs
from dratui.views.placing import index_of, joined, without
from dratui.views.query import Query
from dratui.views.searching import Search, Texts
from dratui.views.slicing import STEP, Enough, Work, never, ordered, stretch
from dratui.views.table import Column, Style, Table
from dratui.views.tables import TABLES

MADE: Final = STEP // 4  # rows made again between two looks at the clock: it costs more than reading them


@dataclass(frozen=True, slots=True)
class Delta:
    """What a change did to a listing. `moved`: rows came, went or changed places; `anew`: it is what was asked for."""

    changed: frozenset[Any]
    moved: bool
    gone: tuple[Any, ...] = ()  # the last state of rows that were deleted
    anew: bool = False

    def __bool__(self) -> bool:
        return bool(self.changed) or self.moved or self.anew


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

    def narrows(self, other: "Look") -> bool:
        """Whether it is `other` with fewer rows."""
        same = replace(self.query, filter="", wide=False) == replace(other.query, filter="", wide=False)
        return same and other.allows is None and self.search.narrows(other.search)

    @property
    def selects_all(self) -> bool:
        """Whether it leaves nothing out."""
        query = self.query
        somewhere = bool(query.namespace) and self.table.namespaced
        return (
            self.search.all
            and self.allows is None
            and not somewhere
            and not query.faults_only
            and query.within is None
        )

    def selected(
        self, keys: Sequence[Any], rows: dict[Any, Any], texts: Texts, store: Store, now: datetime
    ) -> list[Any]:
        """Those of `keys` that it selects."""
        query, table = self.query, self.table
        left = list(keys)
        if query.namespace and table.namespaced:
            left = [k for k in left if table.namespace_of(rows[k]) == query.namespace]
        if query.faults_only:
            left = [k for k in left if is_fault(table, rows[k])]
        if (allows := self.allows) is not None:
            left = [k for k in left if allows(store, k)]
        if query.within is not None:
            within = query.within
            left = [k for k in left if belongs(store, table.kind, rows[k], within)]
        return self.search.found(left, rows, texts, now)

    def rank(self, row: Any) -> Any:
        """What rows are sorted by before the table's own order decides. Unknown sorts last, both ways."""
        assert self.column is not None
        value = self.column.value(row)
        return (value is None) != self.query.descending, _sortable(value)

    def place(self, row: Any, own: Any) -> Any:
        """Where a row belongs; `own` is where the table's own order has it."""
        return own if self.column is None else (self.rank(row), own)


class Listing:
    """The rows that a query selects. `keys` is their order; read-only for others.

    Complete from the start, or when `sliced` empty until `advance` has made the rows.
    Raises BadFilter, or UsageFailure for an unknown kind or sort column.
    """

    def __init__(self, store: Store, query: Query, now: datetime, *, sliced: bool = False) -> None:
        self._store = store
        self.table: Table[Any] = table_of(query)
        self._look = Look(self.table, query)
        self._asked = self._look
        self._rows: dict[Any, Any] = {}
        self._texts = Texts(self.table)
        self._places: dict[Any, Any] = {}  # by row key: where the table's own order has it
        self._all: list[Any] = []  # keys of all rows in that order
        self.keys: list[Any] = []
        self._arranged = False  # whether `keys` are what `_look` says
        self._noted: set[Any] = set()  # keys of rows to make again
        self._loading: Work[None] | None = self._load()
        self._arranging: Work[None] | None = self._arrange(self._look, now)
        self.progress = 0.0
        if not sliced:
            self._work(never)

    @property
    def query(self) -> Query:
        """The query whose rows these are."""
        return self._look.query

    @property
    def asked(self) -> Query:
        """The query whose rows these will be."""
        return self._asked.query

    @property
    def loading(self) -> bool:
        """Whether there are no rows because none were made yet."""
        return self._loading is not None

    @property
    def working(self) -> bool:
        """Whether these are not yet the rows that were asked for; `progress` says how far that is, from 0 to 1."""
        return self._arranging is not None

    @property
    def busy(self) -> bool:
        """Whether `advance` has anything to do."""
        return self._arranging is not None or bool(self._noted)

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
        if key not in self._places:
            return None
        index = index_of(self.keys, key, self._place, descending=self.query.descending)
        return index if index < len(self.keys) and self.keys[index] == key else None

    # --- in one go -------------------------------------------------------------------------------------------------

    def requery(self, query: Query, now: datetime) -> None:
        """Look at the same kind in another way. On BadFilter the listing stays as it was."""
        self.ask(query, now)
        self._work(never)

    def apply(self, changes: Changes, now: datetime) -> Delta:
        """Make the rows that changed again."""
        self.note(changes)
        return self.advance(now)

    # --- in slices -------------------------------------------------------------------------------------------------

    def ask(self, query: Query, now: datetime) -> None:
        """Look at the same kind in another way, once `advance` got there. On BadFilter nothing happens."""
        look = Look(self.table, query)
        self._asked, self._arranging, self.progress = look, self._arrange(look, now), 0.0

    def note(self, changes: Changes) -> None:
        """Rows changed; `advance` makes them again."""
        self._noted.update(changes.rows.get(self.table.kind, ()))

    def advance(self, now: datetime, enough: Enough = never) -> Delta:
        """Do what there is to do until it is done or `enough`; says what that did to the listing.

        Rows do not change while one looks through them: what was noted waits until that is over.
        """
        anew = self._arranging is not None
        if not self._work(enough):
            return Delta(frozenset(), moved=False)
        changed: set[Any] = set()
        gone: list[Any] = []
        moved = False
        while self._noted and not (anew and enough()):
            some = [self._noted.pop() for _ in range(min(MADE, len(self._noted)))]
            moved |= self._remake(some, now, changed, gone)
            if enough():
                break
        return Delta(frozenset(changed), moved, tuple(gone), anew)

    def _work(self, enough: Enough) -> bool:
        """Make rows and arrange them. True when nothing of that is left."""
        while (work := self._loading or self._arranging) is not None:
            for self.progress in work:
                if enough():
                    return False
            if work is self._loading:
                self._loading = None
            else:
                self._arranging = None
        return True

    def _load(self) -> Work[None]:
        """All rows there are."""
        keys = list(self.table.keys(self._store))
        for at in range(0, len(keys), STEP // 2):
            for key in keys[at : at + STEP // 2]:
                row = self.table.row(self._store, key)
                if row is not None:
                    self._rows[key] = row
                    self._places[key] = _own_place(self.table, key, row)
            yield 0.8 * at / len(keys)
        keys = list(self._rows)
        order = ordered(keys, [self._places[key] for key in keys])
        self._all = yield from stretch(order, 0.8, 1)

    def _arrange(self, look: Look, now: datetime) -> Work[None]:
        """The rows of a query. They become those of the listing at the end, all at once."""
        same = self._arranged and look.same_rows(self._look)
        narrower = same or (self._arranged and look.narrows(self._look))
        keys = chosen = self.keys if narrower else self._all
        if not look.selects_all and not same:
            chosen = []
            for at in range(0, len(keys), STEP):
                chosen += look.selected(keys[at : at + STEP], self._rows, self._texts, self._store, now)
                yield 0.5 * at / len(keys)
        if not narrower and look.column is not None:
            values: list[Any] = []
            for at in range(0, len(chosen), 4 * STEP):
                values += [look.rank(self._rows[key]) for key in chosen[at : at + 4 * STEP]]
                yield 0.5 + 0.2 * at / len(chosen)
            order = ordered(chosen, values, descending=look.query.descending)
            chosen = yield from stretch(order, 0.7, 1)
        elif not narrower and look.query.descending:
            chosen = chosen[::-1]
        self.keys, self._look, self._arranged = chosen, look, True

    # --- changes ---------------------------------------------------------------------------------------------------

    def _remake(self, keys: Sequence[Any], now: datetime, changed: set[Any], gone: list[Any]) -> bool:
        """Make a few rows again. True when any came, went or changed places."""
        rows, places, look = self._rows, self._places, self._look
        made = {key: self.table.row(self._store, key) for key in keys}
        if look.query.within is None and look.allows is None:  # these depend on more than the row
            made = {key: row for key, row in made.items() if row != rows.get(key)}
        for key in made:
            self._texts.forget(key)
        fresh = {key: row for key, row in made.items() if row is not None}
        chosen = look.selected(list(fresh), fresh, self._texts, self._store, now)

        own = {key: _own_place(self.table, key, row) for key, row in fresh.items()}
        before = {key: self._place(key) for key in made if self.index_of(key) is not None}
        after = {key: look.place(fresh[key], own[key]) for key in chosen}
        changed.update(key for key in after if fresh[key] != rows.get(key))
        gone += [rows[key] for key in before if made[key] is None]
        leave = [key for key in before if before[key] != after.get(key)]
        enter = [key for key in after if after[key] != before.get(key)]

        down, one_list = look.query.descending, self.keys is self._all
        others = [key for key in made if places.get(key) != own.get(key)]
        if not one_list:
            self.keys = without(self.keys, leave, self._place, descending=down)
        self._all = without(self._all, [key for key in others if key in places], places.__getitem__)
        for key in made:  # from here on places are the new ones
            rows.pop(key, None)
            places.pop(key, None)
        rows.update(fresh)
        places.update(own)
        self._all = joined(self._all, [key for key in others if key in own], places.__getitem__)
        self.keys = self._all if one_list else joined(self.keys, enter, self._place, descending=down)
        return bool(leave or enter)

    def _place(self, key: Any) -> Any:
        return self._look.place(self._rows[key], self._places[key])


def _own_place(table: Table[Any], key: Any, row: Any) -> Any:
    """Where the table's own order has a row; never the same for two."""
    order = table.order(row)
    return key if order == key else (order, key)


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
