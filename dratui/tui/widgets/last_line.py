"""The last line: the keys that matter here, a message, or a prompt; beside them what must never leave the screen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual import events
from textual.message import Message

from dratui.tui.lines import Line, Part
from dratui.tui.themes import Skin
from dratui.tui.typed_line import TypedLine
from dratui.tui.widgets.bar import Bar
from dratui.views.table import Style

Complete = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a typed line, and at which character."""

    text: str
    column: int


class LastLine(Bar, can_focus=True):
    """Shows hints until it is asked to `prompt`; then it has the focus and takes every key but ctrl-c."""

    class Typed(Message):
        """The line behind `sign` reads differently now."""

        def __init__(self, sign: str, text: str) -> None:
            super().__init__()
            self.sign = sign
            self.text = text

    class Entered(Typed):
        """The line behind `sign` is meant."""

    class Left(Typed):
        """The prompt was left; nothing is meant."""

    def __init__(self, skin: Skin, *, id: str) -> None:  # noqa: A002 — Textual's word
        super().__init__(skin, id=id)
        self._sign = ""
        self._typed = TypedLine()
        self._complete: Complete | None = None
        self._suggested = 0
        self._complaint: Complaint | None = None
        self.started_from = ""  # what the prompt showed at first

    @property
    def prompting(self) -> bool:
        """Whether someone is typing."""
        return bool(self._sign)

    def prompt(self, sign: str, text: str, complete: Complete | None = None) -> None:
        """Ask for a line, starting from `text`."""
        self._sign, self._typed, self._complete = sign, TypedLine.of(text), complete
        self._suggested, self._complaint, self.started_from = 0, None, text
        self.focus()
        self.repaint()

    def complain(self, complaint: Complaint | None) -> None:
        """Mark what is wrong with the typed line, or that nothing is."""
        self._complaint = complaint
        self.repaint()

    def end(self) -> None:
        """Back to the hints."""
        self._sign, self._complete, self._complaint = "", None, None
        self.repaint()

    def on_key(self, event: events.Key) -> None:
        """Every key is for the prompt while there is one."""
        if not self.prompting or event.key == "ctrl+c":
            return
        event.stop()
        event.prevent_default()
        match event.key:
            case "enter":
                self.post_message(self.Entered(self._sign, self._typed.text))
            case "escape":
                self.post_message(self.Left(self._sign, self._typed.text))
            case "up" | "down":
                self._suggested += 1 if event.key == "down" else -1
                self.repaint()
            case "tab" | "right" if self._typed.at_end:
                self._accept()
            case "backspace" if not self._typed.text:
                self.post_message(self.Left(self._sign, ""))
            case _:
                typed = self._typed.pressed(event.key)
                if typed is None and event.is_printable and event.character is not None:
                    typed = self._typed.inserted(event.character)
                if typed is not None:
                    self._take(typed)

    def on_paste(self, event: events.Paste) -> None:
        """The first pasted line is typed."""
        if self.prompting:
            event.stop()
            self._take(self._typed.inserted(event.text.partition("\n")[0].strip("\r")))

    def _accept(self) -> None:
        found = self._suggestions()
        if found:
            self._take(TypedLine.of(found[self._suggested % len(found)]))

    def _take(self, typed: TypedLine) -> None:
        changed = typed.text != self._typed.text
        self._typed = typed
        if changed:
            self._suggested = 0
            self.post_message(self.Typed(self._sign, typed.text))
        self.repaint()

    def _suggestions(self) -> Sequence[str]:
        return self._complete(self._typed.text) if self._complete is not None else ()

    # --- drawing ---------------------------------------------------------------------------------------------------

    def left_side(self) -> Line:
        """The prompt, while there is one."""
        return self._prompt_line() if self.prompting else super().left_side()

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
