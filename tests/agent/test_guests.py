"""Crowds, and who only sits there: a scrape is answered all the same."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import pytest
from dratui_agent.exporter import guests as guests_module
from dratui_agent.exporter.guests import Guests
from dratui_agent.exporter.server import application, serving
from dratui_agent.exporter.state import State
from dratui_agent.sample import Device, DeviceSample, Sample

from tests.agent.driver import FakeDriver, gpu
from tests.agent.process import PATIENCE, Agent, running


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class House:
    """The agent's server in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(guests_module, "SWEEP_SECONDS", 0.01)
        self.clock = Clock()
        self.guests = Guests(self.clock)
        self.state = State(1.0)
        self.host, self.port = "", 0
        self.writers: list[asyncio.StreamWriter] = []

    async def come(self, said: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Somebody who says this much and then nothing."""
        before = len(self.guests)
        reader, writer = await asyncio.open_connection(self.host, self.port, limit=1)
        self.writers.append(writer)
        writer.write(said)
        async with asyncio.timeout(PATIENCE):
            while len(self.guests) == before < guests_module.MOST:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        return reader, writer

    async def scrape(self) -> int:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://{self.host}:{self.port}/metrics") as answer,
        ):
            await answer.read()
            return answer.status


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    made = House(monkeypatch)
    made.state.take(
        Sample(0.0, 0.0, "1", [DeviceSample(Device("GPU-1", "gpu", "H100", "GPU-1", 0, 0), {}, {})])
    )
    app = application(made.state, guests=made.guests)
    async with serving(app, made.guests, "127.0.0.1", 0, None) as addresses:
        made.host, made.port = addresses[0]
        yield made
        for writer in made.writers:
            writer.close()


async def left(reader: asyncio.StreamReader) -> None:
    """Wait until the agent has hung up."""
    async with asyncio.timeout(PATIENCE):
        try:
            while await reader.read(1 << 16):
                pass
        except ConnectionError:
            pass


@pytest.mark.parametrize("said", [b"", b"GET /metr", b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_who_does_not_say_what_he_wants_is_sent_away(house: House, said: bytes) -> None:
    reader, writer = await house.come(said)
    for _ in range(3):  # a little more now and then does not help
        house.clock.seconds += guests_module.ASK_SECONDS / 4
        house.guests.sweep()
        if said:
            writer.write(b"x")
    assert len(house.guests) == 1
    house.clock.seconds += guests_module.ASK_SECONDS / 4
    await left(reader)
    assert len(house.guests) == 0
    assert await house.scrape() == 200


async def test_who_does_not_take_what_he_asked_for_is_sent_away(house: House) -> None:
    devices = [
        DeviceSample(
            Device(f"GPU-{n}", "gpu", "H100", f"GPU-{n}", n, n), dict.fromkeys(("power", "energy"), 1.5), {}
        )
        for n in range(20_000)
    ]
    house.state.take(Sample(0.0, 0.0, "1", devices))
    await house.come(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(PATIENCE):
        while not any(guest.waiting for guest in house.guests._guests.values()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    house.clock.seconds += guests_module.TAKE_SECONDS + 1
    async with asyncio.timeout(PATIENCE):
        while len(house.guests):
            await asyncio.sleep(0.01)
            house.clock.seconds += guests_module.TAKE_SECONDS


async def test_a_full_house_makes_room_for_who_comes(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests_module, "MOST", 3)
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{house.host}:{house.port}/v1/stream") as stream,
    ):
        assert await stream.content.readline() == b"event: full\n"
        first, _ = await house.come()
        house.clock.seconds += 1
        await house.come()
        assert await house.scrape() == 200
        await left(first)
        assert len(house.guests) <= 3
        house.state.take(Sample(1.0, 0.0, "1"))
        async with asyncio.timeout(PATIENCE):
            while b"event: full" not in await stream.content.readline():
                pass  # who is served stays


async def test_who_comes_when_all_are_served_is_sent_away(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guests_module, "MOST", 1)
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{house.host}:{house.port}/v1/stream") as stream,
    ):
        await stream.content.readline()
        with pytest.raises(aiohttp.ClientError):
            await house.scrape()


@pytest.fixture
def agent(driver: FakeDriver, tmp_path: Path) -> Iterator[Agent]:
    driver.set({"count": "1", **gpu(0)})
    with running(driver, tmp_path / "log", "--kubelet-socket=") as started:
        yield started


def test_a_thousand_who_say_nothing_keep_nobody_from_a_scrape(agent: Agent) -> None:
    host, port = agent.authority.rsplit(":", 1)
    with ExitStack() as crowd:
        for _ in range(1000):
            crowd.enter_context(socket.create_connection((host, int(port))))
        before = samples(agent)
        agent.until(lambda: samples(agent) > before)
        _, text = agent.get("/metrics")
        connections = float(text.partition("\ndratui_agent_connections ")[2].split("\n")[0])
        assert connections <= guests_module.MOST
    assert "Traceback" not in agent.said
    assert agent.said.count("\n") < 10


def samples(agent: Agent) -> float:
    status, text = agent.get("/metrics")
    assert status == 200
    return float(text.partition("\ndratui_agent_samples_total ")[2].split("\n")[0])


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01",
        b"GET " + b"/" * 40_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
        b"GET /v1/stream?interval=1e999&devices=%00%ff HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_what_is_no_request_is_answered_with_a_status_and_not_worth_a_line(
    agent: Agent, request_: bytes
) -> None:
    host, port = agent.authority.rsplit(":", 1)
    lines = agent.said.count("\n")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        try:
            connection.sendall(request_)
            assert connection.recv(64).split()[1] in (b"400", b"405")
        except ConnectionError:
            pass  # hung up while we still talked
    assert agent.get("/metrics")[0] == 200
    assert agent.said.count("\n") == lines, agent.said
