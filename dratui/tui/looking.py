"""How what shows is looked at: the namespace, the order, the columns, the filter. Turns keys into queries."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from dratui.tui.guide import Guide
from dratui.tui.places import Place, Rows
from dratui.tui.screens.rows import RowsFace
from dratui.views.tables import TABLES

FAVOURITES: Final = 9  # keys 1 to 9


class Looking:
    """Remembers the namespace from table to table, and those that keys stand for.

    Keys that concern tables do nothing where none shows. What cannot be looked at raises Failure, and what showed
    still does.
    """

    def __init__(self, guide: Guide, rows: RowsFace, namespace: str) -> None:
        self._guide = guide
        self._rows = rows
        self.namespace = namespace  # of the last table that has any; empty for all
        self._first = [namespace] if namespace else []
        self.favourites = self._first
        self._told = False  # whether their keys were on the screen: then they stay what they are

    def meet(self, namespaces: Callable[[], Iterable[str]]) -> None:
        """These become favourites, as long as keys are left."""
        self._told |= self._guide.face is self._rows
        known = self.favourites if self._told else self._first
        if len(known) < FAVOURITES:
            new = [n for n in namespaces() if n not in known]
            self.favourites = (known + new)[:FAVOURITES]

    def came(self, place: Place) -> None:
        """Someone named a place; if it is a table, also its namespace."""
        if isinstance(place, Rows) and (place.query.namespace or TABLES[place.query.kind].namespaced):
            self.namespace = place.query.namespace

    def narrow(self, text: str) -> None:
        """Filter a table, or mark in a text."""
        self._guide.face.narrow(text)
        if self._guide.face is self._rows:
            self._guide.look(Rows(self._rows.query))

    def choose_namespace(self, number: int) -> None:
        """All, or one of the favourites."""
        if number <= len(self.favourites):
            self.namespace = ("", *self.favourites)[number]
            self._ask(namespace=self.namespace)

    def choose_column(self, by: int) -> None:
        """Choose the column to sort by."""
        if (table := self._guide.face.table) is not None:
            table.choose_column(by)

    def sort(self, title: str) -> None:
        """Sort by a column; without a title by the chosen one. In a text with marks, `N` goes back to the last."""
        if title == "NAME" and self._guide.face.next_match(-1):
            return
        if (table := self._guide.face.table) is not None:
            sort, descending = table.order_by(title)
            self._ask(sort=sort, descending=descending)

    def widen(self) -> None:
        """More columns, or fewer."""
        if (table := self._guide.face.table) is not None:
            self._ask(wide=not table.query.wide)

    def faults_only(self) -> None:
        """Only what needs a person, or all."""
        if (table := self._guide.face.table) is not None:
            self._ask(faults_only=not table.query.faults_only)

    def _ask(self, **changes: object) -> None:
        if (table := self._guide.face.table) is not None:
            query = replace(table.query, **changes)  # type: ignore[arg-type]  # our own callers name fields
            table.ask(query)
            if table is self._rows:
                self._guide.look(Rows(query))
