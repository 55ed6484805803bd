"""A cluster whose objects try to talk to the terminal."""

import json
import subprocess
import sys

import pytest

from tests.live.conftest import OneGpu
from tests.live.test_dashboard import dratui

TITLE = "\x1b]0;owned\x07"  # would set the window's title
REVERSED = "\u202egpj.exe"  # would be shown backwards
EVIL = f"{TITLE}{REVERSED}\n\x9b31m"


@pytest.fixture
def evil_gpu(one_gpu: OneGpu) -> OneGpu:
    """The one GPU, of an evil model; and a pod that waits for an evil reason."""
    slice_ = json.loads(one_gpu.plane.kubectl("get", "resourceslice", f"{one_gpu.name}-gpu", "-o", "json"))
    slice_["spec"]["devices"][0]["attributes"]["model"]["string"] = EVIL
    slice_["spec"]["pool"]["generation"] = 2
    one_gpu.plane.kubectl("replace", "-f", "-", input=json.dumps(slice_))
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"namespace": one_gpu.name, "name": "evil"},
        "type": "Warning",
        "reason": "FailedResourceClaimCreation",
        "message": f"PodResourceClaim gpu: {EVIL}",
        "involvedObject": {"kind": "Pod", "namespace": one_gpu.name, "name": "evil"},
    }
    one_gpu.plane.apply(json.dumps(event))
    return one_gpu


def unsafe(written: str) -> bool:
    return TITLE in written or "\u202e" in written or "\x9b" in written


def test_nothing_of_it_reaches_the_screen(evil_gpu: OneGpu) -> None:
    with dratui(evil_gpu, (200, 50)) as tty:
        tty.press(f":devices /{evil_gpu.name}\r")
        tty.shows("\\x1b]0;owned\\x07\\u202egpj.exe")
        tty.press("d")
        tty.shows("ATTRIBUTES")
        tty.press("y")
        tty.shows("gpj.exe")
        assert not unsafe(tty.written)


@pytest.mark.parametrize("output", ["table", "wide", "json", "yaml", "name"])
def test_nothing_of_it_reaches_standard_output(evil_gpu: OneGpu, output: str) -> None:
    kubeconfig = str(evil_gpu.plane.kubeconfig("viewer"))
    for kind in ("devices", "pods", "claims"):
        run = subprocess.run(
            [sys.executable, "-m", "dratui", "get", kind, "-A", "-o", output, "--kubeconfig", kubeconfig],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert not unsafe(run.stdout + run.stderr)
