"""What themes look like, computed: readable, told apart by all eyes, and never the only sign of a state."""

from itertools import combinations
from pathlib import Path

import pytest
from rich.color import Color
from rich.style import Style as Ink

from dratui.failure import UsageFailure
from dratui.settings.document import Wrong
from dratui.tui.app import DratuiApp
from dratui.tui.terminals import Colours, Terminal, terminal
from dratui.tui.themes import (
    BUILT_IN,
    COLOUR_BLIND,
    DARK,
    GLYPHS,
    HIGH_CONTRAST,
    LIGHT,
    TERMINAL,
    Skin,
    Theme,
    skin,
)
from dratui.tui.wardrobe import Wardrobe, default, named, names
from dratui.views.table import Style
from dratui.views.tables import TABLES
from tests.tui.cluster import ScriptedSource, small
from tests.tui.colours import RGB, SIGHTS, contrast, distance
from tests.tui.driving import Driver, flashing, press, running, shows, type_in, until

STATES = tuple(style for style in Style if style not in (Style.PLAIN, Style.DIM))
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
ON_A_TERMINAL = (BLACK, (0x1E, 0x1E, 0x1E), (0xFD, 0xF6, 0xE3), WHITE)  # backgrounds that people have


def rgb(colour: Color | None) -> RGB:
    assert colour is not None
    red, green, blue = colour.get_truecolor()
    return red, green, blue


def inks(look: Skin) -> dict[str, Ink]:
    """All that text is drawn in, as it comes out: over the background."""
    drawn = {
        "plain": look.plain,
        "dim": look.dim,
        "accent": look.accent,
        **{style.value: look.states[style] for style in STATES},
    }
    return {name: look.plain + ink for name, ink in drawn.items()}


@pytest.mark.parametrize("colours", [Colours.TRUE, Colours.EIGHT_BIT])
@pytest.mark.parametrize(
    ("theme", "least"), [(DARK, 4.5), (LIGHT, 4.5), (COLOUR_BLIND, 4.5), (HIGH_CONTRAST, 7.0)]
)
def test_all_text_stands_out_from_its_background(theme: Theme, least: float, colours: Colours) -> None:
    look = skin(theme, colours)
    for name, ink in inks(look).items():
        assert contrast(rgb(ink.color), rgb(ink.bgcolor)) >= least, name
        for over in (look.cursor, look.flash):
            laid = ink + over
            assert contrast(rgb(laid.color), rgb(laid.bgcolor)) >= least, name


def test_without_a_background_of_its_own_text_stands_out_from_a_dark_and_from_a_light_one() -> None:
    look = skin(TERMINAL)
    assert look.plain == Ink(), "text is as the terminal has it"
    for name, ink in inks(look).items():
        assert ink.bgcolor is None
        if name != "plain":
            assert min(contrast(rgb(ink.color), ground) for ground in ON_A_TERMINAL) >= 3, name


@pytest.mark.parametrize("sight", SIGHTS)
def test_colour_blind_eyes_tell_the_states_apart(sight: str) -> None:
    states = skin(COLOUR_BLIND).states
    for one, other in combinations(STATES, 2):
        far = distance(rgb(states[one].color), rgb(states[other].color), sight)
        assert far >= 0.12, f"{one} and {other}: six times what is just noticeable"


@pytest.mark.parametrize("theme", BUILT_IN.values())
@pytest.mark.parametrize("colours", [Colours.TRUE, Colours.EIGHT_BIT, Colours.SIXTEEN])
def test_each_state_has_an_ink_of_its_own(theme: Theme, colours: Colours) -> None:
    states = [skin(theme, colours).states[style] for style in STATES]
    assert len(set(states)) == len(states)


def test_each_state_has_a_glyph_of_its_own_too() -> None:
    assert set(GLYPHS) == {*STATES, Style.DIM}
    assert len(set(GLYPHS.values())) == len(GLYPHS)


@pytest.mark.parametrize("theme", BUILT_IN.values())
def test_no_colour_is_none_in_any_theme(theme: Theme) -> None:
    look = skin(theme, Colours.NONE)
    everything = [*inks(look).values(), look.strong, look.cursor, look.flash]
    assert all(ink.color is None and ink.bgcolor is None for ink in everything)


