"""Agents found in the cluster and read through the API server's proxy, and each way in which that fails."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from dratui_agent.exporter import frames as written

from dratui.events import Phase
from dratui.telemetry.choice import EXPORTERS
from dratui.telemetry.discovery import Exporter, Pods
from dratui.telemetry.protocol import Broken, Take
from tests.telemetry.agents import AT, gpu, sample, serve
from tests.telemetry.proxy import (
    NAMESPACE,
    ApiServer,
    Handler,
    api_server,
    pod,
    status,
    stream,
    text,
)
from tests.telemetry.watching import connection, found_at, running

NODE = "node-1"
BEHIND = f"agent-{NODE}:9402"


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    async with api_server() as server:
        server.pods = [pod(NODE)]
        yield server


def event(kind: str, number: str, data: bytes) -> bytes:
    return f"event: {kind}\nid: {number}\ndata: ".encode() + data + b"\n\n"


async def full_frame(**values: float) -> bytes:
    async with serve(NODE) as agent:
        agent.state.take(sample(gpu(0, **values)))
        assert agent.state.sample is not None
        return written.full(agent.state, agent.state.sample, ())


async def test_an_agent_is_found_and_followed_through_the_proxy(api: ApiServer) -> None:
    made = connection(api.url)
    async with serve(NODE) as agent, running(found_at(made)) as (telemetry, heard):
        api.behind[BEHIND] = agent.url
        agent.state.take(sample(gpu(0, utilization=0.5)))
        telemetry.want([NODE])
        await heard.until(lambda: NODE in heard.samples)
        assert heard.samples[NODE].devices[0].values == {"utilization": 0.5}
        agent.state.take(sample(gpu(0, utilization=0.75), at=AT + 1))
        await heard.until(lambda: heard.samples[NODE].devices[0].values == {"utilization": 0.75})
        assert api.selectors == [("app.kubernetes.io/name in (dratui-agent)", f"spec.nodeName={NODE}")]
        telemetry.want([])
        api.heard = heard.wake
        await heard.until(lambda: not api.open[BEHIND])
    await made.close()


@pytest.mark.parametrize(
    ("more", "behind"),
    [
        ({"ports": [{"name": "https", "containerPort": 8443}]}, f"https:agent-{NODE}:8443"),
        ({"annotations": {"dratui.dev/scheme": "https"}}, f"https:agent-{NODE}:9402"),
        ({"ports": [{"containerPort": 80}]}, f"agent-{NODE}:9402"),
        ({"ports": None}, f"agent-{NODE}:9402"),
        (
            {"ports": [{"name": "health", "containerPort": 80}, {"name": "http", "containerPort": 81}]},
            f"agent-{NODE}:81",
        ),
    ],
)
async def test_where_an_agent_listens_its_pod_says(
    api: ApiServer, more: dict[str, object], behind: str
) -> None:
    api.pods = [pod(NODE, **more)]  # type: ignore[arg-type]  # any of its keywords
    api.behind[behind] = stream(event("full", "1-1", await full_frame(power=1.0)), then="silent")
    made = connection(api.url)
    async with running(found_at(made)) as (telemetry, heard):
        telemetry.want([NODE])
        await heard.until(lambda: NODE in heard.samples)
        assert heard.samples[NODE].devices
    await made.close()


FORBIDDEN = 'pods "agent-node-1" is forbidden: User "jane" cannot get resource "pods/proxy" in API group ""'
UNREACHABLE = "error trying to reach service: dial tcp 10.2.3.4:9402: connect: connection refused"


@pytest.mark.parametrize(
    ("behind", "problem", "phase", "detail"),
    [
        (
            status(403, "Forbidden", FORBIDDEN),
            f"needs get on pods/proxy in {NAMESPACE}",
            Phase.FORBIDDEN,
            f"kubectl auth can-i get pods --subresource=proxy -n {NAMESPACE}",
        ),
        (status(404, "NotFound", "not found"), "the agent's pod is gone", Phase.STALE, ""),
        (
            status(503, "ServiceUnavailable", UNREACHABLE),
            "agent unreachable: connection refused",
            Phase.STALE,
            "10.2.3.4",
        ),
        (status(502, "InternalError", "bad gateway"), "agent unreachable: bad gateway", Phase.STALE, ""),
        (status(401, "Unauthorized", "Unauthorized"), "the API server does not know us", Phase.STALE, ""),
        (
            status(400, "BadRequest", "address not allowed"),
            "agent: 400: address not allowed",
            Phase.STALE,
            "",
        ),
        (text(401, "log in"), "agent wants a log-in", Phase.FORBIDDEN, "--metrics-from"),
        (
            text(403, "these names may not read"),
            "agent refuses: these names may not read",
            Phase.FORBIDDEN,
            "",
        ),
        (text(404, "404: Not Found"), "agent does not serve this (404)", Phase.STALE, "another version"),
        (
            text(503, "there are 64 subscribers already\n"),
            "agent: there are 64 subscribers already",
            Phase.STALE,
            "",
        ),
        (text(502, "x" * 5000), f"agent: {'x' * 59}…", Phase.STALE, ""),
        (stream(), "the agent ended its stream", Phase.STALE, ""),
        (stream(then="cut"), "no connection to agent", Phase.STALE, "broke the connection off"),
        (stream(b": hello\n\n", then="silent"), "agent is silent", Phase.STALE, ""),
        (stream(event("full", "1-1", b"{")), "what the agent sends cannot be read", Phase.STALE, ""),
        (
            stream(event("values", "1-1", b'{"at": 1.0, "values": []}')),
            "what the agent sends cannot be read",
            Phase.STALE,
            "",
        ),
        (stream(b"data: " + b"x" * (5 << 20)), "what the agent sends cannot be read", Phase.STALE, "4 MiB"),
        (
            stream(event("full", "1-1", b'{"version": 2}')),
            "agent speaks version 2, this dratui knows 1",
            Phase.STALE,
            "update",
        ),
    ],
)
async def test_what_is_wrong_is_said_in_the_row_and_in_full_under_health(
    api: ApiServer, behind: Handler, problem: str, phase: Phase, detail: str
) -> None:
    api.behind[BEHIND] = behind
    made = connection(api.url)
    silence = 0.2 if problem == "agent is silent" else 40.0
    async with running(found_at(made, silence=silence)) as (telemetry, heard):
        api.heard = heard.wake
        telemetry.want([NODE])
        await heard.until(lambda: heard.problem(NODE))
        assert heard.problem(NODE) == problem
        assert heard.samples[NODE].at is None
        assert heard.health.phase is phase
        assert problem in heard.health.detail
        assert detail in heard.health.detail
        assert "secret-of-jane" not in heard.health.detail
        await heard.until(lambda: len(api.asked) > 2)  # and it goes on
    await made.close()


async def test_a_stream_that_breaks_keeps_its_devices_and_is_resumed(api: ApiServer) -> None:
    frame = await full_frame(power=600.0)
    api.behind[BEHIND] = stream(event("full", "77-1", frame), then="cut")
    made = connection(api.url)
    async with running(found_at(made)) as (telemetry, heard):
        telemetry.want([NODE])
        await heard.until(lambda: heard.problem(NODE))
        assert heard.samples[NODE].devices[0].values == {"power": 600.0}
        api.heard = heard.wake
        await heard.until(lambda: (f"agent-{NODE}:9402", "77-1") in api.asked)
    await made.close()


async def test_of_a_flood_only_the_last_is_read(api: ApiServer) -> None:
    frame = await full_frame(power=600.0)
    (width,) = {len(row) for row in json.loads(frame)["values"]}
    flood = b"".join(
        event("values", f"77-{n}", json.dumps({"at": AT + n, "values": [[float(n)] * width]}).encode())
        for n in range(1000)
    )
    api.behind[BEHIND] = stream(event("full", "77-0", frame) + event("lag", "", b"{}") + flood, then="silent")
    made = connection(api.url)
    async with running(found_at(made)) as (telemetry, heard):
        telemetry.want([NODE])
        await heard.until(
            lambda: NODE in heard.samples and heard.samples[NODE].devices[0].values["power"] == 999
        )
        assert heard.puts < 100  # as many as chunks came, and not as events
    await made.close()


async def test_the_agent_itself_resumes_what_broke(api: ApiServer) -> None:
    made = connection(api.url)
    async with serve(NODE) as agent, running(found_at(made)) as (telemetry, heard):
        api.behind[BEHIND] = agent.url
        agent.state.take(sample(gpu(0, power=600.0)))
        telemetry.want([NODE])
        await heard.until(lambda: NODE in heard.samples)
        telemetry.want([])
        api.heard = heard.wake
        await heard.until(lambda: not api.open[BEHIND])
        agent.state.take(sample(gpu(0, power=601.0), at=AT + 1))
        telemetry.want([NODE])
        await heard.until(lambda: heard.samples[NODE].devices[0].values == {"power": 601.0})
        assert [last for _, last in api.asked] == ["", "1-1"]
    await made.close()


async def test_what_cannot_be_read_is_not_resumed(api: ApiServer) -> None:
    frame = await full_frame(power=600.0)
    api.behind[BEHIND] = stream(event("full", "77-1", frame), event("values", "77-2", b"junk"))
    made = connection(api.url)
    async with running(found_at(made)) as (telemetry, heard):
        api.heard = heard.wake
        telemetry.want([NODE])
        await heard.until(lambda: len(api.asked) > 2)
        assert {last for _, last in api.asked} == {""}
    await made.close()


async def test_a_pod_that_took_the_place_of_another_is_found(api: ApiServer) -> None:
    made = connection(api.url)
    async with serve(NODE) as agent, running(found_at(made)) as (telemetry, heard):
        agent.state.take(sample(gpu(0, power=600.0)))
        telemetry.want([NODE])
        await heard.until(lambda: heard.problem(NODE) == "the agent's pod is gone")
        api.pods = [pod(NODE, deleted=True), pod(NODE, uid="2", name="agent-new")]
        api.behind["agent-new:9402"] = agent.url
        await heard.until(lambda: not heard.problem(NODE))
    await made.close()


async def test_a_node_without_agent_says_so(api: ApiServer) -> None:
    made = connection(api.url)
    async with running(found_at(made)) as (telemetry, heard):
        telemetry.want(["node-2"])
        await heard.until(lambda: heard.problem("node-2"))
        assert heard.problem("node-2") == "no agent"
        assert heard.health.phase is Phase.NOT_SERVED
        assert "app.kubernetes.io/name=dratui-agent" in heard.health.detail
    await made.close()


@pytest.mark.parametrize(
    ("there", "problem"),
    [
        (pod(NODE, phase="Pending"), "agent's pod: Pending"),
        (pod(NODE, waiting="CrashLoopBackOff"), "agent's pod: CrashLoopBackOff"),
        (pod(NODE, phase="Failed"), "agent's pod: Failed"),
    ],
)
async def test_a_pod_that_does_not_run_says_why(
    api: ApiServer, there: dict[str, object], problem: str
) -> None:
    api.pods = [there]
    made = connection(api.url)
    async with running(found_at(made)) as (telemetry, heard):
        telemetry.want([NODE])
        await heard.until(lambda: heard.problem(NODE))
        assert heard.problem(NODE) == problem
        assert not api.asked
    await made.close()


async def test_a_node_that_one_comes_back_to_is_not_looked_for_again(api: ApiServer) -> None:
    api.behind[BEHIND] = stream(event("full", "1-1", await full_frame(power=1.0)), then="silent")
    made = connection(api.url)
    async with running(found_at(made)) as (telemetry, heard):
        api.heard = heard.wake
        for times in (1, 2):
            telemetry.want([NODE])
            await heard.until(lambda times=times: len(api.asked) == times)  # type: ignore[misc]
            telemetry.want([])
            await heard.until(lambda: not api.open[BEHIND])
        assert api.lists == {"/api/v1/pods": 1}
    await made.close()


async def test_of_several_exporters_the_best_that_runs_is_followed(api: ApiServer) -> None:
    """Agent, then others: with one question for each label's key, and no second where the first had an answer."""

    class Named:
        def __init__(self, name: str) -> None:
            self.name = name

        async def follow(self, node: str, take: Take) -> None:
            raise AssertionError("it is only found")

    exporters = [
        Exporter(name=name, selector=selector, port=1, follower=lambda endpoint, _: Named(endpoint.name))
        for name, selector in [("agent", "name=agent"), ("dcgm", "name=dcgm"), ("other", "app=other")]
    ]
    made = connection(api.url)

    async def found(*pods: dict[str, Any]) -> str:
        api.pods = list(pods)
        follower = await Pods(made, exporters, lambda: AT).find(NODE, anew=False)
        assert isinstance(follower, Named)
        return follower.name

    agent, dcgm = {"name": "agent"}, {"name": "dcgm"}
    assert await found(pod(NODE, labels=dcgm), pod(NODE, labels=agent)) == "agent"
    assert api.selectors == [("name in (agent,dcgm)", f"spec.nodeName={NODE}")]
    assert await found(pod(NODE, labels=dcgm), pod(NODE, labels=agent, phase="Pending")) == "dcgm"
    assert await found(pod("node-2", labels=agent), pod(NODE, labels={"app": "other"})) == "other"
    with pytest.raises(Broken, match="agent's pod: Pending"):
        await found(pod(NODE, labels=agent, phase="Pending"))
    await made.close()


