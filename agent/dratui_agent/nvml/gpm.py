"""GPU performance monitoring: the only utilisation that there is under MIG, on Hopper and later.

A metric is the difference of two samples that lie at least 100 ms apart. Each device has two buffers, which take turns.
"""

import ctypes
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import pynvml as nvml

from dratui_agent.nvml.quantities import GPM
from dratui_agent.nvml.quantity import Handle
from dratui_agent.sample import Absent, Device

APART_SECONDS: Final = 0.1
DIGITS: Final = 6  # behind the point: what is measured has fewer, and each costs a byte on the wire
UNSUPPORTED_SECONDS: Final = 60.0  # how long a device that has none is not asked again

Ask = Callable[..., Any]
"""Asks NVML by call name, function and arguments; gives an answer, or an Absent."""


@dataclass(slots=True)
class _Buffers:
    """The last sample and the one to fill next."""

    last: Any
    next: Any
    at: float  # monotonic seconds, of the last sample


class Gpm:
    """Reads GPM of devices by turns; the buffers are the driver's memory, and given back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buffers: dict[str, _Buffers] = {}  # by UUID
        self._unsupported: dict[str, float] = {}  # until when, by UUID of the GPU
        self._asked = _request()  # 8 kB, the same for all devices
        place = nvml.c_nvmlGpmMetricsGet_t.metrics.offset
        self._answers = list((_Metric * len(GPM)).from_buffer(self._asked, place))  # where the driver writes

    def read(
        self,
        device: Device,
        handle: Handle,
        parent: Handle,
        ask: Ask,
        values: dict[str, float],
        absent: dict[str, Absent],
    ) -> None:
        """Add the metrics of a device since its last sample, or why they are not there."""
        told = self._metrics(device, handle, parent, ask)
        if isinstance(told, Absent):
            absent.update(dict.fromkeys(_KEYS, told))
            return
        for asked, metric in zip(GPM, told, strict=True):
            value = metric.value
            if metric.nvmlReturn or value != value:  # NaN
                absent[asked.quantity.key] = Absent.NOT_SUPPORTED
            else:
                values[asked.quantity.key] = round(value * asked.factor, DIGITS)

    def keep(self, uuids: Collection[str]) -> None:
        """Give back what belongs to devices that are gone."""
        for uuid in self._buffers.keys() - set(uuids):
            self._free(self._buffers.pop(uuid))

    def close(self) -> None:
        """Give back everything."""
        self.keep(())
        self._unsupported.clear()

    def _metrics(self, device: Device, handle: Handle, parent: Handle, ask: Ask) -> Any:
        now = self._clock()
        if self._unsupported.get(device.gpu, 0.0) > now:
            return Absent.NOT_SUPPORTED
        gpu = parent if device.kind == "mig" else handle
        buffers = self._buffers.get(device.uuid)
        if buffers is None:
            support = ask("nvmlGpmQueryDeviceSupport", nvml.nvmlGpmQueryDeviceSupport, gpu)
            if isinstance(support, Absent) or not support.isSupportedDevice:
                self._unsupported[device.gpu] = now + UNSUPPORTED_SECONDS
                return support if isinstance(support, Absent) else Absent.NOT_SUPPORTED
            buffers = self._buffers[device.uuid] = _Buffers(
                nvml.nvmlGpmSampleAlloc(), nvml.nvmlGpmSampleAlloc(), 0.0
            )
        elif now - buffers.at < APART_SECONDS:
            return Absent.NOT_YET
        sampled = ask("nvmlGpmSampleGet", _sample, device, gpu, buffers.next)
        if isinstance(sampled, Absent):
            buffers.at = 0.0  # what was before is too long ago now
            return sampled
        first = not buffers.at
        buffers.last, buffers.next, buffers.at = buffers.next, buffers.last, now
        if first:
            return Absent.NOT_YET
        return ask("nvmlGpmMetricsGet", self._difference, buffers.next, buffers.last)

    def _difference(self, before: Any, after: Any) -> Any:
        self._asked.sample1, self._asked.sample2 = before, after
        nvml.nvmlGpmMetricsGet(self._asked)
        return self._answers

    def _free(self, buffers: _Buffers) -> None:
        for sample in (buffers.last, buffers.next):
            with suppress(nvml.NVMLError):  # the driver may have gone, and its memory with it
                nvml.nvmlGpmSampleFree(sample)


def _sample(device: Device, gpu: Handle, into: Any) -> None:
    if device.kind == "mig":
        nvml.nvmlGpmMigSampleGet(gpu, device.gi, into)
    else:
        nvml.nvmlGpmSampleGet(gpu, into)


class _Metric(ctypes.Structure):
    """pynvml's, without its detour in Python at every field."""

    _fields_ = nvml.c_nvmlGpmMetric_t._fields_


def _request() -> Any:
    asked = nvml.c_nvmlGpmMetricsGet_t()
    asked.version = nvml.NVML_GPM_METRICS_GET_VERSION
    asked.numMetrics = len(GPM)
    for n, metric in enumerate(GPM):
        asked.metrics[n].metricId = metric.number
    return asked


_KEYS: Final = tuple(metric.quantity.key for metric in GPM)
