"""The base of all that is drawn here: a widget that draws whole lines and repaints only what differs.

Over a slow line each byte counts: a pane remembers what is on the screen, and asks Textual to repaint only the
columns that a new drawing changed.
"""

from collections.abc import Iterable, Sequence

from rich.segment import Segment
from rich.style import Style as Ink
from textual.filter import LineFilter
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from dratui.tui.lines import Part, difference, strip
from dratui.tui.themes import Skin


class Pane(Widget):
    """Draws with `draw`, which a subclass gives; `repaint` after anything that `draw` reads has changed."""

    ALLOW_SELECT = False  # the terminal's own selection works with shift held

    def __init__(self, skin: Skin, *, id: str) -> None:  # noqa: A002 — Textual's word
        super().__init__(id=id)
        self.skin = skin
        self._drawn: Sequence[Strip] = ()
        self._drawn_for = Size(0, 0)

    def as_text(self) -> Iterable[tuple[str, ...]]:
        """All there is to see here as text, not only what fits: lines, or the cells of a table."""
        return [(strip.text,) for strip in self._drawn]

    def get_line_filters(self) -> Sequence[LineFilter]:
        """None: a skin's inks are what this terminal can show. Textual's would make 24-bit colours of the 16."""
        return ()

    def draw(self, columns: int, lines: int) -> Sequence[Strip]:
        """The lines to show, at most `lines` of them, each `columns` wide."""
        raise NotImplementedError

    def go(self, where: str) -> None:
        """Move, or scroll: `down`, `up`, `left`, `right`, `top`, `bottom`, `page_down`, `page_up`."""
        return

    def ink(self, line: Iterable[Part], columns: int, over: Ink | None = None) -> Strip:
        """Draw one line; `over` is laid over it, to its full width."""
        drawn = strip(line, columns, fill=self.skin.plain, ascii_only=self.skin.ascii)
        return drawn if over is None else Strip(_overlaid(drawn, over), columns).simplify()

    def repaint(self) -> None:
        """Draw anew; have repainted what came out different."""
        if not self.is_mounted or not self.size or self._drawn_for != self.size:
            self._drawn_for = Size(0, 0)  # not on the screen, or resized: `render_line` will draw
            self.refresh()
            return
        before = self._drawn
        self._drawn = self._lines()
        regions = [
            Region(span[0], y, span[1] - span[0], 1)
            for y, (old, new) in enumerate(zip(before, self._drawn, strict=True))
            if (span := difference(old, new)) is not None
        ]
        if regions:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        """Textual's question for one line."""
        if self._drawn_for != self.size:
            self._drawn_for = self.size
            self._drawn = self._lines()
        return self._drawn[y] if y < len(self._drawn) else Strip.blank(self.size.width)

    def _lines(self) -> Sequence[Strip]:
        drawn = list(self.draw(self.size.width, self.size.height))[: self.size.height]
        empty = self.ink((), self.size.width)
        return [*drawn, *[empty] * (self.size.height - len(drawn))]


def _overlaid(drawn: Strip, over: Ink) -> Iterable[Segment]:
    """Neighbours that look the same by now become one segment, as in `strip`."""
    return Segment.simplify(Segment(text, ink + over if ink else over) for text, ink, _ in drawn)
