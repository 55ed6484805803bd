"""Any table: the listing that a query asks for, and what enter, filter and sort do to the query."""

import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Any, Final

from dratui.cluster.store import Changes
from dratui.events import SETTLED
from dratui.failure import Failure
from dratui.terminal import clean
from dratui.tui.asking import KINDS
from dratui.tui.lines import Line, Part, line_width
from dratui.tui.live import absent, why_unknown
from dratui.tui.places import Card, Place, Rows, name_of
from dratui.tui.screens.face import Chosen, Face, World
from dratui.tui.turns import ENTER_SECONDS, SLICE_SECONDS, until
from dratui.tui.widgets.table import Cursor, VirtualTable
from dratui.views.listing import Delta, Listing
from dratui.views.live import measured
from dratui.views.navigation import drill
from dratui.views.query import Query
from dratui.views.slicing import Enough
from dratui.views.table import Style

PROGRESS_SECONDS: Final = 0.1  # between two words on how far the work is
SETTLES: Final = 5  # seconds between two orders of rows that are sorted by a measured value
UNCHANGED: Final = Delta(frozenset(), moved=False)


class RowsFace(Face[VirtualTable]):
    """Shows one table at a time, whichever the query names.

    What takes longer than a moment is done in turns: `wake` is called when there is something to do.
    """

    def __init__(
        self,
        world: World,
        favourites: Callable[[], Sequence[str]],
        wake: Callable[[], None],
        *,
        id: str = "rows",  # noqa: A002 — Textual's word
    ) -> None:
        self._world = world
        self._favourites = favourites
        self._wake = wake
        self._listing = Listing(world.store, Query(kind="claims"), world.now())
        self._mark: Cursor | None = None  # where the cursor is to be once there are rows
        self._told = 0.0  # when it was last said how far the work is
        self._here = False
        self._ticks = 0
        self._complete = False  # whether what the listing was told of is all there is
        self._coming = False  # whether the rows of the place were not yet there at all
        self._aside: Listing | None = None  # of the present, while one looks at the past
        self.view = VirtualTable(world.skin, self._listing, world.now(), self._explanation, id=id)

    @property
    def hints(self) -> tuple[str, ...]:
        """`x` where it has something to say."""
        why = ("why",) if self.query.kind in KINDS else ()
        return ("open", "describe", *why, "filter", "help", "command", "yaml")

    @property
    def query(self) -> Query:
        """What is asked for at present; the rows may not be there yet."""
        return self._listing.asked

    @property
    def coming(self) -> bool:
        """Whether the rows are not there yet."""
        return self._coming

    @property
    def sorted_by_live(self) -> bool:
        """Whether the order depends on what is measured, also of what does not show."""
        return any(c.live and c.title == self.query.sort for c in self._listing.table.columns)

    def enter(self, place: Rows, mark: Cursor | None) -> None:
        """Show a table; raises BadFilter."""
        now = self._world.now()
        listing = Listing(self._world.store, place.query, now, sliced=True)
        self._listing, self._mark, self._here, self._coming = listing, mark, True, True
        self._complete = self._all_known()
        self._begin(ENTER_SECONDS)
        if self._coming:
            self.view.show(listing, now)

    def recolour(self, place: Rows) -> None:
        """The table draws with the inks of the moment."""
        self.view.repaint()

    def anew(self) -> None:
        """Rows of another time. Those of the present are kept, so that one is back at once."""
        left, kept, mark = self._listing, self._aside, self.mark()
        there: Listing | None
        if kept is None or kept.store is not self._world.store:
            self._aside, there = left, left.of(self._world.store)
        else:
            there = kept if kept.asked == left.asked else None
        if there is None:
            self.enter(Rows(left.asked), mark)
        else:
            self._listing, self._mark, self._coming = there, mark, False
            self.view.show(there, self._world.now(), mark)
            self._begin()

    def meanwhile(self, changes: Changes) -> None:
        """The present changed, at which one does not look."""
        if self._aside is not None:
            self._aside.note(changes)

    def forget(self) -> None:
        """One is back."""
        self._aside = None

    def leave(self) -> None:
        """What was not done is not needed."""
        self._here = False

    def ask(self, query: Query) -> None:
        """Look at the same table differently; the cursor stays on its object. Raises BadFilter."""
        self._listing.ask(query, self._world.now())
        self._begin()

    @property
    def busy(self) -> bool:
        """Whether rows are to be made, found or sorted."""
        return self._here and self._listing.busy

    @property
    def unprepared(self) -> bool:
        """Whether a filter would have to make rows first."""
        return self._here and self._listing.unprepared

    def prepare(self, enough: Enough) -> None:
        """Make some of them."""
        self._listing.prepare(self._world.now(), enough)

    def advance(self, enough: Enough) -> None:
        """Make, find and sort some rows."""
        listing, now = self._listing, self._world.now()
        working = listing.working
        delta = listing.advance(now, enough)
        if delta.anew and self._coming:
            self._coming = False
            self.view.show(listing, now, self._mark)
        elif delta.anew:
            self.view.reorder(now)
        if delta.changed or delta.moved:
            self.view.changed(delta, now, settled=self._settled())
        if working and (not listing.working or time.monotonic() >= self._told + PROGRESS_SECONDS):
            self._told = time.monotonic()
            self.view.post_message(VirtualTable.Moved())  # the title says how far it is

    def _begin(self, seconds: float = SLICE_SECONDS) -> None:
        """Most tables take no longer than a moment."""
        self.advance(until(seconds))
        self._wake()

    @property
    def narrowed(self) -> str:
        """The filter."""
        return self.query.filter

    def narrow(self, text: str) -> None:
        """Show only the rows that match. Raises BadFilter."""
        self.ask(replace(self.query, filter=text))

    def mark(self) -> Cursor:
        """Where the cursor is."""
        return self._mark or Cursor() if self._coming else self.view.cursor

    def changed(self, changes: Changes) -> None:
        """Rows changed, or why there are none."""
        self._listing.note(changes)
        self._complete = self._all_known()
        self._begin()
        if changes.health:
            self.view.changed(UNCHANGED, self._world.now(), settled=self._settled())

    def tick(self) -> None:
        """Ages; and what moved by itself is put in order, though not each second."""
        self._ticks += 1
        if self._ticks % SETTLES == 0:
            self._listing.settle(self._world.now())
            self._begin()
        self.view.tick(self._world.now())

    @property
    def table(self) -> "RowsFace":
        """This."""
        return self

    def row(self, key: Hashable) -> Any | None:
        """A row, whether it shows or not."""
        return self._listing.row(key)

    def chosen(self) -> Chosen | None:
        """The row under the cursor."""
        return Chosen(self.query.kind, self.view.key) if self.view.key is not None else None

    def onward(self) -> Place | None:
        """What the row under the cursor holds; where a table ends, its card."""
        chosen = self.chosen()
        row = self._listing.row(chosen.key) if chosen is not None else None
        if chosen is None or row is None:
            return None
        query = drill(self._world.store, chosen.kind, row)
        return Rows(query) if query is not None else Card(chosen.kind, chosen.key)

    def order_by(self, title: str) -> tuple[str, bool]:
        """Column and direction after a key that sorts: the chosen column without a `title`; once more, reversed.

        Tables name the same thing differently: `NAME` is the column that names the row, `STATE` the one with glyphs.
        """
        table = self._listing.table
        titles = [c.title for c in table.columns]
        chosen = self.view.chosen_column  # maybe of another table
        title = title or (chosen if chosen in titles else self.query.sort or titles[0])
        if title not in titles and title == "NAME":
            title = table.singular.upper()
        if title == "STATE":
            title = next((c.title for c in table.columns if c.glyph), title)
        self.view.chosen_column = title
        column = next((c for c in table.columns if c.title == title), None)
        if column is not None and column.live and not measured(self._world.store):
            raise Failure("nothing here is measured", hint=":health says why")
        self.view.reveal(title)
        self.view.stay_on_top()
        down = column is not None and column.moves  # the youngest, or what has most
        return title, not self.query.descending if title == self.query.sort else down

    def choose_column(self, by: int) -> None:
        """Take the next column for sorting by."""
        titles = [c.title for c in self.view.shown_columns]
        chosen = self.view.chosen_column or self.query.sort
        at = titles.index(chosen) + by if chosen in titles else 0 if by > 0 else -1
        self.view.chosen_column = titles[at % len(titles)]
        self.view.repaint()

    # --- words -----------------------------------------------------------------------------------------------------

    def headline(self) -> tuple[Line, Line]:
        """`Claims(ml-team)[41]</filter>`, and where in it the cursor is."""
        skin, query, table = self._world.skin, self._listing.query, self._listing.table
        shown, total = len(self._listing.keys), self._listing.total
        where = query.namespace or "all" if table.namespaced else ""
        parts: list[Part] = [(f" {table.title}", skin.strong)]
        if where:
            parts.append((f"({where})", skin.dim))
        parts.append((f"[{shown}]" if shown == total else f"[{shown} of {total}]", skin.plain))
        if query.within is not None:
            parts.append((f" of {name_of(query.within.key)}", skin.dim))
        if query.filter:
            parts.append((f"</{query.filter}>", skin.accent))
        if query.faults_only:
            parts.append((" faults only", skin.states[Style.FAULT]))
        if self._listing.working:
            parts.append((f" … {self._listing.progress:.0%}", skin.states[Style.WAITING]))
        right: Line = ((f" {self.view.index + 1}/{shown} ", skin.dim),) if shown else ()
        if table.namespaced:
            room = self.view.app.size.width - line_width(parts) - line_width(right)
            parts += self._namespaces(room)
        return tuple(parts), right

    def _namespaces(self, room: int) -> list[Part]:
        """The favourites and their numbers, as many as there is room for."""
        skin = self._world.skin
        parts: list[Part] = [("   ", skin.plain)]
        for number, namespace in enumerate(("", *self._favourites())):
            ink = skin.accent if namespace == self.query.namespace else skin.dim
            parts.append((f" {number} {clean(namespace) or 'all'} ", ink))
            if line_width(parts) > room:
                return parts[:-1]
        return parts

    def _explanation(self) -> Sequence[Line]:
        """Why there are no rows, and what was looked at."""
        skin, query, table = self._world.skin, self._listing.query, self._listing.table
        if self._coming:
            return [((f"  Looking through {table.title.lower()} …", skin.dim),)]
        unknown = why_unknown(self._world.store.health, table.streams)
        lines: list[Line] = []
        if self._listing.total and query.only is not None and not query.filter:
            pass  # who selected the rows says so
        elif self._listing.total or not unknown or self._absent():
            said = "No row matches." if self._listing.total else table.empty
            lines.append(((f"  {said}", skin.plain),))
        looked_at = [
            f"namespace {query.namespace}" if query.namespace else "",
            f"{name_of(query.within.key)} only" if query.within is not None else "",
            f"filter /{query.filter}" if query.filter else "",
            "faults only" if query.faults_only else "",
        ]
        if any(looked_at):
            lines.append(((f"  Looked at: {', '.join(filter(None, looked_at))}.", skin.dim),))
        lines += [((f"  {text}", skin.states[style]),) for text, style in unknown]
        return lines

    def _absent(self) -> bool:
        """Whether the cluster has no such kind."""
        health = self._world.store.health
        return any(
            absent(stream, health[stream]) for stream in self._listing.table.streams if stream in health
        )

    def _settled(self) -> bool:
        return self._complete and not self._listing.busy

    def _all_known(self) -> bool:
        health = self._world.store.health
        return all(
            stream in health and health[stream].phase in SETTLED for stream in self._listing.table.streams
        )
