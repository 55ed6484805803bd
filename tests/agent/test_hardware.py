"""Devices are there when a claim gets them, and gone when it gives them back."""

import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from dratui_agent.kubelet.devicenodes import DeviceNodes
from dratui_agent.kubelet.hardware import CannotBring, Hardware, Instance
from dratui_agent.kubelet.nvidia import Nvidia
from dratui_agent.kubelet.offers import Offer, Placement

from tests.agent.driver import FakeDriver, cut, cuttable, gpu

GPU = gpu(0)["gpu0.uuid"]
ONE_G, ONE_G_ME, ONE_G_20, TWO_G, THREE_G, FOUR_G, SEVEN_G = 19, 20, 15, 14, 9, 5, 0
WHOLE = Offer(name="gpu-0", kind="gpu", gpu=GPU, minor=0, uuid=GPU)
BUSY = "0:0:0:0"


def part(profile: int, start: int, size: int, *, of: int = 0, uuid: str = "") -> Offer:
    """A part of a GPU, to be made where it has no UUID."""
    owner = gpu(of)[f"gpu{of}.uuid"]
    place = Placement(profile, start, size)
    return Offer(f"gpu-{of}-mig-{profile}-{start}", "mig", owner, of, uuid, place)


class Clock:
    """Time that passes only when somebody sleeps; `sleeping` is called before."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeping: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.sleeping()
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def dev(tmp_path: Path) -> Path:
    folder = tmp_path / "dev"
    folder.mkdir()
    for name in ("nvidia0", "nvidiactl", "nvidia-uvm", "null"):
        (folder / name).touch()
    return folder


@pytest.fixture
def hardware(driver: FakeDriver, dev: Path, tmp_path: Path, clock: Clock) -> Hardware:
    """Of two GPUs: the first in MIG mode, and not cut."""
    driver.set({"count": "2", **gpu(0, mig_mode="1,1", processes=""), **gpu(1, processes="")})
    driver.set({**cuttable(0), **cuttable(1)})
    nodes = DeviceNodes(dev, tmp_path / "capabilities", tmp_path / "classes")
    return Nvidia(nodes, clock=lambda: clock.now, sleep=clock.sleep)


def where(hardware: Hardware) -> list[tuple[str, Placement]]:
    return [(each.uuid, each.placement) for each in hardware.instances()]


def refusal(hardware: Hardware, offer: Offer) -> str:
    with pytest.raises(CannotBring) as raised:
        hardware.bring(offer)
    assert "\n" not in str(raised.value)
    return str(raised.value)


# GPUs


def test_a_gpu_that_is_there_is_brought_with_the_nodes_that_exist(
    hardware: Hardware, driver: FakeDriver
) -> None:
    driver.set({"gpu0.mig_mode": "0,0"})
    brought = hardware.bring(WHOLE)
    assert (brought.uuid, brought.made, brought.gi) == (GPU, False, None)
    assert brought.nodes == ("/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-uvm")


def test_a_gpu_that_cannot_be_cut_is_brought(hardware: Hardware, driver: FakeDriver) -> None:
    driver.set({"gpu0.mig_mode": None})
    assert hardware.bring(WHOLE).uuid == GPU


@pytest.mark.parametrize(
    ("told", "words"),
    [
        pytest.param(
            {"gpu0": "!15"}, "the GPU is lost to the driver: reset it, or reboot the node", id="lost"
        ),
        pytest.param({"gpu0": "!16"}, "the GPU needs a reset (nvidia-smi --gpu-reset)", id="reset"),
        pytest.param({"gpu0.uuid": "GPU-other"}, "the driver does not know it any more", id="another"),
        pytest.param({"gpu0.minor": "3"}, "its device node is /dev/nvidia3 now, not 0", id="another node"),
        pytest.param({"init": "9"}, "the NVIDIA driver is not loaded", id="no driver"),
        pytest.param({}, f"its MIG mode is on: `nvidia-smi -i {GPU} -mig 0`", id="in MIG mode"),
    ],
)
def test_a_gpu_that_cannot_be_given_says_why(
    hardware: Hardware, driver: FakeDriver, told: dict[str, str], words: str
) -> None:
    driver.set(told)
    assert refusal(hardware, WHOLE) == f"{GPU}: {words}"


def test_a_gpu_that_is_offered_in_parts_too_leaves_mig_mode_for_who_wants_it_whole(
    hardware: Hardware, driver: FakeDriver
) -> None:
    whole = replace(WHOLE, consumes={"gpu-0-counter-set": {"memory-slice-0": 1}})
    brought = hardware.bring(part(THREE_G, 0, 4))
    assert "it is cut: GPU instance 1 (profile 9, memory slices 0-3) is there" in refusal(hardware, whole)
    assert brought.gi is not None
    hardware.remove(GPU, brought.gi, brought.ci)
    assert hardware.bring(whole).uuid == GPU
    assert driver.settings["gpu0.mig_mode"] == "0,0"
    assert hardware.bring(part(THREE_G, 0, 4)).made
    assert driver.settings["gpu0.mig_mode"] == "1,1"


# MIG devices that exist


def test_a_mig_device_that_exists_is_brought_as_it_is(hardware: Hardware, driver: FakeDriver) -> None:
    driver.set(cut(0, 0, gi=7, profile=ONE_G, start=2, size=1))
    uuid = driver.settings["gpu0.mig0.uuid"]
    brought = hardware.bring(part(ONE_G, 2, 1, uuid=uuid))
    assert (brought.uuid, brought.gi, brought.ci, brought.made) == (uuid, 7, 0, False)


def test_a_mig_device_that_was_destroyed_or_made_elsewhere_is_not_given(
    hardware: Hardware, driver: FakeDriver
) -> None:
    driver.set(cut(0, 0, gi=7, profile=ONE_G, start=2, size=1))
    uuid = driver.settings["gpu0.mig0.uuid"]
    assert refusal(hardware, part(ONE_G, 3, 1, uuid=uuid)).startswith(f"{uuid}: it does not lie where it did")
    driver.without("gpu0.mig0.")
    assert refusal(hardware, part(ONE_G, 2, 1, uuid=uuid)).startswith(f"{uuid}: it was destroyed")


# MIG devices that are made


@pytest.mark.parametrize(
    ("profile", "start", "size"),
    [
        (ONE_G, 6, 1),
        (ONE_G_ME, 3, 1),
        (ONE_G_20, 6, 2),
        (TWO_G, 4, 2),
        (THREE_G, 4, 4),
        (FOUR_G, 0, 4),
        (SEVEN_G, 0, 8),
    ],
)
def test_a_mig_device_is_made_at_its_placement_with_all_that_there_is_there(
    hardware: Hardware, driver: FakeDriver, profile: int, start: int, size: int
) -> None:
    brought = hardware.bring(part(profile, start, size))
    assert brought.made
    assert where(hardware) == [(brought.uuid, Placement(profile, start, size))]
    instance, compute = driver.settings["gpu0.mig0.attributes"].split(",")[6:8]
    assert instance == compute


def test_what_is_given_back_is_gone_and_its_place_is_free(hardware: Hardware) -> None:
    for _ in range(2):
        brought = hardware.bring(part(THREE_G, 0, 4))
        assert brought.gi is not None
        hardware.remove(GPU, brought.gi, brought.ci)
        hardware.remove(GPU, brought.gi, brought.ci)  # what is not there is no error
        assert where(hardware) == []
    assert hardware.bring(part(SEVEN_G, 0, 8)).made


def test_what_lies_exactly_there_is_adopted(hardware: Hardware) -> None:
    made = hardware.bring(part(TWO_G, 2, 2))
    assert hardware.bring(part(TWO_G, 2, 2)) == replace(made, made=False)


def test_what_somebody_left_half_made_is_completed(hardware: Hardware, driver: FakeDriver) -> None:
    driver.set({"gpu0.gi3.placement": f"{TWO_G},2,2"})
    assert [*hardware.instances()] == [Instance(GPU, 3, None, "", Placement(TWO_G, 2, 2))]
    brought = hardware.bring(part(TWO_G, 2, 2))
    assert (brought.gi, brought.ci, brought.made) == (3, 0, True)
    assert where(hardware) == [(brought.uuid, Placement(TWO_G, 2, 2))]


@pytest.mark.parametrize(
    "compute", ["0,0,1", "1,0,2"], ids=["a part of it", "another profile that is as large"]
)
def test_a_gpu_instance_that_is_divided_further_is_not_adopted(
    hardware: Hardware, driver: FakeDriver, compute: str
) -> None:
    driver.set(cut(0, 0, gi=1, profile=THREE_G, start=0, size=4) | {"gpu0.gi1.ci0.placement": compute})
    assert "it is divided further: GPU instance 1" in refusal(hardware, part(THREE_G, 0, 4))


def test_what_is_in_the_way_is_named_and_left_alone(hardware: Hardware, driver: FakeDriver) -> None:
    driver.set(cut(0, 0, gi=7, profile=ONE_G, start=2, size=1))
    before = where(hardware)
    assert refusal(hardware, part(THREE_G, 0, 4)) == (
        f"{GPU}: no room at memory slices 0-3: GPU instance 7 (profile 19, memory slice 2) is there; "
        f"`nvidia-smi mig -i {GPU} -gi 7 -dci` and `nvidia-smi mig -i {GPU} -gi 7 -dgi` destroy it"
    )
    assert "GPU instance 7" in refusal(hardware, part(ONE_G_ME, 2, 1)), "the same place, another profile"
    assert where(hardware) == before


def test_no_more_of_a_profile_than_the_driver_has(hardware: Hardware) -> None:
    hardware.bring(part(ONE_G_ME, 0, 1))
    assert refusal(hardware, part(ONE_G_ME, 1, 1)) == (
        f"{GPU}: the driver has no room for profile 20 at memory slice 1: "
        f"`nvidia-smi mig -i {GPU} -lgi` lists what is there"
    )


def test_a_place_that_the_driver_does_not_have_is_told(hardware: Hardware) -> None:
    assert (
        refusal(hardware, part(THREE_G, 2, 4)) == f"{GPU}: the driver has no profile 9 at memory slices 2-5"
    )


def test_when_no_compute_instance_can_be_made_nothing_is_left(hardware: Hardware, driver: FakeDriver) -> None:
    driver.set({"gpu0.create_ci": "!999"})
    words = refusal(hardware, part(THREE_G, 0, 4))
    assert words.startswith(
        f"{GPU}: no compute instance can be made in GPU instance 1 (profile 9): the driver says"
    )
    assert where(hardware) == []


def test_what_cannot_be_taken_back_is_told_beside_why_it_was_to_be(
    hardware: Hardware, driver: FakeDriver
) -> None:
    driver.set({"gpu0.create_ci": "!999", "gpu0.destroy_gi": "!4"})
    assert refusal(hardware, part(THREE_G, 0, 4)).endswith(
        "; what was made of it stays, as GPU instance 1: the driver refuses: changing MIG devices takes root with "
        "CAP_SYS_ADMIN"
    )
    driver.set({"gpu0.create_ci": None, "gpu0.destroy_gi": None})
    assert hardware.bring(part(THREE_G, 0, 4)).made, "the retry completes it"


def test_somebody_elses_half_made_instance_stays_when_it_cannot_be_completed(
    hardware: Hardware, driver: FakeDriver
) -> None:
    driver.set({"gpu0.gi3.placement": f"{TWO_G},2,2", "gpu0.create_ci": "!999"})
    refusal(hardware, part(TWO_G, 2, 2))
    assert where(hardware) == [("", Placement(TWO_G, 2, 2))]


def test_what_is_in_use_for_a_moment_is_destroyed_after_it(
    hardware: Hardware, driver: FakeDriver, clock: Clock
) -> None:
    brought = hardware.bring(part(ONE_G, 0, 1))
    assert brought.gi is not None
    driver.set({"gpu0.busy": "3"})
    hardware.remove(GPU, brought.gi, brought.ci)
    assert where(hardware) == []
    assert 0 < clock.now < 2


def test_what_stays_in_use_is_told_in_time_and_can_be_removed_later(
    hardware: Hardware, driver: FakeDriver, clock: Clock
) -> None:
    brought = hardware.bring(part(ONE_G, 0, 1))
    assert brought.gi is not None
    driver.set({"gpu0.mig0.processes": BUSY})
    with pytest.raises(
        CannotBring, match=r"in use by another client for 20 s: `nvidia-smi -i .*` lists its processes"
    ):
        hardware.remove(GPU, brought.gi, brought.ci)
    assert clock.now < 45, "kubelet waits no longer"
    driver.set({"gpu0.mig0.processes": ""})
    hardware.remove(GPU, brought.gi, brought.ci)
    assert where(hardware) == []


def test_a_half_removed_device_is_removed_by_the_next_attempt(hardware: Hardware, driver: FakeDriver) -> None:
    brought = hardware.bring(part(ONE_G, 0, 1))
    assert brought.gi is not None
    driver.set({"gpu0.destroy_gi": "!19"})
    with pytest.raises(CannotBring, match="in use"):
        hardware.remove(GPU, brought.gi, brought.ci)
    assert where(hardware) == [("", Placement(ONE_G, 0, 1))]
    driver.set({"gpu0.destroy_gi": None})
    hardware.remove(GPU, brought.gi, brought.ci)
    assert where(hardware) == []


def test_what_is_wanted_after_all_is_not_destroyed_and_nobody_waits_for_what_is_not(
    hardware: Hardware, driver: FakeDriver, clock: Clock
) -> None:
    brought = hardware.bring(part(THREE_G, 0, 4))
    assert brought.gi is not None
    assert not hardware.remove(GPU, brought.gi, brought.ci, unless=lambda: True)
    driver.set({"gpu0.busy": "1"})
    with pytest.raises(CannotBring, match="in use by another client"):
        hardware.remove(GPU, brought.gi, brought.ci, unless=lambda: False)
    assert len(where(hardware)) == 1
    assert hardware.remove(GPU, brought.gi, brought.ci, unless=lambda: False)
    assert (where(hardware), clock.now) == ([], 0)


# MIG mode


def test_mig_mode_is_switched_on_where_that_takes_effect_at_once(
    hardware: Hardware, driver: FakeDriver
) -> None:
    assert hardware.bring(part(ONE_G, 0, 1, of=1)).made
    assert driver.settings["gpu1.mig_mode"] == "1,1"


def test_mig_mode_is_not_switched_under_a_process_nor_left_pending(
    hardware: Hardware, driver: FakeDriver, clock: Clock
) -> None:
    driver.set({"gpu1.processes": BUSY})
    assert "in use by another client" in refusal(hardware, part(ONE_G, 0, 1, of=1))
    assert driver.settings["gpu1.mig_mode"] == "0,0"
    clock.sleeping = lambda: driver.set({"gpu1.processes": ""})
    assert hardware.bring(part(ONE_G, 0, 1, of=1)).made


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("0,0", "its MIG mode is not on: `nvidia-smi -i {} -mig 1`, then reset it"),
        ("0,1", "its MIG mode is on only after a reset: `nvidia-smi -i {} --gpu-reset`, or reboot"),
    ],
    ids=["off", "pending"],
)
def test_where_mig_mode_takes_a_reset_it_is_said_who_does_it(
    hardware: Hardware, driver: FakeDriver, mode: str, words: str
) -> None:
    driver.set({"gpu0.architecture": "7", "gpu0.mig_mode": mode})
    assert refusal(hardware, part(ONE_G, 0, 1)) == f"{GPU}: {words.format(GPU)}"
    assert driver.settings["gpu0.mig_mode"] == mode


# Several at a time


def test_many_at_a_time_all_get_theirs_and_give_it_back(hardware: Hardware, driver: FakeDriver) -> None:
    driver.set({"gpu1.mig_mode": "1,1", "delay_us": "100"})
    offers = [part(ONE_G, start, 1, of=of) for start in range(7) for of in (0, 1)]

    def there_and_back(offer: Offer) -> str:
        brought = hardware.bring(offer)
        assert brought.gi is not None
        if offer.placement and offer.placement.start % 2:
            hardware.remove(offer.gpu, brought.gi, brought.ci)
        return brought.uuid

    with ThreadPoolExecutor(8) as pool:
        uuids = [*pool.map(there_and_back, offers)]
    left = {
        (offer.gpu, offer.placement) for offer in offers if offer.placement and offer.placement.start % 2 == 0
    }
    assert {(each.gpu, each.placement) for each in hardware.instances()} == left
    assert {each.uuid for each in hardware.instances()} <= {*uuids}


def test_two_agents_that_make_the_same_device_make_one(hardware: Hardware, dev: Path, tmp_path: Path) -> None:
    nodes = DeviceNodes(dev, tmp_path / "capabilities", tmp_path / "classes")
    others = [hardware, *(Nvidia(nodes) for _ in range(3))]

    def bring(each: Hardware) -> str:
        try:
            return (
                hardware.bring(part(SEVEN_G, 0, 8)).uuid
                if each is hardware
                else each.bring(part(SEVEN_G, 0, 8)).uuid
            )
        except CannotBring as error:
            return str(error)

    with ThreadPoolExecutor(4) as pool:
        assert any(each.startswith("MIG-") for each in pool.map(bring, others))
    assert len(where(hardware)) == 1


def test_a_gpu_at_which_the_driver_hangs_keeps_nobody_waiting_for_ever(
    hardware: Hardware, driver: FakeDriver, dev: Path
) -> None:
    quick = Nvidia(DeviceNodes(dev), patience=0.05)
    driver.set({"gpu0.mig_mode": "0,0"})
    with ThreadPoolExecutor(1) as pool:
        driver.set({"hang": "1"})
        hanging = pool.submit(quick.bring, WHOLE)
        while not any(lock.locked() for lock in [*quick._locks.values()]):  # until it is within the driver
            os.sched_yield()
        assert "it may hang" in refusal(quick, WHOLE)
        driver.set({"hang": None})
        assert hanging.result().uuid == GPU


def test_the_instances_of_gpus_that_answer_are_told(hardware: Hardware, driver: FakeDriver) -> None:
    driver.set({"gpu1.mig_mode": "1,1", **cut(1, 0, gi=1, profile=THREE_G, start=0, size=4)})
    made = hardware.bring(part(ONE_G, 0, 1))
    assert [each.uuid for each in hardware.instances(GPU)] == [made.uuid]
    driver.set({"gpu0": "!15"})
    uuid = driver.settings["gpu1.mig0.uuid"]
    assert where(hardware) == [(uuid, Placement(THREE_G, 0, 4))]
    driver.set({"init": "9"})
    with pytest.raises(CannotBring, match="the NVIDIA driver is not loaded"):
        where(hardware)


# Device nodes


@pytest.fixture
def capabilities(tmp_path: Path) -> Path:
    """What the driver says of a MIG device's capabilities, of GPU instance 1."""
    instance = tmp_path / "capabilities" / "gpu0" / "mig" / "gi1"
    (instance / "ci0").mkdir(parents=True)
    for folder, minor in ((instance, 12), (instance / "ci0", 13)):
        (folder / "access").write_text(
            f"DeviceFileMinor: {minor}\nDeviceFileMode: 292\nDeviceFileModify: 1\n"
        )
    (tmp_path / "classes").write_text(
        "Character devices:\n195 nvidia\n237 nvidia-caps\n\nBlock devices:\n  8 sd\n"
    )
    return tmp_path / "capabilities"


