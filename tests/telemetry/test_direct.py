"""Agents at addresses that a person gave."""

import pytest

from dratui.events import Phase
from dratui.settings.metrics import metrics_from
from dratui.telemetry.direct import OneAgent, OneOfEach
from tests.telemetry.agents import AT, gpu, sample, serve
from tests.telemetry.watching import running


async def test_one_agent_says_itself_of_which_node_it_is() -> None:
    async with serve("gpu-node-7") as agent, running(OneAgent(agent.url, lambda: AT)) as (telemetry, heard):
        agent.state.take(sample(gpu(0, power=1.0)))
        telemetry.want(["gpu-node-6", "gpu-node-7"])
        await heard.until(lambda: set(heard.samples) == {"gpu-node-6", "gpu-node-7"})
        assert heard.samples["gpu-node-7"].devices[0].values == {"power": 1.0}
        assert heard.problem("gpu-node-6") == "not measured"
        assert heard.health.phase is Phase.LIVE


async def test_and_is_waited_for_until_it_has_read_anything() -> None:
    async with serve("gpu-node-7") as agent, running(OneAgent(agent.url, lambda: AT)) as (telemetry, heard):
        telemetry.want(["gpu-node-7"])
        await heard.until(lambda: heard.problem("gpu-node-7"))
        assert heard.problem("gpu-node-7") == "agent: no sample yet"
        agent.state.take(sample(gpu(0, power=1.0)))
        await heard.until(lambda: not heard.problem("gpu-node-7"))


async def test_each_node_has_an_address() -> None:
    async with serve("n") as agent:
        address = agent.url.replace("127.0.0.1", "127.0.0.{node}")
        agent.state.take(sample(gpu(0, power=1.0)))
        async with running(OneOfEach(address, lambda: AT)) as (telemetry, heard):
            telemetry.want(["1", "9", "u@1", "1/x?"])
            await heard.until(lambda: set(heard.samples) == {"1", "9", "u@1", "1/x?"})
            assert heard.samples["1"].devices
            assert heard.problem("9") == "no connection to agent"
            assert heard.problem("u@1") == heard.problem("1/x?") == "the node's name is none of a host"


@pytest.mark.parametrize(
    "text",
    [
        *("", "magic", "ftp://host", "http://", "http://host:port", "http://host:0", "prometheus", "{node}"),
        *(
            "prometheus+ftp://host",
            "prometheus+http://{node}:9090",
            "svc/monitoring",
            "svc/a/b/../c?d",
            "svc/A/b",
        ),
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="neither one of auto, agent, none nor an address"):
        metrics_from(text)


@pytest.mark.parametrize(
    "text",
    [
        *("auto", " none ", "http://10.0.0.1:9402", "https://u:p@{node}.example.com:9402"),
        *("http://{node}:9400/metrics", "prometheus+https://u:p@prometheus.example/prefix"),
        *("svc/monitoring/prometheus-k8s:9090", "svc/monitoring/https:thanos:web/prefix"),
        *("auto,svc/monitoring/prometheus:9090", "http://u:a,b@{node}:9402,prometheus+https://p.example"),
    ],
)
def test_who_measures_is_said_by_a_word_or_an_address(text: str) -> None:
    assert metrics_from(text) == text.strip()


def test_one_exporter_does_not_say_whose_it_is() -> None:
    with pytest.raises(ValueError, match="which node's"):
        metrics_from("http://127.0.0.1:9400/metrics")
