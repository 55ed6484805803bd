"""A table as data: one definition serves the screens and `dratui get`.

A `Table` says which rows a kind has and how each column shows a row. It draws nothing: text comes out cleaned of
whatever must not reach a terminal, with the name of a style beside it.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, Literal, TypeVar

from dratui.cluster.live import Live
from dratui.cluster.store import Store
from dratui.terminal import clean
from dratui.views import words

R = TypeVar("R")
Key = Hashable


class Style(StrEnum):
    """What a cell means; a theme gives each a colour and a glyph, so that no state is told by colour alone."""

    PLAIN = "plain"
    DIM = "dim"
    HELD = "held"
    FREE = "free"
    SHARED = "shared"
    WAITING = "waiting"
    TAINTED = "tainted"
    FAULT = "fault"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Column(Generic[R]):
    """One column. `value` is what is sorted by, unless `rank` is; None is unknown, and shown so."""

    title: str
    value: Callable[[R], Any]
    text: Callable[[Any, datetime], str] = words.plain  # (value, now) → text, not yet cleaned
    style: Callable[[R], Style] | None = None
    rank: Callable[[R], Any] | None = None
    stale: Callable[[R, datetime], bool] | None = None  # whether what it says is old: then it is dim
    glyph: bool = False  # the screens put the style's glyph before the text
    align: Literal["left", "right"] = "left"
    grow: bool = False  # takes the room that is left
    prose: bool = False  # a sentence: cut at its end, where names are cut in the middle
    wide: bool = False  # only in the wide form
    ticks: bool = False  # the text changes with the clock
    live: bool = False  # a measured value: it changes all the time, and is not there where nothing measures

    def cell(self, row: R, now: datetime) -> str:
        """The cell's text, safe for a terminal."""
        return clean(self.text(self.value(row), now))

    def style_of(self, row: R, now: datetime) -> Style:
        """The cell's style."""
        if self.stale is not None and self.stale(row, now):
            return Style.DIM
        return self.style(row) if self.style is not None else Style.PLAIN

    @property
    def moves(self) -> bool:
        """Whether its text changes by itself: that is no news, and no search finds it."""
        return self.ticks or self.live


@dataclass(frozen=True, kw_only=True, slots=True)
class Table(Generic[R]):
    """All there is to know about how one kind is listed.

    `keys` and `row` read the store; `row` gives None for a key that is gone. A row is a frozen Struct: its JSON, or
    that of the longer row that `told` makes, is what `dratui get -o json` prints.
    """

    kind: str  # `claims`: plural, as typed
    singular: str
    names: tuple[str, ...]  # other names that mean this kind, kubectl's among them
    list_kind: str  # `ClaimList`
    title: str
    namespaced: bool
    columns: tuple[Column[R], ...]
    keys: Callable[[Store], Iterable[Any]]
    objects: Callable[[Store], Mapping[Any, Any]] | None = (
        None  # where each of them, and nothing else, has a row
    )
    row: Callable[[Store, Any], R | None]
    told: Callable[[Store, Any], R | None] | None = None  # with what lists do not show and need not pay for
    live: Callable[[Store, R], Live | None] | None = None  # a row's field `live` as it is now
    name_of: Callable[[R], str]
    streams: tuple[str, ...]  # what must be known for the rows to be there, the most important first
    joins: tuple[str, ...] = ()  # what else the rows tell of
    empty: str  # said when there are no rows
    order: Callable[[Any], Any] | None = None  # of keys: how rows are listed when nothing else is asked for

    def shown(self, *, wide: bool, live: bool) -> tuple[Column[R], ...]:
        """The columns of the narrow or the wide form; measured values are in the narrow one only if there are any."""
        return tuple(c for c in self.columns if wide or (not c.wide and (live or not c.live)))

    def text(self, row: R, now: datetime) -> tuple[str, ...]:
        """All cells of a row, wide ones too."""
        return tuple(c.cell(row, now) for c in self.columns)
