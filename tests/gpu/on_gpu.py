"""`make test-gpu`: what the sampler reads from the real driver is what nvidia-smi says."""

import queue
from collections.abc import Iterator

import pytest
from dratui_agent.exporter.exposition import Exposition
from dratui_agent.holders import Holders
from dratui_agent.nvml.devices import bus_id
from dratui_agent.nvml.sampler import Sampler
from dratui_agent.sample import DeviceSample, Sample

from tests.gpu import smi

PATIENCE = 60.0
SAMPLES = 5
HAVE_GPM = ("Hopper", "Blackwell")


@pytest.fixture(scope="module")
def samples() -> Iterator[list[Sample]]:
    """Some in a row: GPM needs two. nvidia-smi is asked while they are taken."""
    if why := smi.missing():
        pytest.skip(why)
    taken: queue.Queue[Sample] = queue.Queue()
    sampler = Sampler(0.25, taken.put, lambda why: pytest.fail(why))
    sampler.start()
    yield [taken.get(timeout=PATIENCE) for _ in range(SAMPLES)]
    sampler.stop()
    sampler.join(PATIENCE)


@pytest.fixture(scope="module")
def sample(samples: list[Sample]) -> Sample:
    return samples[-1]


@pytest.fixture(scope="module")
def both(sample: Sample) -> list[tuple[smi.Gpu, DeviceSample]]:
    """Each GPU as both tell it."""
    ours = {each.device.uuid: each for each in sample.devices if each.device.kind == "gpu"}
    theirs = smi.gpus()
    assert [gpu.uuid for gpu in theirs] == list(ours)
    return [(gpu, ours[gpu.uuid]) for gpu in theirs]


def test_the_driver_answers_without_errors(sample: Sample) -> None:
    assert not sample.problem
    unpermitted = {
        call for call, code in sample.errors if code != 4
    }  # as nobody in particular, much is not permitted
    assert not unpermitted, sample.errors


def test_what_the_gpus_are(both: list[tuple[smi.Gpu, DeviceSample]], sample: Sample) -> None:
    for gpu, ours in both:
        assert (ours.device.name, ours.device.pci, ours.device.mig) == (gpu.name, bus_id(gpu.pci), gpu.mig)
        assert sample.driver == gpu.driver


def test_memory_power_and_temperature(both: list[tuple[smi.Gpu, DeviceSample]]) -> None:
    """Within what changes between two looks at a GPU that may be busy."""
    for gpu, ours in both:
        for key, near in (
            ("memory_total", 2 * smi.MIB),
            ("memory_used", 1024 * smi.MIB),
            ("power_limit", 1.0),
        ):
            agree(key, getattr(gpu, key), ours, near)
        agree("temperature", gpu.temperature, ours, 8.0)
        agree("power", gpu.power, ours, max(60.0, 0.3 * (gpu.power or 0.0)))


def agree(key: str, theirs: float | None, ours: DeviceSample, near: float) -> None:
    found = ours.values.get(key)
    if theirs is None:
        assert found is None, f"{key}: nvidia-smi knows none, and we say {found}"
    elif ours.absent.get(key) != "no_permission":
        assert found == pytest.approx(theirs, abs=near), f"{key} of {ours.device.uuid}"


def test_utilization_is_a_share_or_absent_with_a_reason(both: list[tuple[smi.Gpu, DeviceSample]]) -> None:
    for gpu, ours in both:
        found = ours.values.get("utilization")
        assert (found is None) == (gpu.utilization is None), ours.absent.get("utilization")
        assert found is None or 0 <= found <= 1


def test_mig_devices(sample: Sample) -> None:
    ours = [each for each in sample.devices if each.device.kind == "mig"]
    assert sorted(each.device.uuid for each in ours) == sorted(smi.mig_devices())
    for each in ours:
        assert "memory_used" in each.values
        assert "utilization" not in each.values, "NVML knows none of a MIG device"


def test_gpm_on_hopper_and_later(sample: Sample) -> None:
    able = [each for each in sample.devices if each.device.architecture in HAVE_GPM]
    if not able:
        pytest.skip(
            f"no GPU with GPM here: {', '.join({each.device.architecture for each in sample.devices})}"
        )
    for each in able:
        for key in ("graphics_active", "sm_active", "dram_active"):
            assert each.absent.get(key) is None, (each.device.uuid, key)
            assert 0 <= each.values[key] <= 1.01, key


def test_counters_do_not_fall(samples: list[Sample]) -> None:
    for first, last in zip(samples[0].devices, samples[-1].devices, strict=True):
        if "energy" in first.values:
            assert last.values["energy"] >= first.values["energy"]


def test_all_of_it_can_be_scraped(sample: Sample) -> None:
    text = Exposition("this-node").render(sample, Holders(), "text")
    for each in sample.devices:
        assert f'uuid="{each.device.uuid}"' in text
