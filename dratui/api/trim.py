"""An object with only the fields that dratui reads: a part of its bytes, of which the same row is made.

The wire Structs say what is read, so what is decoded into one and encoded again is just that.
"""

from collections.abc import Iterator
from typing import Any, get_args

import msgspec

from dratui.api.model import ObjectKey
from dratui.api.wire import Decoding

ANNOTATIONS = frozenset(
    {"resource.kubernetes.io/pod-claim-name", "resource.kubernetes.io/extended-resource-claim"}
)
"""Those that are read; annotations are long."""


def trim(decoding: Decoding[Any], data: bytes) -> tuple[ObjectKey, bytes]:
    """An object's key and what is read of it: the same where objects differ in their resourceVersion only.

    Raises ValueError or RecursionError for what is no object.
    """
    wire = decoding.wire(data)
    meta = wire.metadata
    changes: dict[str, Any] = {"resource_version": ""}
    if annotations := getattr(meta, "annotations", None):
        changes["annotations"] = {k: v for k, v in annotations.items() if k in ANNOTATIONS} or None
    trimmed = msgspec.structs.replace(wire, metadata=msgspec.structs.replace(meta, **changes))
    return ObjectKey(meta.namespace, meta.name), msgspec.json.encode(trimmed)


def fields(decoding: Decoding[Any]) -> frozenset[str]:
    """The paths of what is read, such as `spec.devices.requests.name`."""
    return frozenset(_paths(decoding.kind, ""))


def _paths(kind: Any, at: str) -> Iterator[str]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for field in msgspec.structs.fields(kind):
            path = f"{at}.{field.encode_name}".lstrip(".")
            yield path
            yield from _paths(field.type, path)
    for part in get_args(kind):
        yield from _paths(part, at)
    if at == "metadata.annotations":
        yield from (f"{at}[{name}]" for name in ANNOTATIONS)
