"""What is looked at: a table, narrowed and ordered. A key press changes a query, never the data."""

from collections.abc import Hashable
from dataclasses import dataclass

from dratui.failure import UsageFailure


@dataclass(frozen=True, slots=True)
class Within:
    """A narrowing by another object: the claims within a pod, the devices within a claim."""

    kind: str
    key: Hashable


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """Which rows of which table, in which order.

    `namespace` empty means all. `filter` is a case-insensitive regular expression over the cells of a row joined by
    spaces, but for those that tick (ages: as in k9s); `-l` with labels or `-f` with a rough name; with `!` in front,
    the rows that do not match. `sort` is a column's title, empty for the table's order. `only`: the keys of rows that
    something else selected.
    """

    kind: str
    namespace: str = ""
    within: Within | None = None
    filter: str = ""
    sort: str = ""
    descending: bool = False
    wide: bool = False
    faults_only: bool = False
    only: frozenset[Hashable] | None = None


class BadFilter(UsageFailure):
    """A filter that means nothing: the `reason`, and `column`, where it goes wrong, from 0."""

    def __init__(
        self,
        text: str,
        reason: str,
        column: int,
        *,
        sentence: str = "the filter {text!r} is no regular expression: {reason} at character {at}",
        hint: str = "put a backslash before ( ) [ ] { } . * + ? | ^ $ to search for the character itself",
    ) -> None:
        super().__init__(sentence.format(text=text, reason=reason, at=column + 1), hint=hint)
        self.reason = reason
        self.column = column
