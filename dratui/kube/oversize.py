"""What is known of an object that is too large to be read: its names, for they come first.

Go writes an object's fields in a fixed order: kind and apiVersion, then metadata, and in it the names, the uid and the
resourceVersion before whatever may be long. So from the first bytes of an answer one can make a small one, of the
same list or event, in which the object has nothing but its names: it keeps its place, and the others are unharmed.
"""

import re
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


def event(head: bytes) -> bytes | None:
    """The same event of an object that has only its names; None where the head does not tell them."""
    kind, found = _TYPE.match(head), _metadata(head)
    if kind is None or not found or not {"name", "resourceVersion"} <= found[0].keys():
        return None
    return msgspec.json.encode({"type": kind[1].decode(), "object": {"metadata": found[0]}})


def page(head: bytes) -> bytes | None:
    """A list page of one object, which has only its names; None where the head does not tell them."""
    match _metadata(head):
        case [list_, object_, *_] if "resourceVersion" in list_ and "name" in object_:
            return msgspec.json.encode({"metadata": list_, "items": [{"metadata": object_}]})
    return None


def name(head: bytes) -> str:
    """The last object of which the head tells the name, as `namespace/name`."""
    fields = next((f for f in reversed(_metadata(head)) if "name" in f), {})
    parts = (msgspec.json.decode(fields[part]) for part in ("namespace", "name") if part in fields)
    return "/".join(parts)


def _metadata(head: bytes) -> list[_Fields]:
    return [
        {field.decode(): msgspec.Raw(text) for field, text in _FIELD.findall(inside[1])}
        for inside in _METADATA.finditer(head)
    ]
