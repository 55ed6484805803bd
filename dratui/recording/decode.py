"""Lines of a recording to events: what this dratui can read of them."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from dratui.api.model import ObjectKey
from dratui.api.streams import STREAMS, codec
from dratui.api.wire import Decoding
from dratui.events import Event, Gone, Health, HealthChanged, Page, Phase, Put
from dratui.recording.format import Line
from dratui.recording.samples import SAMPLES, VERSION, Samples
from dratui.samples import STREAM

READ: Final = frozenset({*STREAMS, STREAM})
"""The streams that recordings have."""


class Decoder:
    """Decodes the lines of one recording, in their order."""

    def __init__(self) -> None:
        self.health: dict[str, Health] = {}  # as last said, by stream
        self.skipped = 0  # lines and objects that say nothing to this dratui
        self._unread: dict[str, str] = {}  # why, by stream

    def events(self, line: Line) -> list[Event]:
        """What a line says; nothing, and counted, for one that says nothing to this dratui."""
        if line.stream in READ:
            if line.health is not None:
                return [self._became(line.stream, line.health)]
            try:
                return self._objects(line)
            except (ValueError, RecursionError):
                pass  # no Kubernetes object at all: not ours to guess at
        self.skipped += 1
        return []

    def rows(self, line: Line, objects: Sequence[msgspec.Raw]) -> list[Any]:
        """Objects of a line as rows. An odd object costs itself, not the page."""
        decoding = decoding_of(line.stream, line.version)
        rows: list[Any] = []
        if decoding is None:
            return rows
        for data in objects:
            try:
                rows.append(decoding.row(bytes(data)))
            except (ValueError, RecursionError):
                self.skipped += 1
        return rows

    def _objects(self, line: Line) -> list[Event]:
        """Raises ValueError for a line without objects, or with something that is none."""
        if line.page == ():
            return [Page(line.stream, (), line.first, line.last)]
        if not (line.version and (line.page or line.put or line.gone)):
            raise ValueError("a line that says nothing")
        decoding = decoding_of(line.stream, line.version)
        if decoding is None:
            self._unread[line.stream] = f"recorded as {line.version!r}, which this dratui does not read"
            self.skipped += 1
            return [self._became(line.stream, self.health.get(line.stream, _UNKNOWN))]
        if line.page:
            return [Page(line.stream, self.rows(line, line.page), line.first, line.last)]
        if line.put:
            return [Put(line.stream, decoding.row(bytes(line.put)))]
        return [Gone(line.stream, decoding.row(bytes(line.gone)))]

    def _became(self, stream: str, health: Health) -> HealthChanged:
        """What was recorded, unless it says that rows are known which cannot be read here."""
        if stream in self._unread:
            health = msgspec.structs.replace(health, phase=Phase.FAILED, detail=self._unread[stream])
        self.health[stream] = health
        return HealthChanged(stream, health)


class _Metadata(msgspec.Struct, frozen=True, gc=False):
    name: str = ""
    namespace: str = ""


class _Named(msgspec.Struct, frozen=True, gc=False):
    metadata: _Metadata = _Metadata()


_NAMED = msgspec.json.Decoder(_Named)


def name_of(line: Line, data: bytes) -> ObjectKey | None:
    """The key that an object's row will have; None for what becomes no row."""
    try:
        if line.stream == STREAM:
            return SAMPLES.row(data).key
        meta = _NAMED.decode(data).metadata
        return ObjectKey(meta.namespace, meta.name)
    except (ValueError, RecursionError):
        pass
    try:
        decoding = decoding_of(line.stream, line.version)
        return decoding.row(data).key if decoding is not None else None
    except (ValueError, RecursionError):
        return None


_UNKNOWN = Health(phase=Phase.WAITING, since=0.0)


def decoding_of(stream: str, version: str) -> Decoding[Any] | Samples | None:
    """What reads a stream's objects of this version; None for what this dratui does not know."""
    if stream == STREAM:
        return SAMPLES if version == VERSION else None
    try:
        return codec(stream.partition(":")[0], version)
    except KeyError:
        return None
