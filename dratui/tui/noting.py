"""What stands below a selector that someone tries: what is wrong with it or how many match, and what may be written
next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from dratui.terminal import clean, cut_end
from dratui.tui.lines import Line, folded
from dratui.tui.themes import GLYPHS, Skin
from dratui.tui.trying import Outcome
from dratui.views.table import Style

if TYPE_CHECKING:
    from dratui.why.vocabulary import Next


class Noting(NamedTuple):
    """How it looks: in which inks, in how many columns; whether keys are text."""

    skin: Skin
    columns: int
    typing: bool

    def told(self, outcome: Outcome, free: int | None, device_class: str, *, current: bool) -> Iterator[Line]:
        """What came of it; `current`: of what is written, not of an earlier text. While one types what is wrong takes
        one line, so that the table does not jump."""
        from dratui.views import selecting  # loaded by the trial, which takes a moment

        skin = self.skin
        fault = skin.states[Style.FAULT]
        if outcome.tried is not None:
            empty = not outcome.text.strip()
            counts = selecting.counted(outcome.tried, free, device_class=device_class, empty=empty)
            yield ((counts, skin.strong if current else skin.dim),)
            said = [*selecting.raised(outcome.tried), *filter(None, (outcome.tried.refused,))]
        else:
            assert outcome.failure is not None
            said = list(selecting.wrong(outcome.failure))
            if self.typing:
                more = f"  (and {len(said) - 1} more)" if len(said) > 1 else ""
                first = cut_end(f"{GLYPHS[Style.FAULT]} {said[0]}", self.columns - len(more))
                yield ((first + more, fault if current else skin.dim),)
                return
        for text in said:
            yield from folded(((f"{GLYPHS[Style.FAULT]} {text}", fault),), self.columns)

    def offered(self, words: Sequence[Next], at: int, key: str) -> Line:
        """What may be written next: one, which the key takes, and some others."""
        if not words:
            return ()
        at %= len(words)
        others = "  ".join(words[(at + n) % len(words)].brief for n in range(1, len(words)))
        return (
            (f"<{key}> ", self.skin.accent),
            (clean(words[at].brief), self.skin.plain),
            (f"  {clean(others)}", self.skin.dim),
        )
