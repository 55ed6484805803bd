"""What a person takes out of the program: a name into the clipboard, a view into a file."""

import os
import re

from textual.screen import Screen

from dratui.config import state_folder
from dratui.failure import Failure
from dratui.terminal import clean_lines
from dratui.tui import clipboard
from dratui.tui.guide import Guide
from dratui.tui.places import crumb
from dratui.tui.saving import save
from dratui.tui.work import Tell, Work
from dratui.views.tables import TABLES


class Taking:
    """Both take a moment, and keys do not wait for it."""

    def __init__(self, screen: Screen[None], guide: Guide, work: Work) -> None:
        self._screen = screen
        self._guide = guide
        self._work = work

    def copy_name(self) -> None:
        """The name of what is chosen, or what a screen has instead."""
        if (copied := self._guide.face.copied()) is not None:
            self._copy(*copied)

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
        title, rows = crumb(self._guide.place), self._guide.face.view.as_text()

        async def keep(tell: Tell) -> str:
            path = await save(rows, _file_name(title), state_folder() / "views", tell)
            return f"saved as {path.name} in {path.parent}"

        self._work.start(f"saving {title}", keep)

    def _copy(self, text: str, what: str = "") -> None:
        what = what or text

        async def copy(_: Tell) -> str:
            return f"copied {what} ({await clipboard.copy(clean_lines(text), self._write, os.environ)})"

        self._work.start(f"copying {what}", copy)

    def _write(self, sequence: str) -> None:
        """To the terminal, past the screen. Textual has no public way for what it has no word for."""
        driver = self._screen.app._driver
        if driver is not None:
            driver.write(sequence)
            driver.flush()


def _file_name(title: str) -> str:
    """A title in characters that any file system has."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", title)[:60].strip(".-") or "view"
