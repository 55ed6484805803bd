"""The files that a person may keep in the config folder: what each is called, says, and says when there is none."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dratui.settings import dashboard
from dratui.settings.document import read
from dratui.tui import keymap
from dratui.tui.commands import parse

KEYMAP: Final = "keymap.yaml"


@dataclass(frozen=True, slots=True)
class File:
    """`check` reads all of it and raises Wrong; `default` is what to begin with."""

    name: str
    check: Callable[[Path], object]
    default: Callable[[], str]

    def told(self, folder: Path) -> str:
        """Whether it is there and what of it is in force. Raises Wrong."""
        document = read(folder / self.name)
        if document is None:
            return "not there"
        self.check(folder)
        lines = len(document.fields)
        return f"read: {lines} {'entry' if lines == 1 else 'entries'}"


def keys(folder: Path) -> keymap.Keymap:
    """The keys in force. Raises Wrong."""
    return keymap.remapped(read(folder / KEYMAP), lambda command: parse(command, ""))


FILES: Final[Mapping[str, File]] = {
    "config": File(
        dashboard.FILE, lambda folder: dashboard.choose({}, os.environ, folder), dashboard.default
    ),
    "keymap": File(KEYMAP, keys, keymap.default),
}
"""Each by the word that `dratui info` knows it by."""
