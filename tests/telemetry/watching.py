"""Telemetry as the dashboard runs it, with what it says taken down."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from random import Random

from dratui.events import Event, Gone, Health, HealthChanged, Put
from dratui.kube.connection import Connection
from dratui.kube.kubeconfig import Access, Cluster, User
from dratui.kube.options import Options
from dratui.samples import NodeSample
from dratui.telemetry.agent import AGENT, AgentFollower
from dratui.telemetry.discovery import Exporter, Pods
from dratui.telemetry.following import Following, Patience
from dratui.telemetry.protocol import Finder
from tests.telemetry.agents import AT

QUICK = Patience(grace=0.0, first_delay=0.005, longest_delay=0.02, slow_retry=0.02, slowest_retry=0.02)


class Heard:
    """What was emitted, as a store would have it."""

    def __init__(self) -> None:
        self.samples: dict[str, NodeSample] = {}
        self.puts = 0
        self.healths: list[Health] = []
        self.changed = asyncio.Event()

    def __call__(self, events: Sequence[Event]) -> None:
        for event in events:
            assert event.stream == "samples"
            match event:
                case Put():
                    self.puts += 1
                    self.samples[event.row.node] = event.row
                case Gone():
                    del self.samples[event.row.node]
                case HealthChanged():
                    self.healths.append(event.health)
        self.wake()

    def wake(self) -> None:
        self.changed.set()

    @property
    def health(self) -> Health:
        return self.healths[-1]

    def problem(self, node: str) -> str:
        return self.samples[node].problem if node in self.samples else ""

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


def connection(url: str, *, namespace: str = "mine") -> Connection:
    access = Access(
        context="test",
        cluster_name="c",
        user_name="jane",
        namespace=namespace,
        cluster=Cluster(server=url),
        user=User(token="secret-of-jane"),
    )
    return Connection(access, Options(), now=lambda: AT, environ={})


@asynccontextmanager
async def running(finder: Finder, patience: Patience = QUICK) -> AsyncIterator[tuple[Following, Heard]]:
    telemetry = Following(finder, now=lambda: AT, random=Random(7), patience=patience)
    heard = Heard()
    task = asyncio.create_task(telemetry.run(heard))
    task.add_done_callback(lambda _: heard.wake())
    try:
        yield telemetry, heard
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def found_at(made: Connection, *, silence: float = 40.0) -> Pods:
    """Agents found in the cluster."""
    exporter = Exporter(
        name=AGENT.name,
        selector=AGENT.selector,
        port=AGENT.port,
        follower=lambda endpoint, now: AgentFollower(endpoint, now, silence=silence),
    )
    return Pods(made, (exporter,), lambda: AT)
