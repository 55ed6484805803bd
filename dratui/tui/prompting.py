"""What is typed behind `:`, `/` and `@`, and when it applies: a filter while it is typed, the others when entered."""

from collections.abc import Callable

from dratui.failure import UsageFailure
from dratui.tui.widgets.last_line import Complaint, Complete, LastLine, Outcome
from dratui.views.query import BadFilter
from dratui.when import FORMS


class Prompting:
    """Reads the prompt of the last line.

    `narrow` applies a filter and may raise BadFilter; `travel` goes to a time and may raise UsageFailure for what is
    none; `command` does a command.
    """

    def __init__(
        self,
        last: LastLine,
        *,
        narrow: Callable[[str], None],
        command: Callable[[str], None],
        travel: Callable[[str], None],
    ) -> None:
        self._last = last
        self._narrow = narrow
        self._command = command
        self._travel = travel

    @property
    def active(self) -> bool:
        """Whether someone is typing."""
        return bool(self._last.sign)

    def ask_command(self, complete: Complete) -> None:
        """Ask where to go."""
        self._last.prompt(":", "", complete)

    def ask_filter(self, text: str) -> None:
        """Ask for a filter."""
        self._last.prompt("/", text)

    def ask_time(self) -> None:
        """Ask for a time."""
        self._last.prompt("@", "", lambda text: () if text else FORMS)

    def press(self, key: str, character: str) -> None:
        """Take a key, in Textual's words, and the character it types, if it does."""
        self._do(self._last.press(key, character))

    def paste(self, text: str) -> None:
        """Pasting is typing."""
        self._do(self._last.insert(text))

    def _do(self, outcome: Outcome) -> None:
        text = self._last.text
        if outcome is Outcome.NOTHING:
            return
        match self._last.sign, outcome:
            case "/", Outcome.TYPED:
                self._applies(text)
            case "/", Outcome.ENTERED:
                if self._applies(text):
                    self._last.end()
            case "/", Outcome.LEFT:
                self._last.end()
                self._narrow(self._last.started_from)
            case ":", Outcome.ENTERED:
                self._last.end()
                if text.strip():
                    self._command(text)
            case "@", Outcome.ENTERED:
                self._goes(text)
            case "@", Outcome.TYPED:
                self._last.complain(None)
            case ":" | "@", Outcome.LEFT:
                self._last.end()

    def _goes(self, text: str) -> None:
        if text.strip():
            try:
                self._travel(text)
            except UsageFailure as failure:
                self._last.complain(Complaint(f"{failure.what}: {failure.hint}", -1))
                return
        self._last.end()

    def _applies(self, text: str) -> bool:
        try:
            self._narrow(text)
        except BadFilter as bad:
            self._last.complain(Complaint(bad.reason, bad.column))
            return False
        self._last.complain(None)
        return True
