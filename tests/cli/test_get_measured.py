"""`dratui get` tells what devices do, in the same columns as the screens."""

import json
from pathlib import Path

import pytest

from dratui.api.streams import STREAMS
from dratui.cli import main
from dratui.events import Page, Phase, Put
from dratui.recording.raw import RawObject
from dratui.recording.samples import raw
from dratui.samples import STREAM, DeviceSample, NodeSample
from tests.recording.samples import STARTED, health, write

UUID = "GPU-1e2feb89-414c-443c-9027-c4d1c386bbc4"


SLICE = {
    "metadata": {"name": "gpu-node-7-gpu", "creationTimestamp": "2026-03-01T11:00:00Z"},
    "spec": {
        "driver": "gpu.nvidia.com",
        "nodeName": "gpu-node-7",
        "pool": {"name": "gpu-node-7", "generation": 1, "resourceSliceCount": 1},
        "devices": [{"name": "gpu-0", "attributes": {"uuid": {"string": UUID}}}],
    },
}


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A GPU of which nothing is known for a minute."""
    device = DeviceSample(uuid=UUID, gpu=UUID, values={"utilization": 0.31, "power": 300.0})
    told = NodeSample(at=STARTED + 60, node="gpu-node-7", source="agent", devices=(device,))
    slices = [RawObject("v1", json.dumps(SLICE).encode())]
    pages = [
        Page(stream, slices if stream == "resourceslices" else [], first=True, last=True)
        for stream in STREAMS
    ]
    healthy = [health(stream, Phase.LIVE) for stream in STREAMS]
    return write(
        tmp_path / "a.rec",
        [(0.0, [*pages, *healthy]), (60.0, [health(STREAM, Phase.LIVE), Put(STREAM, raw(told))])],
    )


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(("get", *arguments)) == 0
    return capsys.readouterr().out.splitlines()


def test_measured_columns_are_printed_where_something_is_measured(
    recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head, *rows = printed(capsys, "devices", "--from", str(recording))
    assert "UTIL" in head
    assert "SAMPLED" not in head
    assert any("▃ 31%" in row and "300 W" in row for row in rows)
    head, *rows = printed(capsys, "devices", "-o", "wide", "--from", str(recording))
    assert "SAMPLED" in head
    assert any("agent, " in row and " ago" in row for row in rows)


def test_before_anything_was_measured_there_are_no_such_columns(
    recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head, row = printed(capsys, "devices", "--from", str(recording), "--at", "+30s")
    assert "UTIL" not in head
    assert "%" not in row
