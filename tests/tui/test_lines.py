"""Lines: what is drawn, and what of it is repainted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style as Ink
from textual.strip import Strip

from dratui.tui.lines import Line, difference, folded, strip
from dratui.tui.themes import skin

PLAIN, RED = Ink(), Ink(color="red")


def drawn(*line: tuple[str, Ink], columns: int = 12, ascii_only: bool = False) -> Strip:
    return strip(line, columns, fill=PLAIN, ascii_only=ascii_only)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("short", "short       "),
        ("much too long", "much too lo…"),
        ("日本語日本語日本語", "日本語日本… "),
        ("\x1b[31mred", "\\x1b[31mred "),
        ("a\u202eb", "a\\u202eb    "),
    ],
)
def test_a_line_takes_exactly_its_columns(text: str, shown: str) -> None:
    line = drawn((text, PLAIN))
    assert line.text == shown
    assert line.cell_length == 12


def test_ascii_takes_the_same_columns() -> None:
    assert drawn(("■ 日本 – ›", PLAIN), ascii_only=True).text == "# ???? - >  "


def test_neighbours_that_look_the_same_are_one_segment() -> None:
    assert len(list(drawn(("a", PLAIN), ("  ", RED), ("b", PLAIN)))) == 1
    assert len(list(drawn(("a", PLAIN), ("  ", Ink(bgcolor="red")), ("b", PLAIN)))) == 3


@pytest.mark.parametrize(
    ("old", "new", "span"),
    [
        ((("same", PLAIN),), (("same", PLAIN),), None),
        ((("one two", PLAIN),), (("one TWO", PLAIN),), (4, 7)),
        ((("one", PLAIN), (" two", RED)), (("one", RED), (" two", RED)), (0, 3)),
        ((("ab", PLAIN),), (("abc", PLAIN),), (2, 3)),
        ((("日x語", PLAIN),), (("日y語", PLAIN),), (2, 3)),
        ((("aaa", PLAIN),), (("aa", PLAIN),), (2, 3)),
    ],
)
def test_only_what_differs_is_repainted(old: Line, new: Line, span: tuple[int, int] | None) -> None:
    assert difference(drawn(*old), drawn(*new)) == span


_lines = st.lists(
    st.tuples(st.text("ab日 ", max_size=4), st.sampled_from([PLAIN, RED, Ink(bgcolor="red")])), max_size=5
).map(tuple)


@given(old=_lines, new=_lines)
def test_a_repainted_span_has_all_that_differs_and_begins_and_ends_with_it(old: Line, new: Line) -> None:
    before, after = drawn(*old), drawn(*new)
    start, end = difference(before, after) or (0, 0)
    old_cells, new_cells = _cells(before), _cells(after)
    differs = [n for n, (one, other) in enumerate(zip(old_cells, new_cells, strict=True)) if one != other]
    assert [n for n in differs if not start <= n < end] == []
    assert not differs or (differs[0], differs[-1]) == (start, end - 1)


def _cells(line: Strip) -> list[tuple[str, Ink | None, int]]:
    """What is in each column: a wide character is in two."""
    return [
        (char, segment.style, part)
        for segment in line
        for char in segment.text
        for part in range(2 if char == "日" else 1)
    ]


@pytest.mark.parametrize("terminal", ["#ffffff", "#fdf6e3", "#000000", "#1e1e1e"])
def test_every_colour_can_be_read_on_light_and_on_dark_terminals(terminal: str) -> None:
    look = skin()
    for ink in (look.plain, look.dim, look.strong, look.accent, *look.states.values()):
        assert ink.bgcolor is None
        if ink.color is not None and ink.color.triplet is not None:
            assert contrast(ink.color.triplet.hex, terminal) >= 3
    for ink in (look.cursor, look.flash):
        assert ink.color is not None
        assert ink.bgcolor is not None
        assert contrast(ink.color.get_truecolor().hex, ink.bgcolor.get_truecolor().hex) >= 4.5


def contrast(one: str, other: str) -> float:
    """As WCAG 2.2 defines it: 3 for what is large or not text, 4.5 for all."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_long_lines_fold() -> None:
    assert folded((("abcdef", PLAIN), ("gh", RED)), 4) == [
        (("abcd", PLAIN),),
        (("ef", PLAIN), ("gh", RED)),
    ]
    assert folded((("  one two three", PLAIN),), 9) == [
        (("  one ", PLAIN),),
        (("  ", PLAIN), ("two ", PLAIN)),
        (("  ", PLAIN), ("three", PLAIN)),
    ]


def test_words_are_underlined_and_not_the_blanks_around_them() -> None:
    line = drawn(("  two words ", Ink(underline=True)), columns=14)
    assert [(s.text, bool(s.style and s.style.underline)) for s in line] == [
        ("  ", False),
        ("two words", True),
        ("   ", False),
    ]
