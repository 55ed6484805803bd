"""A cluster's source with what measures beside it: one connection, one login, one end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from dratui.events import Source
from dratui.kube.failure import KubeFailure
from dratui.kube.options import Options
from dratui.kube.source import ClusterSource
from dratui.past import Past
from dratui.samples import OnDemand
from dratui.telemetry.source import MeasuredSource
from tests.kube.conftest import write_kubeconfig
from tests.telemetry.agents import AT, gpu, sample, serve
from tests.telemetry.proxy import ApiServer, api_server, pod
from tests.telemetry.watching import Heard

BEHIND = "agent-node-1:9402"


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    async with api_server() as server:
        server.pods = [pod("node-1")]
        yield server


def measured(kubeconfig: Path) -> MeasuredSource:
    return MeasuredSource(ClusterSource(Options(kubeconfig=str(kubeconfig)), [], environ={}), "agent")


def test_it_is_a_source_that_measures_on_demand(tmp_path: Path) -> None:
    source: Source = measured(tmp_path)
    assert isinstance(source, OnDemand)
    assert not isinstance(source, Past)


async def test_what_was_wanted_before_there_is_a_connection_is_followed_through_it(
    api: ApiServer, tmp_path: Path
) -> None:
    source = measured(write_kubeconfig(tmp_path / "config", api.url))
    heard = Heard()
    source.want(["node-1"])
    async with serve("node-1") as agent:
        agent.state.take(sample(gpu(0, power=1.0)))
        api.behind[BEHIND] = agent.url
        running = asyncio.create_task(source.run(heard))
        await heard.until(lambda: "node-1" in heard.samples)
        assert source.about.server_version == "v1.36.3"
        assert abs((heard.samples["node-1"].at or 0) - source.now()) < 3600  # on our clock, not the sample's
        assert abs(AT - source.now()) > 3600
        source.want([])
        agent.state.take(sample(gpu(0, power=2.0)))
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        api.heard = heard.wake
        await heard.until(lambda: not api.open[BEHIND])
    assert api.authorized == {"Bearer secret-of-jane"}


async def test_a_cluster_that_is_of_no_use_is_told_as_without_measuring(tmp_path: Path) -> None:
    source = measured(write_kubeconfig(tmp_path / "config", "http://127.0.0.1:1"))
    with pytest.raises(KubeFailure, match="nobody answers at"):
        await source.run(Heard())
