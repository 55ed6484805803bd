"""The objects of a text, YAML or JSON, as plain values. Whatever the text is (huge, nested without end, aliases that
grow), the answer comes soon: objects, or a Wrong."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn

from dratui.failure import UsageFailure

LARGEST: Final = 1024 * 1024
"""Bytes of a text."""

DEEPEST: Final = 64
MOST_PARTS: Final = 20_000
"""Of a text: names and values, each alias with all that it stands for."""

LONGEST_NUMBER: Final = 64  # characters: reading one takes time that grows with its square


class Wrong(UsageFailure):
    """A manifest is wrong: which, where in it, and what to write instead."""


def objects(file: str, text: bytes) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every object, lists opened, with words for where it is."""
    if len(text) > LARGEST:
        raise Wrong(f"{file}: is larger than {LARGEST // 1024} KiB", hint="give it in pieces")
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Wrong(f"{file}: is not UTF-8", hint="is this the file that was meant?") from None
    for number, document in enumerate(_documents(file, decoded), start=1):
        where = file if number == 1 else f"{file}, document {number}"
        if document is None:
            continue
        if not isinstance(document, dict):
            raise Wrong(f"{where}: is no object", hint="an object has apiVersion and kind")
        if _is_list(document):
            for item, one in enumerate(document["items"] or ()):
                if not isinstance(one, dict) or _is_list(one):
                    raise Wrong(f"{where}: items[{item}]: is no object, or a list again")
                yield f"{where}, items[{item}]", one
        else:
            yield where, document


def _is_list(document: Mapping[str, Any]) -> bool:
    return str(document.get("kind", "")).endswith("List") and isinstance(
        document.get("items", ""), list | None
    )


def _documents(file: str, text: str) -> Sequence[Any]:
    if text.lstrip()[:1] == "{":
        try:
            return _json(file, text)
        except ValueError:  # YAML has its own way to write one
            pass
    from dratui.allocation.yaml_text import values

    return values(file, text)


def whole_or_fraction(file: str, text: str) -> int | float:
    """A number as JSON has it, which knows no other kind of 3.0 than 3. Raises Wrong for what no field can hold."""
    if len(text) <= LONGEST_NUMBER:
        try:
            number: int | float = int(text)
        except ValueError:
            number = float(text)
        if abs(number) < 2**53 and number == int(number):
            return int(number)
        if -(2**63) <= number < 2**64:
            return number
    raise Wrong(f"{file}: {text[:40]} is larger than any number can be", hint="a quantity goes in quotes")


# --- JSON ------------------------------------------------------------------------------------------


def _json(file: str, text: str) -> Sequence[Any]:
    """One object after the other. Raises ValueError for what is no JSON."""
    numbers = 0

    def named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise Wrong(f"{file}: {twice[:40]!r} is there twice in one object", hint="remove one")
        return found

    def number(digits: str) -> int | float:
        nonlocal numbers
        numbers += 1
        if numbers > MOST_PARTS:
            raise too_much(file)
        return whole_or_fraction(file, digits)

    def odd(word: str) -> NoReturn:
        raise Wrong(f"{file}: {word} is no number that a manifest can have")

    decoder = json.JSONDecoder(
        object_pairs_hook=named_once, parse_int=number, parse_float=number, parse_constant=odd
    )
    found, at = [], len(text) - len(text.lstrip())
    try:
        while at < len(text):
            value, at = decoder.raw_decode(text, at)
            found.append(value)
            at += len(text[at:]) - len(text[at:].lstrip())
    except RecursionError:
        raise Wrong(f"{file}: is nested too deeply") from None
    _check(file, found)
    return found


def _check(file: str, found: Sequence[Any]) -> None:
    """Neither too much, nor too deep, nor text that cannot be written."""
    parts = 0
    todo = [(value, 1) for value in found]
    while todo:
        value, depth = todo.pop()
        parts += 1
        if depth > DEEPEST:
            raise Wrong(f"{file}: is nested too deeply")
        if parts > MOST_PARTS:
            raise too_much(file)
        if isinstance(value, dict):
            parts += len(value)
            todo += [(each, depth + 1) for each in value.values()]
            for name in value:
                _check_text(file, name)
        elif isinstance(value, list):
            todo += [(each, depth + 1) for each in value]
        elif isinstance(value, str):
            _check_text(file, value)


def _check_text(file: str, text: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Wrong(f"{file}: {ascii(text)[:40]} has half of a character") from None


def too_much(file: str) -> Wrong:
    """More than is read of one text."""
    return Wrong(f"{file}: has more than {MOST_PARTS} names and values", hint="give it in pieces")
