"""YAML as kubectl reads it, to plain values, in one pass over libyaml's events with a bound on everything that grows.

PyYAML's own loader reads other numbers (1:59 is 119), takes the last of two equal keys, and builds all before anybody
can count. Source: sigs.k8s.io/yaml/goyaml.v2, resolve.go; kubectl 1.36.3 is asked the same in a test.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import yaml

from dratui.allocation.documents import (
    DEEPEST,
    LONGEST_NUMBER,
    MOST_PARTS,
    Wrong,
    too_much,
    whole_or_fraction,
)

_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"], True),
    **dict.fromkeys(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"], False),
}
_NUMBER_BEGINS: Final = frozenset("+-.0123456789")
_OTHER_BASE: Final = re.compile(r"[-+]?0(?:b[01]+|o?[0-7]+|x[0-9a-fA-F]+)")
_DECIMAL: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NO_NUMBER: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LONG: Final = 1_000
"""Characters: an alias of a long text stands for that many, however few they are here."""
_TAG: Final = "tag:yaml.org,2002:"
_SCALAR_TAGS: Final = tuple(_TAG + name for name in ("null", "bool", "int", "float"))
_COLLECTION_TAGS: Final = (None, "!", _TAG + "map", _TAG + "seq")
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def values(file: str, text: str) -> Sequence[Any]:
    """Those of all documents. Raises Wrong."""
    loader = _LOADER(text)
    try:
        return _Reading(file, loader).documents()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f" line {mark.line + 1}" if mark is not None else ""
        raise Wrong(f"{file}{line}: is no YAML: {error.problem or error.context}") from None
    except yaml.YAMLError:
        raise Wrong(f"{file}: is no YAML: it has a character that is no text") from None
    finally:
        loader.dispose()


class _Reading:
    """One text. `_parts` counts names and values read so far, a long text as several; `_anchors` has each value, how
    many it is and how deep."""

    def __init__(self, file: str, events: Any) -> None:
        self._file = file
        self._events = events
        self._parts = 0
        self._anchors: dict[str, tuple[Any, int, int]] = {}  # value, parts, depth

    def documents(self) -> list[Any]:
        found: list[Any] = []
        while True:
            event = self._events.get_event()
            if isinstance(event, yaml.StreamEndEvent):
                return found
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors.clear()
                self._parts += 1
                found.append(self._value(self._events.get_event(), 1)[0])

    def _value(self, event: Any, depth: int) -> tuple[Any, int]:
        """And how deep it is in itself."""
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise too_much(self._file)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        before, height = self._parts - 1, 0
        value: Any
        if isinstance(event, yaml.ScalarEvent):
            self._parts += len(event.value) // _LONG
            value = self._scalar(event)
        elif depth > DEEPEST:
            raise self._wrong(event, "is nested too deeply")
        elif event.tag not in _COLLECTION_TAGS:
            raise self._wrong(event, f"the tag {event.tag[:40]} is not read")
        elif isinstance(event, yaml.SequenceStartEvent):
            value = []
            while not isinstance(part := self._events.get_event(), yaml.SequenceEndEvent):
                one, below = self._value(part, depth + 1)
                value.append(one)
                height = max(height, below + 1)
        else:
            value, height = self._mapping(depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = value, self._parts - before, height
        return value, height

    def _mapping(self, depth: int) -> tuple[dict[str, Any], int]:
        """Merged fields count where they stand, as kubectl has it: what comes later wins."""
        found: dict[str, Any] = {}
        written = set()
        height = 0
        while not isinstance(name := self._events.get_event(), yaml.MappingEndEvent):
            key = self._key(name)
            value, below = self._value(self._events.get_event(), depth + 1)
            height = max(height, below + 1)
            if key == "<<" and name.implicit[0]:
                self._merge(name, found, value)
                continue
            if key in written:
                raise self._wrong(name, f"{key[:40]!r} is there twice in one object", "remove one")
            written.add(key)
            found[key] = value
        return found, height

    def _merge(self, name: Any, into: dict[str, Any], value: Any) -> None:
        for each in reversed(value) if isinstance(value, list) else (value,):
            if not isinstance(each, dict):
                raise self._wrong(name, "<< wants an alias of an object")
            self._parts += len(each)
            into.update(each)

    def _key(self, event: Any) -> str:
        self._parts += 1 + len(getattr(event, "value", "")) // _LONG
        value = self._scalar(event) if isinstance(event, yaml.ScalarEvent) else None
        if value is None:
            raise self._wrong(event, "a name is no text", "put it in quotes")
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _alias(self, event: Any, depth: int) -> tuple[Any, int]:
        known = self._anchors.get(event.anchor)
        if known is None:
            raise self._wrong(event, f"*{event.anchor[:40]} stands for nothing before it")
        value, parts, height = known
        self._parts += parts
        if self._parts > MOST_PARTS:
            raise too_much(self._file)
        if depth + height > DEEPEST:
            raise self._wrong(event, "is nested too deeply")
        return value, height

    def _scalar(self, event: Any) -> Any:
        text = event.value
        if not event.implicit[0] and event.tag not in _SCALAR_TAGS:
            if event.tag is not None and event.tag.startswith(_TAG) and event.tag != _TAG + "str":
                raise self._wrong(event, f"the tag {event.tag[:40]} is not read")
            return text
        if text in _WORDS:
            return _WORDS[text]
        if text[0] not in _NUMBER_BEGINS:
            return text
        digits = text.replace("_", "")
        if _OTHER_BASE.fullmatch(digits):
            octal = digits.lstrip("+-")[1].isdigit()
            digits = str(int(digits, 8 if octal else 0)) if len(digits) <= LONGEST_NUMBER else digits
            return whole_or_fraction(self._at(event), digits)
        if _DECIMAL.fullmatch(digits):
            return whole_or_fraction(self._at(event), digits)
        if _NO_NUMBER.fullmatch(text):
            raise self._wrong(event, f"{text} is no number that a manifest can have")
        return text

    def _at(self, event: Any) -> str:
        return f"{self._file} line {event.start_mark.line + 1}"

    def _wrong(self, event: Any, what: str, hint: str = "") -> Wrong:
        return Wrong(f"{self._at(event)}: {what}", hint=hint)
