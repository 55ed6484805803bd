"""The node agent: what a scrape, a sample and a pass of attribution take, and what its process holds.

As a program of its own, what the least is that could be done: `python -m tests.bench.agent` prints a JSON object.
"""

import asyncio
import ctypes
import json
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from http.client import HTTPException
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any, Final

from dratui_agent.attribution.cdi import Specs
from dratui_agent.attribution.podresources import holders
from dratui_agent.attribution.podresources_pb2 import ListPodResourcesResponse

from tests.agent import process
from tests.agent.driver import FakeDriver, Settings, build, compiler, cut, gpu
from tests.bench import kubelet
from tests.bench.scraped import DEVICES
from tests.bench.table import Result

SCRAPES: Final = 300
CLIENTS: Final = 20
DELAY: Final = 20  # µs that a call of the driver takes
WATCHED: Final = 31.0  # seconds: in these, what is read each half minute is read once
GPUS, PARTS = 8, 7
PODS = 200
PASSES: Final = 20
GPM: Final = (1, 2, 3, 5, 10, 20, 21)


def measure() -> Iterator[Result]:
    """All of the agent's numbers; without a C compiler those that need no driver."""
    yield from scrapes()
    if compiler() is None:
        print("no C compiler: the agent's CPU and memory are not measured", file=sys.stderr)
    else:
        with TemporaryDirectory(prefix="dratui-bench-") as folder:
            yield from processes(Path(folder))
    yield from attribution()


# --- scrapes -----------------------------------------------------------------------------------------


def scrapes() -> Iterator[Result]:
    """One client that asks again and again; many that each ask once a second, when it suits them."""
    for clients, worst in ((1, 5), (CLIENTS, 20)):
        ours, size = _scraped("ours", clients)
        floor, _ = _scraped("floor", clients)
        who = "1 client" if clients == 1 else f"{clients} clients"
        for name, goal, share in (("p50", 2, 0.5), ("p99", worst, 0.99)):
            yield Result(
                measure=f"scrape of 2,240 series, {who}, {name}",
                value=_quantile(ours, share) * 1000,
                goal=goal,
                unit="ms",
                floor=_quantile(floor, share) * 1000,
                note=f"{size / 1e3:.0f} kB; floor: aiohttp has the same bytes ready",
            )


def _scraped(which: str, clients: int) -> tuple[Sequence[float], int]:
    """Seconds of each scrape, and the bytes of one."""
    argv = [sys.executable, "-m", "tests.bench.scraped", which]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        try:
            return asyncio.run(_scrape(int(served.stdout.readline()), clients))
        finally:
            served.kill()


async def _scrape(port: int, clients: int) -> tuple[Sequence[float], int]:
    chance = Random(clients)
    each = SCRAPES // clients
    pause = 0.01 if clients == 1 else 1.0
    found = await asyncio.gather(*(_client(port, each, pause, chance.random()) for _ in range(clients)))
    return [seconds for each_ in found for seconds, _ in each_], found[0][0][1]


async def _client(port: int, times: int, pause: float, first: float) -> list[tuple[float, int]]:
    """Seconds and bytes of each scrape, on one connection as Prometheus has it."""
    loop = asyncio.get_running_loop()
    piece = memoryview(bytearray(1 << 21))
    found = []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setblocking(False)
        await asyncio.sleep(first)
        for _ in range(times):
            began = time.perf_counter()
            await loop.sock_sendall(connection, b"GET /metrics HTTP/1.1\r\nHost: agent\r\n\r\n")
            came = await loop.sock_recv_into(connection, piece)
            head, _, body = bytes(piece[:came]).partition(b"\r\n\r\n")
            size = int(head.lower().partition(b"content-length:")[2].split()[0])
            left = size - len(body)
            while left:
                left -= await loop.sock_recv_into(connection, piece[:left])
            found.append((time.perf_counter() - began, size))
            await asyncio.sleep(pause)
    return found


def _quantile(seconds: Sequence[float], share: float) -> float:
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * share))]


# --- the process -------------------------------------------------------------------------------------


