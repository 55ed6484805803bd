"""The files that a person may keep in the config folder: what each is called, says, and says when there is none."""

import locale
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dratui.settings import dashboard
from dratui.settings.document import read
from dratui.tui import aliases as short
from dratui.tui import keymap_file
from dratui.tui.commands import parse
from dratui.tui.keymap import Keymap
from dratui.views.words import count

if TYPE_CHECKING:
    from dratui.tui.wardrobe import Wardrobe

ALIASES: Final = "aliases.yaml"
KEYMAP: Final = "keymap.yaml"


def aliases(folder: Path) -> short.Aliases:
    """The short names in force. Raises Wrong."""
    return short.read_aliases(read(folder / ALIASES), lambda command: parse(command, ""))


def keymap(folder: Path) -> Keymap:
    """The keys in force. Raises Wrong."""
    names = aliases(folder)
    return keymap_file.remapped(read(folder / KEYMAP), lambda command: parse(names.expand(command), ""))


def wardrobe(folder: Path, settings: dashboard.Settings) -> "Wardrobe":
    """The colours in force, on this terminal. Raises Failure."""
    from dratui.tui.terminals import terminal
    from dratui.tui.wardrobe import Wardrobe

    seen = terminal(os.environ, locale.getpreferredencoding(do_setlocale=False))
    if settings.ascii is not None:
        seen = replace(seen, ascii_only=settings.ascii)
    return Wardrobe(seen, folder=folder, theme=settings.theme)


@dataclass(frozen=True, slots=True)
class File:
    """`told` reads all of it and says what it found, or raises Wrong; `default` is what to begin with."""

    name: str
    told: Callable[[Path], str]
    default: Callable[[], str]


def _file(name: str, check: Callable[[Path], object], default: Callable[[], str]) -> File:
    def told(folder: Path) -> str:
        document = read(folder / name)
        if document is None:
            return "not there"
        check(folder)
        return f"read: {count(len(document.fields), 'entry', 'entries')}"

    return File(name, told, default)


def _themes(folder: Path) -> str:
    from dratui.tui.themes import BUILT_IN
    from dratui.tui.wardrobe import named, names

    own = [name for name in names(folder) if name not in BUILT_IN]
    for name in own:
        named(name, folder)
    return f"read: {', '.join(own)}" if own else "none there"


def _theme() -> str:
    from dratui.tui.wardrobe import default

    return default()


FILES: Final[Mapping[str, File]] = {
    "config": _file(
        dashboard.FILE, lambda folder: dashboard.choose({}, os.environ, folder), dashboard.default
    ),
    "aliases": _file(ALIASES, aliases, short.default),
    "keymap": _file(KEYMAP, keymap, keymap_file.default),
    "theme": File("themes", _themes, _theme),
}
"""Each by the word that `dratui info` knows it by."""
