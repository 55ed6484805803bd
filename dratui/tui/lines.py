"""Lines of styled text, and the one place where text becomes what the terminal gets.

Everything that a screen shows passes `strip`: it is cleaned there, whoever made it, and cut to the columns it has.
"""

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style as Ink
from textual.strip import Strip

from dratui.terminal import clean, width
from dratui.tui.themes import ASCII

Part = tuple[str, Ink]
Line = tuple[Part, ...]


def strip(line: Iterable[Part], columns: int, *, fill: Ink, ascii_only: bool) -> Strip:
    """Draw `line` in exactly `columns`; what is too long ends in an ellipsis."""
    segments: list[Segment] = []
    room = columns
    for raw, ink in line:
        text = clean(raw)
        taken = width(text)
        if taken > room:
            text = _head(text, room)
            taken = width(text)
        if text:
            segments.append(Segment(to_ascii(text) if ascii_only else text, ink))
            room -= taken
        if room <= 0:
            break
    if room > 0:
        segments.append(Segment(" " * room, fill))
    return Strip(segments, columns)


def to_ascii(text: str) -> str:
    """The same columns in ASCII."""
    if text.isascii():
        return text
    return "".join(c if c.isascii() else ASCII.get(c, "?" * width(c)) for c in text)


def line_width(line: Iterable[Part]) -> int:
    """Columns that `line` takes."""
    return sum(width(clean(text)) for text, _ in line)


def folded(line: Line, columns: int) -> list[Line]:
    """The line as several of at most `columns`, broken where the room ends: long words are what needs it."""
    done: list[Line] = []
    parts: list[Part] = []
    room = columns
    for raw, ink in line:
        text = clean(raw)
        while width(text) > room:
            head = _take(text, room)
            parts.append((head, ink))
            done.append(tuple(parts))
            text, parts, room = text[len(head) :], [], columns
        parts.append((text, ink))
        room -= width(text)
    return [*done, tuple(parts)]


def difference(old: Strip, new: Strip) -> tuple[int, int] | None:
    """From which column to which (exclusive) `new` differs from `old`, told by whole segments; None if it does not."""
    if old == new:
        return None
    before, after = list(old), list(new)
    start = 0
    while before and after and before[0] == after[0]:
        start += before.pop(0).cell_length
        after.pop(0)
    end = max(old.cell_length, new.cell_length)
    while before and after and before[-1] == after[-1]:
        end -= before.pop().cell_length
        after.pop()
    return start, end


def _head(text: str, columns: int) -> str:
    return _take(text, columns - 1) + "…" if columns > 0 else ""


def _take(text: str, columns: int) -> str:
    """As much of the text's start as fits."""
    if text.isascii():
        return text[:columns]
    for end, char in enumerate(text):
        columns -= width(char)
        if columns < 0:
            return text[:end]
    return text
