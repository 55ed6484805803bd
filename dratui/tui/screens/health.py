"""How each stream does: what is known, since when, and why not."""

from datetime import UTC, datetime

from dratui.cluster.store import Changes
from dratui.terminal import fit, width
from dratui.tui.lines import Line
from dratui.tui.live import WORDS
from dratui.tui.places import HealthOfStreams
from dratui.tui.screens.face import Face, World
from dratui.tui.widgets.pager import Pager
from dratui.views import words
from dratui.views.table import Style

HEADINGS = ("STREAM", "STATE", "SINCE", "VERSION", "OBJECTS", "DETAIL")


class HealthFace(Face[Pager]):
    """A line a stream."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.view = Pager(world.skin, id="health")

    def enter(self, place: HealthOfStreams, mark: int | None) -> None:
        """Show the streams."""
        self.view.set_text(self._text(), top=mark or 0)

    def mark(self) -> int:
        """How far down one was."""
        return self.view.top

    def changed(self, changes: Changes) -> None:
        """A stream does better or worse, or listed more."""
        if changes.health:
            self.view.set_text(self._text())

    def tick(self) -> None:
        """How long it has been so."""
        self.view.set_text(self._text())

    def headline(self) -> tuple[Line, Line]:
        """The title."""
        return (
            (" Health", self._world.skin.strong),
            (" of what is listed and watched", self._world.skin.dim),
        ), ()

    def _text(self) -> list[Line]:
        skin, now = self._world.skin, self._world.now()
        rows, styles = [HEADINGS], [Style.DIM]
        for stream, health in sorted(self._world.store.health.items()):
            word, style = WORDS[health.phase]
            since = words.age(datetime.fromtimestamp(health.since, UTC), now)
            objects = (
                f"{health.seen}/{health.total}"
                if health.total is not None
                else str(health.seen or words.NONE)
            )
            detail = (
                f"only namespace {health.namespace}. {health.detail}" if health.namespace else health.detail
            )
            rows.append((stream, word, since, health.version or words.NONE, objects, detail))
            styles.append(style)
        widths = [max(width(row[c]) for row in rows) for c in range(len(HEADINGS) - 1)]
        return [
            (
                *(
                    (f"{fit(cell, columns)}  ", skin.states[style])
                    for cell, columns in zip(row, widths, strict=False)
                ),
                (row[-1], skin.plain),
            )
            for row, style in zip(rows, styles, strict=True)
        ]
