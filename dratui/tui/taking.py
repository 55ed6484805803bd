"""What a person takes out of the program: a name into the clipboard, a view into a file."""

import os
import re
from collections.abc import Awaitable, Callable

from textual.screen import Screen

from dratui.config import state_folder
from dratui.failure import Failure
from dratui.terminal import clean
from dratui.tui import clipboard
from dratui.tui.guide import Guide
from dratui.tui.places import crumb, name_of
from dratui.tui.saving import save
from dratui.views.table import Style
from dratui.views.tables import TABLES


class Taking:
    """Both take a moment, and keys do not wait for it; `say` tells how it went."""

    def __init__(self, screen: Screen[None], guide: Guide, say: Callable[[str, Style], None]) -> None:
        self._screen = screen
        self._guide = guide
        self._say = say

    def copy_name(self) -> None:
        """The name of what is chosen."""
        chosen = self._guide.face.chosen()
        if chosen is not None:
            self._copy(name_of(chosen.key))

    def copy_namespace(self) -> None:
        """Its namespace; in a text with marks, on to the next. Raises Failure for what is in none."""
        chosen = self._guide.face.chosen()
        if self._guide.face.next_match(1) or chosen is None:
            return
        if chosen.kind == "namespaces":
            self._copy(chosen.key.name)
        elif namespace := getattr(chosen.key, "namespace", ""):
            self._copy(namespace)
        else:
            raise Failure(f"a {TABLES[chosen.kind].singular} is in no namespace")

    def save(self) -> None:
        """What shows, all of it, not only what fits the screen."""

        async def keep() -> str:
            rows = self._guide.face.view.as_text()
            return (
                f"saved to {await save(rows, _file_name(crumb(self._guide.place)), state_folder() / 'views')}"
            )

        self._work("save", keep())

    def _copy(self, text: str) -> None:
        async def copy() -> str:
            return f"copied {text} ({await clipboard.copy(clean(text), self._write, os.environ)})"

        self._work("copy", copy())

    def _work(self, group: str, work: Awaitable[str]) -> None:
        async def told() -> None:
            try:
                self._say(await work, Style.PLAIN)
            except Failure as failure:
                self._say(str(failure), Style.FAULT)

        self._screen.run_worker(told(), group=group, exclusive=True)

    def _write(self, sequence: str) -> None:
        """To the terminal, past the screen. Textual has no public way for what it has no word for."""
        driver = self._screen.app._driver
        if driver is not None:
            driver.write(sequence)
            driver.flush()


def _file_name(title: str) -> str:
    """A title in characters that any file system has."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", title)[:60].strip(".-") or "view"
