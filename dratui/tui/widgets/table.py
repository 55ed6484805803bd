"""The virtual table: any number of rows, of which only those on the screen are ever looked at.

The cursor belongs to an object, not to a line: whatever is inserted, removed or sorted elsewhere, it stays where it is
put. Nothing in here takes time in the number of rows.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from textual import events
from textual.message import Message
from textual.strip import Strip

from dratui.terminal import fit, width
from dratui.tui.lines import Line, Part
from dratui.tui.themes import Skin
from dratui.tui.widgets import row as rows
from dratui.tui.widgets.columns import FIXED, GAP, NAME, PROSE, Layout, arrange
from dratui.tui.widgets.pane import Pane
from dratui.views.listing import Delta, Listing
from dratui.views.live import measured
from dratui.views.table import Column

FLASH_SECONDS: Final = 0.7
WHEEL: Final = 3


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where someone is in a table, to come back to: the object, and how far down the screen it shows."""

    key: Hashable | None = None
    line: int = 0


class VirtualTable(Pane):
    """Shows a listing. What to do with a chosen row is for whoever hears the messages."""

    class Moved(Message):
        """The cursor is elsewhere."""

    class Opened(Message):
        """The row under the cursor was clicked twice."""

    def __init__(
        self,
        skin: Skin,
        listing: Listing,
        now: datetime,
        explain: Callable[[], Sequence[Line]],
        *,
        id: str,  # noqa: A002
    ) -> None:
        super().__init__(skin, id=id)
        self.listing = listing
        self._explain = explain  # what to say where there are no rows
        self.chosen_column = ""  # by title; for sorting
        self._now = now
        self._columns: tuple[tuple[int, Column[Any]], ...] = ()
        self._natural: list[int] = []
        self._arranged = Layout((), 0, 0)
        self._measured = False  # whether there are live columns
        self._first_column = 0
        self._sought = ""  # the title of a column that is to be on the screen
        self._top = 0
        self._index = 0
        self._key: Hashable | None = None
        self._kept = (
            False  # the cursor was put somewhere; until then it stays on the first row while rows stream in
        )
        self._faces: dict[Hashable, rows.Face] = {}
        self._strips: dict[Hashable, tuple[object, Strip]] = {}
        self._flashing: dict[Hashable, Mapping[int, str]] = {}  # how columns changed

    # --- what is shown ---------------------------------------------------------------------------------------------

    def show(self, listing: Listing, now: datetime, cursor: Cursor | None = None) -> None:
        """Show a listing from its start, or from where someone left it."""
        self.listing, self._now = listing, now
        self._faces.clear()
        self._flashing.clear()
        self._columns, self._natural, self._first_column = (), [], 0
        self._kept = cursor is not None and cursor.key is not None
        self._key, self._top, self._index = None, 0, 0
        index = listing.index_of(cursor.key) if cursor is not None and cursor.key is not None else None
        if index is not None and cursor is not None:
            self._place(index)
            self._top = max(0, index - cursor.line)
        else:
            self._place(0)
        self.reshape()

    def reshape(self) -> None:
        """The columns to show or their headings changed (the query's wide form, its order)."""
        table, query = self.listing.table, self.listing.query
        self._measured = measured(self.listing.store)
        shown = table.shown(wide=query.wide, live=self._measured)
        if query.namespace and table.namespaced:
            shown = tuple(c for c in shown if c.title != "NAMESPACE")  # the same in every row
        columns = tuple((table.columns.index(c), c) for c in shown)
        if columns != self._columns:
            self._columns = columns
            self._natural = [width(c.title) + 1 for c in shown]
            self._faces.clear()
        self.repaint()

    def reorder(self, now: datetime) -> None:
        """The listing was asked something else: other rows, or another order."""
        self._now = now
        self._faces.clear()
        self._follow()
        self.reshape()

    def reveal(self, title: str) -> None:
        """Scroll to a column, if it is beyond the right edge."""
        self._sought = title
        self.repaint()

    def changed(self, delta: Delta, now: datetime, *, settled: bool) -> None:
        """The listing took in changes. While it is not `settled` an untouched cursor stays on the first row."""
        self._now = now
        if measured(self.listing.store) is not self._measured:
            self.reshape()
        before = {key: self._faces.pop(key) for key in delta.changed if key in self._faces}
        flashed: dict[Hashable, Mapping[int, str]] = {}
        for key, old in before.items():
            new = self._face(key)
            if new is not None and (signs := rows.differing(old, new, self._columns)):
                flashed[key] = {**self._flashing.get(key, {}), **signs}
        if flashed:
            self._flashing |= flashed
            self.set_timer(FLASH_SECONDS, lambda: self._unflash(flashed))
        if delta.moved:
            self._follow()
        self._kept |= settled
        self.repaint()

    def stay_on_top(self) -> None:
        """Rows will be in another order: who is on the first one wants to see the first one then."""
        self._kept &= self._index > 0

    def tick(self, now: datetime) -> None:
        """Time passed: ages may read differently."""
        self._now = now
        self._faces.clear()
        self.repaint()

    def as_text(self) -> Iterable[tuple[str, ...]]:
        """Every row of the listing with its shown columns, one by one: there may be very many."""
        yield tuple(column.title for _, column in self._columns)
        columns = self._columns
        listing = self.listing
        for key in tuple(listing.keys):
            if (row := listing.row(key)) is not None:
                yield rows.face(row, listing.table.text(row, self._now), columns, self._now).cells

    # --- the cursor ------------------------------------------------------------------------------------------------

    @property
    def key(self) -> Hashable | None:
        """The object under the cursor; None when there is none."""
        return self._key

    @property
    def index(self) -> int:
        """The cursor's place among the rows, from 0."""
        return self._index

    @property
    def cursor(self) -> Cursor:
        """Where the cursor is, to come back to."""
        return Cursor(self._key, self._index - self._top)

    def window(self) -> Iterator[tuple[Hashable, Any]]:
        """The rows on the screen, then those of a page below and a page above."""
        keys, top, page = self.listing.keys, self._top, self._page
        for key in (*keys[top : top + 2 * page], *reversed(keys[max(top - page, 0) : top])):
            if (row := self.listing.row(key)) is not None:
                yield key, row

    @property
    def shown_columns(self) -> tuple[Column[Any], ...]:
        """The columns of the form in use, on the screen or beyond its edge."""
        return tuple(c for _, c in self._columns)

    def go(self, where: str) -> None:
        """Move the cursor, or the columns."""
        page = max(self._page - 1, 1)
        match where:
            case "down":
                self._move(self._index + 1)
            case "up":
                self._move(self._index - 1)
            case "page_down":
                self._move(self._index + page)
            case "page_up":
                self._move(self._index - page)
            case "top":
                self._move(0)
            case "bottom":
                self._move(self._count - 1)
            case "left":
                self._first_column = max(self._first_column - 1, 0)
                self.repaint()
            case "right":
                if self._layout(self.size.width).right > 0:
                    self._first_column += 1
                    self.repaint()

    def on_click(self, event: events.Click) -> None:
        """Choose the row that was clicked; open it when clicked again at once."""
        index = self._top + event.y - 1
        if event.y >= 1 and index < self._count:
            self._move(index)
            if event.chain == 2:
                self.post_message(self.Opened())

    def on_mouse_scroll_down(self) -> None:
        """The wheel moves the cursor along."""
        self._move(self._index + WHEEL)

    def on_mouse_scroll_up(self) -> None:
        """The wheel moves the cursor along."""
        self._move(self._index - WHEEL)

    def _move(self, index: int) -> None:
        self._kept = True
        self._place(index)
        self._reveal()
        self.repaint()
        self.post_message(self.Moved())

    def _place(self, index: int) -> None:
        count = self._count
        self._index = max(0, min(index, count - 1))
        self._key = self.listing.keys[self._index] if count else None

    def _reveal(self) -> None:
        page = self._page
        self._top = max(min(self._top, self._index), self._index - page + 1, 0)
        self._top = max(0, min(self._top, self._count - page))

    def _follow(self) -> None:
        """Keep the cursor on its object, and the object on its line of the screen where the rows allow."""
        line = self._index - self._top
        index = self.listing.index_of(self._key) if self._kept else 0
        self._place(self._index if index is None else index)
        if self._top:
            self._top = max(0, self._index - line)
        self._reveal()

    @property
    def _count(self) -> int:
        return len(self.listing.keys)

    @property
    def _page(self) -> int:
        return max(self.size.height - 1, 1)

    # --- drawing ---------------------------------------------------------------------------------------------------

    def draw(self, columns: int, lines: int) -> Sequence[Strip]:
        """The headings, and the rows from the top of the window."""
        if not self._count:
            return [self.ink((), columns), *(self.ink(line, columns) for line in self._explain())]
        self._reveal()
        keys = self.listing.keys[self._top : self._top + lines - 1]
        faces = [(key, shown) for key in keys if (shown := self._face(key)) is not None]
        self._seek(columns)
        layout = self._layout(columns)
        before, self._strips = self._strips, {}
        self._faces = dict(faces)
        return [
            self.ink(self._headings(layout, columns), columns),
            *(self._strip(key, shown, layout, columns, before) for key, shown in faces),
        ]

    def _seek(self, columns: int) -> None:
        """Scroll to the column that is to be revealed."""
        titles = [column.title for _, column in self._columns]
        if self._sought in titles:
            wanted = titles.index(self._sought)
            while (layout := self._layout(columns)).right and wanted not in [s.column for s in layout.spans]:
                self._first_column += 1
        self._sought = ""

    def _strip(
        self,
        key: Hashable,
        shown: rows.Face,
        layout: Layout,
        columns: int,
        before: dict[Hashable, tuple[object, Strip]],
    ) -> Strip:
        flashing = self._flashing.get(key, {})
        at_cursor = key == self._key
        made_of = (shown, flashing, at_cursor, layout, columns, self.skin.changes)
        kept = before.get(key)
        if kept is None or kept[0] != made_of:
            line = rows.line(shown, self._columns, layout, flashing, self.skin)
            kept = (made_of, self.ink(line, columns, self.skin.cursor if at_cursor else None))
        self._strips[key] = kept
        return kept[1]

    def _headings(self, layout: Layout, columns: int) -> list[Part]:
        query = self.listing.query
        parts: list[Part] = [("‹" if layout.left else " ", self.skin.accent)]
        end = 1
        for number, span in enumerate(layout.spans):
            column = self._columns[span.column][1]
            mark = (
                ("↓" if query.descending is not column.ticks else "↑") if column.title == query.sort else ""
            )
            ink = self.skin.accent if column.title == self.chosen_column else self.skin.dim
            if number:
                parts.append((" " * GAP, self.skin.plain))
            parts.append((fit(column.title + mark, span.width, column.align), ink))
            end = 1 + span.x + span.width
        if layout.right:
            parts += [(" " * (columns - end - 1), self.skin.plain), ("›", self.skin.accent)]
        return parts

    def _layout(self, columns: int) -> Layout:
        titles = [c.title for _, c in self._columns]
        pinned = titles.index("NAME") + 1 if "NAME" in titles else 1
        enough = [
            PROSE if c.prose else NAME if c.grow or n < pinned else FIXED
            for n, (_, c) in enumerate(self._columns)
        ]
        layout = arrange(self._natural, enough, pinned=pinned, first=self._first_column, room=columns - 2)
        if layout != self._arranged:  # the same one object compares quickly with every row's
            self._arranged = layout
        return self._arranged

    def _face(self, key: Hashable) -> rows.Face | None:
        if (shown := self._faces.get(key)) is not None:
            return shown
        row = self.listing.row(key)
        if row is None:
            return None
        shown = self._faces[key] = rows.face(
            row, self.listing.table.text(row, self._now), self._columns, self._now
        )
        self._natural = [max(a, b) for a, b in zip(self._natural, rows.needs(shown), strict=True)]
        return shown

    def _unflash(self, flashed: Mapping[Hashable, Mapping[int, str]]) -> None:
        """These have flashed long enough, unless they changed again."""
        for key, signs in flashed.items():
            if self._flashing.get(key) is signs:
                del self._flashing[key]
        self.repaint()
