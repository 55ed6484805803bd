"""The agent's stream, version 1: from frames to samples. What the frames hold is told by the agent (`/v1/stream`)."""

from collections import deque
from collections.abc import Sequence
from sys import intern
from typing import Annotated, Final

import msgspec

from dratui.prepared import Plugin
from dratui.samples import DeviceSample, NodeSample
from dratui.telemetry.protocol import Broken

VERSION: Final = 1
_DEVICES: Final = 1024  # of a node; the most GPUs and MIG devices that exist are 16 × 8 on one
_KEYS: Final = 512
_WORDS: Final = 300  # characters of a sentence
_REMEMBERED: Final = 30  # frames that tell how the clocks differ
_LEAP: Final = (
    60.0  # seconds: no frame is so late, a stream that is silent for so long is broken; a clock was set
)


_Row = Annotated[list[float | None], msgspec.Meta(max_length=_KEYS)]
_Rows = Annotated[list[_Row], msgspec.Meta(max_length=_DEVICES)]


class _Version(msgspec.Struct, frozen=True):
    version: int = 0


class _Full(msgspec.Struct, frozen=True, kw_only=True):
    node: str = ""
    agent: str = ""
    interval: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 1.0
    at: float
    age: Annotated[float, msgspec.Meta(ge=0)] = 0.0  # seconds since `at` when it was sent
    problem: str = ""
    attributed: float | None = None
    attribution_problem: str = ""
    plugin: Plugin | None = None
    believed: float | None = None
    keys: Annotated[tuple[str, ...], msgspec.Meta(max_length=_KEYS)]
    devices: Annotated[tuple[DeviceSample, ...], msgspec.Meta(max_length=_DEVICES)]
    values: _Rows


class _Values(msgspec.Struct, frozen=True):
    at: float
    values: _Rows
    age: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    attributed: float | None = None
    believed: float | None = None


_version: Final = msgspec.json.Decoder(_Version)
_full: Final = msgspec.json.Decoder(_Full)
_values: Final = msgspec.json.Decoder(_Values)


class Frames:
    """Turns the frames of one agent into samples of `node`; between two streams it remembers the layout.

    The node's clock is not ours. A frame that arrives the moment it was made shows by how much they differ, and the
    least delay of late comes closest to that.
    """

    def __init__(self, node: str) -> None:
        self._node = node
        self._keys: Sequence[str] = ()
        self._sample: NodeSample | None = None
        self._ahead: deque[float] = deque(maxlen=_REMEMBERED)  # seconds of our clock, with the delay in it

    def full(self, data: bytes, arrived: float) -> NodeSample:
        """Everything. Raises Broken for another version, ValueError for what is no such frame."""
        version = _version.decode(data).version
        if version != VERSION:
            raise Broken(
                f"agent speaks version {version}, this dratui knows {VERSION}",
                hint="update the older of the two",
            )
        frame = _full.decode(data)
        _match(frame.values, frame.devices, frame.keys)
        self._keys = [intern(key) for key in frame.keys]  # the same for all nodes
        self._sample = NodeSample(
            node=self._node,
            source="agent",
            interval=frame.interval,
            devices=frame.devices,
            problem=frame.problem[:_WORDS],
            attribution_problem=frame.attribution_problem[:_WORDS],
            plugin=frame.plugin,
        )
        return self._with(self._sample, frame, arrived)

    def values(self, data: bytes, arrived: float) -> NodeSample:
        """What changed since. Raises ValueError for what is no such frame, or comes before a full one."""
        frame = _values.decode(data)
        if self._sample is None:
            raise ValueError("values came before a full frame")
        _match(frame.values, self._sample.devices, self._keys)
        return self._with(self._sample, frame, arrived)

    def _with(self, sample: NodeSample, frame: _Full | _Values, arrived: float) -> NodeSample:
        newest = arrived - frame.at - frame.age
        if self._ahead and newest - min(self._ahead) > _LEAP:
            self._ahead.clear()
        self._ahead.append(newest)
        ahead = min(self._ahead)
        keys = self._keys
        self._sample = msgspec.structs.replace(
            sample,
            at=min(frame.at + ahead, arrived),
            attributed=None if frame.attributed is None else min(frame.attributed + ahead, arrived),
            believed=None if frame.believed is None else min(frame.believed + ahead, arrived),
            devices=tuple(
                msgspec.structs.replace(
                    device,
                    values={k: v for k, v in zip(keys, row, strict=True) if v is not None},
                )
                for device, row in zip(sample.devices, frame.values, strict=True)
            ),
        )
        return self._sample


def _match(rows: Sequence[_Row], devices: Sequence[DeviceSample], keys: Sequence[str]) -> None:
    if len(rows) != len(devices) or any(len(row) != len(keys) for row in rows):
        raise ValueError("there are not as many values as devices and keys")
