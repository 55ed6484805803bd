"""The dashboard in this process, on the lab's cluster, with what its agents measure."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dratui.api.streams import STREAMS
from dratui.kube.options import Options
from dratui.kube.source import ClusterSource
from dratui.telemetry.source import MeasuredSource
from dratui.tui.app import DratuiApp
from dratui.views.query import Query
from tests.lab.cluster import Lab
from tests.tui.driving import Driver, shows


@asynccontextmanager
async def watching(
    lab: Lab, query: Query, *, user: str = "viewer", size: tuple[int, int] = (160, 24)
) -> AsyncIterator[Driver]:
    """As a user sees it who gave no flags, once it follows the cluster."""
    cluster = ClusterSource(Options(kubeconfig=str(lab.plane.kubeconfig(user))), list(STREAMS.values()))
    app = DratuiApp(MeasuredSource(cluster, "auto"), query=query)
    async with app.run_test(size=size) as pilot:
        await shows(pilot, "● live")
        yield pilot