async def test_who_may_list_pods_in_one_namespace_only_finds_agents_there(api: ApiServer) -> None:
    api.refused["/api/v1/pods"] = status(403, "Forbidden", "pods is forbidden")
    api.behind[BEHIND] = stream(event("full", "1-1", await full_frame(power=1.0)), then="silent")
    made = connection(api.url, namespace=NAMESPACE)
    async with running(found_at(made)) as (telemetry, heard):
        telemetry.want([NODE])
        await heard.until(lambda: NODE in heard.samples)
        assert heard.samples[NODE].devices
        assert api.lists[f"/api/v1/namespaces/{NAMESPACE}/pods"]
        telemetry.want(["node-2"])
        await heard.until(lambda: heard.problem("node-2"))
        assert heard.problem("node-2") == "may not list pods"  # there may be one that we cannot see
        assert f"{NAMESPACE} has none" in heard.health.detail
    await made.close()


async def test_what_was_refused_once_is_asked_again(api: ApiServer) -> None:
    """An API server that has just started may refuse one question and answer the next."""
    refused = status(403, "Forbidden", "pods is forbidden")
    api.refused["/api/v1/pods"] = refused
    api.behind[BEHIND] = stream(event("full", "1-1", await full_frame(power=1.0)), then="silent")
    pods, api.pods = api.pods, []
    made = connection(api.url, namespace="elsewhere")
    async with running(found_at(made)) as (telemetry, heard):
        telemetry.want([NODE])
        await heard.until(lambda: bool(heard.problem(NODE)))
        assert "elsewhere has none" in heard.health.detail
        api.pods, api.refused = pods, {"/api/v1/namespaces/elsewhere/pods": refused}
        await heard.until(lambda: bool(heard.samples[NODE].devices))
    await made.close()


