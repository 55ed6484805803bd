"""What the node has to offer: GPUs, the MIG devices that they are cut into, or every way in which they could be cut.

A GPU that is cut is not offered as a whole, and one whose MIG mode is on without a MIG device not at all. With
`partitionable`, every place of every profile of the driver's is offered beside the whole GPU, which excludes them all,
by counters: each has its share of the engines and its memory slices.

Names and attributes are those of NVIDIA's driver, under our domain.

Source: dra-driver-nvidia-gpu 0.5, deviceinfo.go and partitions.go.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pynvml as nvml

from dratui_agent.kubelet.offers import Attribute, Offer, Placement, Version
from dratui_agent.kubelet.partitions import counter_set, everything, part
from dratui_agent.kubelet.topology import place
from dratui_agent.log import log
from dratui_agent.nvml.asking import Asking
from dratui_agent.nvml.profiles import Profile, places, profiles
from dratui_agent.nvml.quantity import Handle
from dratui_agent.sample import Absent, Device, DeviceSample, Sample

STANDARD: Final = "resource.kubernetes.io/"
LONGEST_TEXT: Final = 64  # of an attribute
_BRANDS: Final = {
    0: "Unknown", 1: "Quadro", 2: "Tesla", 3: "NVS", 4: "Grid", 5: "GeForce", 6: "Titan", 7: "NvidiaVApps",
    8: "NvidiaVPC", 9: "NvidiaVCS", 10: "NvidiaVWS", 11: "NvidiaCloudGaming", 12: "QuadroRTX", 13: "NvidiaRTX",
    14: "Nvidia", 15: "GeForceRTX", 16: "TitanRTX",
}  # fmt: skip
_SWITCHES_MIG_AT_ONCE: Final = ("Hopper", "Blackwell")  # earlier ones want a reset for it
_GONE: Final = (Absent.LOST, Absent.RESET_REQUIRED)


def lost(each: DeviceSample) -> Absent | None:
    """Why a GPU of a sample does not answer at all; None if it does."""
    found = {*each.absent.values()}
    return next((why for why in _GONE if not each.values and why in found), None)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What does not change of a GPU. `key`: what it depends on nevertheless."""

    key: object
    attributes: Mapping[str, Attribute]  # that it has in common with its parts
    peers: str  # minors of the GPUs that reach one another over NVLink, its own among them
    memory: int | None
    profiles: tuple[Profile, ...]
    why: str  # it has none


@dataclass(frozen=True, slots=True)
class _Gpu:
    """A GPU as it was seen, and what followed from that."""

    device: Device
    parts: tuple[Device, ...]
    facts: _Facts
    offers: tuple[Offer, ...]
    notes: tuple[str, ...]  # why some of it, or nothing, is offered


