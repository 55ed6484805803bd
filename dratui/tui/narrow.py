"""Writing no more than what differs."""

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate  # not public, but for this there is no public way

from dratui.terminal import width


class Narrow(ChopsUpdate):
    """A partial update of the screen. Textual's own begins each line at the widget's left edge, wherever it differs.

    This one begins with the word that differs: who reads along (a screen reader, a log, a test) gets no parts of words.
    """

    def render_segments(self, console: Console) -> str:
        """What the terminal gets."""
        written = []
        for y, left, right in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                start, stop = max(x, left), min(end, right)
                if strip is not None and start < stop:
                    start -= width(strip.crop(0, start - x).text.rpartition(" ")[2])
                    written.append(Control.move_to(start, y).segment.text)
                    written.append(strip.crop(start - x, stop - x).render(console))
        return "".join(written)
