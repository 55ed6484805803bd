"""MIG devices, made and destroyed. A MIG device here is a GPU instance with one compute instance that fills it.

Nothing is locked and no error translated here (`nvidia` does); calls raise NVMLError.

Source: nvml.h 13.3, "Multi Instance GPU Management".
"""

import ctypes
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import pynvml as nvml

from dratui_agent.kubelet.offers import Placement
from dratui_agent.nvml.quantity import Handle

_GONE: Final = (nvml.NVMLError_NotFound, nvml.NVMLError_InvalidArgument, nvml.NVMLError_NotSupported)
"""An index without a device, a profile that the GPU has not, a handle of what is gone, a GPU whose MIG mode is off."""


@dataclass(frozen=True, slots=True)
class GpuInstance:
    """One that exists."""

    handle: Handle
    id: int
    placement: Placement


@dataclass(frozen=True, slots=True)
class MigDevice:
    """One that exists: a compute instance."""

    uuid: str
    gi: int
    ci: int


def gpu_instances(gpu: Handle) -> list[GpuInstance]:
    """Those of a GPU."""
    found = []
    for index in range(nvml.NVML_GPU_INSTANCE_PROFILE_COUNT):
        try:
            profile = nvml.nvmlDeviceGetGpuInstanceProfileInfo(gpu, index, version=1)
            count, handles = ctypes.c_uint(), (nvml.c_nvmlGpuInstance_t * profile.instanceCount)()
            nvml.nvmlDeviceGetGpuInstances(gpu, profile.id, handles, ctypes.byref(count))
        except _GONE:
            continue
        for handle in handles[: count.value]:
            info = nvml.nvmlGpuInstanceGetInfo(handle)
            place = Placement(info.profileId, info.placement.start, info.placement.size)
            found.append(GpuInstance(handle, info.id, place))
    return found


def devices(gpu: Handle) -> Iterator[MigDevice]:
    """The MIG devices of a GPU."""
    for index in range(nvml.nvmlDeviceGetMaxMigDeviceCount(gpu)):
        with suppress(*_GONE):
            yield device(nvml.nvmlDeviceGetMigDeviceHandleByIndex(gpu, index))


def device(handle: Handle) -> MigDevice:
    """What a MIG device's handle stands for."""
    return MigDevice(
        nvml.nvmlDeviceGetUUID(handle),
        nvml.nvmlDeviceGetGpuInstanceId(handle),
        nvml.nvmlDeviceGetComputeInstanceId(handle),
    )


def create(gpu: Handle, place: Placement) -> GpuInstance:
    """A GPU instance, without a compute instance."""
    wanted = nvml.c_nvmlGpuInstancePlacement_t(place.start, place.size)
    handle = nvml.nvmlDeviceCreateGpuInstanceWithPlacement(gpu, place.profile, ctypes.byref(wanted))
    return GpuInstance(handle, nvml.nvmlGpuInstanceGetInfo(handle).id, place)


def fill(instance: GpuInstance) -> int:
    """Make the compute instance that takes all of a GPU instance; its id."""
    handle = nvml.nvmlGpuInstanceCreateComputeInstance(instance.handle, _filling(instance))
    return int(nvml.nvmlComputeInstanceGetInfo(handle).id)


def fills(instance: GpuInstance, ci: int) -> bool:
    """Whether a compute instance takes all of its GPU instance."""
    handle = nvml.nvmlGpuInstanceGetComputeInstanceById(instance.handle, ci)
    return bool(nvml.nvmlComputeInstanceGetInfo(handle).profileId == _filling(instance))


def _filling(instance: GpuInstance) -> int:
    """The compute instance profile with all slices; of several the first, as a later one is a revision of it."""
    most, number = 0, 0
    for index in range(nvml.NVML_COMPUTE_INSTANCE_PROFILE_COUNT):
        with suppress(*_GONE):
            info = nvml.nvmlGpuInstanceGetComputeInstanceProfileInfo(
                instance.handle, index, nvml.NVML_COMPUTE_INSTANCE_ENGINE_PROFILE_SHARED, version=1
            )
            if info.sliceCount > most:
                most, number = info.sliceCount, info.id
    return number


def destroy(gpu: Handle, gi: int, ci: int | None) -> None:
    """The compute instance, then its GPU instance. What is not there is no error."""
    with suppress(*_GONE):
        instance = nvml.nvmlDeviceGetGpuInstanceById(gpu, gi)
        if ci is not None:
            with suppress(*_GONE):
                nvml.nvmlComputeInstanceDestroy(nvml.nvmlGpuInstanceGetComputeInstanceById(instance, ci))
        nvml.nvmlGpuInstanceDestroy(instance)
