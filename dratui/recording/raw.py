"""Objects as they were sent: a recording keeps them whole, so that a later dratui can read more out of them."""

from dataclasses import replace

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


class _List(msgspec.Struct, frozen=True, rename="camel"):
    metadata: _ListMetadata = _ListMetadata()
    api_version: str = ""
    kind: str = ""
    items: tuple[msgspec.Raw, ...] | None = None


class _Event(msgspec.Struct, frozen=True):
    type: WatchType
    object: msgspec.Raw


class _Metadata(msgspec.Struct, frozen=True, rename="camel"):
    resource_version: str = ""


class _Versioned(msgspec.Struct, frozen=True):
    metadata: _Metadata = _Metadata()


class _Status(msgspec.Struct, frozen=True):
    code: int | None = None
    message: str = ""


# One level deep: what is below is passed on byte by byte.
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


class RawCodec:
    """Implements `dratui.wire.Codec` without looking into objects.

    Drops managedFields: many bytes, for nobody. Adds to the items of a list what they share and the list therefore
    says once, apiVersion and kind, so that an object reads the same wherever it came from.
    """

    def __init__(self, version: str) -> None:
        self._version = version
        self._list = msgspec.json.Decoder(_List)
        self._event = msgspec.json.Decoder(_Event)
        self._versioned = msgspec.json.Decoder(_Versioned)
        self._status = msgspec.json.Decoder(_Status)

    def page(self, data: bytes) -> ListPage:
        """Decode the body of a LIST."""
        page = self._list.decode(data)
        shared = _type_of_items(page)
        return ListPage(
            rows=[RawObject(self._version, _trimmed(bytes(item), shared)) for item in page.items or ()],
            resource_version=page.metadata.resource_version,
            continue_token=page.metadata.continue_,
            remaining=page.metadata.remaining_item_count,
        )

    def event(self, line: bytes) -> WatchEvent:
        """Decode one line of a WATCH."""
        event = self._event.decode(line)
        data = bytes(event.object)
        if event.type == "ERROR":
            status = self._status.decode(data)
            return WatchEvent(type=event.type, code=status.code, message=status.message)
        version = self._versioned.decode(data).metadata.resource_version
        row = None if event.type == "BOOKMARK" else RawObject(self._version, _trimmed(data, {}))
        return WatchEvent(type=event.type, row=row, resource_version=version)


def _type_of_items(page: _List) -> dict[str, msgspec.Raw]:
    if not page.api_version or not page.kind.endswith("List"):
        return {}
    words = {"apiVersion": page.api_version, "kind": page.kind.removesuffix("List")}
    return {field: msgspec.Raw(msgspec.json.encode(word)) for field, word in words.items()}


def _trimmed(data: bytes, shared: dict[str, msgspec.Raw]) -> bytes:
    try:
        fields = shared | _FIELDS.decode(data)
        if "metadata" in fields:
            metadata = _FIELDS.decode(fields["metadata"])
            metadata.pop("managedFields", None)
            fields["metadata"] = msgspec.Raw(msgspec.json.encode(metadata))
    except ValueError:  # no server sends such an object; whoever reads it may make something of it
        return data
    return msgspec.json.encode(fields)


def raw(stream: Stream) -> Stream:
    """The same stream, undecoded."""
    return replace(stream, codec=RawCodec)
