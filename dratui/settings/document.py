"""One file that a person wrote, read with the line of everything in it, so that an error can name its place.

YAML, of which `key: value`, lists and nesting mean something here; anchors, aliases and tags do not. Whatever the
file is (huge, binary, a pipe, nested without end), the answer is a Document or a Wrong.
"""

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dratui.failure import UsageFailure

if TYPE_CHECKING:
    from yaml.events import Event

LARGEST: Final = 64 * 1024  # bytes of a file; PyYAML takes about 10 µs for one
DEEPEST: Final = 4  # levels of nesting


class Wrong(UsageFailure):
    """Something that a person set is wrong: where, what, and what to do."""


@dataclass(frozen=True, slots=True)
class At:
    """A place: a file, a line from 1, and the keys that lead there (`keys.open`); without a line, the whole file."""

    path: Path
    line: int = 0
    key: str = ""

    def __str__(self) -> str:
        return f"{self.path}" + (f" line {self.line}" if self.line else "")

    def wrong(self, what: str, hint: str = "") -> Wrong:
        """The error for something at this place."""
        return Wrong(f"{self}: {self.key + ': ' if self.key else ''}{what}", hint=hint)

    def within(self, key: str, line: int) -> "At":
        """The place of a key in what is here."""
        return At(self.path, line, f"{self.key}.{key}" if self.key else key)


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar as it is written, without its quotes; what it means is for whoever reads it."""

    at: At
    value: str


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    at: At
    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Document:
    """Keys with their values, in the order of the file: the whole file, or a part of it."""

    at: At
    fields: "Mapping[str, Node]"


Node = Text | Items | Document


def text_of(node: Node) -> str:
    """The node as text. Raises Wrong for anything else, and where nothing is written."""
    match node:
        case Text(at, ""):
            raise at.wrong("has no value", "a value that YAML would read as something else wants quotes: '#'")
        case Text(_, value):
            return value
        case Items(at) | Document(at):
            raise at.wrong("is to be one value, on the same line")


def unknown(at: At, name: str, known: Iterable[str], what: str) -> Wrong:
    """The error for a name that is none of those known, with the nearest of them."""
    return at.wrong(
        f"there is no {what} {name!r}", f"did you mean {n}?" if (n := nearest(name, known)) else ""
    )


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that was probably meant; empty if none is near."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, list(known), n=1, cutoff=0.5)), "")


def read(path: Path) -> Document | None:
    """The file; None where there is none. Raises Wrong."""
    data = _bytes(path)
    if data is None:
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place(path, data.decode("utf-8", "replace"), data.count(b"\n", 0, error.start))
        raise place.wrong("is not UTF-8", "is this the file that was meant?") from None
    return _parsed(text, path)


def _bytes(path: Path) -> bytes | None:
    whole = At(path)
    try:
        # Not to wait for whoever might write into a pipe one day.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise whole.wrong(f"cannot be read: {error.strerror}", "set its rights, or remove it") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise whole.wrong("is no text file", "remove it, or put a text file there")
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise whole.wrong(f"cannot be read: {error.strerror}") from error
    finally:
        os.close(descriptor)
    if len(data) > LARGEST:
        raise whole.wrong(f"is larger than {LARGEST // 1024} KiB", "is this the file that was meant?")
    return data


def _parsed(text: str, path: Path) -> Document:
    import yaml  # not for those who have no such file: it costs start-up 30 ms

    whole = At(path)
    try:
        events = yaml.parse(text, Loader=yaml.SafeLoader)
        first = next(event for event in events if not isinstance(event, yaml.StreamStartEvent))
        if isinstance(first, yaml.StreamEndEvent):  # empty, or nothing but comments
            return Document(whole, {})
        top = _node(next(events), events, whole, DEEPEST)
        next(events)
        more = next(events)
        if not isinstance(more, yaml.StreamEndEvent):
            raise At(path, _line(more)).wrong("starts a second document", "one is read: remove the rest")
    except yaml.MarkedYAMLError as error:
        unclosed = error.context and ("flow" in error.context or "quoted" in error.context)
        mark = error.context_mark if unclosed else error.problem_mark
        raise _place(path, text, mark.line if mark is not None else 0).wrong(
            f"is no YAML: {error.problem or error.context}",
            "a text that begins with : # [ { ? - wants quotes",
        ) from None
    except yaml.reader.ReaderError as error:
        code = error.character if isinstance(error.character, int) else ord(error.character)
        raise _place(path, text, text.count("\n", 0, error.position)).wrong(
            f"has a character that is no text: U+{code:04X}"
        ) from None
    if isinstance(top, Text) and not top.value:
        return Document(whole, {})
    if not isinstance(top, Document):
        raise top.at.wrong("is no `key: value`", "one such line for each setting")
    return Document(whole, top.fields)


def _place(path: Path, text: str, line: int) -> At:
    """A line, from 0, of what cannot be parsed, with the key that it seems to be about."""
    lines = text.split("\n")
    key = re.match(r"\s*([\w.-]+)\s*:", lines[line]) if line < len(lines) else None
    return At(path, line + 1, key[1] if key else "")


def _line(event: "Event") -> int:
    return int(event.start_mark.line) + 1 if event.start_mark is not None else 0


def _node(event: "Event", events: "Iterator[Any]", at: At, deeper: int) -> Node:
    import yaml

    here = at if at.line else At(at.path, _line(event), at.key)  # of what has a key, the key's line
    if isinstance(event, yaml.AliasEvent):
        raise here.wrong("aliases (*) mean nothing here", "write the value out")
    if getattr(event, "tag", None) not in (None, "!"):
        raise here.wrong("tags (!) mean nothing here", "write the value without it, or in quotes")
    if deeper == 0:
        raise here.wrong("is nested too deeply")
    match event:
        case yaml.ScalarEvent():
            empty = event.style is None and event.value.lower() in ("", "~", "null")
            return Text(here, "" if empty else event.value)
        case yaml.SequenceStartEvent():
            return Items(here, tuple(_items(events, here, deeper - 1)))
        case _:
            return Document(here, _fields(events, here, deeper - 1))


def _items(events: "Iterator[Any]", at: At, deeper: int) -> Iterator[Node]:
    import yaml

    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        yield _node(event, events, At(at.path, key=at.key), deeper)


def _fields(events: "Iterator[Any]", at: At, deeper: int) -> Mapping[str, Node]:
    import yaml

    fields: dict[str, Node] = {}
    lines: dict[str, int] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        name = _node(event, events, At(at.path, key=at.key), deeper)
        if not isinstance(name, Text):
            raise name.at.wrong("a key is one word", "keys such as [ or { want quotes: '['")
        place = at.within(name.value, name.at.line)
        if name.value in fields:
            raise place.wrong(f"is set twice: also on line {lines[name.value]}", "remove one of them")
        lines[name.value] = place.line
        fields[name.value] = _node(next(events), events, place, deeper)
    return fields
