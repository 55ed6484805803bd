"""Lines: what is drawn, and what of it is repainted."""

import pytest
from rich.style import Style as Ink
from textual.strip import Strip

from dratui.tui.lines import Line, difference, folded, strip

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


def test_long_lines_fold() -> None:
    assert folded((("abcdef", PLAIN), ("gh", RED)), 4) == [
        (("abcd", PLAIN),),
        (("ef", PLAIN), ("gh", RED)),
    ]