def test_a_mig_device_has_its_gpus_nodes_and_those_of_its_capabilities(
    hardware: Hardware, capabilities: Path, dev: Path
) -> None:
    (dev / "nvidia-caps").mkdir()
    for name in ("nvidia-cap12", "nvidia-cap13"):
        (dev / "nvidia-caps" / name).touch()
    assert hardware.bring(part(THREE_G, 0, 4)).nodes == (
        *("/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-uvm"),
        *("/dev/nvidia-caps/nvidia-cap12", "/dev/nvidia-caps/nvidia-cap13"),
    )


def test_nodes_of_capabilities_that_nobody_used_yet_are_made(
    capabilities: Path, dev: Path, tmp_path: Path
) -> None:
    probe = dev / "probe"
    try:
        os.mknod(probe, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("device nodes cannot be made here")
    nodes = DeviceNodes(dev, capabilities, tmp_path / "classes").of_mig(0, 1, 0)
    assert nodes[-1] == "/dev/nvidia-caps/nvidia-cap13"
    made = (dev / "nvidia-caps" / "nvidia-cap13").stat()
    assert (os.major(made.st_rdev), os.minor(made.st_rdev)) == (237, 13)
    assert (stat.S_ISCHR(made.st_mode), stat.S_IMODE(made.st_mode)) == (True, 0o444)


def test_a_device_whose_capability_is_missing_is_not_given_and_not_left(
    hardware: Hardware, capabilities: Path, dev: Path
) -> None:
    access = capabilities / "gpu0" / "mig" / "gi1" / "ci0" / "access"
    access.unlink()
    (dev / "nvidia-caps").mkdir()
    (dev / "nvidia-caps" / "nvidia-cap12").touch()
    assert refusal(hardware, part(THREE_G, 0, 4)) == (
        f"no device node for {access}: No such file or directory; try `nvidia-modprobe -f {access}` on the node"
    )
    assert where(hardware) == []
