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
    "▁": "_", "▂": ":", "▃": "-", "▄": "=", "▅": "+", "▆": "*", "▇": "%", "⏴": "<", "Δ": "*",
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
    # No colour of ours behind the text, and plain text as the terminal has it; every colour is half as light as white,
    # so that it stands out from a dark terminal as well as from a light one. What has a background has its own colour.
    plain, dim = Ink(), Ink.parse("#7d8590")
    return Skin(
        ascii=ascii_only,
        plain=plain,
        dim=dim,
        strong=Ink(bold=True),
        accent=Ink.parse("bold #a371d6"),
        cursor=Ink.parse("#ffffff on #5f43a0"),
        flash=Ink.parse("#ffffff on #6b5f14"),
        states={
            Style.PLAIN: plain,
            Style.DIM: dim,
            Style.HELD: Ink.parse("#3182d8"),
            Style.FREE: Ink.parse("#2f9147"),
            Style.SHARED: Ink.parse("#16909a"),
            Style.WAITING: Ink.parse("#a8790a"),
            Style.TAINTED: Ink.parse("#c8691c"),
            Style.FAULT: Ink.parse("bold #e5484d"),
            Style.UNKNOWN: Ink.parse("#808894"),
        },
    )
