"""The sampler: one sample an interval, from a thread of its own, whatever the driver does."""

import queue
import time
from collections.abc import Callable, Iterator

import pytest
from dratui_agent.nvml.sampler import Sampler
from dratui_agent.sample import Sample

from tests.agent.driver import FakeDriver, cut, gpu

PATIENCE = 30.0


class Samples:
    """What a sampler published."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Sample] = queue.Queue()
        self.put = self._queue.put
        self.replaced: queue.Queue[str] = queue.Queue()

    def until(self, holds: Callable[[Sample], bool]) -> Sample:
        """The next sample of which that holds."""
        end = time.monotonic() + PATIENCE
        while True:
            sample = self._queue.get(timeout=max(0.0, end - time.monotonic()))
            if holds(sample):
                return sample

    def none_for(self, seconds: float) -> bool:
        """Whether nothing comes."""
        while not self._queue.empty():
            self._queue.get()
        try:
            self._queue.get(timeout=seconds)
        except queue.Empty:
            return True
        return False


@pytest.fixture
def samples(driver: FakeDriver) -> Iterator[Samples]:
    driver.set({"count": "1", **gpu(0, mig_mode="1,1")})
    found = Samples()
    sampler = Sampler(0.02, found.put, found.replaced.put)
    sampler.start()
    yield found
    driver.set({"hang": None})
    sampler.stop()
    sampler.join(PATIENCE)
    assert not sampler.is_alive()


def test_samples_come_one_after_the_other(samples: Samples) -> None:
    first = samples.until(lambda s: bool(s.devices))
    second = samples.until(lambda s: s.at > first.at)
    assert second.devices


def test_a_mig_device_is_there_with_the_next_sample(samples: Samples, driver: FakeDriver) -> None:
    samples.until(lambda s: len(s.devices) == 1)
    driver.set(cut(0, 0, gi=1, profile=19, start=0, size=1))
    samples.until(lambda s: len(s.devices) == 2)
    driver.without("gpu0.mig0.")
    samples.until(lambda s: len(s.devices) == 1)


def test_xids_are_counted_by_the_gpu_instance_that_had_them(samples: Samples, driver: FakeDriver) -> None:
    uuid = samples.until(lambda s: bool(s.devices)).devices[0].device.uuid
    driver.set({"event": "1,gpu0,8,79,4294967295"})
    samples.until(lambda s: s.xids.get((uuid, None, 79)) == 1)
    driver.set({"event": "2,gpu0,8,79,4294967295"})
    samples.until(lambda s: s.xids.get((uuid, None, 79)) == 2)
    driver.set({"event": "3,gpu0,8,13,5"})
    assert samples.until(lambda s: s.xids.get((uuid, 5, 13)) == 1).last_xids == {uuid: 13}


def test_other_events_are_counted_by_kind(samples: Samples, driver: FakeDriver) -> None:
    uuid = samples.until(lambda s: bool(s.devices)).devices[0].device.uuid
    driver.set({"event": f"1,gpu0,{0x100},0,4294967295"})
    sample = samples.until(lambda s: bool(s.events))
    assert (sample.events, sample.xids) == ({(uuid, "mig_changed"): 1}, {})
    driver.set({"event": f"2,gpu0,{0x8000},0,4294967295"})
    samples.until(lambda s: s.events.get((uuid, "recovery_action")) == 1)


def test_a_driver_that_hangs_stops_samples_and_nothing_else(samples: Samples, driver: FakeDriver) -> None:
    samples.until(lambda s: bool(s.devices))
    driver.set({"hang": "1"})
    samples.none_for(0.2)
    assert samples.none_for(0.2)
    driver.set({"hang": None})
    samples.until(lambda s: bool(s.devices))


def test_a_replaced_driver_ends_it(samples: Samples, driver: FakeDriver) -> None:
    samples.until(lambda s: bool(s.devices))
    driver.set({"count": "!18"})
    assert "another version" in samples.replaced.get(timeout=PATIENCE)
    samples.until(lambda s: "another version" in s.problem)


def test_without_a_driver_the_problem_is_published(driver: FakeDriver) -> None:
    driver.set({"init": "9"})
    found = Samples()
    sampler = Sampler(0.02, found.put, found.replaced.put)
    sampler.start()
    try:
        assert found.until(lambda s: bool(s.problem)).problem == "the NVIDIA driver is not loaded"
    finally:
        sampler.stop()
        sampler.join(PATIENCE)


def test_a_sample_that_cannot_be_read_is_missed_and_told_of_once(
    driver: FakeDriver, samples: Samples, caplog: pytest.LogCaptureFixture
) -> None:
    samples.until(lambda s: bool(s.devices))
    well = driver.path.read_bytes()
    uuid = driver.settings["gpu0.uuid"].encode()
    driver.write(well.replace(uuid, b"GPU-\xff"))
    end = time.monotonic() + PATIENCE
    while "no sample could be taken" not in caplog.text:
        samples.none_for(0.02)
        assert time.monotonic() < end
    assert samples.none_for(0.2)
    driver.write(well)
    samples.until(lambda s: bool(s.devices))
    assert caplog.text.count("no sample could be taken") == 1
