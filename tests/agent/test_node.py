"""What is read of a node: values in base units, and for what is not known the reason."""

from collections.abc import Iterator

import pytest
from dratui_agent.nvml.node import DriverGone, DriverReplaced, Node
from dratui_agent.nvml.quantities import QUANTITIES
from dratui_agent.nvml.values import SLOW_SECONDS
from dratui_agent.sample import Absent, DeviceSample, Process, Sample

from tests.agent.driver import GIB, FakeDriver, cut, gpu


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def node(driver: FakeDriver, clock: Clock) -> Iterator[Node]:
    made = Node(clock=clock, now=lambda: 1790000000.0 + clock())
    yield made
    made.close()


def read(node: Node, clock: Clock) -> Sample:
    clock.seconds += 1
    return node.sample()


def only(sample: Sample) -> DeviceSample:
    (device,) = sample.devices
    return device


def test_a_gpu(node: Node, driver: FakeDriver, clock: Clock) -> None:
    driver.set({"count": "1", **gpu(0)})
    read(node, clock)
    sample = read(node, clock)
    found = only(sample)
    assert (sample.driver, sample.problem, sample.errors) == ("595.58.03", "", {})
    assert found.device.name == "NVIDIA H100 80GB HBM3"
    assert (found.device.pci, found.device.minor, found.device.index) == ("0000:1b:00.0", 0, 0)
    assert (found.device.architecture, found.device.compute_capability) == ("Hopper", "9.0")
    assert found.values["utilization"] == pytest.approx(0.93)
    assert found.values["memory_utilization"] == pytest.approx(0.41)
    assert found.values["jpeg_utilization"] == pytest.approx(0.03)
    assert found.values["memory_used"] == 62 * GIB
    assert found.values["memory_reserved"] == GIB
    assert found.values["bar1_used"] == GIB
    assert found.values["power"] == pytest.approx(612.345)
    assert found.values["power_instant"] == pytest.approx(598.0)
    assert found.values["energy"] == pytest.approx(123456.789)
    assert found.values["temperature"] == 64
    assert found.values["clock_memory"] == pytest.approx(2.619e9)
    assert found.values["clocks_event_software_power_cap"] == 1
    assert found.values["clocks_event_idle"] == 0
    assert found.values["ecc_corrected"] == 7
    assert found.values["remapped_rows_uncorrectable"] == 2
    assert found.values["pcie_receive"] == 2048 * 1024
    assert found.values["throttled_software_power_cap"] == pytest.approx(2.5)
    assert found.values["nvlink_transmit"] == 1000 * 1024
    assert found.values["graphics_active"] == pytest.approx(0.915)
    assert found.values["fabric_state"] == 3
    assert found.absent["sm_occupancy"] is Absent.NOT_SUPPORTED
    assert found.values["memory_temperature"] == 71
    assert found.values["retired_pages_double_bit"] == 3
    assert (found.values["pcie_max_generation"], found.values["pcie_max_width"]) == (5, 16)
    assert (found.values["mig_mode"], found.values["ecc_mode_pending"]) == (0, 1)
    assert (found.values["nvlinks_active"], found.nvlinks) == (2, (True, False, True))
    (process,) = found.processes
    assert (process.pid, process.memory) == (4242, 66571993088)


def test_what_processes_do_is_told_once_and_of_whole_gpus_only(
    node: Node, driver: FakeDriver, clock: Clock
) -> None:
    driver.set({"count": "2", **gpu(0), **gpu(1, mig_mode="1,1")})
    first, cut_ = read(node, clock).devices
    assert first.processes == (Process(4242, 66571993088, 0.87),), "the newest of its samples"
    assert cut_.processes == (Process(4242, 66571993088, None),)
    assert only_process(read(node, clock)).utilization is None, "nothing was told since"
    driver.set({"gpu0.process_utilization": "4242:3000:12"})
    assert only_process(read(node, clock)).utilization == pytest.approx(0.12)
    driver.set({"gpu0.process_utilization": "!3"})
    sample = read(node, clock)
    assert (only_process(sample).utilization, sample.errors) == (None, {})


def only_process(sample: Sample) -> Process:
    (process,) = sample.devices[0].processes
    return process


def test_a_gpu_without_nvlinks_says_so(node: Node, driver: FakeDriver, clock: Clock) -> None:
    driver.set({"count": "1", **gpu(0, **{"nvlink.0": "!3"})})
    found = only(read(node, clock))
    assert (found.absent["nvlinks_active"], found.nvlinks) == (Absent.NOT_SUPPORTED, ())


