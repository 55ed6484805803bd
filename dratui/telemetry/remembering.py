"""Some measure now, Prometheus remembers: how idle devices were before anyone looked."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from dratui.events import Event, Gone, Health, HealthChanged, Phase, Put
from dratui.samples import STREAM, DeviceSample, NodeSample
from dratui.telemetry.protocol import Emit, Telemetry

_TOLD: Final = ("idle_share", "idle_watched")

_Held = tuple[str, int | None, frozenset[tuple[str, str, str]]]
"""A GPU by its UUID, or a GPU instance of it, and who holds it, as whoever measures tells it."""


class Remembering:
    """Implements `Telemetry`: the samples of `measuring`, with how idle devices were as `memory` tells it.

    That is so only for a device whose holders are the same on both sides: they may have changed since it was asked.
    """

    def __init__(self, measuring: Telemetry, memory: Telemetry) -> None:
        self._measuring = measuring
        self._memory = memory
        self._known: dict[str, Mapping[_Held, Mapping[str, float]]] = {}  # by node
        self._health: Health | None = None  # of who measures
        self._doubt = ""  # what is wrong with the memory

    def want(self, nodes: Sequence[str]) -> None:
        """See `Telemetry`."""
        self._measuring.want(nodes)
        self._memory.want(nodes)

    async def run(self, emit: Emit) -> None:
        """See `Telemetry`."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(
                self._measuring.run(lambda events: emit([self._told(event) for event in events]))
            )
            tasks.create_task(self._memory.run(lambda events: self._remember(events, emit)))

    def _told(self, event: Event) -> Event:
        match event:
            case Put(row=sample):
                return Put(STREAM, self._with(sample))
            case HealthChanged(health=health):
                self._health = health
                return HealthChanged(STREAM, self._doubted(health))
        return event

    def _remember(self, events: Sequence[Event], emit: Emit) -> None:
        for event in events:
            match event:
                case Put(row=sample):
                    self._known[sample.node] = {
                        _held(each): told
                        for each in sample.devices
                        if (told := {key: each.values[key] for key in _TOLD if key in each.values})
                    }
                case Gone(row=sample):
                    self._known.pop(sample.node, None)
                case HealthChanged(health=health):
                    trouble = health.detail or (health.phase.value if health.phase is not Phase.LIVE else "")
                    self._doubt = f"Prometheus: {trouble}" if trouble else ""
                    if self._health is not None:
                        emit([HealthChanged(STREAM, self._doubted(self._health))])

    def _doubted(self, health: Health) -> Health:
        return msgspec.structs.replace(health, detail=health.detail or self._doubt)

    def _with(self, sample: NodeSample) -> NodeSample:
        known = self._known.get(sample.node)
        if not known:
            return sample
        devices = [(each, known.get(_held(each))) for each in sample.devices]
        return msgspec.structs.replace(
            sample,
            devices=tuple(
                msgspec.structs.replace(each, values={**each.values, **told}) if told else each
                for each, told in devices
            ),
        )


def _held(device: DeviceSample) -> _Held:
    holders = frozenset((each.namespace, each.pod or each.claim, each.container) for each in device.holders)
    return device.gpu, device.gi, holders
