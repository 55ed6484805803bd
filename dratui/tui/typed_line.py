"""Text being typed, a line as a rule: pure, one key at a time."""

import re
from dataclasses import dataclass, replace
from typing import Final

_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class TypedLine:
    """Text, and where in it the next character goes."""

    text: str = ""
    at: int = 0

    @classmethod
    def of(cls, text: str) -> "TypedLine":
        """A line with the cursor at its end."""
        return cls(text, len(text))

    def pressed(self, key: str) -> "TypedLine | None":
        """The line after an editing key, in Textual's words; None for any other key."""
        match key:
            case "backspace" | "ctrl+h":
                return TypedLine(self.text[: max(self.at - 1, 0)] + self.text[self.at :], max(self.at - 1, 0))
            case "delete":
                return replace(self, text=self.text[: self.at] + self.text[self.at + 1 :])
            case "ctrl+u":
                return TypedLine(self.text[: self._start] + self.text[self.at :], self._start)
            case "ctrl+w":
                kept = self.text[: self.at].rstrip().rpartition(" ")
                head = kept[0] + kept[1]
                return TypedLine(head + self.text[self.at :], len(head))
            case "left":
                return replace(self, at=max(self.at - 1, 0))
            case "right":
                return replace(self, at=min(self.at + 1, len(self.text)))
            case "home" | "ctrl+a":
                return replace(self, at=self._start)
            case "end" | "ctrl+e":
                return replace(self, at=self._end)
            case "ctrl+left":
                return replace(
                    self, at=max((m.start() for m in _WORD.finditer(self.text, 0, self.at)), default=0)
                )
            case "ctrl+right":
                found = _WORD.search(self.text, self.at)
                return replace(self, at=found.end() if found else len(self.text))
        return None

    def inserted(self, text: str) -> "TypedLine":
        """The line after typing or pasting `text`."""
        return TypedLine(self.text[: self.at] + text + self.text[self.at :], self.at + len(text))

    def moved(self, by: int) -> "TypedLine":
        """The cursor a line further down or up, as far to the right as it can be."""
        column = self.at - self._start
        if by > 0 and self._end < len(self.text):
            return replace(self, at=min(self._end + 1 + column, replace(self, at=self._end + 1)._end))
        if by < 0 and self._start:
            before = replace(self, at=self._start - 1)
            return replace(self, at=min(before._start + column, before.at))
        return self

    @property
    def _start(self) -> int:
        return self.text.rfind("\n", 0, self.at) + 1

    @property
    def _end(self) -> int:
        end = self.text.find("\n", self.at)
        return len(self.text) if end < 0 else end

    @property
    def at_end(self) -> bool:
        """Whether the next character goes to the end."""
        return self.at == len(self.text)
