"""An exporter that is asked again and again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from dratui.samples import NodeSample
from dratui.settings.metrics import metrics_from
from dratui.telemetry import exposition
from dratui.telemetry.choice import telemetry
from dratui.telemetry.direct import reach
from dratui.telemetry.endpoint import Endpoint
from dratui.telemetry.protocol import Broken
from dratui.telemetry.scrape import Scraper
from tests.telemetry.watching import Heard, connection

GPU = 'DCGM_FI_DEV_GPU_UTIL{{gpu="0",UUID="GPU-aaaa"}} {}\n'


@asynccontextmanager
async def exporter(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[Endpoint]:
    app = web.Application()
    app.router.add_get("/metrics", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    endpoint = reach("http://{}:{}".format(*runner.addresses[0][:2]), lambda: 0.0)
    try:
        yield endpoint
    finally:
        await endpoint.connection.close()
        await runner.cleanup()


async def test_each_reading_is_a_sample_of_its_time() -> None:
    readings = iter(range(100))
    clock = iter(range(1000, 2000))

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=GPU.format(next(readings)))

    taken: asyncio.Queue[NodeSample] = asyncio.Queue()
    async with exporter(answer) as endpoint:
        scraper = Scraper(endpoint, lambda: float(next(clock)), every=0.01)
        following = asyncio.create_task(scraper.follow("node-1", taken.put_nowait))
        async with asyncio.timeout(20):
            first, second = await taken.get(), await taken.get()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    assert (first.at, first.source, first.devices[0].values) == (
        1000.0,
        "dcgm-exporter",
        {"utilization": 0.0},
    )
    assert (second.at, second.devices[0].values) == (1001.0, {"utilization": 0.01})


async def broken(endpoint: Endpoint, *, patience: float = 20.0) -> str:
    with pytest.raises(Broken) as caught:
        await Scraper(endpoint, lambda: 0.0, patience=patience).follow("node-1", lambda _: None)
    return caught.value.what


async def test_an_answer_without_end_is_cut_off() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"# nothing\n" * 100_000)

    async with exporter(answer) as endpoint:
        assert await broken(endpoint) == f"agent answers more than {exposition.LARGEST_BODY >> 20} MiB"


async def test_an_answer_that_never_comes_is_given_up() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async with exporter(answer) as endpoint:
        assert await broken(endpoint, patience=0.05) in (
            "agent takes longer than 0.05 s to answer",
            "agent is silent",
        )


async def test_who_serves_something_else_is_no_exporter_of_gpus() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="node_cpu_seconds_total 3\n")

    async with exporter(answer) as endpoint:
        assert await broken(endpoint) == "/metrics tells of no GPU"


async def test_a_refusal_is_told_in_words() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=401)

    async with exporter(answer) as endpoint:
        assert await broken(endpoint) == "agent wants a log-in"


async def test_an_exporter_of_each_node_is_read_at_its_address() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=GPU.format(7))

    made = connection("http://127.0.0.1:1")  # nothing is asked there
    async with exporter(answer) as endpoint:
        address = endpoint.connection.server.replace("127.0.0.1", "127.0.0.{node}") + "/metrics"
        source, heard = telemetry(metrics_from(address), made, lambda: 1.0, {}), Heard()
        source.want(["1", "9"])
        task = asyncio.create_task(source.run(heard))
        await heard.until(lambda: len(heard.samples) == 2)
        assert heard.samples["1"].source == "dcgm-exporter"
        assert heard.samples["1"].devices[0].values == {"utilization": pytest.approx(0.07)}
        assert heard.problem("9") == "no connection to exporter"
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await made.close()
