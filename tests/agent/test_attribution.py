"""Who has a device: what kubelet says, joined with what NVML sees."""

import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from dratui_agent.attribution import cdi as cdi_module
from dratui_agent.attribution import cgroups, kubelet
from dratui_agent.attribution.cdi import Specs, claim_uid
from dratui_agent.attribution.cgroups import InPod
from dratui_agent.attribution.matching import Devices, Edits, of_claim, of_plugin
from dratui_agent.attribution.podresources import holders
from dratui_agent.attribution.podresources_pb2 import (
    CDIDevice,
    ClaimResource,
    ContainerDevices,
    ContainerResources,
    DynamicResource,
    ListPodResourcesResponse,
    PodResources,
)
from dratui_agent.exporter.state import State
from dratui_agent.holders import Holder
from dratui_agent.sample import Device, DeviceSample, Sample

UID = "0a1b2c3d-0000-1111-2222-333344445555"
GPU = Device("GPU-1", "gpu", "H100", "GPU-1", 0, 3)
CUT = Device("GPU-2", "gpu", "H100", "GPU-2", 1, 4, mig=True)
SMALL = Device("MIG-1", "mig", "H100 MIG 1g.10gb", "GPU-2", 1, 4, gi=7, ci=0, profile=19, start=2, size=1)
BIG = Device("MIG-2", "mig", "H100 MIG 3g.40gb", "GPU-2", 1, 4, gi=2, ci=0, profile=9, start=4, size=4)
DEVICES = [GPU, CUT, SMALL, BIG]
KNOWN = Devices(DEVICES)
PATIENCE = 30.0


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("gpu-3", GPU),
        ("gpu-4", CUT),
        ("gpu-4-mig-1g10gb-19-2", SMALL),
        ("gpu-4-mig-3g.40gb-9-4", BIG),
        ("gpu-4-mig-1g10gb-19-3", None),  # no instance lies there
        ("gpu-4-mig-1g10gb-me-19-2", SMALL),
        ("gpu-4-mig-14-19-2", None),  # as older drivers have it: profile, place and size
        ("gpu-9", None),
        ("gpu-3; rm", None),
        ("", None),
    ],
)
def test_names_of_the_nvidia_driver(name: str, device: Device | None) -> None:
    assert of_claim(KNOWN, "gpu.nvidia.com", name) == device


def test_names_of_other_drivers_mean_nothing_here_but_their_cdi_specs_do() -> None:
    assert of_claim(KNOWN, "gpu.example.com", "gpu-3") is None
    assert of_claim(Devices(DEVICES, "gpu.example.com"), "gpu.example.com", "gpu-3") == GPU  # the agent's own
    assert of_claim(KNOWN, "gpu.example.com", "x", Edits(uuids=("MIG-2",))) == BIG
    assert of_claim(KNOWN, "gpu.example.com", "x", Edits(nodes=("/dev/nvidiactl", "/dev/nvidia3"))) == GPU
    assert of_claim(KNOWN, "gpu.example.com", "x", Edits(nodes=("/dev/nvidia3", "/dev/nvidia4"))) is None


def test_devices_of_plugins() -> None:
    assert of_plugin(KNOWN, "GPU-1") == GPU
    assert of_plugin(KNOWN, "GPU-1::3") == GPU
    assert of_plugin(KNOWN, "GPU-7") is None


def test_a_claims_uid_is_in_its_cdi_name() -> None:
    assert claim_uid(f"k8s.gpu.nvidia.com/claim={UID}-gpu-3") == UID
    assert claim_uid(f"k8s.gpu.nvidia.com/device={UID}-gpu-3") == ""
    assert claim_uid("nvidia.com/gpu=0") == ""


def claimed(name: str, *devices: str, share: str = "") -> DynamicResource:
    return DynamicResource(
        claim_name=name,
        claim_namespace="ml-team",
        claim_resources=[
            ClaimResource(
                cdi_devices=[CDIDevice(name=f"k8s.gpu.nvidia.com/claim={UID}-{device}")],
                driver_name="gpu.nvidia.com",
                pool_name="node-1",
                device_name=device,
                **({"share_id": share} if share else {}),
            )
            for device in devices
        ],
    )