def test_every_quantity_is_a_value_or_has_a_reason(node: Node, driver: FakeDriver, clock: Clock) -> None:
    driver.set(
        {"count": "2", **gpu(0), **gpu(1, mig_mode="1,1"), **cut(1, 0, gi=3, profile=19, start=0, size=1)}
    )
    for each in read(node, clock).devices:
        assert {*each.values} | {*each.absent} == {*QUANTITIES}
        assert not {*each.values} & {*each.absent}


def test_of_a_cut_gpu_only_gpm_tells_utilisation(node: Node, driver: FakeDriver, clock: Clock) -> None:
    driver.set({"count": "1", **gpu(0, mig_mode="1,1", processes="!4")})
    driver.set(cut(0, 0, gi=1, profile=9, start=0, size=4))
    driver.set(cut(0, 2, gi=5, profile=19, start=4, size=1))  # index 1 is a gap
    read(node, clock)
    whole, big, small = read(node, clock).devices
    assert (whole.device.mig, whole.absent["utilization"]) == (True, Absent.MIG_NO_GPM)
    assert whole.values["power"] == pytest.approx(612.345)
    assert (big.device.kind, big.device.gpu, big.device.gi) == ("mig", whole.device.uuid, 1)
    assert (big.device.profile, big.device.start, big.device.size) == (9, 0, 4)
    assert (small.device.start, small.device.size) == (4, 1)
    assert big.values["graphics_active"] == pytest.approx(0.54)
    assert big.values["memory_used"] == 20 * GIB
    assert big.absent["utilization"] is Absent.MIG_NO_GPM
    assert big.absent["power"] is Absent.MIG
    assert small.processes == (Process(5005, 5 * GIB),)


def test_processes_however_many(node: Node, driver: FakeDriver, clock: Clock) -> None:
    untold = (1 << 64) - 1
    driver.set({"count": "1", **gpu(0, processes=f"7:{GIB}:0:0,8:{untold}:0:0")})
    assert only(read(node, clock)).processes == (Process(7, GIB), Process(8, None))
    crowd = ",".join(f"{pid}:{pid * 4096}:0:0" for pid in range(1, 100))
    driver.set(gpu(0, processes=crowd))
    assert [(p.pid, p.memory) for p in only(read(node, clock)).processes] == [
        (pid, pid * 4096) for pid in range(1, 100)
    ]


def test_without_gpm_a_mig_device_says_so(node: Node, driver: FakeDriver, clock: Clock) -> None:
    driver.set({"count": "1", **gpu(0, mig_mode="1,1", architecture="7"), "gpu0.gpm": "0"})
    driver.set(cut(0, 0, gi=1, profile=9, start=0, size=4))
    _, part = read(node, clock).devices
    assert part.absent["graphics_active"] is Absent.MIG_NO_GPM
    assert "graphics_active" not in part.values


def test_mig_devices_come_and_go_and_their_handles_are_given_to_others(
    node: Node, driver: FakeDriver, clock: Clock
) -> None:
    driver.set({"count": "1", **gpu(0, mig_mode="1,1"), **cut(0, 0, gi=1, profile=19, start=0, size=1)})
    read(node, clock)
    before = read(node, clock).devices[1].device
    driver.without("gpu0.mig0.")
    driver.without("gpu0.gi1.")
    assert len(read(node, clock).devices) == 1
    driver.set(cut(0, 0, gi=2, profile=14, start=2, size=2))
    first = read(node, clock).devices[1]
    assert (before.gi, first.device.gi, first.device.size) == (1, 2, 2)
    assert first.absent["graphics_active"] is Absent.NOT_YET, "the other device's samples are not its own"
    assert read(node, clock).devices[1].values["graphics_active"] == pytest.approx(0.54)


def test_a_mig_device_made_again_under_its_old_uuid_is_looked_at_again(
    node: Node, driver: FakeDriver, clock: Clock
) -> None:
    driver.set({"count": "1", **gpu(0, mig_mode="1,1"), **cut(0, 0, gi=1, profile=19, start=0, size=1)})
    before = read(node, clock).devices[1].device
    driver.set({"gpu0.gi1.placement": "19,5,1"})
    clock.seconds += SLOW_SECONDS
    after = read(node, clock).devices[1].device
    assert (before.uuid, before.start, after.start) == (after.uuid, 0, 5)


