"""What a recording holds at a time: of every stream, what was listed, put and not gone since; and how it does.

The store does the same, and joins the rows. Here a row is whatever whoever follows a recording keeps of an object.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Generic, TypeVar

from dratui.api.model import ObjectKey
from dratui.events import Health
from dratui.history import Journal

V = TypeVar("V")


class Mirror(Generic[V]):
    """Implements `dratui.history.State`."""

    def __init__(self) -> None:
        self.journal: Journal | None = None
        self.tables: defaultdict[str, dict[ObjectKey, V]] = defaultdict(dict)
        self.health: dict[str, Health] = {}
        self.listed: dict[str, set[ObjectKey]] = {}  # so far, by lists under way

    def rows(self) -> dict[str, dict[ObjectKey, V]]:
        """The rows of every stream that has any, by key: copies of the dicts."""
        return {stream: table.copy() for stream, table in self.tables.items() if table}

    def became(self, stream: str, health: Health) -> None:
        """A stream's health is said."""
        old = self.health.get(stream)
        self.health[stream] = health
        if self.journal is not None and old != health:
            self.journal.became(stream, old, health)

    def page(self, stream: str, rows: Iterable[tuple[ObjectKey, V]], *, first: bool, last: bool) -> None:
        """A piece of a list. With the last, what it did not name is gone."""
        listed = set() if first else self.listed.get(stream, set())
        for key, row in rows:
            listed.add(key)
            self.put(stream, key, row, listing=True)
        self.listed[stream] = listed
        if last:
            for key in self.tables[stream].keys() - listed:
                self.gone(stream, key, listing=True)
            del self.listed[stream]
            if self.journal is not None:
                self.journal.listed(stream)

    def put(self, stream: str, key: ObjectKey, row: V, *, listing: bool = False) -> None:
        """An object came or changed."""
        table = self.tables[stream]
        old = table.get(key)
        if old != row:
            table[key] = row
            if self.journal is not None:
                self.journal.changed(stream, old, row, listing=listing)

    def gone(self, stream: str, key: ObjectKey, *, listing: bool = False) -> None:
        """An object was deleted."""
        old = self.tables[stream].pop(key, None)
        if old is not None and self.journal is not None:
            self.journal.changed(stream, old, None, listing=listing)
