"""What a description is made of: titled sections of labelled lines, texts cleaned."""

from dataclasses import dataclass
from datetime import datetime

from dratui.terminal import clean
from dratui.views import words
from dratui.views.table import Style


@dataclass(frozen=True, slots=True)
class Field:
    """One line. `label` may be empty: the value goes on."""

    label: str
    value: str
    style: Style = Style.PLAIN


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of a drawing, as long as `length` of its units: what stands in it, and what under it."""

    length: int
    text: str
    below: str
    style: Style


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
    *fields: tuple[str, str | None] | tuple[str, str | None, Style],
    collapsed: bool = False,
    cells: tuple[Cell, ...] = (),
) -> Section:
    """A section from raw texts. Lines without a value are left out; None is a value that is unknown."""
    cleaned = (
        Field(clean(label), words.UNKNOWN if value is None else clean(value), *style)
        for label, value, *style in fields
        if value != ""
    )
    return Section(title, tuple(cleaned), collapsed, cells)


def number(value: int | None) -> str:
    """A count, or that it is unknown."""
    return words.UNKNOWN if value is None else str(value)


def ago(since: datetime | None, now: datetime) -> str:
    """How long ago, as a line's value; empty for what has not happened."""
    return "" if since is None else f"{words.age(since, now)} ago"


def since_text(since: datetime | None, now: datetime) -> str:
    """How long ago, behind other words."""
    return "" if since is None else f", {words.age(since, now)} ago"
