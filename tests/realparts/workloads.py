"""What the GPUs of a cluster without any do: for each node a driver and a kubelet of ours, which follow the cluster.

A node's driver has the GPUs that its slices publish, with their UUIDs. What a claim has been given a pod uses after its
habit, and kubelet says so to whoever asks. A device that is cut on demand is there while a claim has it.
"""

import math
import threading
import time
import uuid
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from dratui_agent.attribution.podresources_pb2 import PodResources

from tests.agent.driver import GIB, FakeDriver, Settings, cut, gpu
from tests.agent.kubelet import Kubelet, pod
from tests.lab.cluster import Lab
from tests.realparts.controlplane import ControlPlane
from tests.realparts.kubectl import KubectlError

DRIVER: Final = "gpu.nvidia.com"
PERIOD: Final = 1.0  # seconds
TOTAL: Final = 80 * GIB
_AMPERE: Final = {"architecture": "7", "compute_capability": "8,0", "gpm": "0"}


@dataclass(frozen=True)
class Habit:
    """How busy a device is, 0 to 1: `busy` on average, up and down by `swing` in `period` seconds; `memory`: its share
    that is taken."""

    busy: float
    swing: float
    period: float
    memory: float


IDLE: Final = Habit(0.0, 0.0, 10, 0.0)
HABITS: Final[Mapping[str, Habit]] = {  # by the beginning of a pod's name, the longest counts
    "": Habit(0.5, 0.2, 20, 0.5),
    "pretrain": Habit(0.96, 0.03, 12, 0.94),
    "train": Habit(0.88, 0.1, 16, 0.87),
    "job": Habit(0.74, 0.2, 25, 0.62),
    "eval": Habit(0.62, 0.3, 14, 0.38),
    "detector": Habit(0.48, 0.34, 40, 0.29),
    "annotator": Habit(0.15, 0.1, 18, 0.22),
    "ablation": Habit(0.41, 0.25, 22, 0.45),
    "render": Habit(0.82, 0.15, 10, 0.33),
    "embed": Habit(0.58, 0.3, 15, 0.55),
    "rank": Habit(0.33, 0.2, 19, 0.4),
    "ocr": Habit(0.71, 0.2, 13, 0.66),
    "sweep": Habit(0.86, 0.08, 17, 0.81),
    # These hold what they do not use.
    "index": Habit(0.0, 0.0, 10, 0.12),
    "probe": Habit(0.0, 0.0, 10, 0.52),
    "notebook": Habit(0.0, 0.0, 10, 0.31),
    "notebook-grace": Habit(0.4, 0.35, 9, 0.7),
}


@dataclass(frozen=True)
class Held:
    """A device that a claim has been given, and the pods that run with it."""

    device: str
    claim: Mapping[str, Any]
    pods: Sequence[str]

    def seed(self) -> int:
        return zlib.crc32(f"{self.pods}{self.device}".encode())


