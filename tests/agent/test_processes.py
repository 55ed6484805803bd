"""Who computes on a device: from a process to its container, by what is on the node."""

import asyncio
import os
from pathlib import Path

import pytest
from dratui_agent.attribution import processes as processes_module
from dratui_agent.attribution.processes import Processes, follow, sees_all
from dratui_agent.exporter.exposition import Exposition
from dratui_agent.exporter.state import State
from dratui_agent.holders import Holder, Holders, Place, with_processes
from dratui_agent.sample import Device, DeviceSample, Process, Sample

from tests.agent.driver import FakeDriver, gpu
from tests.agent.process import running

UID = "0a1b2c3d-0000-1111-2222-333344445555"
ID = "ab" * 32
OTHER = "cd" * 32
GPU = Device("GPU-1", "gpu", "H100", "GPU-1", 0, 0)
CUT = Device("GPU-2", "gpu", "H100", "GPU-2", 1, 1, mig=True)
PART = Device("MIG-1", "mig", "H100 MIG 1g.10gb", "GPU-2", 1, 1, gi=3, ci=0)
TRAIN = Place(UID, ID, "ml-team", "train-7", "trainer")


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """A node with a process of a container, one of a container without a log, and one of its own."""
    runs(tmp_path, 10, f"/kubepods/burstable/pod{UID}/{ID}")
    runs(tmp_path, 11, f"/kubepods/burstable/pod{UID}/{OTHER}")
    runs(tmp_path, 12, "/system.slice/sshd.service")
    (tmp_path / "logs").mkdir()
    os.symlink("/nowhere", tmp_path / "logs" / f"train-7_ml-team_trainer-{ID}.log")
    return tmp_path


def runs(node: Path, pid: int, cgroup: str) -> None:
    (node / "proc" / str(pid)).mkdir(parents=True)
    (node / "proc" / str(pid) / "cgroup").write_text(f"0::{cgroup}\n")


def busy(device: Device, *pids: int) -> DeviceSample:
    return DeviceSample(device, {}, {}, tuple(Process(pid, 100) for pid in pids))


def taken(*devices: DeviceSample) -> Sample:
    return Sample(0.0, 0.0, "1", devices)


def test_the_container_of_a_process(node: Path) -> None:
    found = Processes(node / "proc", node / "logs").places([10, 11, 12, 13])
    assert found == {10: TRAIN, 11: Place(UID, OTHER)}


def test_without_the_logs_ids_are_told_without_names(node: Path) -> None:
    assert Processes(node / "proc", node / "none").places([10]) == {10: Place(UID, ID)}


def test_a_folder_of_junk_costs_little(
    node: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(20):
        (node / "logs" / f"junk-{number}_{'x' * 200}").touch()
    os.mkfifo(node / "logs" / "pipe")
    assert Processes(node / "proc", node / "logs").places([10]) == {10: TRAIN}
    monkeypatch.setattr(processes_module, "MOST_LINKS", 0)
    assert Processes(node / "proc", node / "logs").places([10]) == {10: Place(UID, ID)}
    assert "the rest is not read" in caplog.text


def test_what_nobody_was_given_is_theirs_who_compute_on_it() -> None:
    given = Holders(1.0, {"MIG-1": (Holder("ml-team", "owner", "main", claim="gpu"),)})
    places = {10: TRAIN, 11: Place(UID, OTHER)}
    found = with_processes(given, taken(busy(GPU, 10, 10, 11), busy(CUT, 10), busy(PART, 10)), places)
    assert found.by_device == {
        "GPU-1": (Holder("ml-team", "train-7", "trainer"),),
        "MIG-1": given.by_device["MIG-1"],
    }, "kubelet's word goes first, and a GPU that is cut is nobody's"
    assert with_processes(given, taken(busy(GPU, 12)), {}) is given


def test_memory_by_container_once_where_a_gpu_is_cut() -> None:
    sample = taken(busy(GPU, 10, 10, 11, 13), busy(CUT, 10), busy(PART, 10, 12))
    places = {10: TRAIN, 11: Place(UID, OTHER), 13: Place(UID, "ef" * 32)}
    text = Exposition().render(sample, Holders(), "text", places)
    lines = [line for line in text.splitlines() if line.startswith("dratui_gpu_container_memory_bytes")]
    where = f'namespace="ml-team",pod="train-7",container="trainer",pod_uid="{UID}"'
    assert lines == [
        f'dratui_gpu_container_memory_bytes{{uuid="GPU-1",{where}}} 200',
        f'dratui_gpu_container_memory_bytes{{uuid="GPU-1",pod_uid="{UID}"}} 200',
        f'dratui_gpu_container_memory_bytes{{uuid="MIG-1",{where}}} 100',
    ]


async def test_processes_are_followed(node: Path) -> None:
    state = State(1.0)
    following = asyncio.create_task(follow(state, Processes(node / "proc", node / "logs"), period=0.01))
    try:
        state.take(taken(busy(GPU, 10)))
        async with asyncio.timeout(30):
            while not state.holders.by_device:  # noqa: ASYNC110 — what changes is another's
                await asyncio.sleep(0.01)
        assert state.holders.by_device == {"GPU-1": (Holder("ml-team", "train-7", "trainer"),)}
        state.attribute(Holders(1.0, {"GPU-1": (Holder("a", "b", "c"),)}))
        assert state.holders.by_device == {"GPU-1": (Holder("a", "b", "c"),)}
        state.attribute(Holders(2.0))
        state.take(taken(busy(GPU)))
        assert state.holders.by_device == {}
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def test_process_ids_mean_something_only_in_the_nodes_namespace(tmp_path: Path) -> None:
    assert sees_all(tmp_path), "who names another /proc knows whose"
    assert sees_all() == (os.readlink("/proc/self/ns/pid") == "pid:[4026531836]")


def test_a_process_that_the_driver_tells_is_a_holder_in_the_metrics(
    node: Path, driver: FakeDriver, tmp_path: Path
) -> None:
    driver.set({"count": "1", **gpu(0, processes="10:1048576:4294967295:4294967295")})
    flags = (f"--proc={node / 'proc'}", f"--container-logs={node / 'logs'}", "--kubelet-socket=")
    with running(driver, tmp_path / "log", *flags) as agent:
        agent.until(lambda: 'pod="train-7"' in agent.get("/metrics")[1])
        text = agent.get("/metrics")[1]
    (power,) = [line for line in text.splitlines() if line.startswith("dratui_gpu_power_watts{")]
    assert 'namespace="ml-team",pod="train-7",container="trainer"' in power
    assert "claim" not in power
