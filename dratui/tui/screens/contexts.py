"""The contexts of the kubeconfig: which one is in use, and which one to go to."""

import asyncio
from collections.abc import Callable, Sequence
from textwrap import wrap

from dratui.events import Context
from dratui.failure import Failure
from dratui.terminal import clean_lines
from dratui.tui.contexts import Contexts, no_contexts
from dratui.tui.places import ContextList, Switch
from dratui.tui.screens.cells import Cell, grid
from dratui.tui.screens.face import World
from dratui.tui.screens.listed import ListedFace
from dratui.tui.widgets.board import Entry
from dratui.views.table import Style

HEADINGS = ("  NAME", "CLUSTER", "USER", "NAMESPACE")
INDENT = 4  # of what was wrong with one


class ContextsFace(ListedFace[Context]):
    """A line a context. `in_use` is the name of the one that is looked at."""

    def __init__(self, world: World, contexts: Contexts | None, in_use: Callable[[], str]) -> None:
        super().__init__(
            world,
            "Contexts",
            "kubeconfig",
            lambda: contexts.known if contexts is not None else (),
            lambda context: (context.name, context.cluster, context.user, context.namespace),
        )
        self._contexts = contexts
        self._in_use = in_use
        self._wrong = ""  # why the files cannot be read

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

    def tick(self) -> None:
        """One that was tried may have failed."""
        self._show()

    def onward(self) -> Switch | None:
        """The context under the cursor."""
        return Switch(self.view.item) if isinstance(self.view.item, str) else None

    def _entries(self, columns: int) -> Sequence[Entry]:
        contexts = self._contexts
        if self._wrong or contexts is None:
            return self._said(clean_lines(self._wrong), Style.FAULT, columns)
        shown = self._shown()
        if not shown:
            text = "No context matches." if self._all() else "There are no contexts."
            return self._said(text, Style.DIM, columns)
        rows = [[Cell(title, Style.DIM) for title in HEADINGS]]
        for context in shown:
            here, failed = context.name == self._in_use(), context.name in contexts.refused
            sign, style = ("●", Style.FREE) if here else ("✖", Style.FAULT) if failed else (" ", Style.PLAIN)
            name, *rest = self._texts(context)
            rows.append([Cell(f"{sign} {name}", style), *(Cell(text, style) for text in rest)])
        lines = grid(rows, self._skin, columns, shrink=(0,))
        entries = [Entry(lines[0])]
        for context, line in zip(shown, lines[1:], strict=True):
            entries.append(Entry(line, context.name))
            if context.name in contexts.refused:
                entries += self._said(clean_lines(contexts.refused[context.name]), Style.FAULT, columns)
        return entries

    def _said(self, text: str, style: Style, columns: int) -> list[Entry]:
        lines = [piece for line in text.split("\n") for piece in wrap(line, max(columns - INDENT, 1))]
        return [Entry(((" " * INDENT + line, self._skin.states[style]),)) for line in lines]
