"""Strings. A regular expression is RE2's, which takes time that grows with the text and no faster."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

import re2

from dratui.allocation.cel.errors import EvaluationError
from dratui.allocation.cel.library.arithmetic import LONGEST, bounded
from dratui.allocation.cel.library.formatting import formatted
from dratui.allocation.cel.work import spend

_LOWER: Final = {c: c + 32 for c in range(ord("A"), ord("Z") + 1)}
_UPPER: Final = {c: c - 32 for c in range(ord("a"), ord("z") + 1)}
_ESCAPES: Final = str.maketrans(
    {
        "\a": r"\a",
        "\b": r"\b",
        "\f": r"\f",
        "\n": r"\n",
        "\r": r"\r",
        "\t": r"\t",
        "\v": r"\v",
        "\\": r"\\",
        '"': r"\"",
    }
)
_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f"
    "\u205f\u3000"
)
"""What Go's strings.TrimSpace takes for white space."""

_OPTIONS: Final = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 8 << 20


_COMPILING: Final = 12_000
"""Units of work."""


class WrongPattern(Exception):
    """What is no regular expression; says why."""


def compiled(pattern: str) -> Any:
    """Raises WrongPattern."""
    found = _compiled(pattern)
    if isinstance(found, str):
        raise WrongPattern(found)
    return found


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    """What is wrong, or a pattern."""
    spend(_COMPILING)
    try:
        return re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        text = error.args[0]
        said = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
        return f"error parsing regexp: {said}"


def _pattern(pattern: str, because: str = "") -> Any:
    try:
        return compiled(pattern)
    except WrongPattern as wrong:
        raise EvaluationError(f"{because}{wrong}") from None


def matches(text: str, pattern: str) -> bool:
    """Whether it is found anywhere."""
    return _pattern(pattern).search(text) is not None


def find(text: str, pattern: str) -> str:
    """The first that is found; empty if none is."""
    found = _pattern(pattern, "Illegal regex: ").search(text)
    return found[0] if found else ""


def find_all(text: str, pattern: str, most: int = -1) -> list[str]:
    """All that are found, or so many."""
    found: list[str] = []
    for match in _pattern(pattern, "Illegal regex: ").finditer(text):
        if 0 <= most <= len(found):
            break
        found.append(match[0])
    return found


def _char_at(text: str, index: int) -> str:
    if not 0 <= index <= len(text):
        raise EvaluationError(f"index out of range: {index}")
    return text[index : index + 1]


def _index_of(text: str, part: str, offset: int = 0) -> int:
    if not part:
        return offset
    if offset < 0:
        raise EvaluationError(f"index out of range: {offset}")
    return text.find(part, offset)


def _last_index_of(text: str, part: str, offset: int | None = None) -> int:
    if not part:
        return len(text) if offset is None else offset
    if offset is None:
        return text.rfind(part)
    if offset < 0:
        raise EvaluationError(f"index out of range: {offset}")
    return -1 if offset >= len(text) else text.rfind(part, 0, offset + len(part))


def _replace(text: str, old: str, new: str, most: int = -1) -> str:
    count = len(text) + 1 if not old else text.count(old)
    count = count if most < 0 else min(count, most)
    grown = len(text) + count * (len(new) - len(old))
    if grown > LONGEST:
        raise EvaluationError(f"a value of {grown} elements is too long: at most {LONGEST} are dealt with")
    return text.replace(old, new, count)


def _split(text: str, separator: str, most: int = -1) -> list[str]:
    if most == 0:
        return []
    if not separator:
        count = len(text) if most < 0 else min(most, len(text))
        return [*text[: count - 1], text[count - 1 :]] if count else []
    return text.split(separator, most - 1 if most > 0 else -1)


def _substring(text: str, start: int, end: int | None = None) -> str:
    if end is not None and start > end:
        raise EvaluationError(f"invalid substring range. start: {start}, end: {end}")
    for index in (start,) if end is None else (start, end):
        if not 0 <= index <= len(text):
            raise EvaluationError(f"index out of range: {index}")
    return text[start:end]


def _join(texts: list[Any], separator: str = "") -> str:
    for text in texts:
        if type(text) is not str:
            raise EvaluationError(f"join: invalid input: {text}")
    return str(bounded(separator.join(texts)))


def quoted(text: str) -> str:
    """As a literal."""
    return f'"{text.translate(_ESCAPES)}"'


IMPLEMENTATIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "contains_string": lambda text, part: part in text,
    "starts_with_string": str.startswith,
    "ends_with_string": str.endswith,
    "matches": matches,
    "matches_string": matches,
    "string_find_string": find,
    "string_find_all_string": find_all,
    "string_find_all_string_int": find_all,
    "string_char_at_int": _char_at,
    "string_index_of_string": _index_of,
    "string_index_of_string_int": _index_of,
    "string_last_index_of_string": _last_index_of,
    "string_last_index_of_string_int": _last_index_of,
    "string_lower_ascii": lambda text: text.translate(_LOWER),
    "string_upper_ascii": lambda text: text.translate(_UPPER),
    "string_replace_string_string": _replace,
    "string_replace_string_string_int": _replace,
    "string_split_string": _split,
    "string_split_string_int": _split,
    "string_substring_int": _substring,
    "string_substring_int_int": _substring,
    "string_trim": lambda text: text.strip(_SPACE),
    "string_format": lambda text, arguments: bounded(formatted(text, arguments)),
    "strings_quote": quoted,
    "list_join": _join,
    "list_join_string": _join,
}