def processes(folder: Path) -> Iterator[Result]:
    """The real process on the driver of tests: exporter and stream; nobody is asked who holds what."""
    driver = FakeDriver(folder, build(folder))
    driver.set(_full_node())
    environ = os.environ | {"FAKE_NVML": str(driver.path), "LD_LIBRARY_PATH": str(folder)}
    argv = [sys.executable, "-m", "tests.bench.agent"]
    least = json.loads(subprocess.run(argv, env=environ, check=True, stdout=subprocess.PIPE).stdout)
    with process.running(driver, folder / "agent.log", "--interval=1s", "--kubelet-socket=") as agent:
        pid = agent.process.pid
        alone = _share_of_a_core(pid)
        Thread(target=_follow, args=(f"{agent.address}/v1/stream",), daemon=True).start()
        agent.get("/metrics")
        followed = _share_of_a_core(pid)
        memory = _memory(pid)
    for measure_, value in (
        ("agent's CPU at 1 Hz, 56 MIG devices on 8 GPUs", alone),
        ("the same with a stream and a scrape", followed),
    ):
        yield Result(
            measure=measure_,
            value=value * 100,
            goal=2,
            unit="%",
            floor=least["seconds"] * 100,
            note=f"of a core; floor: {least['calls']} calls of {DELAY} µs by ctypes",
        )
    yield Result(
        measure="agent's memory, exporter and stream",
        value=memory / 1e6,
        goal=60,
        unit="MB",
        floor=least["memory"] / 1e6,
        note="resident; floor: Python that has imported aiohttp and pynvml",
    )


def _full_node() -> Settings:
    """GPUs that are cut as small as can be, and tell all that they have."""
    node: Settings = {"count": str(GPUS), "delay_us": str(DELAY)}
    for index in range(GPUS):
        node |= gpu(index, mig_mode="1,1", **{f"gpm.{metric}": "12.5" for metric in GPM})
        for part in range(PARTS):
            metrics = {f"gi{7 + part}.gpm.{metric}": "12.5" for metric in GPM}
            bar1 = {f"mig{part}.bar1": "17179869184,17178820608,1048576"}
            node |= cut(index, part, gi=7 + part, profile=19, start=part, size=1, **bar1, **metrics)
    return node


def _follow(stream: str) -> None:
    with suppress(HTTPException), urllib.request.urlopen(stream) as followed:  # it ends in the middle
        followed.read()


def _share_of_a_core(pid: int) -> float:
    before, began = _cpu(pid), time.monotonic()
    time.sleep(WATCHED)
    return (_cpu(pid) - before) / (time.monotonic() - began)


def _cpu(pid: int) -> float:
    """Seconds of CPU of all threads. Linux's: elsewhere there are no such files."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(each.read_text().split()[0]) for each in tasks) / 1e9


def _memory(pid: int) -> int:
    return _resident(Path(f"/proc/{pid}/status").read_text())


def _resident(status: str) -> int:
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:"))


def _least() -> dict[str, Any]:
    """Of a sample that is not the first: its calls, and the CPU seconds of as many that nothing is done with."""
    imports = "import aiohttp.web, pynvml; print(open('/proc/self/status').read())"
    status = subprocess.run([sys.executable, "-c", imports], check=True, stdout=subprocess.PIPE, text=True)
    import pynvml
    from dratui_agent.nvml.node import Node

    node = Node()
    node.sample()
    made = ctypes.c_long.in_dll(pynvml.nvmlLib, "calls")
    time.sleep(0.2)  # GPM tells nothing of less
    node.sample()
    time.sleep(0.2)
    before = made.value
    node.sample()
    calls = made.value - before
    handle, ask = pynvml.nvmlDeviceGetHandleByIndex(0), pynvml.nvmlLib.nvmlDeviceGetPowerUsage
    told = ctypes.c_uint()
    began = time.process_time()
    for _ in range(calls):
        ask(handle, ctypes.byref(told))
    return {"calls": calls, "seconds": time.process_time() - began, "memory": _resident(status.stdout)}


# --- attribution -------------------------------------------------------------------------------------


def attribution() -> Iterator[Result]:
    """A pass in which kubelet says something new."""
    with TemporaryDirectory(prefix="dratui-bench-") as folder:
        for each, goal, who in (
            (1, 20, "200 pods on 30 MIG devices"),
            (30, None, "200 pods with 30 MIG devices each"),
        ):
            told = kubelet.answer(PODS, each, Path(folder))
            ours = _seconds(partial(_pass, told, Specs((Path(folder),))))
            floor = _seconds(partial(ListPodResourcesResponse.FromString, told))
            yield Result(
                measure=f"attribution, {who}",
                value=ours * 1000,
                goal=goal,
                unit="ms",
                floor=floor * 1000,
                note=f"{PODS * each} holders, a CDI spec for each claim; floor: protobuf parses kubelet's answer",
            )


def _pass(told: bytes, specs: Specs) -> None:
    held = holders(ListPodResourcesResponse.FromString(told), DEVICES, specs.edits())
    assert len(held) == kubelet.DEVICES


def _seconds(do: Callable[[], object]) -> float:
    """Of CPU, in the median."""
    found = []
    for _ in range(PASSES):
        began = time.process_time()
        do()
        found.append(time.process_time() - began)
    return statistics.median(found)


if __name__ == "__main__":
    print(json.dumps(_least()))
