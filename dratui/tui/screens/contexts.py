"""The contexts of the kubeconfig: which one is in use, and which one to go to."""

import asyncio
from collections.abc import Callable, Sequence
from textwrap import wrap

from dratui.events import Context
from dratui.failure import Failure
from dratui.terminal import clean, clean_lines
from dratui.tui.contexts import Contexts, no_contexts
from dratui.tui.lines import Line
from dratui.tui.places import ContextList, Switch
from dratui.tui.screens.cells import Cell, grid
from dratui.tui.screens.face import Face, World
from dratui.tui.widgets.board import Block, Board, Entry
from dratui.views.filter import line_filter
from dratui.views.table import Style

HEADINGS = ("  NAME", "CLUSTER", "USER", "NAMESPACE")
INDENT = 4  # of what was wrong with one


class ContextsFace(Face[Board]):
    """A line a context. `in_use` is the name of the one that is looked at."""

    hints = ("open", "filter", "back", "command", "help")

    def __init__(self, world: World, contexts: Contexts | None, in_use: Callable[[], str]) -> None:
        self._skin = world.skin
        self._contexts = contexts
        self._in_use = in_use
        self._filter = ""
        self._wrong = ""  # why the files cannot be read
        self.view = Board(world.skin, id="contexts")

    def enter(self, place: ContextList, mark: str | None) -> None:
        """Read the files again. Raises Failure where there are none to read."""
        contexts = self._contexts
        if contexts is None:
            raise no_contexts()

        async def read() -> None:
            try:
                await asyncio.to_thread(contexts.refresh)
                self._wrong = ""
            except Failure as failure:
                self._wrong = str(failure)
            self._show(mark or self._in_use())

        self.view.rewind()
        self._show(mark or self._in_use())
        self.view.run_worker(read(), exclusive=True)

    def mark(self) -> object:
        """The context under the cursor."""
        return self.view.item

    def tick(self) -> None:
        """One that was tried may have failed."""
        self._show()

    @property
    def narrowed(self) -> str:
        """The filter."""
        return self._filter

    def narrow(self, text: str) -> None:
        """Show only the contexts that match. Raises BadFilter."""
        line_filter(text)
        self._filter = text
        self._show()

    def headline(self) -> tuple[Line, Line]:
        """`Contexts[3]</filter>`."""
        shown, total = len(self._shown()), len(self._known())
        count = f"[{shown}]" if shown == total else f"[{shown} of {total}]"
        return (
            (" Contexts", self._skin.strong),
            (count, self._skin.plain),
            (f"</{self._filter}>" if self._filter else "", self._skin.accent),
        ), ()

    def onward(self) -> Switch | None:
        """The context under the cursor."""
        return Switch(self.view.item) if isinstance(self.view.item, str) else None

    def _known(self) -> Sequence[Context]:
        return self._contexts.known if self._contexts is not None else ()

    def _shown(self) -> list[Context]:
        allows = line_filter(self._filter)
        return [c for c in self._known() if allows is None or allows(" ".join(_texts(c)))]

    def _show(self, item: str | None = None) -> None:
        self.view.set_blocks([Block("kubeconfig", self._entries)], item=item)

    def _entries(self, columns: int) -> Sequence[Entry]:
        contexts = self._contexts
        if self._wrong or contexts is None:
            return self._said(clean_lines(self._wrong), Style.FAULT, columns)
        shown = self._shown()
        if not shown:
            text = "No context matches." if self._known() else "There are no contexts."
            return self._said(text, Style.DIM, columns)
        rows = [[Cell(title, Style.DIM) for title in HEADINGS]]
        for context in shown:
            here, failed = context.name == self._in_use(), context.name in contexts.refused
            sign, style = ("●", Style.FREE) if here else ("✖", Style.FAULT) if failed else (" ", Style.PLAIN)
            name, *rest = _texts(context)
            rows.append([Cell(f"{sign} {name}", style), *(Cell(text, style) for text in rest)])
        lines = grid(rows, self._skin, columns, shrink=0)
        entries = [Entry(lines[0])]
        for context, line in zip(shown, lines[1:], strict=True):
            entries.append(Entry(line, context.name))
            if context.name in contexts.refused:
                entries += self._said(clean_lines(contexts.refused[context.name]), Style.FAULT, columns)
        return entries

    def _said(self, text: str, style: Style, columns: int) -> list[Entry]:
        lines = [piece for line in text.split("\n") for piece in wrap(line, max(columns - INDENT, 1))]
        return [Entry(((" " * INDENT + line, self._skin.states[style]),)) for line in lines]


def _texts(context: Context) -> tuple[str, ...]:
    return tuple(map(clean, (context.name, context.cluster, context.user, context.namespace)))
