"""What a description is made of: titled sections of labelled lines, texts cleaned."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from dratui.api.model import ObjectKey
from dratui.terminal import clean
from dratui.views import words
from dratui.views.table import Style

LIVE: Final = "LIVE"
"""The title of the section of what is measured, which is another every second."""


@dataclass(frozen=True, slots=True)
class Field:
    """One line. `label` may be empty: the value goes on. A `share` of 1 is drawn as a bar before the value, a `trail`
    of them as a line of blocks, the oldest first; None: unknown then. It may be about an object: where it `leads`, as
    the kind of a table and a key."""

    label: str
    value: str
    style: Style = Style.PLAIN
    share: float | None = None
    trail: tuple[float | None, ...] = ()
    leads: tuple[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of a drawing, as long as `length` of its units: what stands in it, and what under it.

    A `share` of 1 is drawn as a bar in it; `unknown` says why there is none.
    """

    length: int
    text: str
    below: str
    style: Style
    share: float | None = None
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Lines that belong together, under a drawing of `cells` side by side. `collapsed`: shown closed at first."""

    title: str
    fields: tuple[Field, ...]
    collapsed: bool = False
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """An object in words. `state` is drawn beside the title in `style`."""

    title: str
    state: str
    style: Style
    sections: tuple[Section, ...]


def section(
    title: str,
    *fields: Field | tuple[str, str | None] | tuple[str, str | None, Style],
    collapsed: bool = False,
    cells: tuple[Cell, ...] = (),
) -> Section:
    """A section from raw texts. Lines without a value are left out; None is a value that is unknown."""
    made = (field if isinstance(field, Field) else _field(*field) for field in fields)
    cleaned = (replace(f, label=clean(f.label), value=clean(f.value)) for f in made if f.value or f.trail)
    return Section(title, tuple(cleaned), collapsed, cells)


def _field(label: str, value: str | None, style: Style = Style.PLAIN) -> Field:
    return Field(label, words.UNKNOWN if value is None else value, style)


def node(name: str, where: str = "") -> Field:
    """The node of something, or else where it can be reached from."""
    return Field("node", name or where, leads=("nodes", ObjectKey("", name)) if name else None)


def number(value: int | None) -> str:
    """A count, or that it is unknown."""
    return words.UNKNOWN if value is None else str(value)


def ago(since: datetime | None, now: datetime) -> str:
    """How long ago, as a line's value; empty for what has not happened."""
    return "" if since is None else f"{words.age(since, now)} ago"


def since_text(since: datetime | None, now: datetime) -> str:
    """How long ago, behind other words."""
    return "" if since is None else f", {words.age(since, now)} ago"