def test_a_lost_gpu_is_said_to_be_and_the_others_go_on(node: Node, driver: FakeDriver, clock: Clock) -> None:
    driver.set({"count": "2", **gpu(0), **gpu(1)})
    read(node, clock)
    driver.set({"gpu0": "!15"})
    lost, well = read(node, clock).devices
    assert lost.device.name == "NVIDIA H100 80GB HBM3"
    assert lost.values == {}
    assert {*lost.absent.values()} == {Absent.LOST}
    assert well.values["power"] == pytest.approx(612.345)
    driver.set({"gpu0": None})
    back, _ = read(node, clock).devices
    assert back.values["power"] == pytest.approx(612.345)


def test_a_gpu_that_was_lost_before_anybody_knew_it_is_said_to_be(
    node: Node, driver: FakeDriver, clock: Clock
) -> None:
    driver.set({"count": "2", **gpu(0), **gpu(1), "gpu0": "!15"})
    sample = read(node, clock)
    assert ([each.device.index for each in sample.devices], sample.unread) == ([1], {0: Absent.LOST})
    driver.set({"gpu0": None})
    sample = read(node, clock)
    assert (len(sample.devices), sample.unread) == (2, {})


def test_a_gpu_that_is_lost_while_its_parts_are_looked_for_keeps_the_others(
    node: Node, driver: FakeDriver, clock: Clock
) -> None:
    driver.set({"count": "2", **gpu(0, mig_mode="1,1"), **gpu(1)})
    driver.set(cut(0, 0, gi=1, profile=19, start=0, size=1))
    assert len(read(node, clock).devices) == 3
    driver.set({"gpu0.mig_handles": "!15"})
    sample = read(node, clock)
    assert [each.device.index for each in sample.devices] == [0, 1]
    assert sample.errors["nvmlDeviceGetMigDeviceHandleByIndex", 15] > 0


def test_errors_are_counted_by_call_and_what_is_not_supported_is_not_asked_again(
    node: Node, driver: FakeDriver, clock: Clock
) -> None:
    driver.set({"count": "1", **gpu(0, power="!4", temperature="!999")})
    driver.set({"gpu0.temperature.0": "!999", "gpu0.utilization": "!3"})
    found = only(read(node, clock))
    assert found.absent["power"] is Absent.NO_PERMISSION
    assert found.absent["temperature"] is Absent.FAILED
    sample = read(node, clock)
    assert sample.errors == {("nvmlDeviceGetPowerUsage", 4): 2, ("nvmlDeviceGetTemperatureV", 999): 2}
    driver.set({"gpu0.utilization": "10,1"})
    assert only(read(node, clock)).absent["utilization"] is Absent.NOT_SUPPORTED
    clock.seconds += 60
    assert only(read(node, clock)).values["utilization"] == pytest.approx(0.1)


def test_slow_values_keep_for_their_period(node: Node, driver: FakeDriver, clock: Clock) -> None:
    driver.set({"count": "1", **gpu(0)})
    assert only(read(node, clock)).values["pcie_width"] == 16
    driver.set({"gpu0.pcie_width": "8"})
    assert only(read(node, clock)).values["pcie_width"] == 16
    clock.seconds += 30
    assert only(read(node, clock)).values["pcie_width"] == 8


@pytest.mark.parametrize(
    ("code", "said"),
    [("9", "is not loaded"), ("12", "no NVIDIA driver library"), ("999", "does not answer")],
)
def test_no_driver_is_said_and_it_may_come(
    node: Node, driver: FakeDriver, clock: Clock, code: str, said: str
) -> None:
    driver.set({"init": code})
    with pytest.raises(DriverGone, match=said):
        read(node, clock)
    driver.set({"init": None, "count": "1", **gpu(0)})
    assert only(read(node, clock)).values


def test_a_driver_that_goes_while_it_is_read_is_opened_again(
    node: Node, driver: FakeDriver, clock: Clock
) -> None:
    driver.set({"count": "1", **gpu(0)})
    read(node, clock)
    driver.set({"gpu0.power": "!9"})
    with pytest.raises(DriverGone):
        read(node, clock)
    driver.set({"gpu0.power": "1000"})
    assert only(read(node, clock)).values["power"] == 1


def test_a_driver_that_was_replaced_needs_a_new_process(node: Node, driver: FakeDriver, clock: Clock) -> None:
    driver.set({"count": "!18"})
    with pytest.raises(DriverReplaced):
        read(node, clock)


def test_a_node_without_gpus(node: Node, clock: Clock) -> None:
    assert read(node, clock).devices == ()