class Node:
    """One node: `driver` and `kubelet` are to be asked by an agent."""

    def __init__(
        self, name: str, devices: Sequence[Mapping[str, Any]], driver: FakeDriver, socket: Path
    ) -> None:
        self.name = name
        self.driver = driver
        self.kubelet = Kubelet(socket, ())
        self._devices = {device["name"]: device.get("attributes", {}) for device in devices}
        self._energy: dict[int, float] = defaultdict(lambda: 1e8)  # joules
        self.lost: set[int] = set()  # GPUs that fell off the bus

    def update(self, held: Sequence[Held], t: float) -> None:
        """From now on the driver answers what these do at `t`, in seconds."""
        by_gpu: defaultdict[int, list[Held]] = defaultdict(list)
        for each in held:
            by_gpu[_minor(each.device)].append(each)
        numbers = sorted({_minor(name) for name in self._devices})
        settings: Settings = {"driver_version": "595.58.03", "count": str(len(numbers))}
        for number in numbers:
            settings |= self._gpu(number, by_gpu[number], t)
            if number in self.lost:
                settings[f"gpu{number}"] = "!15"
        self.driver.replace(settings)
        self.kubelet.pods = list(self._pods(held))

    def _gpu(self, number: int, held: Sequence[Held], t: float) -> Settings:
        whole = self._devices.get(f"gpu-{number}", {})
        parts = [name for name in self._devices if name.startswith(f"gpu-{number}-mig-")]
        facts = whole or self._devices[parts[0]]
        here = {each.device: each for each in held}
        # What is published with a UUID is there; what is not is made when it is wanted.
        live = [name for name in parts if name in here or _text(self._devices[name], "uuid")]
        shares = {name: _slices(name) / 8 if parts else 1.0 for name in (live or [f"gpu-{number}"])}
        uses = [(*_use(here.get(name), t), share) for name, share in shares.items()]
        busy = sum(used * share for used, _, share in uses)
        memory = sum(taken * share for _, taken, share in uses)
        watts = 70 + round(600 * busy)
        self._energy[number] += PERIOD * watts
        settings = gpu(
            number,
            uuid=_text(whole, "uuid") or _text(facts, "parentUUID") or _made("GPU", self.name, number),
            name=_text(facts, "productName"),
            pci=f"0000{_text(facts, 'resource.kubernetes.io/pciBusID') or f'0000:{0x18 + number:02x}:00.0'}",
            utilization=f"{busy * 100:.0f},{busy * 55:.0f}",
            encoder="0,16666",
            decoder="0,16666",
            jpeg="0,16666",
            ofa="0,16666",
            memory=_memory(TOTAL, memory),
            power=f"{watts}000",
            energy=f"{self._energy[number]:.0f}000",
            clocks_event_reasons="4" if busy > 0.9 else "0" if busy else "1",
            mig_mode="1,1" if parts else "0,0",
            processes="",
            **{
                "temperature.0": f"{34 + 34 * busy:.0f}",
                "clock.0": "1980" if busy else "345",
                "clock.1": "1980" if busy else "345",
                "ecc.0.0": "0",
                "remapped_rows": "0,0,0,0",
                "pcie_replay": "0",
                "field.30": "0",
                "field.74": "0",
                "field.82": f"{40 + 32 * busy:.0f}",
                "field.186": f"{watts}000",
            },
            **_profiled("", busy),
            **(_AMPERE if _text(facts, "architecture") == "Ampere" else {}),
        )
        for n, name in enumerate(live):
            settings |= self._part(number, n, name, *_use(here.get(name), t))
        return settings

    def _part(self, number: int, n: int, name: str, busy: float, memory: float) -> Settings:
        *_, profile, start = name.split("-")
        size = _slices(name)
        total = size * 10 * GIB
        model = _text(self._devices[name], "profile")
        gi = 7 + n
        return cut(
            number,
            n,
            gi=gi,
            profile=int(profile),
            start=int(start),
            size=size,
            **{
                f"mig{n}.uuid": _text(self._devices[name], "uuid") or _made("MIG", self.name, name),
                f"mig{n}.name": f"NVIDIA H100 80GB HBM3 MIG {model}",
                f"mig{n}.memory": _memory(total, memory * total / TOTAL),
                f"mig{n}.processes": "",
            },
            **_profiled(f"gi{gi}.", busy),
        )

    def _pods(self, held: Sequence[Held]) -> Iterator[PodResources]:
        for each in held:
            metadata = each.claim["metadata"]
            for name in each.pods:
                yield pod(
                    metadata["namespace"],
                    name,
                    metadata["name"],
                    metadata["uid"],
                    each.device,
                    pool=self.name,
                )


