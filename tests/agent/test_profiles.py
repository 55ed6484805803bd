"""How a GPU can be cut, as the driver tells it."""

import pynvml as nvml
import pytest
from dratui_agent.nvml.asking import Asking
from dratui_agent.nvml.profiles import Profile, places, profiles
from dratui_agent.sample import Absent

from tests.agent.driver import FakeDriver, cuttable, gpu

H100_BYTES = 81559 << 20


def told(driver: FakeDriver) -> tuple[Profile, ...] | Absent:
    nvml.nvmlInit()
    return profiles(nvml.nvmlDeviceGetHandleByIndex(0), Asking(), H100_BYTES)


def test_an_h100_can_be_cut_in_25_places(driver: FakeDriver) -> None:
    driver.set({"count": "1", **gpu(0), **cuttable(0)})
    found = told(driver)
    assert not isinstance(found, Absent)
    assert {(each.number, each.name): len(each.placements) for each in found} == {
        (0, "7g.80gb"): 1,
        (5, "4g.40gb"): 1,
        (9, "3g.40gb"): 2,
        (14, "2g.20gb"): 3,
        (15, "1g.20gb"): 4,
        (19, "1g.10gb"): 7,
        (20, "1g.10gb+me"): 7,
    }
    assert len(list(places(found))) == 25
    largest = found[0]
    assert (largest.multiprocessors, largest.copy_engines, largest.memory) == (132, 8, 81152 << 20)
    assert (largest.placements, largest.slices) == (((0, 8),), 7)


def test_a_gpu_that_cannot_be_cut_has_no_profiles(driver: FakeDriver) -> None:
    driver.set({"count": "1", **gpu(0)})
    assert told(driver) == ()


def test_a_driver_that_knows_no_names_gives_the_same_ones(
    driver: FakeDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver.set({"count": "1", **gpu(0), **cuttable(0)})
    with_names = told(driver)
    ask = nvml._nvmlGetFunctionPointer

    def older(name: str) -> object:
        if name == "nvmlDeviceGetGpuInstanceProfileInfoV":
            raise nvml.NVMLError(nvml.NVML_ERROR_FUNCTION_NOT_FOUND)
        return ask(name)

    monkeypatch.setattr(nvml, "_nvmlGetFunctionPointer", older)
    assert told(driver) == with_names


def test_a_lost_gpu_is_not_one_without_profiles(driver: FakeDriver) -> None:
    driver.set({"count": "1", **gpu(0), **cuttable(0)})
    driver.set({"gpu0.profile.0": "!15"})
    assert told(driver) is Absent.LOST
