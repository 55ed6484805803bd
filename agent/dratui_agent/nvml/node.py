"""A node: samples of its devices, as long as there is a driver.

Trouble of the library ends a sample: without a driver there is nothing; after an upgrade of the driver under us the
library in this process can no longer be used, and only a new process helps (it is never unloaded).

Source: nvml.h 13.3.
"""

import time
from collections.abc import Callable
from contextlib import suppress

import pynvml as nvml

from dratui_agent.nvml.asking import Asking
from dratui_agent.nvml.devices import Devices
from dratui_agent.nvml.values import Values
from dratui_agent.sample import Sample


class DriverGone(Exception):
    """There is no driver, or none any more. It may come back."""


class DriverReplaced(Exception):
    """The driver was upgraded while its old library is in this process. Only a new process can go on."""


class Node:
    """Takes samples. Not for several threads at once: NVML serialises, and some calls take seconds."""

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, now: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._now = now
        self._open = False
        self._driver = ""
        self._asking = Asking()
        self._devices = Devices(self._asking, clock)
        self._values = Values(self._asking, clock)

    def sample(self) -> Sample:
        """Read everything once. Raises DriverGone and DriverReplaced."""
        at, began = self._now(), self._clock()
        try:
            self._begin()
            devices = tuple([self._values.read(found) for found in list(self._devices.all())])
        except nvml.NVMLError as error:
            raise self._trouble(error) from error
        uuids = {each.device.uuid for each in devices}
        self._devices.keep(uuids)
        self._values.keep(uuids)
        return Sample(
            at,
            self._clock() - began,
            self._driver,
            devices,
            errors=dict(self._asking.errors),
            unread=dict(self._devices.unread),
        )

    def close(self) -> None:
        """Let the driver go."""
        if self._open:
            self._open = False
            self._values.close()
            with suppress(nvml.NVMLError):  # it may have gone already
                nvml.nvmlShutdown()

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
        self._devices.forget()
        if code == nvml.NVML_ERROR_LIBRARY_NOT_FOUND:
            return DriverGone("no NVIDIA driver library (libnvidia-ml.so.1) is found")
        if code == nvml.NVML_ERROR_DRIVER_NOT_LOADED:
            return DriverGone("the NVIDIA driver is not loaded")
        return DriverGone(f"the NVIDIA driver does not answer: {error}")
