"""`dratui explain` on a recording and on the real control plane."""

import json
import re
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from dratui.cli import main

NARROW = 120


@pytest.fixture
def demo() -> Path:
    with as_file(files("dratui") / "demo.rec") as path:
        return path


def explained(capsys: pytest.CaptureFixture[str], demo: Path, *arguments: str) -> str:
    assert main(("explain", *arguments, "--from", str(demo))) == 0
    return capsys.readouterr().out


def test_a_pod_that_waits_with_the_scheduler_and_why(capsys: pytest.CaptureFixture[str], demo: Path) -> None:
    text = explained(capsys, demo, "pod", "llama-1")
    lines = text.splitlines()
    assert re.match(r"research/llama-1 has waited for \dm\d*s?\. The scheduler: 0/11 nodes", lines[0])
    assert "Our reading agrees." in lines
    assert "It fits on none of 11 nodes." in lines
    assert "  2 nodes   request gpu: too few devices pass its selectors" in lines
    assert "productName = NVIDIA H100 80GB HBM3" in text
    assert "  9 nodes   node selector estate=serving" in lines
    asked = "device.attributes['gpu.nvidia.com'].productName == 'NVIDIA B200'"
    assert f"  - it did not ask for {asked}: on 2 nodes" in lines
    assert max(map(len, lines)) <= NARROW


def test_json_has_every_node_and_every_device_that_was_looked_at(
    capsys: pytest.CaptureFixture[str], demo: Path
) -> None:
    found = json.loads(explained(capsys, demo, "pod", "llama-1", "-n", "research", "-o", "json"))
    assert found["pod"] == {"namespace": "research", "name": "llama-1"}
    assert (found["verdict"], found["agrees"]) == ("does not fit", True)
    by_node = {node["node"]: node for node in found["nodes"]}
    assert len(by_node) == 11
    node = by_node["h100-3"]
    assert (node["fits"], node["cause"], node["request"]) == (False, "selector", "gpu")
    assert {device["verdict"] for device in node["devices"]} == {"selector"}
    assert set(node["devices"][0]) == {"driver", "pool", "device", "verdict", "why"}


def test_as_it_was_at_a_time_of_the_recording(capsys: pytest.CaptureFixture[str], demo: Path) -> None:
    ages = [
        re.match(
            r"research/llama-1 has waited for (\d+)s", explained(capsys, demo, "pod", "llama-1", "--at", at)
        )
        for at in ("+15s", "+45s")
    ]
    early, late = (int(age[1]) for age in ages if age)
    assert late - early == 30


def test_a_claim_alone(capsys: pytest.CaptureFixture[str], demo: Path) -> None:
    claims = json.loads(explained(capsys, demo, "pod", "llama-1", "-o", "json"))["claims"]
    text = explained(capsys, demo, "claim", claims[0]["name"])
    assert "The scheduler" not in text
    assert re.match(
        r"research/llama-1-device-\w+ has waited for [\dms]+: pod llama-1: 2 nodes: cannot allocate", text
    )
    assert "  5 nodes   request gpu: too few devices pass its selectors" in text


def test_what_does_not_wait(capsys: pytest.CaptureFixture[str], demo: Path) -> None:
    assert re.fullmatch(r"batch/job-1: it is on node h100-[34]\.\n", explained(capsys, demo, "pod/job-1"))


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("pod", "nobody"), 1, "pod 'nobody' not found"),
        (("node", "h100-1"), 2, "cannot explain 'node'"),
        (("pod",), 2, "which pod?"),
    ],
)
def test_what_cannot_be_explained(
    capsys: pytest.CaptureFixture[str], demo: Path, arguments: tuple[str, ...], status: int, says: str
) -> None:
    assert main(("explain", *arguments, "--from", str(demo))) == status
    assert says in capsys.readouterr().err


def test_at_needs_a_recording(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(("explain", "pod", "x", "--at", "+1s")) == 2
    assert "--at is a time of a recording" in capsys.readouterr().err
