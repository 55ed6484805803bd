"""Samples of devices in a recording: lines of the stream `samples`, with a NodeSample as JSON in place of an object.

{"t": 4.0, "stream": "samples", "version": "v1", "put": {"at": 1790000004.0, "node": "gpu-node-7", "devices": […]}}
"""

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Final

import msgspec

from dratui.api.model import ObjectKey
from dratui.events import Event, Gone, HealthChanged, Phase, Put
from dratui.recording.raw import RawObject
from dratui.samples import STREAM, DeviceSample, NodeSample

VERSION: Final = "v1"


class Samples:
    """Decodes them, as `dratui.api.wire.Decoding` decodes objects."""

    kind = NodeSample

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(NodeSample)

    def row(self, data: bytes) -> NodeSample:
        """Raises ValueError for what is none."""
        return self._decoder.decode(data)


SAMPLES: Final = Samples()


def raw(sample: NodeSample) -> RawObject:
    """As it is written: JSON knows no number that is none."""
    devices = tuple(
        d
        if all(map(isfinite, d.values.values()))
        else msgspec.structs.replace(d, values={k: v for k, v in d.values.items() if isfinite(v)})
        for d in sample.devices
    )
    return RawObject(VERSION, msgspec.json.encode(msgspec.structs.replace(sample, devices=devices)))


class Thinning:
    """Lets through one sample of a node in `every` seconds, and one that tells of other devices, holders, problems, or
    that its kubelet plugin believes something else.

    That nobody measures is not told before anybody does: most clusters are so, and there is nothing to record. Other
    streams' events go through as they are. What comes out has RawObjects for rows.
    """

    def __init__(self, every: float) -> None:
        self._every = every
        self._latest: dict[ObjectKey, NodeSample] = {}
        self._measured = False
        self._held_back: dict[ObjectKey, Event] = {}
        self._health: Event | None = None

    def events(self, events: Sequence[Event]) -> Iterator[Event]:
        """What is left of them."""
        for event in events:
            match event:
                case HealthChanged(stream="samples", health=health) if not self._measured:
                    self._health = event if health.phase is Phase.NOT_SERVED else None
                    if self._health is None:
                        yield event
                case Put(stream="samples", row=sample):
                    if not self._tells(sample):
                        continue
                    self._latest[sample.key] = sample
                    written = Put(STREAM, self._written(sample))
                    if sample.devices and not self._measured:
                        self._measured = True
                        yield from filter(None, (self._health, *self._held_back.values()))
                        self._held_back.clear()
                    if self._measured:
                        yield written
                    else:
                        self._held_back[sample.key] = written
                case Gone(stream="samples", row=sample):
                    self._latest.pop(sample.key, None)
                    self._held_back.pop(sample.key, None)
                    if self._measured:
                        yield Gone(STREAM, self._written(sample))
                case _:
                    yield event

    def _written(self, sample: NodeSample) -> RawObject:
        return raw(msgspec.structs.replace(sample, interval=max(sample.interval, self._every)))

    def _tells(self, sample: NodeSample) -> bool:
        last = self._latest.get(sample.key)
        if last is None or last.at is None or sample.at is None:
            return last is None or last.at != sample.at or last.problem != sample.problem
        early = 0 <= sample.at - last.at < self._every - sample.interval / 2
        same = last.plugin is sample.plugin or last.plugin == sample.plugin
        return not early or not same or last.problem != sample.problem or _whose(last) != _whose(sample)


def _whose(sample: NodeSample) -> list[tuple[str, object]]:
    return [_held(device) for device in sample.devices]


def _held(device: DeviceSample) -> tuple[str, object]:
    return device.uuid, device.holders
