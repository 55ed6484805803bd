"""The last line: the keys that matter here, a message, or a prompt; beside them what must never leave the screen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from dratui.tui.lines import Line, Part
from dratui.tui.themes import Skin
from dratui.tui.typed_line import TypedLine
from dratui.tui.widgets.bar import Bar
from dratui.views.table import Style

Complete = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a typed line, and at which character; -1: with all of it."""

    text: str
    column: int


class Outcome(Enum):
    """What a key did to a prompt."""

    NOTHING = auto()
    TYPED = auto()  # the line reads differently now
    ENTERED = auto()  # the line is meant
    LEFT = auto()  # nothing is meant


class LastLine(Bar):
    """Shows hints until it is asked to `prompt`; then every key is for `press`.

    Keys come by a call, not by Textual's focus: they stay in the order in which they were typed, however fast.
    """

    def __init__(self, skin: Skin, *, id: str) -> None:  # noqa: A002 — Textual's word
        super().__init__(skin, id=id)
        self._sign = ""
        self._typed = TypedLine()
        self._complete: Complete | None = None
        self._suggested = 0
        self._complaint: Complaint | None = None
        self.started_from = ""  # what the prompt showed at first

    @property
    def sign(self) -> str:
        """Which prompt this is: `:`, `/` or `@`; empty for none."""
        return self._sign

    @property
    def text(self) -> str:
        """What was typed."""
        return self._typed.text

    def prompt(self, sign: str, text: str, complete: Complete | None = None) -> None:
        """Ask for a line, starting from `text`."""
        self._sign, self._typed, self._complete = sign, TypedLine.of(text), complete
        self._suggested, self._complaint, self.started_from = 0, None, text
        self.repaint()

    def complain(self, complaint: Complaint | None) -> None:
        """Mark what is wrong with the typed line, or that nothing is."""
        self._complaint = complaint
        self.repaint()

    def end(self) -> None:
        """Back to the hints."""
        self._sign, self._complete, self._complaint = "", None, None
        self.repaint()

    def press(self, key: str, character: str) -> Outcome:
        """Take a key, in Textual's words, and the character it types, if it does."""
        match key:
            case "enter":
                return Outcome.ENTERED
            case "escape":
                return Outcome.LEFT
            case "backspace" if not self._typed.text:
                return Outcome.LEFT
            case "up" | "down":
                self._suggested += 1 if key == "down" else -1
                self.repaint()
            case "tab" | "right" if self._typed.at_end:
                if found := self._suggestions():
                    return self._take(TypedLine.of(found[self._suggested % len(found)]))
            case _:
                typed = self._typed.pressed(key)
                if typed is not None:
                    return self._take(typed)
                if character:
                    return self.insert(character)
        return Outcome.NOTHING

    def insert(self, text: str) -> Outcome:
        """Type, or paste; of several lines the first."""
        return self._take(self._typed.inserted(text.partition("\n")[0].strip("\r")))

    def _take(self, typed: TypedLine) -> Outcome:
        changed = typed.text != self._typed.text
        self._typed = typed
        if changed:
            self._suggested = 0
        self.repaint()
        return Outcome.TYPED if changed else Outcome.NOTHING

    def _suggestions(self) -> Sequence[str]:
        return self._complete(self._typed.text) if self._complete is not None else ()

    # --- drawing ---------------------------------------------------------------------------------------------------

    def left_side(self) -> Line:
        """The prompt, while there is one."""
        return self._prompt_line() if self._sign else super().left_side()

    def _prompt_line(self) -> Line:
        skin, text, at = self.skin, self._typed.text, self._typed.at
        wrong = self._complaint.column if self._complaint is not None else -1
        fault = skin.states[Style.FAULT]
        parts: list[Part] = [(f" {self._sign}", skin.accent)]
        for place, char in enumerate(f"{text} "):
            ink = fault + skin.flash if place == wrong else skin.strong
            parts.append((char, ink + skin.cursor if place == at else ink))
        if self._complaint is not None:
            parts.append((f" {self._complaint.text}", fault))
        elif found := self._suggestions():
            chosen = self._suggested % len(found)
            if found[chosen].startswith(text) and self._typed.at_end and found[chosen] != text:
                parts[-1] = (found[chosen][at], skin.dim + skin.cursor)
                parts.append((found[chosen][at + 1 :], skin.dim))
            others = [found[(chosen + n) % len(found)] for n in range(len(found))]
            parts.append((f"   {'  '.join(others[:6])}", skin.dim))
        return tuple(parts)