async def test_who_may_list_no_pods_is_told_which_right_is_missing(api: ApiServer) -> None:
    refused = status(403, "Forbidden", "pods is forbidden")
    api.refused = {"/api/v1/pods": refused, "/api/v1/namespaces/mine/pods": refused}
    made = connection(api.url)
    async with running(found_at(made)) as (telemetry, heard):
        telemetry.want([NODE])
        await heard.until(lambda: heard.problem(NODE))
        assert heard.problem(NODE) == "may not list pods"
        assert heard.health.phase is Phase.FORBIDDEN
        assert "kubectl auth can-i list pods -A" in heard.health.detail
        api.refused.clear()
        await heard.until(lambda: heard.problem(NODE) == "the agent's pod is gone")
    await made.close()


@pytest.mark.parametrize(
    ("labels", "port", "said", "source"),
    [
        ({"app": "nvidia-dcgm-exporter"}, 9400, 'DCGM_FI_DEV_GPU_UTIL{UUID="GPU-0"} 50\n', "dcgm-exporter"),
        (
            {"app.kubernetes.io/name": "dcgm-exporter"},
            9400,
            'DCGM_FI_DEV_GPU_UTIL{UUID="GPU-0"} 50\n',
            "dcgm-exporter",
        ),
        (
            {"app.kubernetes.io/name": "metrics-exporter"},
            5000,
            'gpu_gfx_activity{gpu_id="0",card_model="MI300X"} 50\n',
            "device-metrics-exporter",
        ),
        (
            {"app.kubernetes.io/name": "habana-metric-exporter-ds"},
            41611,
            'habanalabs_utilization{UUID="01P0"} 50\n',
            "gaudi-metric-exporter",
        ),
    ],
)
async def test_an_exporter_is_found_where_there_is_no_agent(
    api: ApiServer, labels: dict[str, str], port: int, said: str, source: str
) -> None:
    api.pods = [pod(NODE, labels=labels, ports=[])]
    api.behind[f"agent-{NODE}:{port}"] = text(200, said)
    made = connection(api.url)
    async with running(Pods(made, EXPORTERS, lambda: AT)) as (telemetry, heard):
        telemetry.want([NODE])
        await heard.until(lambda: NODE in heard.samples)
        assert heard.samples[NODE].source == source
        assert heard.samples[NODE].devices[0].values == {"utilization": 0.5}
    await made.close()


async def test_what_the_pod_of_an_exporter_serves_says_who_it_is_and_not_its_label(api: ApiServer) -> None:
    api.pods = [pod(NODE, labels={"app.kubernetes.io/name": "metrics-exporter"}, ports=[])]
    api.behind[f"agent-{NODE}:5000"] = text(200, "node_cpu_seconds_total 1\n")
    made = connection(api.url)
    async with running(Pods(made, EXPORTERS, lambda: AT)) as (telemetry, heard):
        telemetry.want([NODE])
        await heard.until(lambda: heard.problem(NODE))
        assert heard.problem(NODE) == "/metrics tells of no GPU"
    await made.close()
