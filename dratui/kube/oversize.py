"""What is known of an object that is too large to be read: its names, for they come first.

Go writes an object's fields in a fixed order: kind and apiVersion, then metadata, and in it the names, the uid and the
resourceVersion before whatever may be long. So from the first bytes of an answer one can make a small one, of the
same list or event, in which the object has nothing but its names: it keeps its place, and the others are unharmed.
"""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

HEAD: Final = 16 << 10
"""Bytes of an answer that are looked at. Names are at most 253 characters, a list's `continue` some hundred."""

_TYPE = re.compile(rb'\{\s*"type":\s*"(ADDED|MODIFIED|DELETED)"')
_METADATA = re.compile(rb'"metadata":\s*\{([^{}\[\]]*)')
_FIELD = re.compile(rb'"(name|namespace|uid|resourceVersion|continue)":\s*("(?:[^"\\]|\\.)*")')

_Fields = dict[str, msgspec.Raw]


class Head(bytes):
    """The beginning of a line that is too long."""

    __slots__ = ()


def head(pieces: Iterable[bytes]) -> Head:
    """How `pieces` begin, without copying the rest."""
    taken: list[bytes] = []
    room = HEAD
    for piece in pieces:
        taken.append(piece[:room])
        room -= len(taken[-1])
        if not room:
            break
    return Head(b"".join(taken))


def event(begins: bytes) -> bytes | None:
    """The same event of an object that has only its names; None where the beginning does not tell them."""
    kind, found = _TYPE.match(begins), _metadata(begins)
    if kind is None or not found or not {"name", "resourceVersion"} <= found[0].keys():
        return None
    return msgspec.json.encode({"type": kind[1].decode(), "object": {"metadata": found[0]}})


def page(begins: bytes) -> bytes | None:
    """A list page of one object, which has only its names; None where the beginning does not tell them."""
    match _metadata(begins):
        case [list_, object_, *_] if "resourceVersion" in list_ and "name" in object_:
            return msgspec.json.encode({"metadata": list_, "items": [{"metadata": object_}]})
    return None


def name(begins: bytes) -> str:
    """The last object of which the beginning tells the name, as `namespace/name`."""
    fields = next((f for f in reversed(_metadata(begins)) if "name" in f), {})
    parts = (msgspec.json.decode(fields[part]) for part in ("namespace", "name") if part in fields)
    return "/".join(parts)


def _metadata(begins: bytes) -> list[_Fields]:
    return [
        {field.decode(): msgspec.Raw(text) for field, text in _FIELD.findall(inside[1])}
        for inside in _METADATA.finditer(begins)
    ]
