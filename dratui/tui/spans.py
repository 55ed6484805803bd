"""Only what changed goes to the terminal.

Textual writes a changed span of a line from where its widget begins, which for a cell at the right end is the whole
line. It has no public hook for that: these two say in its own terms what is left out.
"""

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, Compositor


class Spans(ChopsUpdate):
    """An update of some spans of lines, each from its first column on."""

    def render_segments(self, console: Console) -> str:
        """The bytes for the terminal."""
        pieces: list[str] = []
        for y, first, last in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                start, stop = max(x, first), min(end, last)
                if strip is not None and start < stop:
                    pieces.append(Control.move_to(start, y).segment.text)
                    pieces.append(strip.crop(start - x, stop - x).render(console))
        return "".join(pieces)


class SpanCompositor(Compositor):
    """Textual's, with updates of spans."""

    def render_partial_update(self) -> Spans | None:
        """What is dirty."""
        update = super().render_partial_update()
        return None if update is None else Spans(update.chops, update.spans, update.chop_ends)
