"""The live stream: a full frame, then values; whoever is slow misses samples and is told."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from dratui_agent.exporter import stream as stream_module
from dratui_agent.exporter.frames import KEYS, VERSION
from dratui_agent.exporter.server import application
from dratui_agent.exporter.state import State
from dratui_agent.holders import Holder, Holders, Place
from dratui_agent.sample import Absent, Device, DeviceSample, Process, Sample

GPU = DeviceSample(
    Device("GPU-1", "gpu", "NVIDIA H100", "GPU-1", 0, 0), {"power": 600.0}, {"utilization": Absent.MIG_NO_GPM}
)
OTHER = DeviceSample(Device("GPU-2", "gpu", "NVIDIA H100", "GPU-2", 1, 1), {"power": 100.0}, {})
PATIENCE = 30.0


def sample(*devices: DeviceSample, at: float = 1790000000.0, **more: Any) -> Sample:
    return Sample(at, 0.01, "595.58.03", devices, **more)


class Served:
    """The agent's server in this process."""

    def __init__(self) -> None:
        self.state = State(1.0, node="node-1")
        self.runner = web.AppRunner(application(self.state), shutdown_timeout=0.1)
        self.session: aiohttp.ClientSession

    async def start(self) -> None:
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        host, port = self.runner.addresses[0][:2]
        self.session = aiohttp.ClientSession(f"http://{host}:{port}")

    async def stop(self) -> None:
        await self.session.close()
        await self.runner.cleanup()


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    made = Served()
    await made.start()
    yield made
    await made.stop()


class Subscriber:
    """Reads events."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def next(self) -> tuple[str, str, Any]:
        """Kind, id and data of the next event; comments are left out."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE):
            while True:
                line = (await self.response.content.readline()).decode().rstrip("\n")
                if not line and fields:
                    return fields["event"], fields.get("id", ""), json.loads(fields["data"])
                name, colon, value = line.partition(": ")
                if name and colon:
                    fields[name] = value


async def test_a_full_frame_and_then_values(served: Served) -> None:
    served.state.take(sample(GPU))
    async with served.session.get("/v1/stream") as response:
        assert response.content_type == "text/event-stream"
        reader = Subscriber(response)
        kind, first, full = await reader.next()
        assert (kind, full["version"], full["node"], full["driver"]) == (
            "full",
            VERSION,
            "node-1",
            "595.58.03",
        )
        (device,) = full["devices"]
        assert (device["uuid"], device["absent"]) == ("GPU-1", {"utilization": "mig_no_gpm"})
        assert full["values"][0][full["keys"].index("power")] == 600
        assert full["values"][0][full["keys"].index("utilization")] is None
        served.state.take(sample(replace(GPU, values={"power": 601.0}), at=1790000001.0))
        kind, second, values = await reader.next()
        assert (kind, values["at"]) == ("values", 1790000001.0)
        assert values["values"][0][KEYS.index("power")] == 601
        assert (first, second) == ("1-1", "1-2")


async def test_another_layout_is_told_in_full(served: Served) -> None:
    served.state.take(sample(GPU))
    async with served.session.get("/v1/stream") as response:
        reader = Subscriber(response)
        await reader.next()
        served.state.attribute(Holders(1.0, {"GPU-1": (Holder("ml-team", "train-7", "main", claim="gpu"),)}))
        served.state.take(sample(GPU))
        kind, _, full = await reader.next()
        assert kind == "full"
        assert full["devices"][0]["holders"] == [
            {"namespace": "ml-team", "pod": "train-7", "container": "main", "claim": "gpu"}
        ]
        served.state.take(sample(GPU, OTHER))
        assert len((await reader.next())[2]["devices"]) == 2
        served.state.take(sample(problem="the NVIDIA driver is not loaded"))
        kind, _, gone = await reader.next()
        assert (kind, gone["devices"], gone["problem"]) == ("full", [], "the NVIDIA driver is not loaded")


async def test_processes_links_and_xids(served: Served) -> None:
    busy = replace(GPU, processes=(Process(7, 5, 0.5), Process(8, None)), nvlinks=(True, False))
    served.state.take(
        sample(busy, xids={("GPU-1", None, 79): 2, ("GPU-1", 3, 13): 1, ("GPU-9", None, 31): 1})
    )
    async with served.session.get("/v1/stream") as response:
        reader = Subscriber(response)
        _, _, full = await reader.next()
        (device,) = full["devices"]
        assert (device["nvlinks"], device["xids"]) == ([True, False], {"79": 2})
        assert device["processes"] == [{"pid": 7}, {"pid": 8}]
        assert full["use"] == [[[5, 0.5], [None, None]]]
        served.state.locate({7: Place("uid", "id", "ml-team", "train-7", "main")})
        served.state.take(sample(replace(busy, processes=(Process(7, 6, 0.25), Process(8, None)))))
        kind, _, full = await reader.next()
        assert kind == "full"
        assert full["devices"][0]["processes"][0] == {
            "pid": 7, "pod_uid": "uid", "container_id": "id", "namespace": "ml-team", "pod": "train-7",
            "container": "main",
        }  # fmt: skip
        assert full["devices"][0]["holders"] == [
            {"namespace": "ml-team", "pod": "train-7", "container": "main"}
        ]
        served.state.take(sample(replace(busy, processes=(Process(7, 7, None), Process(8, None)))))
        kind, _, values = await reader.next()
        assert (kind, values["use"]) == ("values", [[[7, None], [None, None]]])


