"""Lines of styled text, and the one place where text becomes what the terminal gets.

Everything that a screen shows passes `strip`: it is cleaned there, whoever made it, and cut to the columns it has.
"""

from collections.abc import Iterable, Sequence

from rich.segment import Segment
from rich.style import Style as Ink
from textual.strip import Strip

from dratui.terminal import clean, width
from dratui.tui.themes import ASCII

Part = tuple[str, Ink]
Line = tuple[Part, ...]
Run = tuple[str, Ink | None]
_END: Run = ("", None)


def strip(line: Iterable[Part], columns: int, *, fill: Ink, ascii_only: bool) -> Strip:
    """Draw `line` over `fill`, in exactly `columns`; what is too long ends in an ellipsis.

    Neighbours that look the same become one segment, since each begins and ends with an escape sequence.
    """
    runs: list[tuple[str, Ink]] = []
    room = columns
    for raw, inked in (*_bare(line), (" " * columns, fill)):
        text = clean(raw)
        taken = width(text)
        if taken > room:
            text = text[:room] if text.isspace() else _head(text, room)
            taken = width(text)
        if text:
            shown = to_ascii(text) if ascii_only else text
            ink = fill + inked
            if runs and (
                runs[-1][1] == ink
                or (text.isspace() and not (_visible(ink, fill) or _visible(runs[-1][1], fill)))
            ):
                runs[-1] = (runs[-1][0] + shown, runs[-1][1])
            else:
                runs.append((shown, ink))
            room -= taken
        if room <= 0:
            break
    return Strip([Segment(text, ink) for text, ink in runs], columns)


def _bare(line: Iterable[Part]) -> Iterable[Part]:
    """The line with words underlined, and not the blanks that keep them apart."""
    for text, ink in line:
        if not ink.underline:
            yield text, ink
            continue
        word = text.strip(" ")
        start = text.index(word) if word else 0
        without = ink + Ink(underline=False)
        yield text[:start], without
        yield word, ink
        yield text[start + len(word) :], without


def _visible(ink: Ink, fill: Ink) -> bool:
    """Whether a blank in this ink looks different from a blank."""
    return bool(ink.bgcolor != fill.bgcolor or ink.underline or ink.reverse)


def to_ascii(text: str) -> str:
    """The same columns in ASCII."""
    if text.isascii():
        return text
    return "".join(c if c.isascii() else ASCII.get(c, "?" * width(c)) for c in text)


def line_width(line: Iterable[Part]) -> int:
    """Columns that `line` takes."""
    return sum(width(clean(text)) for text, _ in line)


def folded(line: Line, columns: int) -> list[Line]:
    """The line as several of at most `columns`, broken between words, or where the room ends; all equally indented."""
    done: list[Line] = []
    parts: list[Part] = []
    text = "".join(text for text, _ in line)
    indent = min(len(text) - len(text.lstrip(" ")), columns // 2)
    room = columns
    for raw, ink in line:
        text = clean(raw)
        while width(text) > room:
            head = _words(text, room)
            parts.append((head, ink))
            done.append(tuple(parts))
            text, parts, room = text[len(head) :], [(" " * indent, ink)] if indent else [], columns - indent
        parts.append((text, ink))
        room -= width(text)
    return [*done, tuple(parts)]


def _words(text: str, columns: int) -> str:
    """The start of the text, to the end of a word if one ends in `columns`."""
    head = _take(text, columns)
    end = head.rfind(" ") + 1
    return head[:end] if head[:end].strip() else head


def difference(old: Strip, new: Strip) -> tuple[int, int] | None:
    """From which column to which (exclusive) `new` differs from `old`; None if it does not."""
    if old is new:
        return None
    one = [(segment.text, segment.style) for segment in old]
    other = [(segment.text, segment.style) for segment in new]
    if one == other:
        return None
    start = _shared(one, other)
    end = _shared(_backwards(one), _backwards(other))
    # What is between two equal parts can be shorter than both: `aa` in the middle of `aaa`.
    left = min(sum(len(text) for text, _ in runs) for runs in (one, other)) - len(start)
    return width(start), new.cell_length - width(end[:left])


def _shared(one: Sequence[Run], other: Sequence[Run]) -> str:
    """The text that both begin with, in the same inks."""
    shared = ""
    ours, theirs = iter(one), iter(other)
    (a, ink), (b, its_ink) = next(ours, _END), next(theirs, _END)
    while ink == its_ink and (room := min(len(a), len(b))):
        if a[:room] != b[:room]:
            return shared + a[: next(n for n in range(room) if a[n] != b[n])]
        shared += a[:room]
        a, b = a[room:], b[room:]
        if not a:
            a, ink = next(ours, _END)
        if not b:
            b, its_ink = next(theirs, _END)
    return shared


def _backwards(runs: Sequence[Run]) -> list[Run]:
    return [(text[::-1], ink) for text, ink in reversed(runs)]


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
