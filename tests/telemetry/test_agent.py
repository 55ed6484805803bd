"""The agent's stream as the agent itself serves it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from dratui_agent.holders import Holder, Holders

from dratui.samples import NodeSample
from dratui.telemetry.agent import AgentFollower
from dratui.telemetry.direct import reach
from tests.telemetry.agents import AT, Agent, gpu, sample, serve


class Taken:
    """The samples that a follower handed on."""

    def __init__(self) -> None:
        self.samples: asyncio.Queue[NodeSample] = asyncio.Queue()

    async def next(self) -> NodeSample:
        async with asyncio.timeout(20):
            return await self.samples.get()


@asynccontextmanager
async def following(agent: Agent, node: str = "node-1", *, now: float = AT) -> AsyncIterator[Taken]:
    endpoint = reach(agent.url, lambda: now)
    taken = Taken()
    task = asyncio.create_task(AgentFollower(endpoint, lambda: now).follow(node, taken.samples.put_nowait))
    try:
        yield taken
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await endpoint.connection.close()


@pytest.fixture
async def agent() -> AsyncIterator[Agent]:
    async with serve() as served:
        yield served


async def test_what_the_agent_tells_comes_as_a_sample(agent: Agent) -> None:
    agent.state.attribute(
        Holders(AT - 3, {"GPU-0": (Holder("ml-team", "train-7", "main", claim="train-7-gpu"),)})
    )
    agent.state.take(sample(gpu(0, utilization=0.93, power=612.5), gpu(1, memory_used=66571993088.0)))
    async with following(agent) as taken:
        first = await taken.next()
        assert (first.node, first.source, first.interval, first.problem) == ("node-1", "agent", 1.0, "")
        busy, other = first.devices
        assert (busy.uuid, busy.kind, busy.index, busy.pci) == ("GPU-0", "gpu", 0, "0000:00:00.0")
        assert busy.values == {"utilization": 0.93, "power": 612.5}
        assert [(h.namespace, h.pod, h.claim) for h in busy.holders] == [
            ("ml-team", "train-7", "train-7-gpu")
        ]
        assert other.values == {"memory_used": 66571993088.0}
        assert other.absent == {"utilization": "mig_no_gpm"}

        agent.state.take(sample(gpu(0, utilization=0.5), gpu(1), at=AT + 1))
        second = await taken.next()
        assert second.devices[0].values == {"utilization": 0.5}
        assert second.devices[0].holders == busy.holders
