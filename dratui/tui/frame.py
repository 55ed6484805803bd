"""What the first line says: where one is, in which cluster, as whom, and whether it is live."""

from collections.abc import Sequence

from dratui.events import About
from dratui.terminal import clean, cut
from dratui.tui.keymap import hints
from dratui.tui.lines import Line, Part, line_width
from dratui.tui.places import Place, crumb
from dratui.tui.themes import Skin
from dratui.views import words
from dratui.views.table import Style

LONGEST_CRUMB = 28


def first_line(
    about: About, trail: Sequence[Place], state: tuple[str, Style], skin: Skin, columns: int
) -> tuple[Line, Line]:
    """The left and the right side. Too narrow for all: version and user go first, then the oldest crumbs."""
    word, style = state
    live: Part = (f"{word} ", skin.states[style])
    full: Line = tuple(
        (f"{clean(text)}  ", skin.dim) for text in (about.server_version, about.user, "read-only") if text
    )
    names = [clean(crumb(place)) for place in trail]
    crumbs = [cut(name, LONGEST_CRUMB) for name in names]
    left = _left(about.cluster, crumbs, skin)
    right: Line = (*full, live)
    if line_width(left) + line_width(right) >= columns:
        right = (("read-only  ", skin.dim), live)
    while len(crumbs) > 1 and line_width(left) + line_width(right) >= columns:
        del crumbs[0]
        left = _left(cut(clean(about.cluster), LONGEST_CRUMB), ["…", *crumbs], skin)
    return left, right


def last_line(
    ids: Sequence[str], said: tuple[str, Style] | None, counters: tuple[int, int], skin: Skin, columns: int
) -> tuple[Line, Line]:
    """The keys that matter, as many as there is room for, or what was just said; the counters."""
    waiting, faults = counters
    right: Line = (
        (f"  {waiting} waiting ", skin.states[Style.WAITING] if waiting else skin.dim),
        (f" {words.count(faults, 'fault')} ", skin.states[Style.FAULT] if faults else skin.dim),
    )
    if said is not None:
        sentence = said[0].partition("\n")[0].removeprefix("error: ")
        return ((f" {sentence}", skin.states[said[1]]),), right
    left: list[Part] = []
    for key in hints(ids):
        hint = [(f" <{key.shown}>", skin.accent), (f" {key.brief or key.help}", skin.dim)]
        if line_width(left) + line_width(hint) + line_width(right) > columns:
            break
        left += hint
    return tuple(left), right


def _left(cluster: str, crumbs: Sequence[str], skin: Skin) -> Line:
    parts: list[Part] = [(" dratui  ", skin.accent), (clean(cluster), skin.plain)]
    for number, name in enumerate(crumbs, 1):
        parts.append((" › ", skin.dim))
        parts.append((name, skin.strong if number == len(crumbs) else skin.plain))
    return tuple(parts)
