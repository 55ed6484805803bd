"""The rows of one query, in order, kept up to date as the store changes.

Rows are made once and again only when `Changes` names them, so what a screen pays follows what changed, not how much
there is. What does follow how much there is (making all rows at first, looking through all of them for a filter,
sorting) can be done in slices: `ask` and `note` say what is to be done, `advance` does some of it. Until all of it is
done the listing stays as it was; a newer question drops the older one.

A screen shows few of many rows. Where the key alone tells whether and where a row is listed, one that changed is only
marked, and made again when someone looks at it, when a filter or an order needs it, or in `prepare`.

What is sorted by a measured value, which changes all the time, stays in the order in which it was sorted until
`settle`: what one reads does not move each second.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from dratui.cluster.store import Changes, Store
from dratui.failure import UsageFailure
from dratui.views.look import Look
from dratui.views.placing import index_of, joined, without
from dratui.views.query import Query
from dratui.views.searching import Texts
from dratui.views.slicing import STEP, Enough, Work, never, ordered, stretch
from dratui.views.table import Table
from dratui.views.tables import TABLES

MADE: Final = STEP // 4  # rows made again between two looks at the clock: it costs more than reading them


@dataclass(frozen=True, slots=True)
class Delta:
    """What a change did to a listing. `moved`: rows came, went or changed places; `anew`: it is what was asked for.

    `changed` of a listing made in slices are rows that may have: they are made again when someone looks at them.
    """

    changed: frozenset[Any]
    moved: bool
    gone: tuple[Any, ...] = ()  # the last state of rows that were deleted
    anew: bool = False

    def __bool__(self) -> bool:
        return bool(self.changed) or self.moved or self.anew


class Listing:
    """The rows that a query selects. `keys` is their order; read-only for others.

    Complete from the start, or when `sliced` empty until `advance` has made the rows. With `told` the rows are those
    that JSON tells.
    Raises BadFilter, or UsageFailure for an unknown kind or sort column.
    """

    def __init__(
        self, store: Store, query: Query, now: datetime, *, sliced: bool = False, told: bool = False
    ) -> None:
        self.store = store
        self.table: Table[Any] = table_of(query)
        self._row = (self.table.told if told else None) or self.table.row
        self._look = Look(self.table, query)
        self._asked = self._look
        self._rows: dict[Any, Any] = {}
        self._stale: set[Any] = set()  # keys of rows that changed since they were made
        self._lazy = sliced and self.table.objects is not None
        self._texts = Texts(self.table)
        # By row key: where the table's own order has it, if not where the key is
        self._places: dict[Any, Any] = {}
        self._held: dict[Any, Any] = {}  # by row key: what it was sorted by, where that changes all the time
        self._all: list[Any] = []  # keys of all rows in that order
        self.keys: list[Any] = []
        self._arranged = False  # whether `keys` are what `_look` says
        self._noted: set[Any] = set()  # keys of rows to make again
        self._other: set[Any] = set()  # those, and of `_stale`, that differ not only in what devices do
        self._loading: Work[None] | None = self._load()
        self._arranging: Work[None] | None = self._arrange(self._look, now)
        self._preparing: Work[None] | None = self._prepare(now) if sliced else None
        self.progress = 0.0
        if not sliced:
            self._work(never)

    def of(self, store: Store) -> "Listing | None":
        """The same listing of a store that holds the same at present; None while this one is being made."""
        if self._loading is not None or self._arranging is not None:
            return None
        other = copy(self)
        other.store = store
        other._rows, other._places = self._rows.copy(), self._places.copy()
        other._stale, other._noted = self._stale.copy(), self._noted.copy()
        other._other = self._other.copy()
        other._all, other._held = self._all.copy(), self._held.copy()
        other.keys = other._all if self.keys is self._all else self.keys.copy()
        other._texts, other._preparing = Texts(self.table), None
        return other

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
        if key in self._stale:
            self._refresh(key)
        return self._rows.get(key)

    def rows(self) -> Iterator[Any]:
        """The selected rows in order."""
        return (self.row(key) for key in self.keys)

    def index_of(self, key: Any) -> int | None:
        """Where a row is; None when it is not selected."""
        if key not in self._rows:
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

    def settle(self, now: datetime) -> None:
        """Sort by what is measured now, once `advance` got there."""
        if self._look.moves and not self.working:
            self.ask(self.query, now)

    def note(self, changes: Changes) -> None:
        """Rows changed; `advance` makes them again."""
        self._noted |= changes.of(self.table.kind)
        self._other |= changes.rows.get(self.table.kind, set())

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

    @property
    def unprepared(self) -> bool:
        """Whether `prepare` has anything to do."""
        return not self.busy and (self._preparing is not None or bool(self._stale))

    def prepare(self, now: datetime, enough: Enough) -> None:
        """Make what the next filter or order would have to make first, until that is done or `enough`."""
        if self._preparing is None:
            self._preparing = self._prepare(now)
        for _ in self._preparing:
            if enough():
                return
        self._preparing = None

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
        keys = list(self.table.keys(self.store))
        for at in range(0, len(keys), STEP // 2):
            for key in keys[at : at + STEP // 2]:
                row = self._row(self.store, key)
                if row is not None:
                    self._rows[key] = row
                    self._find_place(key)
            yield 0.8 * at / len(keys)
        keys = list(self._rows)
        order = ordered(keys, [self._own_place(key) for key in keys])
        self._all = yield from stretch(order, 0.8, 1)

    def _arrange(self, look: Look, now: datetime) -> Work[None]:
        """The rows of a query. They become those of the listing at the end, all at once."""
        if not look.by_key:
            yield from stretch(self._freshen(), 0, 0.3)
        alike = self._arranged and look.same_rows(self._look)
        same = alike and not look.moves
        turned = self._arranged and not look.moves and look.turns_round(self._look)
        narrower = same or (self._arranged and not alike and look.narrows(self._look))
        keys = chosen = self.keys if narrower or turned else self._all
        if not (look.selects_all or same or turned):
            chosen = []
            for at in range(0, len(keys), STEP):
                chosen += look.selected(keys[at : at + STEP], self._rows, self._texts, self.store, now)
                yield 0.3 + 0.3 * at / len(keys)
        if turned:
            chosen = self._turned(look)
        elif not narrower and look.column is not None:
            chosen = yield from stretch(self._sorted(chosen, look), 0.6, 1)
        elif not narrower and look.query.descending:
            chosen = chosen[::-1]
        self._held = yield from self._hold(chosen if look.moves else (), look, as_before=narrower)
        self.keys, self._look, self._arranged = chosen, look, True

    def _sorted(self, keys: Sequence[Any], look: Look) -> Work[list[Any]]:
        """Keys by the values of a column; they come in the table's own order."""
        known: list[Any] = []
        unknown: list[Any] = []
        values: list[Any] = []
        rows, value_of = self._rows, look.value
        for at in range(0, len(keys), 2 * STEP):
            for key in keys[at : at + 2 * STEP]:
                value = value_of(rows[key])
                if value is None:
                    unknown.append(key)
                else:
                    known.append(key)
                    values.append(value)
            yield 0.3 * at / len(keys)
        down = look.query.descending
        done = yield from stretch(ordered(known, values, descending=down), 0.3, 1)
        return done + (unknown[::-1] if down else unknown)

    def _hold(self, keys: Sequence[Any], look: Look, *, as_before: bool) -> Work[dict[Any, Any]]:
        """What rows are sorted by now; `as_before`: what they were sorted by. Of rows not listed nothing is kept."""
        held: dict[Any, Any] = {}
        for at in range(0, len(keys), 2 * STEP):
            some = keys[at : at + 2 * STEP]
            held.update((key, self._held[key] if as_before else look.rank(self._rows[key])) for key in some)
            yield 1.0
        return held

    def _turned(self, look: Look) -> list[Any]:
        """What is listed, in the opposite order; what is unknown stays at the end."""
        keys, known = self.keys, len(self.keys)
        if look.column is not None:
            known = bisect_left(keys, True, key=lambda key: look.value(self._rows[key]) is None)
        return keys[:known][::-1] + keys[known:][::-1]

    def _freshen(self) -> Work[None]:
        """Rows that changed since they were made."""
        many = len(self._stale)
        while self._stale:
            for _ in range(min(MADE, len(self._stale))):
                self._refresh(self._stale.pop())
            yield 1 - len(self._stale) / many

    def _prepare(self, now: datetime) -> Work[None]:
        """What filters search."""
        yield from self._freshen()
        keys = tuple(self._rows)
        for at in range(0, len(keys), MADE):
            for key in keys[at : at + MADE]:
                if (row := self.row(key)) is not None:
                    self._texts.folded(key, row, now)
            yield at / len(keys)

    # --- changes ---------------------------------------------------------------------------------------------------

    def _remake(self, keys: Sequence[Any], now: datetime, changed: set[Any], gone: list[Any]) -> bool:
        """Make a few rows again, or mark them. True when any came, went or changed places."""
        rows, places, look = self._rows, self._places, self._look
        if self._lazy and look.by_key:
            assert self.table.objects is not None
            objects = self.table.objects(self.store)
            only_changed = [key for key in keys if key in rows and key in objects]
            self._stale.update(only_changed)
            changed.update(only_changed)
            keys = [key for key in keys if (key in rows) != (key in objects)]
        made = {key: self._made(key) for key in keys}
        if look.query.within is None and look.allows is None:  # these depend on more than the row
            made = {key: row for key, row in made.items() if row != rows.get(key)}
        for key in made:
            self._texts.forget(key)
        fresh = {key: row for key, row in made.items() if row is not None}
        chosen = look.selected(list(fresh), fresh, self._texts, self.store, now)

        came = [key for key in fresh if key not in rows]
        went = [key for key, row in made.items() if row is None and key in rows]
        before = {key: self._place(key) for key in made if self.index_of(key) is not None}
        changed.update(key for key in chosen if fresh[key] != rows.get(key))
        gone += [rows[key] for key in went if key in before]
        self._stale.difference_update(made)
        for key in came:
            self._find_place(key)
        after = {key: self._belongs(key, fresh[key]) for key in chosen}
        leave = [key for key in before if before[key] != after.get(key)]
        enter = [key for key in after if after[key] != before.get(key)]

        down, one_list = look.query.descending, self.keys is self._all
        if not one_list:
            self.keys = without(self.keys, leave, self._place, descending=down)
        self._all = joined(without(self._all, went, self._own_place), came, self._own_place)
        rows.update(fresh)  # from here on places are the new ones
        for key in went:
            del rows[key]
            places.pop(key, None)
        self.keys = self._all if one_list else joined(self.keys, enter, self._place, descending=down)
        if look.moves:
            self._held.update((key, look.rank(rows[key])) for key in enter)
            for key in leave:
                if key not in after:
                    del self._held[key]
        return bool(leave or enter)

    def _refresh(self, key: Any) -> None:
        """Make a row again that is where it was."""
        self._stale.discard(key)
        self._texts.forget(key)
        row = self._made(key)
        if row is not None:  # else it is gone, and noted
            self._rows[key] = row

    def _made(self, key: Any) -> Any | None:
        """A row as it is now. Where devices only do something else, which they do every second, the rest stays."""
        row = self._rows.get(key)
        if row is None or key in self._other or self.table.live is None:
            self._other.discard(key)
            return self._row(self.store, key)
        return replace(row, live=self.table.live(self.store, row))

    def _place(self, key: Any) -> Any:
        return self._belongs(key, self._rows[key])

    def _belongs(self, key: Any, row: Any) -> Any:
        """Where a row belongs: where it was put, if what it is sorted by changes all the time."""
        own = self._own_place(key)
        return (self._held[key], own) if key in self._held else self._look.place(row, own)

    def _own_place(self, key: Any) -> Any:
        """Where the table's own order has a row; never the same for two."""
        return self._places[key] if self.table.order is not None else key

    def _find_place(self, key: Any) -> None:
        if self.table.order is not None:
            self._places[key] = self.table.order(key), key


def table_of(query: Query) -> Table[Any]:
    """The table that a query is about."""
    table = TABLES.get(query.kind)
    if table is None:
        raise UsageFailure(f"there is no kind {query.kind!r}", hint=f"one of {', '.join(TABLES)}")
    return table
