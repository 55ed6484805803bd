"""All aliases, and where each leads."""

from collections.abc import Callable, Sequence

from dratui.terminal import clean
from dratui.tui.aliases import Alias, Aliases
from dratui.tui.lines import Line
from dratui.tui.places import AliasList, Place, Switch
from dratui.tui.screens.cells import Cell, grid
from dratui.tui.screens.face import Face, World
from dratui.tui.widgets.board import Block, Board, Entry
from dratui.views.filter import line_filter
from dratui.views.table import Style

HEADINGS = ("ALIAS", "COMMAND", "FROM")


class AliasesFace(Face[Board]):
    """A line an alias. `leads` says where a command leads, if to a place."""

    hints = ("open", "filter", "back", "command", "help")

    def __init__(self, world: World, aliases: Aliases, leads: Callable[[str], Place | Switch | None]) -> None:
        self._skin = world.skin
        self._all = aliases.all
        self._leads = leads
        self._filter = ""
        self.view = Board(world.skin, id="aliases")

    def enter(self, place: AliasList, mark: str | None) -> None:
        """Show them."""
        self.view.rewind()
        self._show(mark)

    def mark(self) -> object:
        """The alias under the cursor."""
        return self.view.item

    @property
    def narrowed(self) -> str:
        """The filter."""
        return self._filter

    def narrow(self, text: str) -> None:
        """Show only those that match. Raises BadFilter."""
        line_filter(text)
        self._filter = text
        self._show()

    def headline(self) -> tuple[Line, Line]:
        """`Aliases[30]</filter>`."""
        shown, total = len(self._shown()), len(self._all)
        return (
            (" Aliases", self._skin.strong),
            (f"[{shown}]" if shown == total else f"[{shown} of {total}]", self._skin.plain),
            (f" </{self._filter}>" if self._filter else "", self._skin.accent),
        ), ()

    def onward(self) -> Place | Switch | None:
        """Where the alias under the cursor leads."""
        command = next((alias.command for alias in self._all if alias.name == self.view.item), None)
        return self._leads(command) if command is not None else None

    def _shown(self) -> list[Alias]:
        allows = line_filter(self._filter)
        return [a for a in self._all if allows is None or allows(f"{a.name} {a.command} {a.source}")]

    def _show(self, item: str | None = None) -> None:
        self.view.set_blocks([Block("what is short for what", self._entries)], item=item)

    def _entries(self, columns: int) -> Sequence[Entry]:
        shown = self._shown()
        if not shown:
            return [Entry((("No alias matches.", self._skin.dim),))]
        rows = [[Cell(title, Style.DIM) for title in HEADINGS]]
        rows += [[Cell(clean(text)) for text in (f":{a.name}", f":{a.command}", a.source)] for a in shown]
        lines = grid(rows, self._skin, columns, shrink=1)
        return [Entry(lines[0]), *(Entry(line, a.name) for line, a in zip(lines[1:], shown, strict=True))]
