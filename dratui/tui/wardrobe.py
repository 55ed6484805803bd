"""Themes as files, and the one that is worn."""

import re
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Final

from rich.errors import StyleSyntaxError
from rich.style import Style as Ink

from dratui.failure import UsageFailure
from dratui.settings.document import nearest, read, text_of
from dratui.tui.terminals import Colours, Terminal
from dratui.tui.themes import BUILT_IN, TERMINAL, Palette, Skin, Theme, skin

FOLDER: Final = "themes"  # in the config folder; NAME.yaml in it
LIKE: Final = "like"  # the built-in theme that has what a file leaves out
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_COLOUR: Final = r"(#[0-9a-f]{6}|[a-z_]+[0-9]{0,3})"
_INK: Final = re.compile(rf"((bold|dim|italic|underline|reverse) )*(on )?{_COLOUR}( on {_COLOUR})?")


def names(folder: Path | None) -> list[str]:
    """The themes that there are: built in, then those of the files; no file is read for it."""
    try:
        files = sorted(path.stem for path in (folder / FOLDER).glob("*.yaml")) if folder is not None else []
    except OSError:
        files = []
    return [*BUILT_IN, *(name for name in files if _NAME.fullmatch(name) and name not in BUILT_IN)]


def named(name: str, folder: Path | None) -> Theme:
    """A theme that is built in or a file. Raises Wrong for what is wrong in it, UsageFailure where there is none."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    document = (
        read(folder / FOLDER / f"{name}.yaml") if folder is not None and _NAME.fullmatch(name) else None
    )
    if document is None:
        raise UsageFailure(f"there is no theme {name!r}", hint=f"there are {', '.join(names(folder))}")
    known = [field.name for field in fields(Palette)]
    said: dict[str, str] = {}
    base = TERMINAL
    for key, node in document.fields.items():
        text = text_of(node)
        if key == LIKE:
            if text not in BUILT_IN:
                raise node.at.wrong(
                    f"there is no such theme built in: {text!r}", f"there are {', '.join(BUILT_IN)}"
                )
            base = BUILT_IN[text]
        elif key not in known:
            near = nearest(key, [*known, LIKE])
            raise node.at.wrong(
                "a theme has no such colour", f"did you mean {near}?" if near else ", ".join(known)
            )
        elif not _is_ink(text):
            raise node.at.wrong(f"{text!r} is no colour", "# wants quotes: '#3182d8', 'white on #5f43a0'")
        else:
            said[key] = text.lower()
    return Theme(name, replace(base.full, **said), replace(base.sixteen, **said))


def _is_ink(text: str) -> bool:
    if not _INK.fullmatch(text.lower()):
        return False
    try:
        Ink.parse(text.lower())
    except StyleSyntaxError:
        return False
    return True


def default() -> str:
    """A file to begin with: the colours that one has without any."""
    lines = [f"# {name}: '{text}'\n" for name, text in asdict(TERMINAL.full).items()]
    return f"# {LIKE}: {TERMINAL.name}  # has what is not said here\n{''.join(lines)}"


class Wardrobe:
    """The themes to choose from, and the skin that everything is drawn in, on this terminal."""

    def __init__(self, terminal: Terminal, *, folder: Path | None = None, theme: str = TERMINAL.name) -> None:
        """Raises Failure for a theme that cannot be worn."""
        self._terminal = terminal
        self._folder = folder
        self.names: Sequence[str] = names(folder)
        self.skin = self.fetch(theme)

    def fetch(self, name: str) -> Skin:
        """A theme as inks. It may be read from a file: not for the event loop. Raises Failure."""
        theme = named(name, self._folder)
        return skin(theme, self._terminal.colours, ascii_only=self._terminal.ascii_only)

    def told(self, name: str) -> str:
        """What to say to who changed it."""
        colourless = self._terminal.colours is Colours.NONE
        return f"the theme is {name}" + (
            ", but this terminal has no colours, or NO_COLOR is set" if colourless else ""
        )
