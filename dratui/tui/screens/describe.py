"""One object in words: a card a section, each of which opens and closes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from textwrap import wrap
from typing import Any

from dratui.cluster.store import Changes
from dratui.failure import Failure
from dratui.terminal import fit, width
from dratui.tui.lines import Line
from dratui.tui.places import Card, Place, Rows, name_of
from dratui.tui.screens.cells import LONGEST_BAR, SHORTEST_BAR, gauge
from dratui.tui.screens.face import Chosen, Face, World
from dratui.tui.themes import GLYPHS
from dratui.tui.widgets.board import Block, Board, Entry
from dratui.views import gauges
from dratui.views.describe import LIVE, Cell, Document, Field, Section, describe
from dratui.views.navigation import drill
from dratui.views.table import Style
from dratui.views.tables import TABLES

UNIT = 16  # columns at most for a unit of a drawing
INDENT = 2  # of a value whose label has a line of its own


@dataclass(frozen=True, slots=True)
class Spot:
    """A line of the document that can be under the cursor; `field` is -1 for a section's title."""

    section: str
    field: int


class DescribeFace(Face[Board]):
    """Shows a document; it is made again when the store changes."""

    hints = ("back", "fold", "open", "yaml", "copy", "help")

    def __init__(self, world: World) -> None:
        self._world = world
        self.view = Board(world.skin, id="describe")
        self._place: Card | None = None
        self._document: Document | None = None
        # What the person decided, by section; otherwise the document decides
        self._folded: dict[str, bool] = {}

    def enter(self, place: Card, mark: Spot | None) -> None:
        """Describe an object. Raises Failure when it is gone."""
        document = self._describe(place)
        if document is None:
            raise Failure(f"{TABLES[place.kind].singular} {name_of(place.key)!r} is gone")
        if place != self._place:
            self._folded = {}
            self.view.rewind()
        self._place, self._document = place, document
        self.view.set_blocks(self._blocks(document), item=mark)

    def mark(self) -> Spot | None:
        """The line under the cursor."""
        return self._spot()

    def changed(self, changes: Changes) -> None:
        """It may read differently. When the object is gone, its last description stays, and the title says so."""
        if changes:
            self._again()

    def _again(self) -> None:
        if self._place is not None:
            self._document = self._describe(self._place) or self._document
            if self._document is not None:
                self.view.set_blocks(self._blocks(self._document))

    def tick(self) -> None:
        """What is measured gets older, and its last minutes are others."""
        if self._document is not None and any(s.title == LIVE for s in self._document.sections):
            self._again()

    def toggle(self) -> None:
        """Open or close the section under the cursor."""
        spot = self._spot()
        if spot is not None and self._document is not None:
            section = next(s for s in self._document.sections if s.title == spot.section)
            self._folded[spot.section] = not self._closed(section)
            self.view.set_blocks(self._blocks(self._document), item=Spot(spot.section, -1))

    def headline(self) -> tuple[Line, Line]:
        """What it is, and its state."""
        if self._document is None or self._place is None:
            return (), ()
        skin, document = self._world.skin, self._document
        gone = self._describe(self._place) is None
        state = "gone" if gone else document.state
        style = Style.FAULT if gone else document.style
        glyph = f"{GLYPHS[style]} " if style in GLYPHS else ""
        return ((f" {document.title}", skin.strong),), ((f"{glyph}{state} ", skin.states[style]),)

    def chosen(self) -> Chosen | None:
        """The described object."""
        return Chosen(self._place.kind, self._place.key) if self._place is not None else None

    def onward(self) -> Place | None:
        """The object that the line under the cursor is about, else what the described one holds."""
        if self._place is None:
            return None
        if (leads := self._leads()) is not None:
            return Card(*leads)
        row = TABLES[self._place.kind].row(self._world.store, self._place.key)
        query = drill(self._world.store, self._place.kind, row) if row is not None else None
        return Rows(query) if query is not None else None

    def _describe(self, place: Card) -> Document | None:
        return describe(self._world.store, place.kind, place.key, self._world.now())

    def _spot(self) -> Spot | None:
        item = self.view.item
        return item if isinstance(item, Spot) else None

    def _leads(self) -> tuple[str, Any] | None:
        """The object that the line under the cursor is about, if it is one that is there."""
        spot = self._spot()
        if spot is None or spot.field < 0 or self._document is None:
            return None
        fields = next((s.fields for s in self._document.sections if s.title == spot.section), ())
        leads = fields[spot.field].leads if spot.field < len(fields) else None
        return leads if leads and TABLES[leads[0]].row(self._world.store, leads[1]) is not None else None

    def _closed(self, section: Section) -> bool:
        return self._folded.get(section.title, section.collapsed)

    def _blocks(self, document: Document) -> list[Block]:
        heights = [0, 0]
        blocks: list[Block] = []
        for section in document.sections:
            closed = self._closed(section)
            side = 0 if heights[0] <= heights[1] else 1
            heights[side] += 3 + (0 if closed else len(section.fields))
            sign = f"▸ {section.title} ({len(section.fields)})" if closed else f"▾ {section.title}"
            blocks.append(
                Block(
                    sign,
                    _nothing if closed else partial(self._entries, section),
                    right=len(blocks) + 1 if side else 0,
                    boxed=True,
                    item=Spot(section.title, -1),
                )
            )
        return blocks

    def _entries(self, section: Section, columns: int) -> Sequence[Entry]:
        room = columns // 2  # a longer label has a line of its own
        label = max((w for f in section.fields if (w := width(f.label)) <= room), default=INDENT)
        beside = max((width(f.value) for f in section.fields if f.share is not None), default=0)
        bars = min(LONGEST_BAR, columns - label - 2 - beside - 2)
        return [
            *self._drawing(section.cells, columns),
            *(
                entry
                for number, field in enumerate(section.fields)
                for entry in self._entry(field, Spot(section.title, number), label, bars, columns)
            ),
        ]

    def _drawing(self, cells: Sequence[Cell], columns: int) -> Sequence[Entry]:
        """Cells side by side, each as long as it is; what stands in them is cut, where it lies is not."""
        if not cells or (unit := min(UNIT, (columns - 1) // sum(cell.length for cell in cells))) < 2:
            return ()
        skin = self._world.skin
        edge = ("│", skin.dim)
        drawn, measured, below = [edge], [edge], [(" ", skin.plain)]
        for cell in cells:
            room = cell.length * unit - 1
            ink = skin.states[cell.style]
            drawn += [(fit(_labelled(cell, room), room, prose=True), ink), edge]
            measured += [*self._gauge(cell, room), edge]
            below += [(fit(cell.below, room), skin.plain), (" ", skin.plain)]
        if not any(cell.share is not None or cell.unknown for cell in cells):
            return [Entry(tuple(drawn)), Entry(tuple(below))]
        return [Entry(tuple(drawn)), Entry(tuple(measured)), Entry(tuple(below))]

    def _gauge(self, cell: Cell, room: int) -> Line:
        """What is measured of a cell, in exactly `room`."""
        skin = self._world.skin
        if cell.share is None:
            return ((fit(cell.unknown, room, prose=True), skin.states[Style.UNKNOWN]),)
        said = fit(f"{cell.share:.0%}", min(5, room), "right")
        return (*gauge(cell.share, room - width(said), skin, cell.style), (said, skin.plain))

    def _entry(self, field: Field, spot: Spot, label: int, bars: int, columns: int) -> list[Entry]:
        skin = self._world.skin
        ink = skin.states[field.style]
        beside = width(field.label) <= label
        indent = label + 2 if beside else INDENT
        if beside and (drawn := self._drawn(field, bars, columns - indent)):
            return [Entry(((fit(field.label, label), skin.dim), ("  ", skin.plain), *drawn), spot)]
        pieces = wrap(field.value, max(columns - indent, 1), break_on_hyphens=False) or [""]
        lines: list[Line] = [((" " * indent, skin.plain), (piece, ink)) for piece in pieces]
        if beside:
            lines[0] = ((fit(field.label, label), skin.dim), ("  ", skin.plain), (pieces[0], ink))
        else:
            lines.insert(0, ((field.label, skin.dim),))
        return [Entry(lines[0], spot), *(Entry(line) for line in lines[1:])]

    def _drawn(self, field: Field, bars: int, room: int) -> Line:
        """The line of a field that has more to show than words, if there is room; all bars are of one length."""
        skin, ink = self._world.skin, self._world.skin.states[field.style]
        if field.trail:
            return ((gauges.line(field.trail, room), skin.states[Style.HELD]),)
        if field.share is None or bars < SHORTEST_BAR:
            return ()
        style = Style.DIM if field.style is Style.DIM else Style.HELD
        return (*gauge(field.share, bars, skin, style), (f"  {field.value}", ink))


def _labelled(cell: Cell, room: int) -> str:
    """A cell's text with the glyph of its style, if there is room for both."""
    glyph = GLYPHS.get(cell.style, "")
    return f"{glyph} {cell.text}" if width(cell.text) + 2 <= room or not cell.below else cell.text


def _nothing(columns: int) -> Sequence[Entry]:
    return ()
