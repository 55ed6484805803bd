"""What is typed behind `/`: a regular expression over what a row shows, or with `-l` labels, with `-f` a name roughly.

`!` in front of any of them turns it round.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from dratui.cluster.store import Store
from dratui.views.query import BadFilter

LABELS: Final = "-l"
FUZZY: Final = "-f"

# Devices and pools are parts of slices: what has no object of its own has no labels.
_LABELLED: Final[Mapping[str, Callable[[Store], Mapping[Any, Any]]]] = {
    "claims": lambda store: store.claims,
    "slices": lambda store: store.slices,
    "templates": lambda store: store.templates,
    "classes": lambda store: store.classes,
    "taintrules": lambda store: store.taint_rules,
    "pods": lambda store: store.pods,
    "nodes": lambda store: store.nodes,
    "namespaces": lambda store: store.namespaces,
    "podgroups": lambda store: store.pod_groups,
    "computedomains": lambda store: store.compute_domains,
}

_PIECE = re.compile(r"[^,(]*(?:\([^)]*\))?[^,(]*")  # up to the next comma that is not in parentheses
_KEY = r"[A-Za-z0-9][\w./-]*"
_VALUE = r"[\w.-]*"
_EQUALS = re.compile(rf"\s*({_KEY})\s*(!=|==?)\s*({_VALUE})\s*")
_IN = re.compile(rf"\s*({_KEY})\s+(in|notin)\s*\(([\w.,\s-]*)\)\s*")
_EXISTS = re.compile(rf"\s*(!?)\s*({_KEY})\s*")

Labels = Mapping[str, str]


def line_filter(text: str) -> Callable[[str], bool] | None:
    """What a filter lets through, asked of the cells of a row joined by spaces; None lets all through.

    Raises BadFilter.
    """
    inverse, flag, pattern, at = _parts(text)
    if not pattern or flag:
        return None
    try:
        search = re.compile(pattern, re.IGNORECASE).search
    except re.error as error:
        raise BadFilter(text, error.msg, (error.pos or 0) + at) from error
    except (OverflowError, RecursionError) as error:
        raise BadFilter(text, "too large", 0) from error
    return (lambda line: search(line) is None) if inverse else (lambda line: search(line) is not None)


def key_filter(text: str, kind: str) -> Callable[[Store, Any], bool] | None:
    """The same asked of a row's key in a store: for what the cells do not tell. Raises BadFilter."""
    inverse, flag, wanted, at = _parts(text)
    if flag == LABELS:
        matches = _labelled(text, wanted, at, kind)
    elif flag == FUZZY and wanted.strip():
        matches = _fuzzy(wanted)
    else:
        return None
    return (lambda store, key: not matches(store, key)) if inverse else matches


def _parts(text: str) -> tuple[bool, str, str, int]:
    """Whether it is turned round, `-l`, `-f` or nothing, what is looked for, and where in the text that begins."""
    inverse = text.startswith("!")
    rest = text[inverse:]
    for flag in (LABELS, FUZZY):
        if rest == flag or rest.startswith(f"{flag} "):
            return inverse, flag, rest[3:], inverse + 3
    return inverse, "", rest, int(inverse)


def _fuzzy(wanted: str) -> Callable[[Store, Any], bool]:
    """These characters in this order with anything between, in `namespace/name`. No name has a blank."""
    search = re.compile(".*?".join(re.escape(c) for c in wanted if not c.isspace()), re.IGNORECASE).search
    return lambda store, key: search("/".join(part for part in key if part)) is not None


# --- labels --------------------------------------------------------------------------------------------------------


def _labelled(text: str, selector: str, at: int, kind: str) -> Callable[[Store, Any], bool]:
    if kind not in _LABELLED:
        raise BadFilter(
            text,
            f"{kind} are parts of slices and have no labels",
            0,
            sentence="{reason}",
            hint="filter slices by labels",
        )
    objects = _LABELLED[kind]
    tests = list(_tests(text, selector, at))

    def matches(store: Store, key: Any) -> bool:
        found = objects(store).get(key)
        labels = dict(found.labels) if found is not None else {}
        return all(test(labels) for test in tests)

    return matches


def _tests(text: str, selector: str, at: int) -> Iterable[Callable[[Labels], bool]]:
    """What each requirement asks, with kubectl's syntax and meaning: `a!=b` lets through what has no `a` at all."""
    place = 0
    while place < len(selector):
        piece = _PIECE.match(selector, place)
        found = piece[0] if piece else ""
        if found.strip():
            yield _test(text, found, at + place + len(found) - len(found.lstrip()))
        elif selector[place + len(found) :].strip(" ,"):
            raise _bad(text, "a label is missing", at + place)
        place += len(found) + 1


def _test(text: str, piece: str, at: int) -> Callable[[Labels], bool]:
    if one := _EQUALS.fullmatch(piece):
        key, sign, value = one.groups()
        if sign == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if several := _IN.fullmatch(piece):
        key, sign, listed = several.groups()
        values = frozenset(value.strip() for value in listed.split(","))
        if sign == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if exists := _EXISTS.fullmatch(piece):
        absent, key = exists.groups()
        return (lambda labels: key not in labels) if absent else (lambda labels: key in labels)
    key_read = re.match(rf"\s*!?\s*{_KEY}\s*((!=|==?)\s*{_VALUE}|(not)?in\b)?\s*", piece)
    wrong = key_read.end() if key_read else len(piece) - len(piece.lstrip())
    blank = len(piece) - len(piece.lstrip())
    raise _bad(text, f"{piece.strip()!r} is no a=b, a!=b, a, !a or a in (b,c)", at - blank + wrong)


def _bad(text: str, reason: str, column: int) -> BadFilter:
    return BadFilter(
        text,
        reason,
        min(column, len(text)),
        sentence="the filter {text!r} selects no labels: {reason} at character {at}",
        hint="/-l a=b,c!=d,e as kubectl's -l",
    )