@pytest.mark.parametrize("theme", BUILT_IN.values())
def test_sixteen_colours_are_the_terminals_own(theme: Theme) -> None:
    look = skin(theme, Colours.SIXTEEN)
    for ink in (*inks(look).values(), look.cursor, look.flash):
        assert all(c is None or (c.number is not None and c.number < 16) for c in (ink.color, ink.bgcolor))


# --- files ---------------------------------------------------------------------------------------


def theme(folder: Path, file: str, name: str = "mine") -> Theme:
    (folder / "themes").mkdir(exist_ok=True)
    (folder / "themes" / f"{name}.yaml").write_text(file)
    return named(name, folder)


def test_a_file_says_what_is_different(tmp_path: Path) -> None:
    mine = theme(tmp_path, "like: dark\nheld: 'bold #0000FF'\nfree: green\ncursor: 'white on #222222'\n")
    assert (mine.full.free, mine.full.cursor, mine.full.background) == (
        "green",
        "white on #222222",
        DARK.full.background,
    )
    assert skin(mine).states[Style.HELD] == Ink.parse("bold #0000ff")
    nearest = skin(mine, Colours.SIXTEEN).states[Style.HELD].color
    assert nearest is not None
    assert nearest.number == Color.parse("blue").number
    assert skin(mine, Colours.SIXTEEN).states[Style.FAULT] == skin(DARK, Colours.SIXTEEN).states[Style.FAULT]
    assert names(tmp_path) == [*BUILT_IN, "mine"]


def test_what_info_prints_to_begin_with_is_the_default(tmp_path: Path) -> None:
    assert theme(tmp_path, default()).full == TERMINAL.full, "all of it is a comment"
    uncommented = "".join(f"{line.removeprefix('# ')}\n" for line in default().splitlines())
    assert theme(tmp_path, uncommented).full == TERMINAL.full


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("heeld: red", "line 1: heeld: a theme has no such colour\n  hint: did you mean held?"),
        ("\nheld: reddish", "line 2: held: 'reddish' is no colour"),
        ("cursor: white on #222222", "line 1: cursor: 'white on' is no colour\n  hint: # wants quotes"),
        (
            "held: #222222",
            "line 1: held: has no value\n  hint: a value that YAML would read as something else",
        ),
        ("held: '#12345'", "line 1: held: '#12345' is no colour"),
        ("held: link https://x.test", "line 1: held: 'link https://x.test' is no colour"),
        ("held: red\x7f", "line 1: held: has a character that is no text"),
        (
            "like: mine",
            "line 1: like: there is no such theme built in: 'mine'\n  hint: there are terminal, dark",
        ),
        ("held: [red]", "line 1: held: is to be one value"),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_key(tmp_path: Path, file: str, says: str) -> None:
    with pytest.raises(Wrong) as wrong:
        theme(tmp_path, file)
    assert str(wrong.value).startswith(f"error: {tmp_path}/themes/mine.yaml {says}")


@pytest.mark.parametrize("name", ["none", "../themes/mine", "/etc/passwd", "", "\x1b[31m"])
def test_a_theme_that_is_not_there_is_told_with_those_that_are(tmp_path: Path, name: str) -> None:
    theme(tmp_path, "held: red")
    with pytest.raises(UsageFailure, match="there is no theme") as failure:
        Wardrobe(Terminal(Colours.TRUE, ascii_only=False), folder=tmp_path, theme=name)
    assert failure.value.hint == "there are terminal, dark, light, high-contrast, colour-blind, mine"


# --- terminals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "colours"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, Colours.TRUE),
        ({"TERM": "xterm-256color"}, Colours.EIGHT_BIT),
        ({"TERM": "xterm-direct"}, Colours.TRUE),
        ({"TERM": "xterm-kitty"}, Colours.TRUE),
        ({"TERM": "xterm"}, Colours.SIXTEEN),
        ({"TERM": "linux"}, Colours.SIXTEEN),
        ({"TERM": "linux", "COLORTERM": "truecolor"}, Colours.SIXTEEN),
        ({"TERM": "screen"}, Colours.SIXTEEN),
        ({"TERM": "screen.xterm-256color", "STY": "1.x", "COLORTERM": "truecolor"}, Colours.EIGHT_BIT),
        ({"TERM": "tmux-256color", "TMUX": "x", "COLORTERM": "truecolor"}, Colours.TRUE),
        ({"TERM": "tmux-256color", "TMUX": "x", "STY": "1.x", "COLORTERM": "truecolor"}, Colours.TRUE),
        ({"TERM": "vt220"}, Colours.NONE),
        ({}, Colours.NONE),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, Colours.NONE),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, Colours.EIGHT_BIT),
    ],
)
def test_a_terminal_has_the_colours_that_its_environment_says(
    environ: dict[str, str], colours: Colours
) -> None:
    assert terminal(environ, "UTF-8").colours is colours


