"""Which rows a filter lets through, at the pace of someone typing over 100,000 of them.

What a filter searches is kept for each row until the row changes. It leaves out the columns that move (ages, as in k9s,
and measured values): what they say is old a second later, and rows would come and go by themselves.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from dratui.terminal import clean
from dratui.views.filter import line_filter
from dratui.views.table import Table

MOST: Final = 120_000  # rows whose text is kept; that of others is made each time
# Letters and signs that stand for themselves in an expression, and the dot; nothing that could be an option.
_PLAIN: Final = re.compile(r"(?![-!])[A-Za-z0-9_/:,@ .-]+", re.ASCII)
# Folding changes nothing for an expression that ignores case, unless a part of it does not, `(?-i:A)`, or it looks
# back: `\1` takes letters for the same of which only one folds to the other.
_FOLDS: Final = re.compile(r"\(\?|\\[0-9]")
# What an expression that ignores case takes for i and s besides these; `lower` alone does not.
_ALSO: Final = (("İ", "i"), ("ı", "i"), ("ſ", "s"))


class Texts:
    """The searched text of each row, kept until it is told to `forget` it: folded, as UTF-8, which is the smallest."""

    def __init__(self, table: Table[Any]) -> None:
        self._columns = tuple((c.text, c.value) for c in table.columns if not c.moves)
        self._folded: dict[Any, bytes] = {}

    def of(self, row: Any, now: datetime) -> str:
        """The cells joined by spaces."""
        return clean(" ".join([text(value(row), now) for text, value in self._columns]))

    def folded(self, key: Any, row: Any, now: datetime) -> bytes:
        """The same for a search that ignores case."""
        kept = self._folded.get(key)
        if kept is None:
            kept = _fold(self.of(row, now)).encode()
            if len(self._folded) < MOST:
                self._folded[key] = kept
        return kept

    @property
    def full(self) -> bool:
        """Whether no more are kept."""
        return len(self._folded) >= MOST

    def all_folded(self) -> Mapping[Any, bytes]:
        """What `folded` made so far."""
        return self._folded

    def forget(self, key: Any) -> None:
        """The row is another now, or gone."""
        self._folded.pop(key, None)


class Search:
    """A filter's text, understood. Raises BadFilter.

    Most filters are a part of a name. Looking for that first is many times faster than an expression: rows without
    it are out, and where it is all that was typed the others are in.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._matches = line_filter(text)
        plain = _PLAIN.fullmatch(text) is not None
        self._needle = max(text.lower().split("."), key=len).encode() if plain else b""
        self._exact = plain and "." not in text
        self._folds = _FOLDS.search(text) is None

    @property
    def all(self) -> bool:
        """Whether it lets everything through."""
        return self._matches is None

    def narrows(self, other: "Search") -> bool:
        """Whether it lets nothing through that `other` does not."""
        return (
            other.all
            or self._text == other._text
            or (self._exact and other._exact and other._needle in self._needle)
        )

    def found(self, keys: list[Any], rows: Mapping[Any, Any], texts: Texts, now: datetime) -> list[Any]:
        """Those of `keys` that it lets through."""
        matches, needle = self._matches, self._needle
        if matches is None:
            return keys
        kept = texts.all_folded().get
        if needle:
            keys = [k for k in keys if needle in (kept(k) or texts.folded(k, rows[k], now))]
        if self._exact:
            return keys
        if self._folds:
            return [k for k in keys if matches((kept(k) or texts.folded(k, rows[k], now)).decode())]
        return [k for k in keys if matches(texts.of(rows[k], now))]


def _fold(text: str) -> str:
    for letter, plain in _ALSO:
        text = text.replace(letter, plain)
    return text.lower()
