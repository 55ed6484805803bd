"""How a meaning looks: each style of `dratui.views.table` as a colour and a glyph, and the few other colours there are.

Colour carries state and nothing else; one accent colour shows the focus. No state is told by colour alone.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Final

from rich.color import ColorSystem
from rich.style import Style as Ink

from dratui.tui.terminals import Colours
from dratui.views.table import Style

GLYPHS: Final[Mapping[Style, str]] = {
    Style.HELD: "■",
    Style.FREE: "□",
    Style.SHARED: "◧",
    Style.WAITING: "…",
    Style.TAINTED: "▲",
    Style.FAULT: "✖",
    Style.UNKNOWN: "?",
    Style.DIM: "·",
}

# For consoles without these characters. Anything else beyond ASCII becomes question marks (`dratui.tui.lines`).
ASCII: Final[Mapping[str, str]] = {
    "■": "#", "□": "o", "◧": "%", "▲": "^", "…": "~", "✖": "x",
    "●": "*", "◌": "o", "◍": "!", "⊘": "x", "◐": "*", "▶": ">", "‖": "=", "›": ">", "‹": "<", "▸": ">", "▾": "v",
    "↑": "^", "↓": "v", "←": "<", "→": ">", "·": ".", "Δ": "*", "–": "-", "—": "-", "×": "x",
    "▁": "_", "▂": ":", "▃": "-", "▄": "=", "▅": "+", "▆": "*", "▇": "%", "◀": "<",
    "│": "|", "─": "-", "╭": "+", "╮": "+", "╰": "+", "╯": "+",
    "█": "#", "▉": "#", "▊": "#", "▋": "#", "▌": "#", "▍": "-", "▎": "-", "▏": "-", "░": ".",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """What is drawn in which ink: `#3182d8`, `bold red`, `white on #5f43a0`. A theme's file has the same names."""

    background: str = "default"  # behind everything; `default` leaves it to the terminal
    text: str = "default"
    dim: str = "default"  # what matters less: headings, hints, frames
    accent: str = "bold underline"  # where the focus is, and keys
    cursor: str = "reverse"  # laid over the line under the cursor
    flash: str = "underline"  # laid over a cell that has just changed
    held: str = "default"
    free: str = "default"
    shared: str = "default"
    waiting: str = "default"
    tainted: str = "default"
    fault: str = "bold"
    unknown: str = "default"


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours, and what becomes of them where there are only the 16 that every palette has."""

    name: str
    full: Palette
    sixteen: Palette


_ON_BLACK: Final = Palette(
    background="black", text="white", dim="white", cursor="bright_white on blue", flash="black on yellow",
    held="bright_blue", free="bright_green", shared="bright_cyan", waiting="bright_yellow", tainted="bright_magenta",
    fault="bold bright_red", unknown="white",
)  # fmt: skip

TERMINAL: Final = Theme(
    "terminal",
    # No colour of ours behind the text, and plain text as the terminal has it; every colour is half as light as white,
    # so that it stands out from a dark terminal as well as from a light one. What has a background has its own colour.
    Palette(
        dim="#7d8590", accent="bold #a371d6", cursor="#ffffff on #5f43a0", flash="#ffffff on #6b5f14",
        held="#3182d8", free="#2f9147", shared="#16909a", waiting="#a8790a", tainted="#c8691c", fault="bold #e5484d",
        unknown="#808894",
    ),
    Palette(
        cursor="bright_white on blue", flash="black on yellow", held="bright_blue", free="green", shared="cyan",
        waiting="yellow", tainted="magenta", fault="bold bright_red",
    ),
)  # fmt: skip

DARK: Final = Theme(
    "dark",
    Palette(
        background="#11151c", text="#d5d9e0", dim="#8d96a3", accent="bold #c39af5", cursor="#ffffff on #5f43a0",
        flash="#ffffff on #6b5f14", held="#61a8f8", free="#55c973", shared="#3fc3cc", waiting="#e2b33f",
        tainted="#f09150", fault="bold #ff7a75", unknown="#959eaa",
    ),
    _ON_BLACK,
)  # fmt: skip

LIGHT: Final = Theme(
    "light",
    Palette(
        background="#ffffff", text="#1d2127", dim="#5c6570", accent="bold #7b43d1", cursor="#ffffff on #5f43a0",
        flash="#1d2127 on #ffe08a", held="#0b63c5", free="#187538", shared="#0c727c", waiting="#8a5f00",
        tainted="#b04a08", fault="bold #c81e2b", unknown="#626a75",
    ),
    Palette(
        background="bright_white", text="black", dim="bright_black", cursor="bright_white on blue",
        flash="black on yellow",
        held="blue", free="green", shared="cyan", waiting="yellow", tainted="magenta", fault="bold red",
        unknown="bright_black",
    ),
)  # fmt: skip

HIGH_CONTRAST: Final = Theme(
    "high-contrast",
    Palette(
        background="#000000", text="#ffffff", dim="#cfcfcf", accent="bold #f0a8ff", cursor="bold #000000 on #ffffff",
        flash="bold #000000 on #ffd75f", held="bold #7ab8ff", free="bold #5ff57a", shared="bold #4de8f0",
        waiting="bold #ffe138", tainted="bold #ffa64d", fault="bold #ff8a8a", unknown="bold #c4c8d0",
    ),
    replace(
        _ON_BLACK, text="bright_white", dim="bright_white", unknown="bright_white", cursor="black on bright_white"
    ),
)  # fmt: skip

COLOUR_BLIND: Final = Theme(
    "colour-blind",
    # Found by search: to all three kinds of dichromats these are as far apart as seven colours on this background
    # come. Light tells apart what hue does not.
    Palette(
        background="#11151c", text="#d5d9e0", dim="#8d96a3", accent="bold #ffffff", cursor="#ffffff on #3f4f6d",
        flash="#11151c on #ffffff", held="#5484e4", free="#6cfcd8", shared="#3cc0f0", waiting="#fcf018",
        tainted="#fca854", fault="bold #fc2418", unknown="#9c9090",
    ),
    _ON_BLACK,
)  # fmt: skip

BUILT_IN: Final = {theme.name: theme for theme in (TERMINAL, DARK, LIGHT, HIGH_CONTRAST, COLOUR_BLIND)}


@dataclass(slots=True, kw_only=True)
class Skin:
    """The inks that the panes draw with, as they are at the moment: `wear` changes them under everybody's hands.

    `states` has one for every style.
    """

    ascii: bool
    plain: Ink  # laid under everything
    dim: Ink
    strong: Ink
    accent: Ink
    cursor: Ink  # laid over the line under the cursor
    flash: Ink  # laid over a cell that has just changed
    states: Mapping[Style, Ink]
    changes: int = 0  # for those who keep what they drew

    def wear(self, other: "Skin") -> None:
        """Look like the other from now on."""
        for field in fields(self):
            if field.name != "changes":
                setattr(self, field.name, getattr(other, field.name))
        self.changes += 1


def skin(theme: Theme = TERMINAL, colours: Colours = Colours.TRUE, *, ascii_only: bool = False) -> Skin:
    """The inks of a theme on a terminal with so many colours."""
    palette = theme.sixteen if colours is Colours.SIXTEEN else theme.full
    if colours is Colours.NONE:
        palette = Palette(dim="dim", unknown="dim")
    inks = {name: _ink(text, colours) for name, text in asdict(palette).items()}
    return Skin(
        ascii=ascii_only,
        plain=inks["text"] + Ink(bgcolor=inks["background"].color),
        dim=inks["dim"],
        strong=Ink(bold=True),
        accent=inks["accent"],
        cursor=inks["cursor"],
        flash=inks["flash"],
        states={style: Ink() if style is Style.PLAIN else inks[style.value] for style in Style},
    )


_SYSTEMS: Final = {Colours.SIXTEEN: ColorSystem.STANDARD, Colours.EIGHT_BIT: ColorSystem.EIGHT_BIT}


def _ink(text: str, colours: Colours) -> Ink:
    """The ink with the nearest colours that the terminal has. What is left to the terminal has no colour at all."""
    ink = Ink.parse(text)
    system = _SYSTEMS.get(colours, ColorSystem.TRUECOLOR)
    front, behind = (
        None if c is None or c.is_default else c.downgrade(system) for c in (ink.color, ink.bgcolor)
    )
    return ink.without_color + Ink(color=front, bgcolor=behind)
