"""From a change in the driver to the cell on the screen: the real agent, the real API server's pod proxy, a pty.

`measure` is for everybody; it runs this module as a program in a lab, where that prints seconds as JSON.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from random import Random
from typing import Final

import yaml

from tests.agent.driver import FakeDriver, compiler, gpu
from tests.bench.corpus import slice_
from tests.bench.pty import python
from tests.bench.table import Result
from tests.lab import namespaces
from tests.lab.cluster import Lab
from tests.realparts import binaries

CHANGES: Final = 40
NODE: Final = "node-00000"


def measure() -> Iterator[Result]:
    """Nothing, said aloud, where there can be no lab."""
    if why := namespaces.impossible() or ("" if compiler() else "no C compiler"):
        print(f"the way from the driver to the screen is not measured: {why}", file=sys.stderr)
        return
    binaries.ensure(lambda line: print(line, file=sys.stderr))  # inside there is no network
    with tempfile.TemporaryFile("w+") as output:
        argv = [sys.executable, "-m", "tests.bench.latency"]
        with namespaces.entered(argv, output=output.fileno()) as lab:
            lab.wait()
        output.seek(0)
        told = output.read()
    if lab.returncode:
        raise subprocess.CalledProcessError(lab.returncode, argv, told)
    took = sorted(json.loads(told.splitlines()[-1]))
    yield Result(
        measure="driver to cell through the pod proxy, p95",
        value=took[int(len(took) * 0.95)],
        goal=1.5,
        unit="s",
        floor=0.95,
        note=f"{CHANGES} changes, median {took[len(took) // 2]:.2f} s; floor: the agent samples once a second",
    )


def _inside() -> list[float]:
    with Lab() as lab:
        lab.node(NODE)
        lab.plane.apply(yaml.safe_dump(_published()))
        driver = lab.driver(NODE)
        _busy(driver, 11)
        lab.agent(NODE, driver)
        config = str(lab.plane.kubeconfig("viewer"))
        with python("-m", "dratui", "--kubeconfig", config, "-c", ":devices") as pty:
            pty.until(lambda: any("11%" in line for line in pty.lines()))
            took = []
            chance = Random(5)
            for n in range(CHANGES):
                pty.read(1 + chance.random())  # at any moment between two samples
                share = 12 + n
                began = time.perf_counter()
                _busy(driver, share)
                shown = f"{share}%"
                took.append(pty.until(lambda: any(shown in line for line in pty.lines())) - began)  # noqa: B023
            return took


def _busy(driver: FakeDriver, percent: int) -> None:
    driver.set({"count": "1", **gpu(0, uuid=_UUID, utilization=f"{percent},5")})


def _published() -> dict[str, object]:
    published: dict[str, object] = json.loads(slice_(0, 1))
    metadata = {"name": f"{NODE}-gpu.nvidia.com"}
    return {**published, "apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": metadata}


_UUID: Final[str] = json.loads(slice_(0, 1))["spec"]["devices"][0]["attributes"]["uuid"]["string"]


if __name__ == "__main__":
    print(json.dumps(_inside()))
