"""A real Prometheus scrapes real exporters; what is read back is what they said."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from dratui_agent.holders import Holder as AgentHolder
from dratui_agent.holders import Holders

from dratui.events import Event, Health, HealthChanged, Phase, Put
from dratui.samples import DeviceSample, NodeSample
from dratui.telemetry.prometheus import Pace, Prometheus
from dratui.telemetry.promhttp import Direct
from tests.realparts.prometheus import Prometheus as Server
from tests.realparts.prometheus import Tools
from tests.telemetry.agents import AT, gpu, sample, serve

PATIENCE = 60.0


@dataclass
class Told:
    """What a source emitted, newest last."""

    samples: dict[str, NodeSample] = field(default_factory=dict)
    health: Health | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, events: Sequence[Event]) -> None:
        for event in events:
            match event:
                case Put(row=row):
                    self.samples[row.node] = row
                case HealthChanged(health=health):
                    self.health = health
        self.changed.set()

    async def until(self, met: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not met():
                self.changed.clear()
                await self.changed.wait()

    def device(self, node: str, number: int = 0) -> DeviceSample:
        found = self.samples.get(node)
        return found.devices[number] if found and len(found.devices) > number else DeviceSample()


@asynccontextmanager
async def running(source: Prometheus, *nodes: str) -> AsyncIterator[Told]:
    told = Told()
    source.want(nodes)
    task = asyncio.create_task(source.run(told))
    try:
        yield told
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def scraping(tools: Tools, *jobs: Mapping[str, Any]) -> AsyncIterator[Server]:
    server = Server(tools, jobs)
    await asyncio.to_thread(server.start)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.stop)


def job(url: str, **labels: str) -> Mapping[str, Any]:
    target = {"targets": [url.removeprefix("http://")], "labels": labels}
    return {"job_name": f"job-{url.rpartition(':')[2]}", "static_configs": [target]}


def asked(server: Server) -> Prometheus:
    pace = Pace(every=0.25, missing=0.25, idle=1.0, window=600, step=1)
    return Prometheus(Direct(server.address, environ={}), now=lambda: AT, pace=pace)


async def test_what_prometheus_scraped_of_the_agent_comes_back_equal(prometheus_tools: Tools) -> None:
    async with serve("node-1") as agent:
        one, other = AgentHolder("ml", "train", "main", "claim-1"), AgentHolder("ml", "eval", "main")
        agent.state.attribute(Holders(AT, {"GPU-0": (one,), "GPU-2": (one, other)}))
        agent.state.take(
            sample(
                gpu(0, utilization=0.93, memory_used=66571993088.0, power=612.345, temperature=64.0),
                gpu(1, utilization=0.0, energy=123456.789),
                gpu(2),
            )
        )
        # As an operator for Prometheus labels a target: with the exporter's own pod.
        target = job(agent.url, namespace="monitoring", pod="dratui-agent-x7k2p", container="agent")
        async with (
            scraping(prometheus_tools, target) as server,
            running(asked(server), "node-1", "node-2") as told,
        ):
            await told.until(lambda: bool(told.device("node-1").values))
            node = told.samples["node-1"]
            busy, free, shared = node.devices
            assert (node.source, node.problem) == ("prometheus", "")
            assert {k: v for k, v in busy.values.items() if not k.startswith("idle")} == {
                "utilization": 0.93,
                "memory_used": 66571993088.0,
                "power": 612.345,
                "temperature": 64.0,
            }
            assert (busy.uuid, busy.index, busy.pci) == ("GPU-0", 0, "0000:00:00.0")
            assert [(h.namespace, h.pod, h.claim) for h in busy.holders] == [("ml", "train", "claim-1")]
            assert (free.values["utilization"], free.values["energy"], free.holders) == (0.0, 123456.789, ())
            assert [h.pod for h in shared.holders] == ["eval", "train"]
            assert shared.absent["utilization"] == "mig_no_gpm"
            assert node.at is not None
            assert 0 <= AT - node.at < PATIENCE
            await told.until(lambda: "node-2" in told.samples)
            assert told.samples["node-2"].problem == "Prometheus has no GPU of this node"
            assert told.health is not None
            assert told.health.phase is Phase.LIVE


async def test_how_idle_a_device_was_is_since_its_holder_got_it(prometheus_tools: Tools) -> None:
    async with serve("node-1") as agent:

        def held(pod: str, utilization: float) -> None:
            agent.state.attribute(Holders(AT, {"GPU-0": (AgentHolder("ml", pod, "main"),)}))
            agent.state.take(sample(gpu(0, utilization=utilization)))

        def idle(pod: str) -> float | None:
            device = told.device("node-1")
            fits = [h.pod for h in device.holders] == [pod] and device.values.get("idle_watched", 0) >= 2
            return device.values["idle_share"] if fits else None

        held("sleeper", 0.01)
        async with (
            scraping(prometheus_tools, job(agent.url, pod="dratui-agent-x7k2p")) as server,
            running(asked(server), "node-1") as told,
        ):
            await told.until(lambda: idle("sleeper") is not None)
            assert idle("sleeper") == 1.0
            held("worker", 0.9)
            await told.until(lambda: idle("worker") is not None)
            assert idle("worker") == 0.0
            held("worker", 0.02)
            await told.until(lambda: (idle("worker") or 0.0) > 0)
            assert 0 < (idle("worker") or 0.0) < 1


DCGM = """\
DCGM_FI_DEV_GPU_UTIL{{gpu="0",UUID="GPU-d",device="nvidia0",Hostname="{node}",pod="p",namespace="n"}} 2
DCGM_FI_DEV_FB_USED{{gpu="0",UUID="GPU-d",device="nvidia0",Hostname="{node}",pod="p",namespace="n"}} 1024
DCGM_FI_DEV_GPU_UTIL{{gpu="1",UUID="GPU-e",device="nvidia1",Hostname="{node}",pod="",namespace=""}} 80
"""
GAUDI = 'habanalabs_utilization{UUID="01P0",id="0",pod_name="",pod_namespace=""} 77\n'


@asynccontextmanager
async def text(body: str) -> AsyncIterator[str]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body)

    app = web.Application()
    app.router.add_get("/metrics", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield "http://{}:{}".format(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()


async def test_nodes_are_found_by_whichever_label_has_their_name_in_one_question(
    prometheus_tools: Tools,
) -> None:
    odd = "gpu-node.1+[a-z]"  # no name of a node, but no danger either
    async with (
        text(DCGM.format(node="node-1")) as one,
        text(DCGM.format(node=odd)) as two,
        text(GAUDI) as three,
        text(DCGM.format(node="gpu-nodeX1")) as other,
        scraping(
            prometheus_tools,
            job(one, pod="dcgm-exporter-1", namespace="gpu-operator", Hostname="the-targets"),
            job(two, pod="dcgm-exporter-2", namespace="gpu-operator"),
            job(three, node="node-3"),
            job(other),
        ) as server,
        running(asked(server), "node-1", odd, "node-3") as told,
    ):
        await told.until(lambda: all(told.device(node).values for node in ("node-1", odd, "node-3")))
        for node in ("node-1", odd):
            held, free = told.samples[node].devices
            assert (held.uuid, held.values["memory_used"]) == ("GPU-d", 1 << 30)
            assert held.values["utilization"] == pytest.approx(0.02)
            assert [(h.namespace, h.pod) for h in held.holders] == [("n", "p")]
            assert free.holders == ()
        assert told.device("node-3").values["utilization"] == pytest.approx(0.77)
        assert set(told.samples) == {"node-1", odd, "node-3"}
        await told.until(lambda: "idle_share" in told.device(odd).values)
        assert told.device(odd).values["idle_share"] == 1.0
        assert told.device(odd, 1).values["idle_share"] == 0.0


async def test_a_query_that_prometheus_refuses_is_told_in_its_words(prometheus_tools: Tools) -> None:
    from dratui.telemetry.promapi import query
    from dratui.telemetry.protocol import Broken

    async with scraping(prometheus_tools) as server:
        way = Direct(server.address, environ={})
        with pytest.raises(Broken, match=r"Prometheus: .*parse error"):
            await query(way, "up{")
        with pytest.raises(Broken, match="no Prometheus there"):
            await way.ask("/nowhere", ())
        await way.close()
