"""The devices of a node as the driver has them, and one sample of them.

Why it is written as it is:

- *Which devices there are is asked every time*: MIG devices come and go while we look, and NVML gives their handles to
  others. A handle is what its UUID says at this pass. What a UUID is, is asked anew when others are there, and now and
  then: a call takes 20 µs and more, and 56 devices are to cost less than 2 % of a core.
- *A value that a device does not have is not asked for at every pass*: `NOT_SUPPORTED` is remembered for a minute.
- *One device's trouble is its own.* A GPU that fell off the bus is said to be lost, the others go on.
- *Trouble of the library ends the pass*: without a driver there is nothing; after an upgrade of the driver under us the
  library in this process can no longer be used, and only a new process helps (it is never unloaded).

Source: nvml.h 13.3.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import pynvml as nvml

from dratui_agent.nvml.gpm import Gpm
from dratui_agent.nvml.quantities import QUANTITIES, READINGS
from dratui_agent.nvml.quantity import Handle, Place, Reading
from dratui_agent.nvml.readings.links import NVLINKS
from dratui_agent.sample import Absent, Device, DeviceSample, Process, Sample

FORGET_SECONDS: Final = 60.0  # how long what is not supported is not asked again
SLOW_SECONDS: Final = 30.0  # period of what is slow to read, or hardly changes

_REASONS: Final = {
    nvml.NVML_ERROR_NOT_SUPPORTED: Absent.NOT_SUPPORTED,
    nvml.NVML_ERROR_FUNCTION_NOT_FOUND: Absent.NOT_SUPPORTED,
    nvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH: Absent.NOT_SUPPORTED,
    nvml.NVML_ERROR_NO_PERMISSION: Absent.NO_PERMISSION,
    nvml.NVML_ERROR_NO_DATA: Absent.NOT_YET,
    nvml.NVML_ERROR_NOT_READY: Absent.NOT_YET,
    nvml.NVML_ERROR_GPU_IS_LOST: Absent.LOST,
    nvml.NVML_ERROR_RESET_REQUIRED: Absent.RESET_REQUIRED,
}
_GONE: Final = (
    nvml.NVML_ERROR_UNINITIALIZED,
    nvml.NVML_ERROR_DRIVER_NOT_LOADED,
    nvml.NVML_ERROR_LIBRARY_NOT_FOUND,
)
_EXPECTED: Final = (Absent.NOT_SUPPORTED, Absent.NOT_YET)  # nobody's fault: not counted as errors

_ARCHITECTURES: Final = {
    2: "Kepler", 3: "Maxwell", 4: "Pascal", 5: "Volta", 6: "Turing", 7: "Ampere", 8: "Ada", 9: "Hopper",
    10: "Blackwell",
}  # fmt: skip


class DriverGone(Exception):
    """There is no driver, or none any more. It may come back."""


class DriverReplaced(Exception):
    """The driver was upgraded while its old library is in this process. Only a new process can go on."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A device with its handle; of a MIG device also the parent's."""

    device: Device
    handle: Handle
    parent: Handle


@dataclass(slots=True)
class _Kept:
    """What is remembered of a device between samples. Times are monotonic seconds."""

    unsupported: dict[str, float] = field(
        default_factory=dict
    )  # until when a call is not made, by first quantity
    slow: dict[str, float] = field(default_factory=dict)  # the last values of slow readings,
    slow_absent: dict[str, Absent] = field(default_factory=dict)  # and why some are not there
    slow_due: float = 0.0
    nvlinks: Sequence[bool] = ()
    seen: int = 0  # when the driver last told what processes did, by its clock


@dataclass(slots=True)
class _Parts:
    """The MIG devices of a GPU, as they were when what they are was asked last (monotonic seconds)."""

    asked: float
    devices: dict[str, Device]  # by UUID


