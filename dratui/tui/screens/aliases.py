"""All aliases, and where each leads."""

from collections.abc import Callable, Sequence

from dratui.tui.aliases import Alias, Aliases
from dratui.tui.places import AliasList, Place, Switch
from dratui.tui.screens.cells import Cell, grid
from dratui.tui.screens.face import World
from dratui.tui.screens.listed import ListedFace
from dratui.tui.widgets.board import Entry
from dratui.views.table import Style

HEADINGS = ("ALIAS", "COMMAND", "FROM")


class AliasesFace(ListedFace[Alias]):
    """A line an alias. `leads` says where a command leads, if to a place."""

    def __init__(self, world: World, aliases: Aliases, leads: Callable[[str], Place | Switch | None]) -> None:
        super().__init__(
            world,
            "Aliases",
            "what is short for what",
            lambda: aliases.all,
            lambda alias: (f":{alias.name}", f":{alias.command}", alias.source),
        )
        self._leads = leads

    def enter(self, place: AliasList, mark: str | None) -> None:
        """Show them."""
        self.view.rewind()
        self._show(mark)

    def onward(self) -> Place | Switch | None:
        """Where the alias under the cursor leads."""
        command = next((alias.command for alias in self._all() if alias.name == self.view.item), None)
        return self._leads(command) if command is not None else None

    def _entries(self, columns: int) -> Sequence[Entry]:
        shown = self._shown()
        if not shown:
            return [Entry((("No alias matches.", self._skin.dim),))]
        rows = [[Cell(title, Style.DIM) for title in HEADINGS]]
        rows += [[Cell(text) for text in self._texts(alias)] for alias in shown]
        lines = grid(rows, self._skin, columns, shrink=(1,))
        return [Entry(lines[0]), *(Entry(line, a.name) for line, a in zip(lines[1:], shown, strict=True))]
