"""Objects as they were sent: a recording keeps them whole, so that a later dratui can read more out of them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from dratui.wire import ListPage, Stream, WatchEvent, WatchType


class RawObject(msgspec.Struct, frozen=True, gc=False):
    """An object's bytes and the API version (without its group) that they are in."""

    version: str
    data: bytes


class _ListMetadata(msgspec.Struct, frozen=True, rename="camel"):
    resource_version: str = ""
    continue_: str = msgspec.field(name="continue", default="")
    remaining_item_count: int | None = None


class _List(msgspec.Struct, frozen=True):
    metadata: _ListMetadata = _ListMetadata()
    items: list[dict[str, Any]] | None = None


class _Event(msgspec.Struct, frozen=True):
    type: WatchType
    object: dict[str, Any]


class RawCodec:
    """Implements `dratui.wire.Codec` without looking into objects. Drops managedFields: many bytes, for nobody."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._list = msgspec.json.Decoder(_List)
        self._event = msgspec.json.Decoder(_Event)

    def page(self, data: bytes) -> ListPage:
        """Decode the body of a LIST."""
        page = self._list.decode(data)
        return ListPage(
            rows=[self._raw(item) for item in page.items or ()],
            resource_version=page.metadata.resource_version,
            continue_token=page.metadata.continue_,
            remaining=page.metadata.remaining_item_count,
        )

    def event(self, line: bytes) -> WatchEvent:
        """Decode one line of a WATCH."""
        event = self._event.decode(line)
        if event.type == "ERROR":
            status = msgspec.convert(event.object, _Status)
            return WatchEvent(type=event.type, code=status.code, message=status.message)
        meta = event.object.get("metadata")
        version = str(meta.get("resourceVersion", "")) if isinstance(meta, Mapping) else ""
        row = None if event.type == "BOOKMARK" else self._raw(event.object)
        return WatchEvent(type=event.type, row=row, resource_version=version)

    def _raw(self, item: dict[str, Any]) -> RawObject:
        meta = item.get("metadata")
        if isinstance(meta, dict):
            meta.pop("managedFields", None)
        return RawObject(self._version, msgspec.json.encode(item))


class _Status(msgspec.Struct, frozen=True):
    code: int | None = None
    message: str = ""


def raw(stream: Stream) -> Stream:
    """The same stream, undecoded."""
    return replace(stream, codec=RawCodec)