class Workloads(threading.Thread):
    """Keeps the nodes up with the cluster until `stop`. `nodes` by name: those with GPUs of NVIDIA's DRA driver."""

    def __init__(self, plane: ControlPlane, nodes: Mapping[str, Node]) -> None:
        super().__init__(name="workloads", daemon=True)
        self.nodes = nodes
        self._plane = plane
        self._stopping = threading.Event()

    def __enter__(self) -> Self:
        self.once()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.join()
        for node in self.nodes.values():
            node.kubelet.stop()

    def run(self) -> None:
        while not self._stopping.wait(PERIOD):
            self.once()

    def once(self) -> None:
        """As the cluster is now; if it does not answer, as it was."""
        try:
            held = dict(_held(self._plane))
        except KubectlError:  # an API server that restarts is a part of the story
            return
        for name, node in self.nodes.items():
            node.update(held.get(name, ()), time.monotonic())


def node(lab: Lab, name: str, devices: Sequence[Mapping[str, Any]]) -> Node:
    """A node of a lab with these devices."""
    folder = lab.plane.path / "kubelets"
    folder.mkdir(exist_ok=True)
    return Node(name, devices, lab.driver(name), folder / f"{name}.sock")


def published(plane: ControlPlane) -> Mapping[str, list[dict[str, Any]]]:
    """The devices of NVIDIA's driver, by node."""
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for slice_ in plane.objects("resourceslices"):
        spec = slice_["spec"]
        if spec["driver"] == DRIVER and "nodeName" in spec:
            found[spec["nodeName"]] += spec.get("devices") or ()
    return found


def _held(plane: ControlPlane) -> Iterator[tuple[str, list[Held]]]:
    running = {
        each["metadata"]["uid"]: each["metadata"]["name"]
        for each in plane.objects("pods", "-A")
        if each["status"].get("phase") == "Running"
    }
    found: defaultdict[str, list[Held]] = defaultdict(list)
    for claim in plane.objects("resourceclaims", "-A"):
        status = claim.get("status", {})
        users = [running[r["uid"]] for r in status.get("reservedFor", ()) if r["uid"] in running]
        for result in status.get("allocation", {}).get("devices", {}).get("results", ()):
            if result["driver"] == DRIVER:
                found[result["pool"]].append(Held(result["device"], claim, users))
    yield from found.items()


def _use(held: Held | None, t: float) -> tuple[float, float]:
    """How busy a device is, and how many bytes of 80 GiB are taken."""
    if held is None or not held.pods:
        return 0.0, 0.0
    habit = HABITS[max((begin for begin in HABITS if held.pods[0].startswith(begin)), key=len)]
    seed = held.seed()
    wave = math.sin(2 * math.pi * (t / habit.period + seed % 97 / 97))
    noise = zlib.crc32(f"{seed} {t:.0f}".encode()) % 1000 / 1000 - 0.5
    busy = habit.busy + habit.swing * (0.8 * wave + 0.4 * noise)
    return min(1.0, max(0.0, busy)), habit.memory * TOTAL


def _profiled(owner: str, busy: float) -> dict[str, str]:
    """What GPM tells: graphics, SM, occupancy, tensor cores, memory."""
    shares = {1: 1.0, 2: 0.92, 3: 0.55, 5: 0.61, 10: 0.48}
    return {f"{owner}gpm.{metric}": f"{busy * share * 100:.1f}" for metric, share in shares.items()}


def _memory(total: int, used: float) -> str:
    reserved = GIB // 2
    return f"{total},{reserved},{total - reserved - int(used)},{int(used)}"


def _slices(device: str) -> int:
    """Memory slices of a partition, by its profile; of a GPU that is not cut, all."""
    return {"19": 1, "14": 2, "9": 4}.get(device.split("-")[-2], 8)


def _minor(device: str) -> int:
    return int(device.split("-")[1])


def _text(attributes: Mapping[str, Any], name: str) -> str:
    found: str = attributes.get(name, {}).get("string", "")
    return found


def _made(kind: str, *of: object) -> str:
    return f"{kind}-{uuid.uuid5(uuid.NAMESPACE_DNS, '/'.join(map(str, of)))}"