async def test_only_the_devices_that_are_asked_for(served: Served) -> None:
    served.state.take(sample(GPU, OTHER))
    async with served.session.get("/v1/stream?devices=GPU-2,GPU-9") as response:
        _, _, full = await Subscriber(response).next()
    assert [d["uuid"] for d in full["devices"]] == ["GPU-2"]
    assert len(full["values"]) == 1


async def test_who_comes_back_to_the_same_layout_gets_values_only(served: Served) -> None:
    served.state.take(sample(GPU))
    async with served.session.get("/v1/stream", headers={"Last-Event-ID": "1-1"}) as response:
        assert (await Subscriber(response).next())[0] == "values"
    async with served.session.get("/v1/stream", headers={"Last-Event-ID": "7-1"}) as response:
        assert (await Subscriber(response).next())[0] == "full"
    async with served.session.get("/v1/stream", headers={"Last-Event-ID": "'; DROP"}) as response:
        assert (await Subscriber(response).next())[0] == "full"


async def test_a_slow_reader_misses_samples_and_is_told_how_many(served: Served) -> None:
    served.state.take(sample(GPU))
    async with served.session.get("/v1/stream") as response:
        reader = Subscriber(response)
        await reader.next()
        for n in range(5):  # without a turn of the loop in between, as if writing took that long
            served.state.take(sample(replace(GPU, values={"power": float(n)})))
        assert await reader.next() == ("lag", "", {"dropped": 4})
        assert (await reader.next())[2]["values"][0][KEYS.index("power")] == 4
    async with served.session.get("/metrics") as answer:
        assert "dratui_agent_stream_dropped_samples_total 4.0" in await answer.text()


async def test_a_reader_that_goes_is_no_error(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    served.state.take(sample(GPU))
    async with served.session.get("/v1/stream") as response:
        await Subscriber(response).next()
        response.close()
    async with asyncio.timeout(PATIENCE):
        while await _subscribers(served):
            served.state.take(sample(GPU))
    assert not caplog.records


async def test_a_reader_that_never_reads_is_let_go(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stream_module, "PATIENCE_SECONDS", 0.05)
    big = [replace(OTHER, device=replace(OTHER.device, uuid=f"GPU-{n}")) for n in range(500)]
    served.state.take(sample(*big))
    host, port = served.runner.addresses[0][:2]
    _, writer = await asyncio.open_connection(host, port, limit=1)
    writer.write(b"GET /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(PATIENCE):
        while await _subscribers(served) != 1:  # noqa: ASYNC110 — asked from outside, as operators do
            await asyncio.sleep(0.01)
        n = 0
        while await _subscribers(served):
            n += 1
            served.state.take(sample(*(replace(d, values={"power": float(n)}) for d in big)))
            await asyncio.sleep(0.01)
    writer.close()
    assert not caplog.records


async def _subscribers(served: Served) -> int:
    async with served.session.get("/metrics") as answer:
        text = await answer.text()
    return int(float(text.partition("\ndratui_agent_stream_subscribers ")[2].split("\n")[0]))


async def test_heartbeats_while_nothing_comes(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "HEARTBEAT_SECONDS", 0.01)
    async with served.session.get("/v1/stream") as response, asyncio.timeout(PATIENCE):
        assert await response.content.readline() == b": still here\n"


async def test_subscribers_are_limited(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "SUBSCRIBERS", 1)
    served.state.take(sample(GPU))
    async with served.session.get("/v1/stream") as first:
        await Subscriber(first).next()
        async with served.session.get("/v1/stream") as second:
            assert (second.status, await second.text()) == (503, "there are 1 subscribers already\n")
        async with served.session.get("/v1/snapshot") as snapshot:
            assert (await snapshot.json())["devices"][0]["uuid"] == "GPU-1"


async def test_no_snapshot_before_the_first_sample(served: Served) -> None:
    async with served.session.get("/v1/snapshot") as answer:
        assert (answer.status, await answer.json()) == (503, {"problem": "no sample yet"})


@pytest.mark.parametrize(
    "query",
    ["interval=0", "interval=-1s", "interval=soon", "interval=1e9", "devices=" + ",".join(["x"] * 513)],
)
async def test_absurd_parameters_are_refused(served: Served, query: str) -> None:
    served.state.take(sample(GPU))
    async with served.session.get(f"/v1/stream?{query}") as answer:
        assert answer.status == 400
        assert query.partition("=")[0] in await answer.text()


@pytest.mark.parametrize("turns", range(4))
async def test_who_waits_for_samples_ends_when_told_to_although_one_comes_at_that_moment(turns: int) -> None:
    state = State(1.0)

    async def follow() -> None:
        while True:
            await state.newer_than(state.number, PATIENCE)

    following = asyncio.create_task(follow())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    state.take(sample(GPU))
    for _ in range(turns):
        await asyncio.sleep(0)
    following.cancel()
    done, _ = await asyncio.wait([following], timeout=PATIENCE)
    assert done
