"""How long it takes until the slices of a node stand in a real API server, and how often it is written to."""

import ctypes
import json
import os
import ssl
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pynvml
from dratui_agent.kubelet.inventory import Inventory
from dratui_agent.kubelet.offers import Offer, Taint
from dratui_agent.nvml.node import Node

from tests.agent.driver import FakeDriver, build, cuttable, gpu
from tests.agent.publishing import Client, publishing
from tests.bench.table import Result
from tests.realparts import binaries
from tests.realparts.controlplane import ControlPlane
from tests.realparts.polling import wait

GPUS: Final = 8
ROUNDS: Final = 5
PATIENCE: Final = 30.0
NODE: Final = "apiVersion: v1\nkind: Node\nmetadata: {name: NODE}\n"


class _Counting(Client):
    """Knows when its last write was answered."""

    def __init__(self, kubeconfig: Path) -> None:
        super().__init__(kubeconfig)
        self.answered = 0.0

    def call_api(self, method: str, url: str, *arguments: Any, **more: Any) -> Any:
        answer = super().call_api(method, url, *arguments, **more)
        if method != "GET":
            self.answered = time.perf_counter()
        return answer


def measure() -> Iterator[Result]:
    """Of eight H100s that may be given in parts. Needs the real parts, which are built on first use."""
    with tempfile.TemporaryDirectory() as folder:
        offers = _offers(Path(folder))
    with ControlPlane(binaries.ensure(print)) as plane:
        plane.start(bare=True)
        found = sorted(_published(plane, f"node-{n}", offers) for n in range(ROUNDS))
        seconds, writes, slices = found[len(found) // 2]
        again, tainted = _again(plane, "node-0", offers)
        floor = _floor(plane)
    yield Result(
        measure=f"slices of {GPUS} × {len(offers) // GPUS} partitions published",
        value=seconds,
        goal=1,
        unit="s",
        floor=floor,
        note=f"{slices} slices of {len(offers)} devices; the API server's own time for these, one by one",
    )
    yield Result(measure="writes a slice", value=writes / slices, goal=1, unit="")
    yield Result(
        measure="writes when nothing has changed, over a restart",
        value=again,
        goal=0,
        unit="",
        note=f"{tainted} when a device gets a taint",
    )


def _offers(folder: Path) -> Sequence[Offer]:
    driver = FakeDriver(folder, build(folder))
    driver.set({"count": str(GPUS)})
    for index in range(GPUS):
        driver.set({**gpu(index), **cuttable(index)})
    os.environ["FAKE_NVML"] = str(driver.path)
    pynvml.nvmlLib = ctypes.CDLL(str(driver.library))
    return [*Inventory(partitionable=True).look(Node().sample()).values()]


def _published(plane: ControlPlane, node: str, offers: Sequence[Offer]) -> tuple[float, int, int]:
    """Seconds from the offers to the last answer, by an agent that is connected; writes; slices."""
    plane.apply(NODE.replace("NODE", node))
    client = _Counting(plane.kubeconfig())
    connected = threading.Event()
    with publishing(client, node, lambda published: connected.set()) as publisher:
        connected.wait(PATIENCE)
        began = time.perf_counter()
        publisher.publish(offers)
        slices = wait(_slices(plane, node, len(offers)), PATIENCE, "the slices")
    return client.answered - began, len(client.writes), slices


def _slices(plane: ControlPlane, node: str, devices: int) -> Callable[[], int]:
    """How many there are, once all devices are in them."""

    def look() -> int:
        found = plane.objects("resourceslices", "--field-selector", f"spec.nodeName={node}")
        there = sum(len(each["spec"].get("devices", ())) for each in found)
        return len(found) if there == devices else 0

    return look


def _again(plane: ControlPlane, node: str, offers: Sequence[Offer]) -> tuple[int, int]:
    """Writes of an agent that starts with what is published, and then those for one taint."""
    client = _Counting(plane.kubeconfig())
    with publishing(client, node) as publisher:
        publisher.publish(offers)
        publisher.publish([replace(offer) for offer in offers])
        time.sleep(1.0)  # for writes that are not to come
        before = len(client.writes)
        taint = Taint("gpu.dratui.dev/xid", "79", "NoSchedule", time.time())
        publisher.publish([replace(offers[0], taints=(taint,)), *offers[1:]])
        wait(lambda: len(client.writes) > before, PATIENCE, "the taint")
        time.sleep(1.0)
    return before, len(client.writes) - before


def _floor(plane: ControlPlane) -> float:
    """Seconds that the API server takes for the same slices, without storing them."""
    found = plane.objects("resourceslices", "--field-selector", "spec.nodeName=node-0")
    bodies = []
    for each in found:
        each["metadata"] = {"generateName": "floor-"}
        bodies.append(json.dumps(each).encode())
    address = f"{plane.server}/apis/resource.k8s.io/v1/resourceslices?dryRun=All"
    headers = {"Authorization": "Bearer token-of-admin", "Content-Type": "application/json"}
    trust = urllib.request.HTTPSHandler(
        context=ssl.create_default_context(cafile=plane.path / "keys" / "ca.crt")
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), trust)
    best = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for body in bodies:
            with opener.open(urllib.request.Request(address, body, headers), timeout=PATIENCE) as answer:
                answer.read()
        best.append(time.perf_counter() - began)
    return sorted(best)[len(best) // 2]


if __name__ == "__main__":
    from tests.bench.table import print_table

    print_table(list(measure()))
