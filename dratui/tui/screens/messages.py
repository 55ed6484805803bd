"""What went wrong, in full; the last line only has room for one sentence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from dratui.terminal import clean_lines
from dratui.tui.lines import Line
from dratui.tui.places import Messages
from dratui.tui.screens.face import World
from dratui.tui.screens.reading import Reading
from dratui.tui.widgets.pager import Pager
from dratui.views.table import Style


@dataclass(frozen=True, slots=True)
class Said:
    """Something said to the person, and when."""

    at: datetime
    text: str
    style: Style


class MessagesFace(Reading):
    """The newest first."""

    def __init__(self, world: World, said: Callable[[], Sequence[Said]]) -> None:
        self._world = world
        self._said = said
        self.view = Pager(world.skin, id="messages", fold=True)

    def enter(self, place: Messages, mark: int | None) -> None:
        """Show what was said."""
        self.view.set_text(self._text(), top=mark or 0)

    def headline(self) -> tuple[Line, Line]:
        """The title."""
        return ((" Messages", self._world.skin.strong),), ()

    def _text(self) -> list[Line]:
        skin = self._world.skin
        lines: list[Line] = []
        for said in reversed(self._said()):
            lines.append(((f"{said.at:%H:%M:%S}", skin.dim),))
            lines += [
                ((f"  {line}", skin.states[said.style]),) for line in clean_lines(said.text).split("\n")
            ]
            lines.append(())
        return lines or [(("No messages.", skin.dim),)]
