"""How a meaning looks: each style of `dratui.views.table` as a colour and a glyph, and the few other colours there are.

Colour carries state and nothing else; one accent colour shows the focus. No state is told by colour alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rich.style import Style as Ink
from textual.theme import Theme

from dratui.views.table import Style

DARK: Final = Theme(
    name="dratui-dark",
    primary="#b48ead",
    accent="#b48ead",
    foreground="#c8ccd4",
    background="#11151c",
    surface="#11151c",
    panel="#11151c",
    dark=True,
)
MONOCHROME: Final = (
    "ansi-dark"  # Textual's own; with NO_COLOR nothing of it is left (textual/filter.py, NoColor)
)

GLYPHS: Final[Mapping[Style, str]] = {
    Style.HELD: "■",
    Style.FREE: "□",
    Style.SHARED: "◧",
    Style.WAITING: "…",
    Style.TAINTED: "▲",
    Style.FAULT: "✖",
    Style.UNKNOWN: "?",
}

# For consoles without these characters. Anything else beyond ASCII becomes question marks (`dratui.tui.lines`).
ASCII: Final[Mapping[str, str]] = {
    "■": "#", "□": "o", "◧": "%", "▲": "^", "…": "~", "✖": "x",
    "●": "*", "◌": "o", "◍": "!", "⊘": "x", "◐": "*", "▶": ">", "‖": "=", "›": ">", "‹": "<", "▸": ">", "▾": "v",
    "↑": "^", "↓": "v", "←": "<", "→": ">", "·": ".", "–": "-", "—": "-", "×": "x",
    "│": "|", "─": "-", "╭": "+", "╮": "+", "╰": "+", "╯": "+",
    "█": "#", "▉": "#", "▊": "#", "▋": "#", "▌": "#", "▍": "-", "▎": "-", "▏": "-", "░": ".",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Skin:
    """The inks that the panes draw with. `states` has one for every style."""

    ascii: bool
    plain: Ink
    dim: Ink
    strong: Ink
    accent: Ink
    cursor: Ink  # laid over the line under the cursor
    flash: Ink  # laid over a cell that has just changed
    states: Mapping[Style, Ink]


def skin(*, colour: bool, ascii_only: bool) -> Skin:
    """The inks for a terminal with or without colour and with or without more than ASCII."""
    if not colour:
        plain, dim, strong = Ink(), Ink(dim=True), Ink(bold=True)
        return Skin(
            ascii=ascii_only,
            plain=plain,
            dim=dim,
            strong=strong,
            accent=Ink(bold=True, underline=True),
            cursor=Ink(reverse=True),
            flash=Ink(underline=True),
            states=dict.fromkeys(Style, plain) | {Style.DIM: dim, Style.UNKNOWN: dim, Style.FAULT: strong},
        )
    plain, dim = Ink(), Ink.parse("#7d8590")  # plain text as the terminal has it: no byte for its colour
    return Skin(
        ascii=ascii_only,
        plain=plain,
        dim=dim,
        strong=Ink(bold=True),
        accent=Ink.parse("bold #c9a0dc"),
        cursor=Ink.parse("on #3a2f4d"),
        flash=Ink.parse("on #4a4a1f"),
        states={
            Style.PLAIN: plain,
            Style.DIM: dim,
            Style.HELD: Ink.parse("#6cb6ff"),
            Style.FREE: Ink.parse("#8ddb8c"),
            Style.SHARED: Ink.parse("#76d7d7"),
            Style.WAITING: Ink.parse("#e8c268"),
            Style.TAINTED: Ink.parse("#f0a35e"),
            Style.FAULT: Ink.parse("bold #ff7b72"),
            Style.UNKNOWN: Ink.parse("#9aa2ad"),
        },
    )
