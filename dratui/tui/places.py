"""Where one can be: each place as a value, and the way that led there.

A trail is what the first line shows and `esc` walks back: places, each with where in it one was. A history is the
trails that commands began.
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Final

from dratui.api.model import ObjectKey
from dratui.failure import Failure
from dratui.views.query import Query


@dataclass(frozen=True, slots=True)
class Overview:
    """What there is, who holds it, who waits."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A table."""

    query: Query


@dataclass(frozen=True, slots=True)
class Card:
    """One object, described."""

    kind: str
    key: Hashable


@dataclass(frozen=True, slots=True)
class Yaml:
    """One object as the server has it. Of the kind `drafts`, one that is not there yet: a selector and its class."""

    kind: str
    key: Hashable


@dataclass(frozen=True, slots=True)
class Why:
    """Why a pod or a claim waits, node by node."""

    kind: str
    key: ObjectKey


@dataclass(frozen=True, slots=True)
class Selector:
    """A selector that one writes: for a request of an object, for a device class, or for nothing in particular."""

    kind: str = ""
    key: Hashable = None
    request: str = ""
    device_class: str = ""


@dataclass(frozen=True, slots=True)
class Keys:
    """The help."""


@dataclass(frozen=True, slots=True)
class HealthOfStreams:
    """How each stream does."""


@dataclass(frozen=True, slots=True)
class Messages:
    """What went wrong, in full."""


@dataclass(frozen=True, slots=True)
class AliasList:
    """What is short for what."""


@dataclass(frozen=True, slots=True)
class ContextList:
    """The clusters that one can switch to."""


Place = (
    Overview
    | Rows
    | Card
    | Yaml
    | Why
    | Selector
    | Keys
    | HealthOfStreams
    | Messages
    | AliasList
    | ContextList
)


@dataclass(frozen=True, slots=True)
class Switch:
    """No place in this cluster, but another cluster: all begins anew there, at `start`."""

    context: str
    start: Place = Overview()


def crumb(place: Place) -> str:
    """The place's name in the first line; not cleaned."""
    match place:
        case Overview():
            return "overview"
        case Rows(query):
            return f"{name_of(query.within.key)}: {query.kind}" if query.within is not None else query.kind
        case Card(_, key):
            return name_of(key)
        case Yaml("drafts", _):
            return "yaml"
        case Yaml(_, key):
            return f"{name_of(key)} yaml"
        case Why(_, key):
            return f"{name_of(key)} why"
        case Selector(_, key, _, device_class):
            return " ".join(filter(None, (name_of(key) if key is not None else device_class, "selector")))
        case Keys():
            return "keys"
        case HealthOfStreams():
            return "health"
        case Messages():
            return "messages"
        case AliasList():
            return "aliases"
        case ContextList():
            return "contexts"


def name_of(key: Hashable) -> str:
    """The last word of a key: an object's own name."""
    return str(key[-1]) if isinstance(key, tuple) and key else str(key)


@dataclass(frozen=True, slots=True)
class Visit:
    """A place, and what its screen left to find its way back (cursor, scroll); the screen knows what it is."""

    place: Place
    mark: object = None


Trail = tuple[Visit, ...]
HISTORY_LENGTH: Final = 50


@dataclass(frozen=True, slots=True)
class History:
    """A trail for each command, oldest first; `at` is where one is, `before` where one was. Never empty.

    As in k9s, what `[`, `]` and `-` go through are commands; each leads to where one had come to from there.
    """

    trails: tuple[Trail, ...]
    at: int = 0
    before: int = 0

    @property
    def trail(self) -> Trail:
        """Where one is, and how one got there."""
        return self.trails[self.at]

    @property
    def visit(self) -> Visit:
        """Where one is."""
        return self.trail[-1]

    def marked(self, mark: object) -> "History":
        """The same, remembering `mark` for the present place."""
        return self._with(*self.trail[:-1], replace(self.visit, mark=mark))

    def changed(self, place: Place) -> "History":
        """The same, the present place looked at differently: another filter, another order."""
        return self._with(*self.trail[:-1], replace(self.visit, place=place))

    def commanded(self, trail: Trail) -> "History":
        """Begin a trail; what was ahead in the history is forgotten. The same command again begins it anew."""
        if [visit.place for visit in trail] == [visit.place for visit in self.trail]:
            return self
        seen = (*self.trails[: self.at + 1], trail)[-HISTORY_LENGTH:]
        return History(seen, len(seen) - 1, max(0, len(seen) - 2))

    def entered(self, place: Place) -> "History":
        """Go on to a place from here."""
        return self._with(*self.trail, Visit(place))

    def left(self) -> "History":
        """Go back to where one came from; on the first place nothing happens."""
        return self._with(*self.trail[:-1]) if len(self.trail) > 1 else self

    def stepped(self, by: int) -> "History":
        """Go through the commands. Raises Failure where there are no more."""
        if not 0 <= self.at + by < len(self.trails):
            raise Failure(f"there is no view {'before' if by < 0 else 'after'} this one")
        return replace(self, at=self.at + by, before=self.at)

    def last(self) -> "History":
        """Go to where one was before; again: back here."""
        return replace(self, at=self.before, before=self.at)

    def _with(self, *trail: Visit) -> "History":
        return replace(self, trails=(*self.trails[: self.at], trail, *self.trails[self.at + 1 :]))
