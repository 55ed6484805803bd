"""The agent as kubelet plugin: what kubelet waits for, and what its process holds. Real API server, real disk."""

import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import grpc
import pytest

from tests.agent.driver import FakeDriver, build, cuttable, gpu
from tests.agent.kubelet_plugin.calling import V1, Claim, serialised
from tests.agent.kubelet_plugin.cluster import Cluster
from tests.agent.kubelet_plugin.node import PluginNode
from tests.agent.process import Agent
from tests.bench.table import Result
from tests.lab.messages import DRA, REGISTRATION
from tests.realparts import binaries
from tests.realparts.controlplane import ControlPlane

PAIRS: Final = 300
ASKED: Final = 500
STARTS: Final = 5
HANGING: Final = 3.0  # seconds after which the driver hangs for sure


def measure() -> Iterator[Result]:
    """All of them."""
    with (
        ControlPlane(binaries.ensure(lambda line: None)) as plane,
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(prefix="dratui-") as folder,
    ):
        plane.start(bare=True)
        path = Path(folder)
        cluster = Cluster(plane, path, patch)
        driver = FakeDriver(path, build(path))
        for n in range(8):
            driver.set({**gpu(n, processes=""), **cuttable(n)})
        driver.set({"count": "8"})
        node = PluginNode(driver, cluster, path, path)
        try:
            yield from _measured(node)
        finally:
            driver.set({"hang": None})
            node.stop()


def _measured(node: PluginNode) -> Iterator[Result]:
    yield Result(
        measure="plugin: process start to registered",
        value=statistics.median(_started(node) for _ in range(STARTS)),
        goal=1,
        unit="s",
        floor=statistics.median(_seconds(_loaded) for _ in range(STARTS)),
        note="until GetInfo is answered and the outcome told; floor: Python that loads gRPC, aiohttp and pynvml",
    )
    agent = node.start("--interval=1s", "--partitionable")
    agent.until(lambda: "published: " in agent.said)
    claim = node.cluster.claim("train", {"gpu": "gpu-0"})
    prepared, unprepared = _pairs(node, claim)
    floor = _floor(node, claim)
    for name, seconds, goals in (
        ("NodePrepareResources", prepared, (10, 25)),
        ("NodeUnprepareResources", unprepared, (None, None)),
    ):
        for quantile, goal, share in (("p50", goals[0], 0.5), ("p99", goals[1], 0.99)):
            yield Result(
                measure=f"{name}, full GPU, {quantile}",
                value=_quantile(seconds, share) * 1000,
                goal=goal,
                unit="ms",
                floor=_quantile(floor, share) * 1000 if seconds is prepared else None,
                note="floor: the claim got over a kept connection, two files written, fsynced and renamed"
                if seconds is prepared
                else "",
            )
    yield Result(
        measure="plugin's memory",
        value=_memory(agent) / 1e6,
        goal=120,
        unit="MB",
        note="resident, 8 × 26 partitions published, claims prepared",
    )
    node.driver.set({"hang": "1"})
    time.sleep(HANGING)
    with _channel(node.kubelet.sockets()[0]) as ask:
        call = partial(
            ask("/pluginregistration.Registration/GetInfo", REGISTRATION["PluginInfo"]),
            REGISTRATION["InfoRequest"](),
        )
        seconds = [_seconds(call) for _ in range(ASKED)]
    yield Result(
        measure="GetInfo while NVML hangs, p99", value=_quantile(seconds, 0.99) * 1000, goal=50, unit="ms"
    )


def _started(node: PluginNode) -> float:
    """Seconds from an agent's start until kubelet has told it that it is registered."""
    began = time.monotonic()
    agent = node.begin()
    try:
        while not node.kubelet.sockets():
            time.sleep(0.002)
        node.kubelet.info()
        node.kubelet.notify()
        return time.monotonic() - began
    finally:
        agent.terminate()
        agent.wait()


def _loaded() -> None:
    subprocess.run([sys.executable, "-c", "import grpc, aiohttp.web, pynvml"], check=True)


def _pairs(node: PluginNode, claim: Claim) -> tuple[Sequence[float], Sequence[float]]:
    """Seconds of each call, on one connection as kubelet has it."""
    ns, name, uid = claim
    asked = DRA["Request"](claims=[{"namespace": ns, "name": name, "uid": uid}])
    prepared, unprepared = [], []
    with _channel(Path(node.kubelet.info().endpoint)) as ask:
        prepare = partial(ask(f"/{V1}/NodePrepareResources", DRA["PrepareResponse"]), asked)
        unprepare = partial(ask(f"/{V1}/NodeUnprepareResources", DRA["UnprepareResponse"]), asked)
        for _ in range(PAIRS):
            prepared.append(_seconds(prepare))
            unprepared.append(_seconds(unprepare))
    return prepared, unprepared


@contextmanager
def _channel(path: Path) -> Iterator[Callable[[str, Any], Callable[[Any], Any]]]:
    with grpc.insecure_channel(f"unix:{path}") as channel:

        def ask(method: str, answer: Any) -> Callable[[Any], Any]:
            call: Callable[[Any], Any] = channel.unary_unary(
                method, request_serializer=serialised, response_deserializer=answer.FromString
            )
            return call

        yield ask


def _memory(agent: Agent) -> float:
    """Bytes, as it tells itself."""
    lines = agent.get("/metrics")[1].splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("process_resident_memory_bytes "))


def _floor(node: PluginNode, claim: Claim) -> Sequence[float]:
    """Seconds of the least that could be done."""
    server, folder = urlsplit(node.cluster.plane.server), node.plugin
    tls = ssl.create_default_context(cafile=str(node.cluster.account / "ca.crt"))
    connection = HTTPSConnection(server.hostname or "", server.port, context=tls)
    path = f"/apis/resource.k8s.io/v1/namespaces/{claim[0]}/resourceclaims/{claim[1]}"
    headers = {"Authorization": f"Bearer {(node.cluster.account / 'token').read_text()}"}

    def least() -> None:
        connection.request("GET", path, headers=headers)
        json.loads(connection.getresponse().read())
        for _ in range(2):
            with (folder / "floor.new").open("wb") as file:
                file.write(bytes(1000))
                file.flush()
                os.fsync(file.fileno())
            os.replace(folder / "floor.new", folder / "floor")

    return [_seconds(least) for _ in range(PAIRS)]


def _seconds(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _quantile(seconds: Sequence[float], share: float) -> float:
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * share))]