class Inventory:
    """Makes offers of samples; on the thread that takes them, since it asks the driver for what samples lack.

    `offers`, by name, are those of the last look. `sys` is the node's /sys.
    """

    def __init__(
        self,
        *,
        partitionable: bool = False,
        sys: Path = Path("/sys"),
        tell: Callable[[str], None] = log.warning,
    ) -> None:
        self.offers: Mapping[str, Offer] = {}
        self._partitionable = partitionable
        self._sys = sys
        self._tell = tell
        self._told: frozenset[str] = frozenset()
        self._asking = Asking()
        self._gpus: Mapping[str, _Gpu] = {}  # by UUID

    def look(self, sample: Sample) -> Mapping[str, Offer]:
        """The offers as of a sample. What cannot be read just now stays what it was: taints tell of it."""
        if sample.problem:
            return self.offers
        gpus = [each for each in sample.devices if each.device.kind == "gpu"]
        parts: dict[str, list[Device]] = {each.device.uuid: [] for each in gpus}
        for each in sample.devices:
            if each.device.kind == "mig":
                parts.setdefault(each.device.gpu, []).append(each.device)
        devices = [each.device for each in gpus]
        seen = [self._see(each, tuple(parts[each.device.uuid]), sample.driver, devices) for each in gpus]
        found = {gpu.device.uuid: gpu for gpu in seen if gpu is not None}
        if found != self._gpus:
            self._gpus = found
            notes = frozenset(note for gpu in found.values() for note in gpu.notes)
            for note in sorted(notes - self._told):
                self._tell(note)
            self._told = notes
            offers = (offer for gpu in found.values() for offer in gpu.offers)
            self.offers = {offer.name: offer for offer in sorted(offers, key=lambda offer: offer.name)}
        return self.offers

    def _see(
        self, each: DeviceSample, parts: tuple[Device, ...], driver: str, gpus: Sequence[Device]
    ) -> _Gpu | None:
        device = each.device
        known = self._gpus.get(device.uuid)
        if lost(each):
            return known
        # Cutting a GPU takes its NVLinks away; of one that is cut all the time they are not told.
        key = driver if self._partitionable else (driver, tuple((gpu.uuid, gpu.mig) for gpu in gpus))
        facts = known.facts if known else None
        if facts is None or facts.key != key:
            facts = self._facts(key, each, driver, gpus)
            if facts is None:
                return known
        elif known and (known.device, known.parts) == (device, parts):
            return known
        notes: list[str] = []
        offers = tuple(self._offers(device, parts, facts, notes.append))
        return _Gpu(device, parts, facts, offers, tuple(f"{device.uuid}: {note}" for note in notes))

    def _facts(self, key: object, each: DeviceSample, driver: str, gpus: Sequence[Device]) -> _Facts | None:
        """None if the driver fails at it: it is asked again at the next look."""
        device, ask = each.device, self._asking.ask
        handle = ask("nvmlDeviceGetHandleByIndex_v2", nvml.nvmlDeviceGetHandleByIndex, device.index)
        if isinstance(handle, Absent):
            return None
        memory = each.values.get("memory_total")
        why = each.absent.get("memory_total")
        cuda = ask("nvmlSystemGetCudaDriverVersion_v2", nvml.nvmlSystemGetCudaDriverVersion_v2)
        brand = ask("nvmlDeviceGetBrand", nvml.nvmlDeviceGetBrand, handle)
        cuts = profiles(handle, self._asking, memory or 0.0)
        unknown = {told for told in (cuda, brand, cuts, why) if isinstance(told, Absent)}
        if unknown - {Absent.NOT_SUPPORTED, Absent.NO_PERMISSION}:
            return None
        where = place(device.pci, self._sys)
        attributes: dict[str, Attribute | None] = {
            "productName": device.name[:LONGEST_TEXT] or None,
            "brand": None if isinstance(brand, Absent) else _BRANDS.get(brand),
            "architecture": device.architecture or None,
            "cudaComputeCapability": version(device.compute_capability),
            "driverVersion": version(driver),
            "cudaDriverVersion": None if isinstance(cuda, Absent) else _cuda(cuda),
            STANDARD + "pciBusID": where.bus or None,
            STANDARD + "pcieRoot": where.root or None,
            STANDARD + "numaNode": where.numa,
        }
        return _Facts(
            key,
            {name: value for name, value in attributes.items() if value is not None},
            "" if self._partitionable else self._peers(device, handle, gpus),
            None if memory is None else int(memory),
            () if isinstance(cuts, Absent) else cuts,
            "the driver does not tell how it can be cut"
            if isinstance(cuts, Absent)
            else "it cannot be cut by MIG",
        )

    def _peers(self, device: Device, handle: Handle, gpus: Sequence[Device]) -> str:
        """As `nvidia-smi topo -p2p n` tells them; the same text at all of a group that is fully connected."""
        reached = [
            gpu.minor
            for gpu in gpus
            if gpu.uuid != device.uuid
            and self._asking.ask("nvmlDeviceGetP2PStatus", _reaches, handle, gpu.index) is True
        ]
        minors = [minor for minor in (device.minor, *reached) if minor is not None]
        text = ",".join(map(str, sorted(minors)))
        return text if reached and len(text) <= LONGEST_TEXT else ""

    def _offers(
        self, device: Device, parts: Sequence[Device], facts: _Facts, note: Callable[[str], None]
    ) -> Iterator[Offer]:
        switches = device.architecture in _SWITCHES_MIG_AT_ONCE
        if self._partitionable and not facts.profiles:
            note(f"is not offered in parts: {facts.why}")
        elif self._partitionable and not (device.mig or switches):
            note("is not offered in parts: its MIG mode is off, and to change that takes a reset")
        if device.minor is None:
            note("is not offered: the driver does not tell its device node")
        elif self._partitionable and facts.profiles and (device.mig or switches):
            if switches:
                yield self._whole(device, facts, {counter_set(device): everything(facts.profiles)})
            for profile, start, size in places(facts.profiles):
                yield part(device, facts.attributes, profile, Placement(profile.number, start, size))
        elif not device.mig:
            yield self._whole(device, facts)
        elif not parts:
            note("is not offered: its MIG mode is on, and it has no MIG device")
        else:
            yield from self._cut(device, parts, facts, note)

    def _whole(
        self, device: Device, facts: _Facts, consumes: Mapping[str, Mapping[str, int]] | None = None
    ) -> Offer:
        attributes: dict[str, Attribute] = {"type": "gpu", "uuid": device.uuid, **facts.attributes}
        if facts.peers:
            attributes["nvlinkPeers"] = facts.peers
        return Offer(
            name=f"gpu-{device.minor}",
            kind="gpu",
            gpu=device.uuid,
            minor=device.minor or 0,
            uuid=device.uuid,
            attributes=attributes,
            capacity={} if facts.memory is None else {"memory": facts.memory},
            consumes=consumes or {},
        )

    def _cut(
        self, device: Device, parts: Sequence[Device], facts: _Facts, note: Callable[[str], None]
    ) -> Iterator[Offer]:
        by_number = {profile.number: profile for profile in facts.profiles}
        shared = Counter(part.gi for part in parts)
        for cut in parts:
            if cut.profile is None or cut.start is None or cut.size is None:
                note(
                    f"{cut.uuid} is not offered: the driver does not tell its place; that takes CAP_SYS_ADMIN"
                )
            elif cut.profile not in by_number:
                note(f"{cut.uuid} is not offered: the driver does not tell what profile {cut.profile} is")
            elif shared[cut.gi] > 1:
                note(f"{cut.uuid} is not offered: it shares its memory with others of GPU instance {cut.gi}")
            else:
                placement = Placement(cut.profile, cut.start, cut.size)
                yield part(device, facts.attributes, by_number[cut.profile], placement, cut.uuid)


def version(text: str) -> Version | None:
    """Canonical: `595.58.03` is 595.58.3; None for what is no version."""
    found = re.fullmatch(r"(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(?:[.-]([0-9A-Za-z.-]{1,30}))?", text)
    if not found:
        return None
    numbers = ".".join(str(int(number or 0)) for number in found.group(1, 2, 3))
    return Version(numbers + (f"+{found[4]}" if found[4] else ""))


def _cuda(number: int) -> Version:
    return Version(f"{number // 1000}.{number % 1000 // 10}.0")


def _reaches(handle: Any, index: int) -> bool:
    other = nvml.nvmlDeviceGetHandleByIndex(index)
    status = nvml.nvmlDeviceGetP2PStatus(handle, other, nvml.NVML_P2P_CAPS_INDEX_NVLINK)
    return bool(status == nvml.NVML_P2P_STATUS_OK)