def pod(name: str, *containers: ContainerResources) -> PodResources:
    return PodResources(name=name, namespace="ml-team", containers=containers)


def told(*pods: PodResources) -> ListPodResourcesResponse:
    return ListPodResourcesResponse(pod_resources=pods)


def test_holders_by_claim_and_by_plugin() -> None:
    answer = told(
        pod(
            "train-7",
            ContainerResources(
                name="main", dynamic_resources=[claimed("train-7-gpu", "gpu-3", "gpu-4-mig-1g10gb-19-2")]
            ),
        ),
        pod(
            "legacy",
            ContainerResources(
                name="main", devices=[ContainerDevices(resource_name="nvidia.com/gpu", device_ids=["MIG-2"])]
            ),
        ),
    )
    found = holders(answer, DEVICES, {})
    assert found["GPU-1"] == (
        Holder("ml-team", "train-7", "main", "train-7-gpu", UID, "", "gpu.nvidia.com", "node-1", "gpu-3"),
    )
    assert found["MIG-1"][0].device == "gpu-4-mig-1g10gb-19-2"
    assert found["MIG-2"] == (Holder("ml-team", "legacy", "main", driver="nvidia.com/gpu", device="MIG-2"),)
    assert "GPU-2" not in found


def test_containers_and_pods_that_share_a_device_are_all_holders() -> None:
    both = [ContainerResources(name=n, dynamic_resources=[claimed("shared", "gpu-3")]) for n in ("a", "b")]
    third = ContainerResources(name="a", dynamic_resources=[claimed("shared", "gpu-3", share="s-1")])
    found = holders(told(pod("one", *both), pod("two", third)), DEVICES, {})
    assert [(h.pod, h.container, h.share_id) for h in found["GPU-1"]] == [
        ("one", "a", ""),
        ("one", "b", ""),
        ("two", "a", "s-1"),
    ]


def spec(folder: Path, name: str, content: Any) -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / name).write_text(text)


def test_cdi_specs_tell_which_device_it_is(tmp_path: Path) -> None:
    spec(
        tmp_path,
        "claim.json",
        {
            "kind": "k8s.gpu.nvidia.com/claim",
            "devices": [
                {
                    "name": f"{UID}-dev",
                    "containerEdits": {
                        "env": ["A=b", "NVIDIA_VISIBLE_DEVICES=MIG-2"],
                        "deviceNodes": [
                            {"path": "/dev/nvidia4"},
                            {"path": "/x", "hostPath": "/dev/nvidiactl"},
                        ],
                    },
                }
            ],
        },
    )
    specs = Specs((tmp_path, tmp_path / "none"))
    name = f"k8s.gpu.nvidia.com/claim={UID}-dev"
    assert specs.edits() == {name: Edits(("MIG-2",), ("/dev/nvidia4", "/dev/nvidiactl"))}
    assert specs.edits()[name] is specs.edits()[name], "read once"
    (tmp_path / "claim.json").unlink()
    assert specs.edits() == {}


@pytest.mark.parametrize(
    "junk",
    [
        "",
        "not json",
        "[" * 100_000,
        "null",
        {"kind": 3, "devices": []},
        {"kind": "a/b", "devices": {"name": "x"}},
        {"kind": "a/b", "devices": [None, 1, {"name": 1}, {"name": "x", "containerEdits": []}]},
        {
            "kind": "a/b",
            "devices": [{"name": "x", "containerEdits": {"env": [1], "deviceNodes": [2, {"path": 3}]}}],
        },
    ],
)
def test_junk_among_the_specs_tells_nothing(tmp_path: Path, junk: Any) -> None:
    spec(tmp_path, "junk.json", junk)
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "huge.json").write_bytes(b" " * (1 << 20) + b"{}")
    assert all(edits == Edits() for edits in Specs((tmp_path,)).edits().values())


