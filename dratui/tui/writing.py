"""An expression while it is written: the text, what it was, which of the offered words is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from dratui.tui.typed_line import TypedLine

if TYPE_CHECKING:
    from dratui.why.vocabulary import Next

MOST_TYPED: Final = 12_000  # characters; the API server takes 10,240 bytes
MOST_UNDONE: Final = 200


@dataclass(slots=True)
class Written:
    """A draft as it is at the moment. `of` and `device_class` are those of what it was begun from."""

    typed: TypedLine = field(default_factory=TypedLine)
    device_class: str = ""
    of: str = ""
    suggested: int = 0  # how far one went through what is offered
    _undone: list[TypedLine] = field(default_factory=list)

    def press(self, key: str, character: str, words: Sequence[Next]) -> bool:
        """Take a key, in Textual's words, and the character it types; `words` are offered. Whether the text changed."""
        typed = self.typed
        match key:
            case "tab" | "right" if words and (key == "tab" or typed.at_end):
                keep, text, _ = words[self.suggested % len(words)]
                return self._become(
                    TypedLine(typed.text[:keep] + text + typed.text[typed.at :], keep + len(text))
                )
            case "up" | "down" if "\n" in typed.text:
                self.typed = typed.moved(1 if key == "down" else -1)
            case "up" | "down":
                self.suggested += 1 if key == "down" else -1
            case "ctrl+z" if self._undone:
                self.typed = self._undone.pop()
                return True
            case _:
                if (after := typed.pressed(key)) is not None:
                    return self._become(after)
                if character:
                    return self._become(typed.inserted(character))
        return False

    def paste(self, text: str) -> bool:
        """Pasting is typing, of several lines, too."""
        return self._become(self.typed.inserted(text.replace("\r\n", "\n").replace("\r", "\n")))

    def _become(self, typed: TypedLine) -> bool:
        if len(typed.text) > MOST_TYPED:
            typed = TypedLine(typed.text[:MOST_TYPED], min(typed.at, MOST_TYPED))
        changed = typed.text != self.typed.text
        if changed:
            self._undone.append(self.typed)
            del self._undone[:-MOST_UNDONE]
        self.typed, self.suggested = typed, 0
        return changed
