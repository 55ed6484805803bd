"""The driver of tests makes and destroys MIG devices by the rules of NVIDIA's."""

import ctypes
import os
import subprocess
import sys
from typing import Any

import pynvml as nvml
import pytest

from tests.agent.driver import FakeDriver, cut, cuttable, gpu

MIG_ON = {"count": "1", **gpu(0, mig_mode="1,1"), **cuttable(0)}


@pytest.fixture
def h100(driver: FakeDriver) -> Any:
    """The handle of a GPU in MIG mode that is not cut."""
    driver.set(MIG_ON)
    nvml.nvmlInit()
    return nvml.nvmlDeviceGetHandleByIndex(0)


def made(gpu: Any, profile: int, start: int, size: int) -> Any:
    place = nvml.c_nvmlGpuInstancePlacement_t(start, size)
    return nvml.nvmlDeviceCreateGpuInstanceWithPlacement(gpu, profile, ctypes.byref(place))


def refused(code: int, call: Any, *arguments: Any) -> None:
    with pytest.raises(nvml.NVMLError) as raised:
        call(*arguments)
    assert raised.value.value == code


def test_a_device_that_was_made_is_there_for_every_process(h100: Any) -> None:
    nvml.nvmlGpuInstanceCreateComputeInstance(made(h100, 9, 4, 4), nvml.NVML_COMPUTE_INSTANCE_PROFILE_3_SLICE)
    seen = (
        "import pynvml as n; n.nvmlInit(); g = n.nvmlDeviceGetHandleByIndex(0);"
        "m = n.nvmlDeviceGetMigDeviceHandleByIndex(g, 0);"
        "i = n.nvmlGpuInstanceGetInfo(n.nvmlDeviceGetGpuInstanceById(g, n.nvmlDeviceGetGpuInstanceId(m)));"
        "print(n.nvmlDeviceGetName(m), i.profileId, i.placement.start, i.placement.size)"
    )
    library = str(nvml.nvmlLib._name)
    argv = [sys.executable, "-c", seen]
    environ = {"LD_LIBRARY_PATH": library.rpartition("/")[0], "FAKE_NVML": os.environ["FAKE_NVML"]}
    assert subprocess.run(argv, env=environ, check=True, capture_output=True, text=True).stdout.split() == [
        *("NVIDIA", "H100", "80GB", "HBM3", "MIG", "3g.40gb", "9", "4", "4")
    ]


def test_what_was_destroyed_is_gone_and_its_handles_are_invalid(h100: Any) -> None:
    instance = made(h100, 19, 2, 1)
    compute = nvml.nvmlGpuInstanceCreateComputeInstance(instance, 0)
    refused(nvml.NVML_ERROR_IN_USE, nvml.nvmlGpuInstanceDestroy, instance)
    nvml.nvmlComputeInstanceDestroy(compute)
    refused(nvml.NVML_ERROR_INVALID_ARGUMENT, nvml.nvmlComputeInstanceGetInfo, compute)
    refused(nvml.NVML_ERROR_NOT_FOUND, nvml.nvmlDeviceGetMigDeviceHandleByIndex, h100, 0)
    nvml.nvmlGpuInstanceDestroy(instance)
    refused(nvml.NVML_ERROR_INVALID_ARGUMENT, nvml.nvmlGpuInstanceGetInfo, instance)
    made(h100, 0, 0, 8)


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        pytest.param((19, 0, 1), (9, 0, 4), id="memory slices overlap"),
        pytest.param((5, 0, 4), (5, 0, 4), id="the same place"),
        pytest.param((20, 0, 1), (20, 3, 1), id="as many of the profile as there can be"),
    ],
)
def test_what_has_no_room_is_not_made(
    h100: Any, there: tuple[int, int, int], wanted: tuple[int, int, int]
) -> None:
    made(h100, *there)
    refused(nvml.NVML_ERROR_INSUFFICIENT_RESOURCES, made, h100, *wanted)


def test_only_listed_profiles_and_places_are_made_and_only_in_mig_mode(h100: Any, driver: FakeDriver) -> None:
    refused(nvml.NVML_ERROR_INVALID_ARGUMENT, made, h100, 9, 2, 4)
    refused(nvml.NVML_ERROR_INVALID_ARGUMENT, made, h100, 3, 0, 4)
    driver.set({"gpu0.mig_mode": "0,1"})
    refused(nvml.NVML_ERROR_NOT_SUPPORTED, made, h100, 9, 0, 4)


def test_a_device_with_a_process_is_not_destroyed(h100: Any, driver: FakeDriver) -> None:
    driver.set(cut(0, 0, gi=1, profile=9, start=0, size=4))
    compute = nvml.nvmlGpuInstanceGetComputeInstanceById(nvml.nvmlDeviceGetGpuInstanceById(h100, 1), 0)
    refused(nvml.NVML_ERROR_IN_USE, nvml.nvmlComputeInstanceDestroy, compute)
    driver.set({"gpu0.mig0.processes": ""})
    nvml.nvmlComputeInstanceDestroy(compute)


def test_compute_instances_share_what_their_gpu_instance_has(h100: Any) -> None:
    instance = made(h100, 9, 0, 4)
    profiles = {}
    for index in range(nvml.NVML_COMPUTE_INSTANCE_PROFILE_COUNT):
        try:
            found = nvml.nvmlGpuInstanceGetComputeInstanceProfileInfo(instance, index, 0)
        except nvml.NVMLError_NotSupported:
            continue
        profiles[found.id] = (found.sliceCount, found.instanceCount, found.multiprocessorCount)
    assert profiles == {0: (1, 3, 20), 1: (2, 1, 40), 2: (3, 1, 60), 7: (1, 3, 20)}
    nvml.nvmlGpuInstanceCreateComputeInstance(instance, 1)
    refused(nvml.NVML_ERROR_INSUFFICIENT_RESOURCES, nvml.nvmlGpuInstanceCreateComputeInstance, instance, 1)
    nvml.nvmlGpuInstanceCreateComputeInstance(instance, 0)