def test_specs_in_yaml_as_drivers_write_them(tmp_path: Path) -> None:
    lines = f"""---
cdiVersion: 0.6.0
kind: k8s.gpu.nvidia.com/claim
devices:
- name: {UID}-gpu-3
  containerEdits:
    env: [NVIDIA_VISIBLE_DEVICES=void]
    deviceNodes:
    - path: /dev/nvidia3
"""
    spec(tmp_path, "k8s.gpu.nvidia.com-claim_x.yaml", lines)
    spec(tmp_path, "junk.yaml", "{[")
    spec(tmp_path, "tag.yaml", "!!python/object/apply:os.system [touch /tmp/never]")
    grows = "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 60))
    spec(tmp_path, "grows.yaml", "a0: &a0 {x: 1}\n" + grows)
    assert Specs((tmp_path,)).edits() == {
        f"k8s.gpu.nvidia.com/claim={UID}-gpu-3": Edits(("void",), ("/dev/nvidia3",))
    }


def test_pipes_loops_and_too_much_of_it_hold_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "loop.json").symlink_to("loop.json")
    (tmp_path / "device.json").symlink_to("/dev/zero")
    (tmp_path / "gone.json").symlink_to("nowhere")
    one = json.dumps({"kind": "a/b", "devices": [{"name": "x", "containerEdits": {}}]})
    spec(tmp_path, "1.json", one)
    spec(tmp_path, "2.json", one.replace("x", "y"))
    monkeypatch.setattr(cdi_module, "AT_ONCE", len(one) + 1)
    specs = Specs((tmp_path,))
    assert {*specs.edits()} == {"a/b=x"}, "the rest is read in the next pass"
    assert {*specs.edits()} == {"a/b=x", "a/b=y"}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (
            "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod"
            f"{UID.replace('-', '_')}.slice/cri-containerd-{'ab' * 32}.scope",
            InPod(UID, "ab" * 32),
        ),
        (
            f"0::/kubepods.slice/kubepods-pod{UID.replace('-', '_')}.slice/crio-{'cd' * 32}.scope",
            InPod(UID, "cd" * 32),
        ),
        (f"9:memory:/kubepods/besteffort/pod{UID}/{'ef' * 32}", InPod(UID, "ef" * 32)),
        (f"0::/kubepods/pod{UID}", InPod(UID, "")),
        (f"0::/kubepods/besteffort/pod{UID.replace('-', '')}/{'ef' * 32}", InPod(UID, "ef" * 32)),
        (f"0::/../../pod{UID}/{'ef' * 32}", InPod(UID, "ef" * 32)),
        ("0::/../../../system.slice/sshd.service", None),
        ("0::/system.slice/sshd.service", None),
        (f"0::/user.slice/pod{UID}", None),
        ("", None),
    ],
)
def test_the_pod_of_a_process(line: str, found: InPod | None) -> None:
    assert cgroups.parse(f"12:cpuset:/\n{line}\n") == found


def test_processes_of_this_machine_are_read(tmp_path: Path) -> None:
    assert cgroups.of_process(4242, tmp_path) is None
    (tmp_path / "4242").mkdir()
    (tmp_path / "4242" / "cgroup").write_text(f"0::/kubepods/pod{UID}/{'ab' * 32}\n")
    assert cgroups.of_process(4242, tmp_path) == InPod(UID, "ab" * 32)


