"""Short names for what is typed behind the colon: kubectl's and k9s's, and those that a person keeps in a file."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dratui.failure import Failure, UsageFailure
from dratui.settings.document import Document, text_of
from dratui.tui.commands import SHORT
from dratui.views.tables import TABLES

_NAME: Final = re.compile(r"[^\s/:=@]+")
BUILT_IN: Final[Mapping[str, str]] = {
    **{name: table.kind for table in TABLES.values() for name in (table.singular, *table.names)},
    **SHORT,
}


@dataclass(frozen=True, slots=True)
class Alias:
    """A name, the line that it stands for, and who says so."""

    name: str
    command: str
    source: str


class Aliases:
    """`own` are a person's, with the line of the file that says so; they win over those that are built in."""

    def __init__(self, own: Mapping[str, tuple[str, str]] | None = None) -> None:
        self._own = own or {}

    @property
    def all(self) -> Sequence[Alias]:
        """All of them, a person's first."""
        built_in = [Alias(name, command, "built in") for name, command in sorted(BUILT_IN.items())]
        return [
            *(Alias(name, command, source) for name, (command, source) in sorted(self._own.items())),
            *(alias for alias in built_in if alias.name not in self._own),
        ]

    @property
    def own(self) -> Sequence[str]:
        """A person's."""
        return list(self._own)

    def expand(self, text: str) -> str:
        """The line with a person's alias at its start written out; what is behind it stays behind it.

        Raises UsageFailure where it would become part of a filter.
        """
        name, blank, rest = text.strip().partition(" ")
        head, slash, pattern = name.partition("/")
        if head not in self._own:
            return text
        command, _ = self._own[head]
        behind = f"{slash}{pattern}{blank}{rest}".strip()
        if behind and "/" in command:
            raise UsageFailure(f"{head} is `{command}`: nothing can follow it", hint="/ filters what shows")
        return f"{command} {behind}".strip()


def read_aliases(document: Document | None, check: Callable[[str], object]) -> Aliases:
    """Those of a file, `name: command` a line. `check` is to understand a command, or raise Failure. Raises Wrong."""
    own: dict[str, tuple[str, str]] = {}
    for name, node in (document.fields if document is not None else {}).items():
        command = text_of(node).strip().removeprefix(":")
        if not _NAME.fullmatch(name):
            raise node.at.wrong("is no alias", "one word without / : = and @")
        try:
            check(command)
        except Failure as failure:
            raise node.at.wrong(failure.what, failure.hint) from failure
        own[name] = command, f"{node.at.path.name} line {node.at.line}"
    return Aliases(own)


def default() -> str:
    """A file to begin with."""
    lines = [f"# {name}: {command}\n" for name, command in sorted(BUILT_IN.items())]
    return f"# gpu: claims all /nvidia\n# mine: pods ml-team app=train\n\n# built in:\n{''.join(lines)}"
