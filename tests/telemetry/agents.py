"""The agent's real server, fed by hand, on the loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from dratui_agent.exporter.server import application
from dratui_agent.exporter.state import State
from dratui_agent.sample import Absent, Device, DeviceSample, Sample

AT = 1790000000.0


def gpu(number: int, **values: float) -> DeviceSample:
    """A GPU; what is not given is not supported."""
    uuid = f"GPU-{number}"
    device = Device(uuid, "gpu", "NVIDIA H100 80GB HBM3", uuid, number, number, pci=f"0000:{number:02x}:00.0")
    return DeviceSample(device, values, {} if "utilization" in values else {"utilization": Absent.MIG_NO_GPM})


def sample(*devices: DeviceSample, at: float = AT, **more: Any) -> Sample:
    return Sample(at, 0.01, "595.58.03", devices, **more)


class Agent:
    """`state` is what it serves."""

    def __init__(self, node: str) -> None:
        self.state = State(1.0, node=node)
        self.url = ""


@asynccontextmanager
async def serve(node: str = "node-1") -> AsyncIterator[Agent]:
    agent = Agent(node)
    runner = web.AppRunner(application(agent.state), shutdown_timeout=0.05)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        agent.url = "http://{}:{}".format(*runner.addresses[0][:2])
        yield agent
    finally:
        await runner.cleanup()