class Kubelet:
    """A PodResources server that says what it is told to."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self.answer: ListPodResourcesResponse | bytes | grpc.StatusCode = told()
        self.server: grpc.aio.Server | None = None

    async def start(self) -> None:
        async def list_(request: bytes, context: Any) -> bytes:
            answer = self.answer
            if isinstance(answer, grpc.StatusCode):
                await context.abort(answer, "no")
                raise AssertionError("abort raises")
            return answer if isinstance(answer, bytes) else answer.SerializeToString()

        self.server = grpc.aio.server()
        handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(list_)
        self.server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("v1.PodResourcesLister", {"List": handler}),)
        )
        self.server.add_insecure_port(f"unix:{self._socket}")
        await self.server.start()

    async def stop(self) -> None:
        if self.server is not None:
            await self.server.stop(None)
            self.server = None


@pytest.fixture
def state() -> State:
    made = State(1.0)
    made.take(Sample(0.0, 0.0, "1", [DeviceSample(d, {}, {}) for d in DEVICES]))
    return made


@pytest.fixture
async def node(tmp_path: Path, state: State) -> AsyncIterator[Kubelet]:
    made = Kubelet(tmp_path / "kubelet.sock")
    following = asyncio.create_task(
        kubelet.follow(state, tmp_path / "kubelet.sock", specs=Specs(()), now=lambda: 42.0, period=0.02)
    )
    yield made
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await made.stop()


async def until(state: State, what: str, holds: Any) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 — what changes is another's
            await asyncio.sleep(0.01)
    assert holds(), (what, state.holders)


TRAIN = told(
    pod("train-7", ContainerResources(name="main", dynamic_resources=[claimed("train-7-gpu", "gpu-3")]))
)


async def test_kubelet_is_followed_and_what_was_known_stays_while_it_is_away(
    node: Kubelet, state: State
) -> None:
    await until(state, "away", lambda: "kubelet does not answer" in state.holders.problem)
    assert state.holders.at is None
    node.answer = TRAIN
    await node.start()
    await until(state, "there", lambda: "GPU-1" in state.holders.by_device)
    assert state.holders.problem == ""
    await node.stop()
    await until(state, "away again", lambda: state.holders.problem)
    assert "GPU-1" in state.holders.by_device
    node.answer = told()
    await node.start()
    await until(state, "back", lambda: not state.holders.problem)
    assert state.holders.by_device == {}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (grpc.StatusCode.PERMISSION_DENIED, "permission_denied"),
        (grpc.StatusCode.UNIMPLEMENTED, "no PodResources API"),
        (b"\xff\xff\xff garbage", "cannot be read"),
    ],
)
async def test_what_kubelet_cannot_tell_is_said(node: Kubelet, state: State, answer: Any, said: str) -> None:
    node.answer = TRAIN
    await node.start()
    await until(state, "there", lambda: "GPU-1" in state.holders.by_device)
    node.answer = answer
    await until(state, "trouble", lambda: said in state.holders.problem)
    assert "GPU-1" in state.holders.by_device
    node.answer = TRAIN
    await until(state, "well again", lambda: not state.holders.problem)


WITHOUT_RIGHTS = """
import asyncio, os, sys
from pathlib import Path
from dratui_agent.attribution.kubelet import follow
from dratui_agent.exporter.state import State

async def main():
    state = State(1.0)
    following = asyncio.create_task(follow(state, Path(sys.argv[1]), period=0.02))
    while not state.holders.problem:
        await asyncio.sleep(0.02)
    print(state.holders.problem)
    following.cancel()

if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
asyncio.run(main())
"""


def test_a_socket_that_may_not_be_opened_is_said() -> None:
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        path = Path(name) / "kubelet.sock"
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
            listening.listen()
            os.chmod(path, 0o000)
            told = subprocess.run(
                [sys.executable, "-c", WITHOUT_RIGHTS, path], capture_output=True, text=True, timeout=PATIENCE
            )
    assert told.stdout == f"no permission to open {path}: the agent is to run as user 0\n", told.stderr


@pytest.mark.parametrize("seed", range(20))
async def test_no_garbage_from_kubelet_ends_attribution(node: Kubelet, state: State, seed: int) -> None:
    noise = random.Random(seed)
    good = TRAIN.SerializeToString()
    node.answer = bytes(noise.choice((byte, noise.randrange(256))) for byte in good)
    await node.start()
    await until(state, "looked", lambda: state.holders.problem or state.holders.at)
    node.answer = TRAIN
    await until(state, "well again", lambda: "GPU-1" in state.holders.by_device and not state.holders.problem)
