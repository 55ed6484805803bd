"""Which nodes have devices, while a cluster is recorded: theirs are measured."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from dratui.api.model import ObjectKey
from dratui.events import Event, Gone, Page, Put
from dratui.recording.decode import decoding_of
from dratui.recording.mirror import Mirror
from dratui.recording.raw import RawObject

_NODES: Final[Mapping[str, Callable[[Any], Collection[str]]]] = {
    "resourceslices": lambda row: {row.node, *(device.node for device in row.devices)} - {""},
    "nodes": lambda node: (node.name,) if node.allocatable else (),  # by device plugins
}


class Publishing:
    """`nodes`: those that devices are published for, by DRA first."""

    def __init__(self) -> None:
        self.nodes: list[str] = []
        self._of: Mirror[Collection[str]] = Mirror()

    def take(self, events: Sequence[Event]) -> bool:
        """Take in events whose rows are RawObjects. Returns whether the nodes are others now."""
        told = [event for event in events if event.stream in _NODES]
        for event in told:
            match event:
                case Page(stream, rows, first, last):
                    self._of.page(stream, _read(stream, rows), first=first, last=last)
                case Put(stream, row):
                    for key, nodes in _read(stream, (row,)):
                        self._of.put(stream, key, nodes)
                case Gone(stream, row):
                    for key, _ in _read(stream, (row,)):
                        self._of.gone(stream, key)
        if not told:
            return False
        before = self.nodes
        named = (sorted({*chain(*self._of.tables[stream].values())}) for stream in _NODES)
        self.nodes = list(dict.fromkeys(chain(*named)))
        return self.nodes != before


def _read(stream: str, rows: Iterable[RawObject]) -> Iterable[tuple[ObjectKey, Collection[str]]]:
    """The nodes that each names; what cannot be read names none."""
    for raw in rows:
        decoding = decoding_of(stream, raw.version)
        try:
            row: Any = decoding.row(raw.data) if decoding else None
        except (ValueError, RecursionError):
            continue
        if row is not None:
            yield row.key, _NODES[stream](row)
