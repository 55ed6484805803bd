"""Which nodes one looks at: only their devices are measured."""

from collections.abc import Iterable, Iterator
from typing import Final

from dratui.events import Source
from dratui.samples import OnDemand
from dratui.tui.guide import Guide
from dratui.tui.places import Card, Overview
from dratui.tui.screens.face import World
from dratui.tui.screens.rows import RowsFace
from dratui.views.tables import TABLES
from dratui.views.whereabouts import nodes_behind, nodes_with_devices

LOOK_SECONDS: Final = 0.5  # between two looks at what shows


class Attention:
    """Tells the source which nodes are on the screen, the most important first, when those are others than before.

    Of a table the rows that show, then some around them; sorted by what is measured, all nodes that have devices, as
    the overview. What is no table, card or overview leaves it as it was.
    """

    def __init__(self, world: World, source: Source, guide: Guide) -> None:
        self._world = world
        self._source = source if isinstance(source, OnDemand) else None
        self._guide = guide
        self._wanted: tuple[str, ...] = ()

    @property
    def asked_for(self) -> bool:
        """Whether the source cares; a recording does not."""
        return self._source is not None

    def look(self) -> None:
        """See what shows."""
        if self._source is None or (nodes := self._nodes()) is None:
            return
        wanted = tuple(dict.fromkeys(nodes))
        if wanted != self._wanted:
            self._wanted = wanted
            self._source.want(wanted)

    def _nodes(self) -> Iterable[str] | None:
        store = self._world.store
        match self._guide.place:
            case Overview():
                return nodes_with_devices(store)
            case Card(kind, key):
                row = TABLES[kind].row(store, key)
                return None if row is None else nodes_behind(store, kind, key, row)
        table = self._guide.face.table
        return self._nodes_of(table) if table is not None and not table.coming else None

    def _nodes_of(self, rows: RowsFace) -> Iterator[str]:
        store = self._world.store
        for key, row in rows.view.window():
            yield from nodes_behind(store, rows.query.kind, key, row)
        if rows.sorted_by_live:
            yield from nodes_with_devices(store)
