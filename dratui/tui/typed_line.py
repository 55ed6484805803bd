"""A line being typed: pure, one key at a time."""

from dataclasses import dataclass, replace


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
                return TypedLine(self.text[self.at :], 0)
            case "ctrl+w":
                kept = self.text[: self.at].rstrip().rpartition(" ")
                head = kept[0] + kept[1]
                return TypedLine(head + self.text[self.at :], len(head))
            case "left":
                return replace(self, at=max(self.at - 1, 0))
            case "right":
                return replace(self, at=min(self.at + 1, len(self.text)))
            case "home" | "ctrl+a":
                return replace(self, at=0)
            case "end" | "ctrl+e":
                return replace(self, at=len(self.text))
        return None

    def inserted(self, text: str) -> "TypedLine":
        """The line after typing or pasting `text`."""
        return TypedLine(self.text[: self.at] + text + self.text[self.at :], self.at + len(text))

    @property
    def at_end(self) -> bool:
        """Whether the next character goes to the end."""
        return self.at == len(self.text)
