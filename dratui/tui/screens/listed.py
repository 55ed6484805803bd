"""A short list of what is no object of the cluster: its title, how many, and a filter over its lines."""

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from dratui.terminal import clean
from dratui.tui.lines import Line
from dratui.tui.screens.face import Face, World
from dratui.tui.widgets.board import Block, Board, Entry
from dratui.views.filter import line_filter

T = TypeVar("T")


class ListedFace(Face[Board], Generic[T]):
    """Draws with `_entries`, which a subclass gives. `all_of` are the things, `texts` a line's cells, as they came."""

    hints = ("open", "filter", "back", "command", "help")

    def __init__(
        self,
        world: World,
        title: str,
        block: str,
        all_of: Callable[[], Sequence[T]],
        texts: Callable[[T], Iterable[str]],
    ) -> None:
        self._skin = world.skin
        self._title = title
        self._block = block
        self._all = all_of
        self._of = texts
        self._filter = ""
        self.view = Board(world.skin, id=title.lower())

    def mark(self) -> object:
        """What is under the cursor."""
        return self.view.item

    @property
    def narrowed(self) -> str:
        """The filter."""
        return self._filter

    def narrow(self, text: str) -> None:
        """Show only the lines that match. Raises BadFilter."""
        line_filter(text)
        self._filter = text
        self._show()

    def headline(self) -> tuple[Line, Line]:
        """`Contexts[3]</filter>`."""
        shown, total = len(self._shown()), len(self._all())
        return (
            (f" {self._title}", self._skin.strong),
            (f"[{shown}]" if shown == total else f"[{shown} of {total}]", self._skin.plain),
            (f"</{self._filter}>" if self._filter else "", self._skin.accent),
        ), ()

    def _texts(self, each: T) -> tuple[str, ...]:
        return tuple(map(clean, self._of(each)))

    def _shown(self) -> list[T]:
        allows = line_filter(self._filter)
        return [each for each in self._all() if allows is None or allows(" ".join(self._texts(each)))]

    def _show(self, item: str | None = None) -> None:
        self.view.set_blocks([Block(self._block, self._entries)], item=item)

    def _entries(self, columns: int) -> Sequence[Entry]:
        raise NotImplementedError
