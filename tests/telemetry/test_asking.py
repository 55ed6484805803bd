"""Prometheus as it is asked by the dashboard: when, for whom, through what, and what is said when it fails."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from dratui.events import Phase
from dratui.telemetry.choice import telemetry
from dratui.telemetry.promapi import Parameters
from dratui.telemetry.prometheus import Pace, Prometheus
from dratui.telemetry.protocol import KEPT, MOST, Broken
from tests.telemetry.agents import AT
from tests.telemetry.proxy import ApiServer, Handler, api_server, status, text
from tests.telemetry.watching import Heard, connection

NOW = 1_700_000_000.0  # on Prometheus's clock


def vector(*series: tuple[dict[str, str], float], warnings: tuple[str, ...] = ()) -> bytes:
    result = [{"metric": labels, "value": [NOW, str(value)]} for labels, value in series]
    told = {"status": "success", "data": {"resultType": "vector", "result": result}, "warnings": [*warnings]}
    return json.dumps(told).encode()


def gpu(node: str, value: float = 50.0, /, **labels: str) -> tuple[dict[str, str], float]:
    told = {"__name__": "DCGM_FI_DEV_GPU_UTIL", "UUID": f"GPU-{node}", "gpu": "0", "hostname": node}
    return {**told, "job": "dcgm", "instance": "10.0.0.1:9400", **labels}, value


class Scripted:
    """A `Way` whose answers a test gives. `queries` are those that were asked."""

    def __init__(self) -> None:
        self.now: list[bytes | Broken] = []  # answers to the question for values; the last one stays
        self.places = [{"hostname": node} for node in "abcd"]
        self.last: bytes = vector()  # and to that for targets
        self.idle: bytes | Broken = vector()
        self.queries: list[str] = []
        self.closed = False

    async def ask(self, path: str, parameters: Parameters) -> bytes:
        assert path == "/api/v1/query"
        query = dict(parameters)["query"]
        self.queries.append(query)
        if query.startswith("count by ("):
            return vector(*(({**labels, "__name__": "DCGM_FI_DEV_FB_USED"}, 1.0) for labels in self.places))
        if query.startswith("timestamp(up"):
            return self.last
        if query.startswith("count_over_time(up"):
            return vector(({"job": "dcgm", "instance": "10.0.0.1:9400"}, 10.0))
        told = self.idle if "_over_time" in query else self.now[0] if len(self.now) == 1 else self.now.pop(0)
        if isinstance(told, Broken):
            raise told
        return told

    async def close(self) -> None:
        self.closed = True


@asynccontextmanager
async def asking(way: Scripted) -> AsyncIterator[tuple[Prometheus, Heard]]:
    source = Prometheus(way, now=lambda: AT, pace=Pace(every=0.01, missing=0.01, idle=0.05))
    heard = Heard()
    task = asyncio.create_task(source.run(heard))
    try:
        yield source, heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert way.closed


async def test_one_question_tells_of_all_wanted_nodes_and_none_is_asked_without_any() -> None:
    way = Scripted()
    way.now = [vector(gpu("a", 10.0), gpu("b", 20.0))]
    async with asking(way) as (source, heard):
        await asyncio.sleep(0)
        assert way.queries == []
        source.want(["a", "b", "c"])
        await heard.until(lambda: len(heard.samples) == 3)
        assert heard.samples["a"].devices[0].values == {"utilization": 0.1}
        assert heard.samples["b"].devices[0].values == {"utilization": 0.2}
        assert heard.problem("c") == "Prometheus has no GPU of this node"
        await heard.until(lambda: heard.healths)
        assert heard.health.phase is Phase.LIVE
        assert way.queries[0].startswith("count by (__name__, ")
        assert 'hostname=~"a|b|c"' in way.queries[1]
        assert sum("hostname=~" in query for query in way.queries[:4]) == 1


async def test_no_more_nodes_are_asked_for_than_are_followed_elsewhere() -> None:
    way = Scripted()
    names = [f"n{n}" for n in range(MOST + 10)]
    way.places = [{"hostname": name} for name in names]
    way.now = [vector()]
    async with asking(way) as (source, heard):
        source.want(names)
        await heard.until(lambda: len(heard.samples) == MOST)
        assert f'hostname=~"{"|".join(names[:MOST])}"' in way.queries[1]


async def test_nodes_without_devices_take_no_place_of_those_with() -> None:
    way = Scripted()
    way.now = [vector(gpu("a"), gpu("b"))]
    async with asking(way) as (source, heard):
        source.want([*(f"n{n}" for n in range(MOST + 10)), "a", "b"])
        await heard.until(lambda: {"a", "b"} <= heard.samples.keys())
        assert len(heard.samples) == MOST + 2


async def test_what_is_kept_of_nodes_that_were_looked_at_is_bounded() -> None:
    way = Scripted()
    way.now = [vector()]
    async with asking(way) as (source, heard):
        for page in range(KEPT // MOST + 2):
            names = [f"n{page}-{n}" for n in range(MOST)]
            source.want(names)
            await heard.until(lambda names=names: names[-1] in heard.samples)  # type: ignore[misc]  # mypy#15459
        assert len(heard.samples) == KEPT


async def test_the_age_of_a_sample_is_that_of_the_last_scrape_whatever_the_clocks_say() -> None:
    way = Scripted()
    way.now = [vector(gpu("a"))]
    way.last = vector(({"job": "dcgm", "instance": "10.0.0.1:9400"}, NOW - 42.0))
    async with asking(way) as (source, heard):
        source.want(["a"])
        await heard.until(lambda: "a" in heard.samples)
        assert heard.samples["a"].at == AT - 42.0
        assert heard.samples["a"].interval == 30.0  # 10 scrapes in 5 minutes


async def test_what_a_target_is_labelled_with_is_nobodys_holder() -> None:
    way = Scripted()
    target = {
        "pod": "dcgm-exporter-x",
        "namespace": "gpu-operator",
        "job": "dcgm",
        "instance": "10.0.0.1:9400",
    }
    held = {"exported_pod": "train", "exported_namespace": "ml", **target}
    honoured = {**target, "pod": "eval", "namespace": "ml"}  # honor_labels: the exporter's word stands
    unknown = {"instance": "gone", "pod": "p", "namespace": "n"}
    labels = {"a": target, "b": held, "c": honoured, "d": unknown}
    way.now = [vector(*(gpu(node, 50.0, **more) for node, more in labels.items()))]
    way.last = vector((target, NOW))
    async with asking(way) as (source, heard):
        source.want(["a", "b", "c", "d"])
        await heard.until(lambda: len(heard.samples) == 4)
        holders = {n: [(h.namespace, h.pod) for h in s.devices[0].holders] for n, s in heard.samples.items()}
        assert holders == {"a": [], "b": [("ml", "train")], "c": [("ml", "eval")], "d": []}


async def test_a_failure_keeps_the_last_values_says_why_and_is_over_when_it_is_over() -> None:
    way = Scripted()
    way.now = [
        vector(gpu("a", 10.0)),
        Broken("Prometheus: timed out", hint="query timed out"),
        vector(gpu("a", 30.0)),
    ]
    async with asking(way) as (source, heard):
        source.want(["a"])
        await heard.until(lambda: Phase.STALE in [health.phase for health in heard.healths])
        await heard.until(lambda: heard.samples["a"].devices[0].values == {"utilization": 0.3})
    phases = [(health.phase, health.detail) for health in heard.healths]
    assert phases == [
        (Phase.LIVE, ""),
        (Phase.STALE, "Prometheus: timed out (query timed out)"),
        (Phase.LIVE, ""),
    ]
    assert heard.problem("a") == ""


async def test_one_who_never_answered_leaves_the_reason_at_every_node() -> None:
    way = Scripted()
    way.now = [Broken("Prometheus wants a log-in", phase=Phase.FORBIDDEN)]
    async with asking(way) as (source, heard):
        source.want(["a", "b"])
        await heard.until(lambda: len(heard.samples) == 2)
        assert {heard.problem(node) for node in "ab"} == {"Prometheus wants a log-in"}
        assert heard.samples["a"].devices == ()
        assert heard.health.phase is Phase.FORBIDDEN


async def test_warnings_and_what_is_not_known_of_idleness_stand_beside_live_values() -> None:
    way = Scripted()
    way.now = [vector(gpu("a"))]
    way.idle = Broken("Prometheus: query processing would load too many samples")
    async with asking(way) as (source, heard):
        source.want(["a"])
        await heard.until(lambda: heard.healths and heard.health.detail)
        assert heard.health.phase is Phase.LIVE
        assert "how idle devices were is not known" in heard.health.detail
        way.now = [vector(gpu("a", 7.0), warnings=("a store did not answer",))]
        await heard.until(lambda: heard.health.detail == "Prometheus warns: a store did not answer")
        assert heard.samples["a"].devices[0].values == {"utilization": 0.07}


async def test_series_that_nobody_asked_for_and_labels_without_end_are_passed_over() -> None:
    way = Scripted()
    odd: dict[str, Any] = {"hostname": "a"}
    way.now = [
        vector(
            ({**odd, "__name__": "up"}, 1.0),
            (odd, 1.0),
            gpu("a", pod="p" * 10_000, UUID="other", gpu="1"),
            gpu("a", float("nan"), UUID="third", gpu="2"),
            gpu("a"),
        )
    ]
    async with asking(way) as (source, heard):
        source.want(["a"])
        await heard.until(lambda: "a" in heard.samples)
        assert [device.uuid for device in heard.samples["a"].devices] == ["GPU-a", "third"]


# --- through the API server

BEHIND = "prometheus-k8s:9090"


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    async with api_server() as server:
        yield server


async def heard_of(api: ApiServer, node: str) -> Heard:
    made = connection(api.url)
    source = telemetry(f"svc/monitoring/{BEHIND}/prefix", made, lambda: AT, {})
    heard = Heard()
    source.want([node])
    task = asyncio.create_task(source.run(heard))
    try:
        await heard.until(lambda: node in heard.samples)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await made.close()
    return heard


async def test_prometheus_is_asked_through_the_service_proxy(api: ApiServer) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.path == f"/api/v1/namespaces/monitoring/services/{BEHIND}/proxy/prefix/api/v1/query"
        return web.Response(body=vector() if "(up" in request.query["query"] else vector(gpu("a")))

    api.behind[BEHIND] = answer
    heard = await heard_of(api, "a")
    assert heard.samples["a"].devices[0].values == {"utilization": 0.5}


@pytest.mark.parametrize(
    ("behind", "problem", "phase"),
    [
        (
            text(422, '{"status":"error","errorType":"execution","error":"too many samples"}'),
            "prometheus: too many samples",
            Phase.STALE,
        ),
        (status(403, "Forbidden", "no"), "needs get on services/proxy in monitoring", Phase.FORBIDDEN),
        (status(404, "NotFound", "no"), "no such service", Phase.STALE),
        (
            status(503, "ServiceUnavailable", 'no endpoints available for service "prometheus-k8s"'),
            'prometheus unreachable: no endpoints available for service "prometheus-k8s"',
            Phase.STALE,
        ),
        (text(200, "<html>"), "who answers is no Prometheus", Phase.STALE),
    ],
)
async def test_who_refuses_behind_the_api_server_or_the_server_itself_is_told(
    api: ApiServer, behind: Handler, problem: str, phase: Phase
) -> None:
    api.behind[BEHIND] = behind
    heard = await heard_of(api, "a")
    assert heard.problem("a") == problem
    assert heard.health.phase is phase