class Node:
    """Takes samples. Not for several threads at once: NVML serialises, and some calls take seconds."""

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, now: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._now = now
        self._open = False
        self._driver = ""
        self._kept: dict[str, _Kept] = {}  # by UUID
        self._static: dict[str, Device] = {}  # GPUs by UUID
        self._parts: dict[str, _Parts] = {}  # by UUID of the GPU
        self._most: dict[str, int] = {}  # MIG devices that a GPU can be cut into, by UUID
        self._known: list[str] = []  # UUIDs of GPUs, as far as they ever answered, by index
        self._gpm = Gpm(clock)
        self._errors: Counter[tuple[str, int]] = Counter()

    def sample(self) -> Sample:
        """Read everything once. Raises DriverGone and DriverReplaced."""
        at, began = self._now(), self._clock()
        try:
            self._begin()
            found = list(self._devices())
            devices = tuple(self._read(each) for each in found)
        except nvml.NVMLError as error:
            raise self._trouble(error) from error
        uuids = {each.device.uuid for each in devices}
        for gone in self._kept.keys() - uuids:
            del self._kept[gone]
        for gone in self._parts.keys() - uuids:
            del self._parts[gone]
        self._gpm.keep(uuids)
        return Sample(at, self._clock() - began, self._driver, devices, errors=dict(self._errors))

    def close(self) -> None:
        """Let the driver go."""
        if self._open:
            self._open = False
            self._gpm.close()
            with suppress(nvml.NVMLError):  # it may have gone already
                nvml.nvmlShutdown()

    # --- the library -----------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        if not self._open:
            nvml.nvmlInitWithFlags(0)
            self._open = True
            self._driver = nvml.nvmlSystemGetDriverVersion()

    def _trouble(self, error: nvml.NVMLError) -> Exception:
        """What an error that is not one device's means."""
        code = error.value
        if code == nvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH:
            return DriverReplaced("the driver was replaced by another version")
        self.close()
        self._static.clear()
        self._parts.clear()
        self._most.clear()
        self._known.clear()
        if code == nvml.NVML_ERROR_LIBRARY_NOT_FOUND:
            return DriverGone("no NVIDIA driver library (libnvidia-ml.so.1) is found")
        if code == nvml.NVML_ERROR_DRIVER_NOT_LOADED:
            return DriverGone("the NVIDIA driver is not loaded")
        return DriverGone(f"the NVIDIA driver does not answer: {error}")

    def _ask(self, call: str, ask: Callable[..., Any], *arguments: Any) -> Any:
        """A call's answer, or why there is none. Raises NVMLError for what is wrong with all of the driver."""
        try:
            return ask(*arguments)
        except nvml.NVMLError as error:
            code = error.value
            if code in _GONE or code == nvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH:
                raise
            reason = _REASONS.get(code, Absent.FAILED)
            if reason not in _EXPECTED:
                self._errors[call, code] += 1
            return reason

    # --- devices ---------------------------------------------------------------------------------------------------

    def _devices(self) -> Iterator[_Found]:
        """GPUs, each followed by the MIG devices that it is cut into."""
        for index in range(nvml.nvmlDeviceGetCount()):
            handle = self._ask("nvmlDeviceGetHandleByIndex_v2", nvml.nvmlDeviceGetHandleByIndex, index)
            uuid = handle if isinstance(handle, Absent) else self._text("nvmlDeviceGetUUID", handle)
            while len(self._known) <= index:
                self._known.append("")
            if isinstance(uuid, Absent):
                if known := self._static.get(
                    self._known[index]
                ):  # it was there, and does not answer any more
                    yield _Found(known, uuid, None)
                continue
            self._known[index] = uuid
            mig = self._ask("nvmlDeviceGetMigMode", nvml.nvmlDeviceGetMigMode, handle)
            gpu = self._gpu(index, uuid, handle, cut=not isinstance(mig, Absent) and mig[0] == 1)
            yield _Found(gpu, handle, None)
            if gpu.mig:
                yield from self._cut(gpu, handle)

    def _gpu(self, index: int, uuid: str, handle: Handle, *, cut: bool) -> Device:
        """Static facts are read once."""
        known = self._static.get(uuid)
        if known is None or known.mig != cut or known.index != index:
            architecture = self._ask("nvmlDeviceGetArchitecture", nvml.nvmlDeviceGetArchitecture, handle)
            capability = self._ask(
                "nvmlDeviceGetCudaComputeCapability", nvml.nvmlDeviceGetCudaComputeCapability, handle
            )
            minor = self._ask("nvmlDeviceGetMinorNumber", nvml.nvmlDeviceGetMinorNumber, handle)
            pci = self._ask("nvmlDeviceGetPciInfo_v3", nvml.nvmlDeviceGetPciInfo, handle)
            known = self._static[uuid] = Device(
                uuid=uuid,
                kind="gpu",
                name=_known(self._text("nvmlDeviceGetName", handle)),
                gpu=uuid,
                index=index,
                minor=None if isinstance(minor, Absent) else minor,
                pci="" if isinstance(pci, Absent) else bus_id(pci.busId),
                architecture="" if isinstance(architecture, Absent) else _ARCHITECTURES.get(architecture, ""),
                compute_capability="" if isinstance(capability, Absent) else ".".join(map(str, capability)),
                serial=_known(self._text("nvmlDeviceGetSerial", handle)),
                mig=cut,
            )
        return known

    def _cut(self, gpu: Device, parent: Handle) -> Iterator[_Found]:
        handles = dict(self._mig_handles(gpu, parent))
        parts = self._parts.get(gpu.uuid)
        now = self._clock()
        if parts is None or parts.devices.keys() != handles.keys() or now - parts.asked >= SLOW_SECONDS:
            found = (self._part(gpu, parent, uuid, handle) for uuid, handle in handles.items())
            parts = self._parts[gpu.uuid] = _Parts(now, {d.uuid: d for d in found if d is not None})
        for uuid, device in parts.devices.items():
            yield _Found(device, handles[uuid], parent)

    def _mig_handles(self, gpu: Device, parent: Handle) -> Iterator[tuple[str, Handle]]:
        if gpu.uuid not in self._most:
            most = self._ask("nvmlDeviceGetMaxMigDeviceCount", nvml.nvmlDeviceGetMaxMigDeviceCount, parent)
            if isinstance(most, Absent):
                return
            self._most[gpu.uuid] = most
        for index in range(self._most[gpu.uuid]):
            try:
                handle = nvml.nvmlDeviceGetMigDeviceHandleByIndex(parent, index)
            except nvml.NVMLError as error:
                if error.value in (nvml.NVML_ERROR_NOT_FOUND, nvml.NVML_ERROR_INVALID_ARGUMENT):
                    continue  # indices have gaps where instances were destroyed
                raise
            uuid = self._text("nvmlDeviceGetUUID", handle)
            if not isinstance(uuid, Absent):
                yield uuid, handle

    def _part(self, gpu: Device, parent: Handle, uuid: str, handle: Handle) -> Device | None:
        gi = self._ask("nvmlDeviceGetGpuInstanceId", nvml.nvmlDeviceGetGpuInstanceId, handle)
        ci = self._ask("nvmlDeviceGetComputeInstanceId", nvml.nvmlDeviceGetComputeInstanceId, handle)
        if isinstance(gi, Absent):
            return None  # destroyed between two calls
        place = self._ask("nvmlDeviceGetGpuInstanceById", _placement, parent, gi)
        profile, start, size = (None, None, None) if isinstance(place, Absent) else place
        return Device(
            uuid=uuid,
            kind="mig",
            name=_known(self._text("nvmlDeviceGetName", handle)),
            gpu=gpu.uuid,
            index=gpu.index,
            minor=gpu.minor,
            gi=gi,
            ci=None if isinstance(ci, Absent) else ci,
            profile=profile,
            start=start,
            size=size,
        )

    def _text(self, call: str, handle: Handle) -> str | Absent:
        ask: Callable[[Handle], str] = getattr(nvml, call)
        found: str | Absent = self._ask(call, ask, handle)
        return found

    # --- values ----------------------------------------------------------------------------------------------------

    def _read(self, found: _Found) -> DeviceSample:
        device = found.device
        if isinstance(found.handle, Absent):
            return DeviceSample(device, {}, dict.fromkeys(QUANTITIES, found.handle))
        kept = self._kept.setdefault(device.uuid, _Kept())
        now = self._clock()
        plan = _PLANS["mig" if device.kind == "mig" else "cut" if device.mig else "gpu"]
        if now >= kept.slow_due:
            kept.slow_due = now + SLOW_SECONDS
            kept.slow, kept.slow_absent = {}, {}
            for reading in plan.slow:
                self._value(reading, found.handle, kept, now, kept.slow, kept.slow_absent)
            if device.kind == "gpu":
                self._nvlinks(found.handle, kept)
        values, absent = kept.slow.copy(), {**plan.unknown, **kept.slow_absent}
        for reading in plan.quick:
            self._value(reading, found.handle, kept, now, values, absent)
        self._gpm.read(device, found.handle, found.parent, self._ask, values, absent)
        if (absent.get("graphics_active") is Absent.NOT_SUPPORTED) and plan.unknown:
            absent["graphics_active"] = Absent.MIG_NO_GPM
        return DeviceSample(device, values, absent, self._processes(device, found.handle, kept), kept.nvlinks)

    def _value(
        self,
        reading: Reading,
        handle: Handle,
        kept: _Kept,
        now: float,
        values: dict[str, float],
        absent: dict[str, Absent],
    ) -> None:
        """Add what a reading gives: values, or why there are none."""
        told: Sequence[float | None] | Absent = Absent.NOT_SUPPORTED
        if kept.unsupported.get(reading.quantities[0].key, 0.0) <= now:
            told = self._ask(reading.call, reading.read, handle)
            if told is Absent.NOT_SUPPORTED:
                kept.unsupported[reading.quantities[0].key] = now + FORGET_SECONDS
        if isinstance(told, Absent):
            absent.update((quantity.key, told) for quantity in reading.quantities)
            return
        for quantity, value in zip(reading.quantities, told, strict=True):
            if value is None:
                absent[quantity.key] = Absent.NOT_SUPPORTED
            else:
                values[quantity.key] = value

    def _nvlinks(self, handle: Handle, kept: _Kept) -> None:
        told = self._ask("nvmlDeviceGetNvLinkState", _nvlinks, handle)
        if isinstance(told, Absent):
            kept.nvlinks, kept.slow_absent[NVLINKS.key] = (), told
        else:
            kept.nvlinks, kept.slow[NVLINKS.key] = told, sum(told)

    def _processes(self, device: Device, handle: Handle, kept: _Kept) -> tuple[Process, ...]:
        call = "nvmlDeviceGetComputeRunningProcesses_v3"
        found = self._ask(call, nvml.nvmlDeviceGetComputeRunningProcesses, handle)
        if isinstance(found, Absent) or not found:
            return ()
        work: dict[int, float] = {}
        if (
            device.kind == "gpu"
            and not device.mig
            and kept.unsupported.get("processes", 0.0) <= self._clock()
        ):
            told = self._ask("nvmlDeviceGetProcessUtilization", _work, handle, kept.seen)
            if told is Absent.NOT_SUPPORTED:
                kept.unsupported["processes"] = self._clock() + FORGET_SECONDS
            elif not isinstance(told, Absent):
                kept.seen = max((each.timeStamp for each in told), default=kept.seen)
                work = {each.pid: each.smUtil / 100 for each in sorted(told, key=lambda each: each.timeStamp)}
        return tuple(Process(p.pid, p.usedGpuMemory, work.get(p.pid)) for p in found)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is asked of a kind of device, and why the rest is not known of it."""

    quick: Sequence[Reading]
    slow: Sequence[Reading]
    unknown: Mapping[str, Absent]


def _plan(place: Place) -> _Plan:
    asked = [reading for reading in READINGS if place in reading.of]
    keys = (q.key for reading in READINGS if place not in reading.of for q in reading.quantities)
    return _Plan(
        [reading for reading in asked if not reading.slow],
        [reading for reading in asked if reading.slow],
        {key: Absent.MIG_NO_GPM if key.endswith("utilization") else Absent.MIG for key in keys}
        | ({NVLINKS.key: Absent.MIG} if place == "mig" else {}),
    )


_PLANS: Final[Mapping[Place, _Plan]] = {place: _plan(place) for place in ("gpu", "cut", "mig")}


def _placement(parent: Handle, gi: int) -> tuple[int, int, int]:
    info = nvml.nvmlGpuInstanceGetInfo(nvml.nvmlDeviceGetGpuInstanceById(parent, gi))
    return info.profileId, info.placement.start, info.placement.size


def _nvlinks(handle: Handle) -> tuple[bool, ...]:
    up: list[bool] = []
    for link in range(nvml.NVML_NVLINK_MAX_LINKS):
        try:
            up.append(nvml.nvmlDeviceGetNvLinkState(handle, link) == 1)
        except nvml.NVMLError as error:
            if up and error.value in (nvml.NVML_ERROR_INVALID_ARGUMENT, nvml.NVML_ERROR_NOT_SUPPORTED):
                break  # the GPU has no more
            raise
    return tuple(up)


def _work(handle: Handle, since: int) -> Sequence[Any]:
    try:
        found: Sequence[Any] = nvml.nvmlDeviceGetProcessUtilization(handle, since)
    except nvml.NVMLError as error:
        if error.value in (nvml.NVML_SUCCESS, nvml.NVML_ERROR_NOT_FOUND):
            return ()  # nothing has been done since
        raise
    return found


def _known(text: str | Absent) -> str:
    return "" if isinstance(text, Absent) else text


def bus_id(text: str | bytes) -> str:
    """A PCI bus id as /sys and the DRA driver write it: the domain in four digits, in lower case."""
    plain = (text.decode("ascii", "replace") if isinstance(text, bytes) else text).lower()
    domain, colon, rest = plain.partition(":")
    return f"{domain[-4:]}{colon}{rest}"