@pytest.mark.parametrize(
    ("term", "encoding", "ascii_only"),
    [
        ("xterm-256color", "UTF-8", False),
        ("xterm-256color", "utf8", False),
        ("xterm-256color", "ANSI_X3.4-1968", True),
        ("linux", "UTF-8", True),
        ("linux-16color", "UTF-8", True),
        ("screen.linux", "UTF-8", True),
        ("vt220", "UTF-8", True),
    ],
)
def test_a_console_has_no_glyphs(term: str, encoding: str, ascii_only: bool) -> None:
    assert terminal({"TERM": term}, encoding).ascii_only is ascii_only


# --- wearing them --------------------------------------------------------------------------------


def grounds(pilot: Driver) -> set[Color | None]:
    """The backgrounds of all that shows."""
    lines = pilot.app.screen._compositor.render_strips()
    return {segment.style.bgcolor if segment.style else None for line in lines for segment in line}


async def test_a_theme_is_worn_at_once_by_all_that_shows(tmp_path: Path) -> None:
    theme(tmp_path, "background: '#102030'\ncursor: white on blue")
    for place in (":claims", ":nodes", ":help", ":aliases", ":overview"):
        async with running(ScriptedSource(small()), themes=tmp_path) as pilot:
            await shows(pilot, "TENANTS")
            await type_in(pilot, place)
            await press(pilot, "enter")
            await until(
                pilot, lambda: None in grounds(pilot) and not flashing(pilot), "the terminal's own background"
            )
            await type_in(pilot, ":theme mi")
            await press(pilot, "tab", "enter")
            await shows(pilot, "the theme is mine")
            ours = {Color.parse("#102030"), Color.parse("blue")}
            assert {rgb(c) for c in grounds(pilot)} <= {rgb(c) for c in ours}, place


async def test_a_theme_that_cannot_be_worn_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "themes").mkdir()
    (tmp_path / "themes" / "mine.yaml").write_text("held: reddish")
    async with running(ScriptedSource(small()), themes=tmp_path, size=(200, 24)) as pilot:
        await shows(pilot, "TENANTS")
        for name, says in (
            ("mine", "mine.yaml line 1: held: 'reddish' is no"),
            ("none", "there is no theme 'none'"),
        ):
            await type_in(pilot, f":theme {name}")
            await press(pilot, "enter")
            await shows(pilot, says)
        assert None in grounds(pilot)


async def test_where_there_is_no_colour_a_theme_changes_nothing_and_says_so() -> None:
    app = DratuiApp(
        ScriptedSource(small()), wardrobe=Wardrobe(Terminal(Colours.NONE, ascii_only=False), theme="dark")
    )
    async with app.run_test(size=(120, 24)) as pilot:
        await shows(pilot, "TENANTS")
        await type_in(pilot, ":theme light")
        await press(pilot, "enter")
        await shows(pilot, "the theme is light, but this terminal has no colours, or NO_COLOR is set")
        assert grounds(pilot) == {None}


def test_a_state_in_a_table_has_its_glyph_and_its_word() -> None:
    styled = {
        (table.kind, column.title): column.glyph
        for table in TABLES.values()
        for column in table.columns
        if column.style is not None and not column.live  # which are dim where they say `?`, `–` or their age
    }
    wordy = {title for (_, title), glyph in styled.items() if not glyph}
    assert wordy <= {"TAINTS", "CHOICE", "WAITING", "DEVICES", "DUE", "EVICTION"}, (
        "these are sentences that say it"
    )
    assert {kind for (kind, _), glyph in styled.items() if glyph} >= {
        "claims",
        "devices",
        "pools",
        "pods",
        "nodes",
    }
