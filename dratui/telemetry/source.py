"""A cluster whose nodes are measured: the cluster's own source, and beside it what measures."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from dratui.events import About, Event
from dratui.kube.source import ClusterSource

if TYPE_CHECKING:
    from dratui.telemetry.protocol import Telemetry


class MeasuredSource:
    """Implements `dratui.events.Source` and `dratui.samples.OnDemand`.

    `metrics_from` says who measures, in the words of `--metrics-from` (`dratui.telemetry.choice`).
    """

    def __init__(self, cluster: ClusterSource, metrics_from: str) -> None:
        self._cluster = cluster
        self._metrics_from = metrics_from
        self._wanted: Sequence[str] = ()
        self._telemetry: Telemetry | None = None

    @property
    def about(self) -> About:
        return self._cluster.about

    def now(self) -> float:
        return self._cluster.now()

    def fetch(self, stream: str, namespace: str, name: str) -> Awaitable[bytes]:
        return self._cluster.fetch(stream, namespace, name)

    def want(self, nodes: Sequence[str]) -> None:
        """See OnDemand. Before there is a connection it is only remembered."""
        self._wanted = nodes
        if self._telemetry is not None:
            self._telemetry.want(nodes)

    async def run(self, emit: Callable[[Sequence[Event]], None]) -> None:
        """As the cluster's source; whatever measuring meets with is told by samples, and ends nothing."""
        following = asyncio.create_task(self._cluster.run(emit))
        measuring = asyncio.create_task(self._measure(emit))
        try:
            done, _ = await asyncio.wait({following, measuring}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (measuring, following):  # in this order: both read through one connection
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _measure(self, emit: Callable[[Sequence[Event]], None]) -> None:
        connection = await self._cluster.connected()
        choice = await asyncio.to_thread(import_module, "dratui.telemetry.choice")
        self._telemetry = choice.telemetry(self._metrics_from, connection, self.now)
        self._telemetry.want(self._wanted)
        await self._telemetry.run(emit)
