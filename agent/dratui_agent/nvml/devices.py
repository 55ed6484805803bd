"""Which devices there are.

*Which there are is asked every time*: MIG devices come and go while we look, and NVML gives their handles to others. A
handle is what its UUID says at this pass. What a UUID is, is asked anew when others are there, and now and then: a call
takes 20 µs and more, and 56 devices are to cost less than 2 % of a core.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Final

import pynvml as nvml

from dratui_agent.nvml.asking import Asking
from dratui_agent.nvml.quantity import Handle
from dratui_agent.sample import Absent, Device

ANEW_SECONDS: Final = 30.0  # after which what MIG devices are is asked again, though the same are there

_ARCHITECTURES: Final = {
    2: "Kepler", 3: "Maxwell", 4: "Pascal", 5: "Volta", 6: "Turing", 7: "Ampere", 8: "Ada", 9: "Hopper",
    10: "Blackwell",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """A device with its handle, or why there is none; of a MIG device also the parent's."""

    device: Device
    handle: Handle
    parent: Handle


@dataclass(slots=True)
class _Parts:
    """The MIG devices of a GPU, as they were when what they are was asked last (monotonic seconds)."""

    asked: float
    devices: dict[str, Device]  # by UUID


class Devices:
    """Finds devices, and remembers what never changes of them.

    `unread`: GPUs of the last pass that the driver counts and that never said who they are, with the reason, by index.
    """

    def __init__(self, asking: Asking, clock: Callable[[], float]) -> None:
        self._asking = asking
        self._clock = clock
        self.unread: dict[int, Absent] = {}
        self._static: dict[str, Device] = {}  # GPUs by UUID
        self._parts: dict[str, _Parts] = {}  # by UUID of the GPU
        self._most: dict[str, int] = {}  # MIG devices that a GPU can be cut into, by UUID
        self._known: list[str] = []  # UUIDs of GPUs, as far as they ever answered, by index

    def keep(self, uuids: Collection[str]) -> None:
        """Forget the parts of GPUs that are gone."""
        for gone in self._parts.keys() - set(uuids):
            del self._parts[gone]

    def forget(self) -> None:
        """Another driver may know others."""
        for known in (self._static, self._parts, self._most, self._known):
            known.clear()

    def all(self) -> Iterator[Found]:
        """GPUs, each followed by the MIG devices that it is cut into. Raises NVMLError without a driver."""
        self.unread.clear()
        for index in range(nvml.nvmlDeviceGetCount()):
            handle = self._asking.ask("nvmlDeviceGetHandleByIndex_v2", nvml.nvmlDeviceGetHandleByIndex, index)
            uuid = handle if isinstance(handle, Absent) else self._asking.text("nvmlDeviceGetUUID", handle)
            while len(self._known) <= index:
                self._known.append("")
            if isinstance(uuid, Absent):
                known = self._static.get(self._known[index])
                if known is None:
                    self.unread[index] = uuid
                else:  # it was there, and does not answer any more
                    yield Found(known, uuid, None)
                continue
            self._known[index] = uuid
            mig = self._asking.ask("nvmlDeviceGetMigMode", nvml.nvmlDeviceGetMigMode, handle)
            gpu = self._gpu(index, uuid, handle, cut=not isinstance(mig, Absent) and mig[0] == 1)
            yield Found(gpu, handle, None)
            if gpu.mig:
                yield from self._cut(gpu, handle)

    def _gpu(self, index: int, uuid: str, handle: Handle, *, cut: bool) -> Device:
        """Static facts are read once."""
        known = self._static.get(uuid)
        if known is None or known.mig != cut or known.index != index:
            architecture = self._asking.ask(
                "nvmlDeviceGetArchitecture", nvml.nvmlDeviceGetArchitecture, handle
            )
            capability = self._asking.ask(
                "nvmlDeviceGetCudaComputeCapability", nvml.nvmlDeviceGetCudaComputeCapability, handle
            )
            minor = self._asking.ask("nvmlDeviceGetMinorNumber", nvml.nvmlDeviceGetMinorNumber, handle)
            pci = self._asking.ask("nvmlDeviceGetPciInfo_v3", nvml.nvmlDeviceGetPciInfo, handle)
            known = self._static[uuid] = Device(
                uuid=uuid,
                kind="gpu",
                name=_known(self._asking.text("nvmlDeviceGetName", handle)),
                gpu=uuid,
                index=index,
                minor=None if isinstance(minor, Absent) else minor,
                pci="" if isinstance(pci, Absent) else bus_id(pci.busId),
                architecture="" if isinstance(architecture, Absent) else _ARCHITECTURES.get(architecture, ""),
                compute_capability="" if isinstance(capability, Absent) else ".".join(map(str, capability)),
                serial=_known(self._asking.text("nvmlDeviceGetSerial", handle)),
                mig=cut,
            )
        return known

    def _cut(self, gpu: Device, parent: Handle) -> Iterator[Found]:
        handles = dict(self._mig_handles(gpu, parent))
        parts = self._parts.get(gpu.uuid)
        now = self._clock()
        if parts is None or parts.devices.keys() != handles.keys() or now - parts.asked >= ANEW_SECONDS:
            found = (self._part(gpu, parent, uuid, handle) for uuid, handle in handles.items())
            parts = self._parts[gpu.uuid] = _Parts(now, {d.uuid: d for d in found if d is not None})
        for uuid, device in parts.devices.items():
            yield Found(device, handles[uuid], parent)

    def _mig_handles(self, gpu: Device, parent: Handle) -> Iterator[tuple[str, Handle]]:
        if gpu.uuid not in self._most:
            most = self._asking.ask(
                "nvmlDeviceGetMaxMigDeviceCount", nvml.nvmlDeviceGetMaxMigDeviceCount, parent
            )
            if isinstance(most, Absent):
                return
            self._most[gpu.uuid] = most
        for index in range(self._most[gpu.uuid]):
            handle = self._asking.ask("nvmlDeviceGetMigDeviceHandleByIndex", _mig_handle, parent, index)
            if handle is None or isinstance(handle, Absent):
                continue
            uuid = self._asking.text("nvmlDeviceGetUUID", handle)
            if not isinstance(uuid, Absent):
                yield uuid, handle

    def _part(self, gpu: Device, parent: Handle, uuid: str, handle: Handle) -> Device | None:
        gi = self._asking.ask("nvmlDeviceGetGpuInstanceId", nvml.nvmlDeviceGetGpuInstanceId, handle)
        ci = self._asking.ask("nvmlDeviceGetComputeInstanceId", nvml.nvmlDeviceGetComputeInstanceId, handle)
        if isinstance(gi, Absent):
            return None  # destroyed between two calls
        place = self._asking.ask("nvmlDeviceGetGpuInstanceById", _placement, parent, gi)
        profile, start, size = (None, None, None) if isinstance(place, Absent) else place
        return Device(
            uuid=uuid,
            kind="mig",
            name=_known(self._asking.text("nvmlDeviceGetName", handle)),
            gpu=gpu.uuid,
            index=gpu.index,
            minor=gpu.minor,
            gi=gi,
            ci=None if isinstance(ci, Absent) else ci,
            profile=profile,
            start=start,
            size=size,
        )


def _mig_handle(parent: Handle, index: int) -> Handle:
    """None for an index where no device is: there are gaps where instances were destroyed."""
    try:
        return nvml.nvmlDeviceGetMigDeviceHandleByIndex(parent, index)
    except nvml.NVMLError as error:
        if error.value in (nvml.NVML_ERROR_NOT_FOUND, nvml.NVML_ERROR_INVALID_ARGUMENT):
            return None
        raise


def _placement(parent: Handle, gi: int) -> tuple[int, int, int]:
    info = nvml.nvmlGpuInstanceGetInfo(nvml.nvmlDeviceGetGpuInstanceById(parent, gi))
    return info.profileId, info.placement.start, info.placement.size


def _known(text: str | Absent) -> str:
    return "" if isinstance(text, Absent) else text


def bus_id(text: str | bytes) -> str:
    """A PCI bus id as /sys and the DRA driver write it: the domain in four digits, in lower case."""
    plain = (text.decode("ascii", "replace") if isinstance(text, bytes) else text).lower()
    domain, colon, rest = plain.partition(":")
    return f"{domain[-4:]}{colon}{rest}"
