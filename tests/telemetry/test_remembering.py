"""Agents measure, Prometheus remembers."""

import asyncio
from collections.abc import Sequence

from dratui.events import Gone, Health, HealthChanged, Phase, Put
from dratui.samples import DeviceSample, Holder, NodeSample
from dratui.telemetry.choice import telemetry
from dratui.telemetry.prometheus import Prometheus
from dratui.telemetry.protocol import Emit
from dratui.telemetry.remembering import Remembering
from tests.telemetry.watching import Heard, connection


class Played:
    """A `Telemetry` that says what a test lets it say."""

    def __init__(self) -> None:
        self.wanted: Sequence[str] = ()
        self.emit: Emit = lambda _: None

    def want(self, nodes: Sequence[str]) -> None:
        self.wanted = nodes

    async def run(self, emit: Emit) -> None:
        self.emit = emit
        await asyncio.Event().wait()

    def says(self, *devices: DeviceSample) -> None:
        self.emit([Put("samples", NodeSample(node="a", at=1.0, devices=devices))])

    def does(self, phase: Phase, detail: str = "") -> None:
        self.emit([HealthChanged("samples", Health(phase=phase, since=1.0, detail=detail))])


def gpu(number: int, pod: str = "", **values: float) -> DeviceSample:
    holders = (Holder(namespace="ml", pod=pod, container="main"),) if pod else ()
    uuid = f"GPU-{number}"
    return DeviceSample(uuid=uuid, gpu=uuid, index=number, holders=holders, values=values)


async def test_what_prometheus_remembers_stands_beside_what_the_agent_measures_of_the_same_holder() -> None:
    now, before, heard = Played(), Played(), Heard()
    both = Remembering(now, before)
    task = asyncio.create_task(both.run(heard))
    both.want(["a"])
    assert now.wanted == before.wanted == ["a"]
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    now.says(gpu(0, "train", utilization=0.5))
    assert heard.samples["a"].devices[0].values == {"utilization": 0.5}
    before.says(
        gpu(0, "train", utilization=0.9, idle_share=0.25, idle_watched=600.0), gpu(1, "gone", idle_share=1.0)
    )
    now.says(gpu(0, "train", utilization=0.6), gpu(1, "other", utilization=0.1), gpu(2, utilization=0.0))
    assert [device.values for device in heard.samples["a"].devices] == [
        {"utilization": 0.6, "idle_share": 0.25, "idle_watched": 600.0},
        {"utilization": 0.1},
        {"utilization": 0.0},
    ]
    before.emit([Gone("samples", NodeSample(node="a"))])
    now.says(gpu(0, "train", utilization=0.7))
    assert heard.samples["a"].devices[0].values == {"utilization": 0.7}

    now.does(Phase.LIVE)
    before.does(Phase.STALE, "timed out")
    assert (heard.health.phase, heard.health.detail) == (Phase.LIVE, "Prometheus: timed out")
    now.does(Phase.STALE, "1 of 2 nodes: no agent")
    assert heard.health.detail == "1 of 2 nodes: no agent"
    before.does(Phase.LIVE)
    now.does(Phase.LIVE)
    assert heard.health.detail == ""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_who_measures_and_who_remembers_is_said_with_a_comma() -> None:
    made = connection("http://127.0.0.1:1")
    assert isinstance(telemetry("auto,svc/monitoring/prometheus:9090", made, lambda: 0.0, {}), Remembering)
    assert isinstance(telemetry("prometheus+http://127.0.0.1:2", made, lambda: 0.0, {}), Prometheus)
    await made.close()
