"""What all screens of text to read have in common: one scrolls, and `/` marks what one looks for."""

import re

from dratui.tui.screens.face import Face
from dratui.tui.widgets.pager import Pager
from dratui.views.query import BadFilter


class Reading(Face[Pager]):
    """A face that shows text."""

    hints: tuple[str, ...] = ("back", "filter", "command", "help")

    _wanted = ""

    @property
    def narrowed(self) -> str:
        """What is marked."""
        return self._wanted

    def mark(self) -> int:
        """How far down one was."""
        return self.view.top

    def narrow(self, text: str) -> None:
        """Mark the lines that match, and go to the next of them. Raises BadFilter."""
        try:
            wanted = re.compile(text, re.IGNORECASE) if text else None
        except re.error as error:
            raise BadFilter(text, error.msg, error.pos or 0) from error
        self.view.search(wanted)
        self._wanted = text

    def next_match(self, by: int) -> bool:
        """Go from mark to mark."""
        if self._wanted:
            self.view.next_match(by)
        return bool(self._wanted)
