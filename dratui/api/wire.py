"""Pieces that look the same on the wire in every kind and version: metadata, lists, watch events, selectors of time.

Wire Structs name only the fields that are used; msgspec skips the rest without building it. Every field has a
default: bookmarks have no spec, and a server may leave out what is empty. `null` is as good as absent: where servers
send it the Structs say so, elsewhere the second look does that `Decoding.row` takes.
"""

from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from sys import intern
from typing import Any, Generic, TypeVar

import msgspec

from dratui.api import model
from dratui.wire import ListPage, WatchEvent, WatchType

T = TypeVar("T")
W = TypeVar("W", bound="Object")
S = TypeVar("S", bound=Hashable)


class Struct(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """Base of the wire Structs."""


class Metadata(Struct, frozen=True):
    """ObjectMeta."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    labels: dict[str, str] | None = None
    owner_references: tuple[model.Owner, ...] | None = None
    finalizers: tuple[str, ...] | None = None


class Object(Struct, frozen=True):
    """Any object."""

    metadata: Metadata = Metadata()


class ListMetadata(Struct, frozen=True):
    """ListMeta."""

    resource_version: str = ""
    continue_: str = msgspec.field(name="continue", default="")
    remaining_item_count: int | None = None


class RawList(Struct, frozen=True):
    """A list whose items are read one by one."""

    metadata: ListMetadata = ListMetadata()
    items: tuple[msgspec.Raw, ...] | None = None


class RawEvent(Struct, frozen=True):
    """A line of a watch."""

    type: WatchType
    object: msgspec.Raw


class Status(Struct, frozen=True):
    """What a watch says when it fails."""

    code: int | None = None
    message: str = ""


_raw_list = msgspec.json.Decoder(RawList)
_raw_event = msgspec.json.Decoder(RawEvent)
_status = msgspec.json.Decoder(Status)
_object = msgspec.json.Decoder(Object)


class Decoding(Generic[W]):
    """Decodes one kind as one version serves it: wire Struct → row. Implements `dratui.wire.Codec`.

    An object that cannot be read as its kind (no server sends such, a recording may) still becomes a row with its
    name, so that one odd object costs neither the page nor the object's place in the list.
    """

    def __init__(self, wire: type[W], normalise: Callable[[W], model.Row]) -> None:
        self._normalise = normalise
        self._decoder = msgspec.json.Decoder(wire)
        self.kind = wire
        items: Any = tuple.__class_getitem__((wire, ...))
        # One pass over the bytes of a page or an event; piece by piece only where that fails.
        self._list = _decoder(
            f"{wire.__name__}List",
            ("metadata", ListMetadata, ListMetadata()),
            ("items", items | None, None),
        )
        self._event = _decoder(f"{wire.__name__}Event", ("type", WatchType), ("object", wire))

    def page(self, data: bytes) -> ListPage:
        """Decode the body of a LIST."""
        try:
            page: Any = self._list.decode(data)
            rows = [self._normalise(item) for item in page.items or ()]
        except ValueError:
            page = _raw_list.decode(data)
            rows = [self.row(bytes(item)) for item in page.items or ()]
        meta: ListMetadata = page.metadata
        return ListPage(
            rows=rows,
            resource_version=meta.resource_version,
            continue_token=meta.continue_,
            remaining=meta.remaining_item_count,
        )

    def event(self, line: bytes) -> WatchEvent:
        """Decode one line of a WATCH."""
        try:
            read: Any = self._event.decode(line)
            if read.type not in ("ERROR", "BOOKMARK"):
                version = read.object.metadata.resource_version
                return WatchEvent(type=read.type, row=self._normalise(read.object), resource_version=version)
        except ValueError:
            pass  # odd, or a Status: a second look
        event = _raw_event.decode(line)
        data = bytes(event.object)
        if event.type == "ERROR":
            status = _status.decode(data)
            return WatchEvent(type=event.type, code=status.code, message=status.message)
        version = _object.decode(data).metadata.resource_version
        if event.type == "BOOKMARK":
            return WatchEvent(type=event.type, resource_version=version)
        return WatchEvent(type=event.type, row=self.row(data), resource_version=version)

    def row(self, data: bytes) -> model.Row:
        """Decode one object."""
        return self._normalise(self.wire(data))

    def wire(self, data: bytes) -> W:
        """Decode one object no further than to its Struct."""
        try:
            return self._decoder.decode(data)
        except ValueError:  # msgspec.ValidationError is one, text that is no UTF-8 another
            return self._second_look(data)

    def _second_look(self, data: bytes) -> W:
        """Decode an object that is odd: without its nulls, or else no more of it than its name."""
        plain = _without_nulls(msgspec.json.decode(data))
        try:
            return msgspec.convert(plain, self.kind)
        except ValueError:
            metadata: type[Metadata] = type(self.kind().metadata)
            return self.kind(metadata=metadata(**_identity(plain)))


def _decoder(name: str, *fields: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(msgspec.defstruct(name, fields, frozen=True, gc=False))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(part) for key, part in value.items() if part is not None}
    return [_without_nulls(part) for part in value if part is not None] if isinstance(value, list) else value


def _identity(plain: Any) -> dict[str, Any]:
    """The texts that name an object. Raises msgspec.ValidationError for what is none."""
    meta = plain.get("metadata", {}) if isinstance(plain, dict) else None
    if not isinstance(meta, dict):
        raise msgspec.ValidationError("this is no object")
    return {key: text for key in ("name", "namespace", "uid") if isinstance(text := meta.get(key), str)}


_shared: dict[Any, Any] = {}


def shared(value: S) -> S:
    """One object for all equal ones: what the pods of a workload have in common is kept once.

    Only for values in which nothing is equal to what it is not, as 1 is to True.
    """
    if len(_shared) > 100_000:  # what is unique after all must not pile up
        _shared.clear()
    return _shared.setdefault(value, value)  # type: ignore[no-any-return]  # a dict cannot say that it maps to itself


_labels: dict[model.Labels, model.Labels] = {}  # as they were sent, to sorted


def labels(sent: Mapping[str, str] | None) -> model.Labels:
    """Labels as a sorted tuple, one object for all rows that have the same; each pair once: no two nodes have the same,
    but for their names."""
    if not sent:
        return ()
    key = tuple(sent.items())
    known = _labels.get(key)
    if known is None:
        if len(_labels) > 50_000:  # labels that are unique per object must not pile up
            _labels.clear()
        pairs = tuple([shared((intern(k), intern(v))) for k, v in key])
        known = _labels[pairs] = tuple(sorted(pairs))
    return known


def head(meta: Metadata) -> dict[str, Any]:
    """The fields that every row has."""
    return {
        "namespace": intern(meta.namespace),
        "name": intern(meta.name),
        "uid": meta.uid,
        "created": meta.creation_timestamp,
        "deleted": meta.deletion_timestamp,
        "labels": labels(meta.labels),
    }


def controller(meta: Metadata) -> model.Owner | None:
    """The owner that controls the object, if any."""
    for owner in meta.owner_references or ():
        if owner.controller:
            return model.Owner(intern(owner.kind), intern(owner.name), intern(owner.uid), True)
    return None
