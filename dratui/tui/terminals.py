"""What a terminal can show: how many colours, and whether more than ASCII. Read from the environment, as others do.

A terminal is never asked: an answer that comes late, or not at all, would be typed into the program.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Colours(Enum):
    """How many there are."""

    NONE = 0
    SIXTEEN = 16
    EIGHT_BIT = 256
    TRUE = 1 << 24


@dataclass(frozen=True, slots=True)
class Terminal:
    """What it can show."""

    colours: Colours
    ascii_only: bool


_COLOURLESS = ("vt1", "vt2", "vt3", "ansi-m", "xterm-mono", "dumb", "unknown")
_CONSOLES = (
    "linux",
    "cons25",
    "wsvt25",
    "sun",
    "vt",
    "ansi",
)  # a font of 256 or 512 characters, and 16 colours
_TRUE = ("-direct", "-kitty", "-ghostty", "alacritty", "foot")


def terminal(environ: Mapping[str, str], encoding: str) -> Terminal:
    """The terminal of this environment; `encoding` is the locale's."""
    term = environ.get("TERM", "")
    utf8 = encoding.lower().replace("-", "") == "utf8"
    console = term.startswith(_CONSOLES) or term == "screen.linux"
    return Terminal(_colours(environ, term), ascii_only=not utf8 or console)


def _colours(environ: Mapping[str, str], term: str) -> Colours:
    if environ.get("NO_COLOR") or not term or term.startswith(_COLOURLESS):  # https://no-color.org
        return Colours.NONE
    if term.startswith(_CONSOLES):  # whatever $COLORTERM was inherited
        return Colours.SIXTEEN
    # GNU screen passes no 24-bit colours on, but inherits $COLORTERM of the terminal it was started in. tmux does.
    inside_screen = "STY" in environ and "TMUX" not in environ
    if not inside_screen and (
        environ.get("COLORTERM", "").lower() in ("truecolor", "24bit") or term.endswith(_TRUE)
    ):
        return Colours.TRUE
    return Colours.EIGHT_BIT if "256color" in term else Colours.SIXTEEN
