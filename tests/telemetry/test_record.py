"""`dratui record` of what devices do, on the real API server and with the agent's real server."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

from dratui_agent.sample import Device, DeviceSample

from dratui.events import Phase
from dratui.recording.format import RecordingFailure
from dratui.recording.reader import Reader
from dratui.samples import STREAM
from tests.realparts.controlplane import ControlPlane
from tests.realparts.polling import wait
from tests.recording.test_commands import Recorder, items
from tests.telemetry.agents import sample, serve

NODE = "a100-1"
UUID = "GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77"  # gpu-0 of tests/scenarios/both-worlds.yaml
DEVICE = Device(UUID, "gpu", "NVIDIA A100-SXM4-80GB", UUID, 0, 0)


def told(path: Path) -> list[dict[str, Any]]:
    """The samples in the file."""
    try:
        with Reader(path) as reader:
            return [
                json.loads(bytes(line.put)) for line in reader.lines() if line.stream == STREAM and line.put
            ]
    except RecordingFailure:
        return []


async def recorded(plane: ControlPlane, path: Path, *arguments: str) -> None:
    """Record until a device's values are in the file."""
    async with serve(NODE) as agent:
        agent.state.take(sample(DeviceSample(DEVICE, {"utilization": 0.93, "power": 312.0}, {})))
        recorder = Recorder(plane, path, "--metrics-from", agent.url, "--samples", "1s", *arguments)
        await asyncio.to_thread(
            wait, lambda: any(s.get("devices") for s in told(path)), 30, "a sample to be recorded"
        )
        assert await asyncio.to_thread(recorder.end, signal.SIGINT) == (0, "")


async def test_a_recording_shows_what_devices_did(all_scenarios: ControlPlane, tmp_path: Path) -> None:
    await recorded(all_scenarios, tmp_path / "a.rec")
    rows = await asyncio.to_thread(items, "devices", "--from", tmp_path / "a.rec")
    (device,) = [row for row in rows if row["node"] == NODE and row["device"] == "gpu-0"]
    assert (device["live"]["utilization"], device["live"]["power"]) == (0.93, 312.0)


async def test_a_scrubbed_recording_shows_the_same_under_other_names(
    all_scenarios: ControlPlane, tmp_path: Path
) -> None:
    await recorded(all_scenarios, tmp_path / "a.rec", "--scrub")
    rows = await asyncio.to_thread(items, "devices", "--from", tmp_path / "a.rec")
    (device,) = [row for row in rows if row["live"] and row["live"].get("utilization")]
    assert device["live"]["utilization"] == 0.93
    text = json.dumps(told(tmp_path / "a.rec"))
    assert UUID[4:12] not in text
    assert NODE not in text


async def test_where_nobody_measures_a_recording_has_nothing_of_it(
    all_scenarios: ControlPlane, tmp_path: Path
) -> None:
    recorder = Recorder(all_scenarios, tmp_path / "a.rec")
    await asyncio.to_thread(wait, lambda: recorder.holds(10), 30, "streams to be recorded")
    assert await asyncio.to_thread(recorder.end, signal.SIGINT) == (0, "")
    with Reader(tmp_path / "a.rec") as reader:
        lines = [line for line in reader.lines() if line.stream == STREAM]
    assert all(line.health is not None and line.health.phase is not Phase.LIVE for line in lines)
