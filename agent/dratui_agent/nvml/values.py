"""The values of a device, each or why it is not there.

A value that a device does not have is not asked for at every pass: `NOT_SUPPORTED` is remembered for a minute.
"""

import ctypes
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pynvml as nvml

from dratui_agent.nvml.asking import Asking
from dratui_agent.nvml.devices import Found
from dratui_agent.nvml.gpm import Gpm
from dratui_agent.nvml.quantities import QUANTITIES, READINGS
from dratui_agent.nvml.quantity import Handle, Place, Reading
from dratui_agent.nvml.readings.links import NVLINKS
from dratui_agent.sample import Absent, Device, DeviceSample, Process

FORGET_SECONDS: Final = 60.0  # how long what is not supported is not asked again
ROOM: Final = 16  # processes of a device for which one call is enough
SLOW_SECONDS: Final = 30.0  # period of what is slow to read, or hardly changes


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


class Values:
    """Reads devices, and remembers of each what is not to be asked each time."""

    def __init__(self, asking: Asking, clock: Callable[[], float]) -> None:
        self._asking = asking
        self._clock = clock
        self._gpm = Gpm(clock)
        self._kept: dict[str, _Kept] = {}  # by UUID

    def keep(self, uuids: Collection[str]) -> None:
        """Forget devices that are gone."""
        for gone in self._kept.keys() - set(uuids):
            del self._kept[gone]
        self._gpm.keep(uuids)

    def close(self) -> None:
        """Give the driver's memory back."""
        self._gpm.close()

    def read(self, found: Found) -> DeviceSample:
        """One device."""
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
        self._gpm.read(device, found.handle, found.parent, self._asking.ask, values, absent)
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
            told = self._asking.ask(reading.call, reading.read, handle)
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
        told = self._asking.ask("nvmlDeviceGetNvLinkState", _nvlinks, handle)
        if isinstance(told, Absent):
            kept.nvlinks, kept.slow_absent[NVLINKS.key] = (), told
        else:
            kept.nvlinks, kept.slow[NVLINKS.key] = told, sum(told)

    def _processes(self, device: Device, handle: Handle, kept: _Kept) -> tuple[Process, ...]:
        call = "nvmlDeviceGetComputeRunningProcesses_v3"
        found = self._asking.ask(call, _running, handle)
        if isinstance(found, Absent) or not found:
            return ()
        work: dict[int, float] = {}
        if (
            device.kind == "gpu"
            and not device.mig
            and kept.unsupported.get("processes", 0.0) <= self._clock()
        ):
            told = self._asking.ask("nvmlDeviceGetProcessUtilization", _work, handle, kept.seen)
            if told is Absent.NOT_SUPPORTED:
                kept.unsupported["processes"] = self._clock() + FORGET_SECONDS
            elif not isinstance(told, Absent):
                kept.seen = max((each.timeStamp for each in told), default=kept.seen)
                work = {each.pid: each.smUtil / 100 for each in sorted(told, key=lambda each: each.timeStamp)}
        return tuple(Process(pid, memory, work.get(pid)) for pid, memory in found)


def _running(handle: Handle) -> Sequence[tuple[int, int | None]]:
    """Processes and their bytes of memory. pynvml asks twice, first how many there are; here one call mostly does."""
    ask = getattr(nvml.nvmlLib, "nvmlDeviceGetComputeRunningProcesses_v3", None)
    if ask is None:
        raise nvml.NVMLError(nvml.NVML_ERROR_FUNCTION_NOT_FOUND)
    count, told = ctypes.c_uint(ROOM), (nvml.c_nvmlProcessInfo_v3_t * ROOM)()
    code = ask(handle, ctypes.byref(count), told)
    if code == nvml.NVML_ERROR_INSUFFICIENT_SIZE:
        found: Sequence[Any] = nvml.nvmlDeviceGetComputeRunningProcesses(handle)
        return [(each.pid, each.usedGpuMemory) for each in found]
    if code:
        raise nvml.NVMLError(code)
    untold = nvml.NVML_VALUE_NOT_AVAILABLE_ulonglong.value
    sizes = ((told[n].pid, told[n].usedGpuMemory) for n in range(count.value))
    return [(pid, None if size == untold else size) for pid, size in sizes]


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
