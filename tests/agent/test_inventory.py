"""What a node offers, as its driver and /sys tell it."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from dratui_agent.kubelet.inventory import Inventory, version
from dratui_agent.kubelet.offers import Offer, Placement, Version
from dratui_agent.nvml.node import Node

from tests.agent.driver import FakeDriver, cut, cuttable, gpu

MIB = 1 << 20
H100 = str(81559 * MIB)
GPU_0 = "GPU-00000000-0000-0000-0000-000000000000"


@pytest.fixture
def sys(tmp_path: Path) -> Path:
    """A /sys of two GPUs behind one bridge, and of one that tells no NUMA node."""
    root = tmp_path / "sys"
    links = root / "bus" / "pci" / "devices"
    links.mkdir(parents=True)
    for bus, numa in (("0000:1b:00.0", 1), ("0000:1c:00.0", 1), ("0000:1d:00.0", -1)):
        device = root / "devices" / "pci0000:15" / "0000:15:01.0" / bus
        device.mkdir(parents=True)
        (device / "numa_node").write_text(f"{numa}\n")
        (links / bus).symlink_to(device)
    return root


Look = Callable[..., Mapping[str, Offer]]


@pytest.fixture
def look(driver: FakeDriver, sys: Path) -> Look:
    """Offers of what the driver tells now; the same inventory for one test."""
    kept: dict[bool, Inventory] = {}
    node = Node()

    def looked(*, partitionable: bool = False, told: list[str] | None = None) -> Mapping[str, Offer]:
        tell = (lambda note: told.append(note)) if told is not None else (lambda note: None)
        inventory = kept.setdefault(partitionable, Inventory(partitionable=partitionable, sys=sys, tell=tell))
        return inventory.look(node.sample())

    return looked


def test_a_whole_gpu_has_what_nvidias_driver_tells_of_it(driver: FakeDriver, look: Look) -> None:
    driver.set({"count": "1", **gpu(0, memory=f"{H100},0,0,0")})
    (offer,) = look().values()
    assert (offer.name, offer.kind, offer.uuid, offer.gpu, offer.minor) == ("gpu-0", "gpu", GPU_0, GPU_0, 0)
    assert offer.attributes == {
        "type": "gpu",
        "uuid": GPU_0,
        "productName": "NVIDIA H100 80GB HBM3",
        "brand": "Nvidia",
        "architecture": "Hopper",
        "cudaComputeCapability": Version("9.0.0"),
        "driverVersion": Version("595.58.3"),
        "cudaDriverVersion": Version("13.2.0"),
        "resource.kubernetes.io/pciBusID": "0000:1b:00.0",
        "resource.kubernetes.io/pcieRoot": "pci0000:15",
        "resource.kubernetes.io/numaNode": 1,
    }
    assert offer.capacity == {"memory": 81559 * MIB}
    assert not offer.consumes
    assert not offer.taints


def test_what_is_not_told_is_left_out(driver: FakeDriver, look: Look) -> None:
    driver.set({"count": "2", **gpu(1), **gpu(0, pci="00000000:FF:00.0")})
    driver.set({"gpu0.brand": None, "cuda_driver_version": None, "gpu0.memory": "!4"})
    first, second = look().values()
    keys = {key.removeprefix("resource.kubernetes.io/") for key in first.attributes}
    assert not keys & {"brand", "cudaDriverVersion", "pcieRoot", "numaNode"}
    assert first.attributes["resource.kubernetes.io/pciBusID"] == "0000:ff:00.0"
    assert not first.capacity
    assert second.capacity


def test_a_numa_node_of_minus_one_is_none(driver: FakeDriver, look: Look) -> None:
    driver.set({"count": "1", **gpu(0, pci="00000000:1D:00.0")})
    assert "resource.kubernetes.io/numaNode" not in look()["gpu-0"].attributes
    assert look()["gpu-0"].attributes["resource.kubernetes.io/pcieRoot"] == "pci0000:15"


def test_gpus_that_reach_one_another_over_nvlink_have_the_same_peers(driver: FakeDriver, look: Look) -> None:
    driver.set({"count": "3", **gpu(0, nvlink_peers="1"), **gpu(1, nvlink_peers="0"), **gpu(2)})
    assert [offer.attributes.get("nvlinkPeers") for offer in look().values()] == ["0,1", "0,1", None]


def test_a_cut_gpu_offers_its_mig_devices_and_not_itself(driver: FakeDriver, look: Look) -> None:
    driver.set({"count": "2", **gpu(0), **gpu(1, mig_mode="1,1"), **cuttable(1)})
    driver.set(cut(1, 0, gi=1, profile=20, start=3, size=1))
    driver.set(cut(1, 1, gi=2, profile=9, start=4, size=4))
    offers = look()
    assert list(offers) == ["gpu-0", "gpu-1-mig-1g10gb-me-20-3", "gpu-1-mig-3g40gb-9-4"]
    mig = offers["gpu-1-mig-1g10gb-me-20-3"]
    assert (mig.kind, mig.uuid, mig.minor) == ("mig", "MIG-11000000-0000-0000-0000-000000000000", 1)
    assert mig.placement == Placement(profile=20, start=3, size=1)
    assert {key: mig.attributes[key] for key in ("type", "parentUUID", "profile", "uuid")} == {
        "type": "mig",
        "parentUUID": "GPU-00000001-0000-0000-0000-000000000000",
        "profile": "1g.10gb+me",
        "uuid": mig.uuid,
    }
    assert mig.attributes["resource.kubernetes.io/pcieRoot"] == "pci0000:15"
    assert mig.capacity == {
        "memory": 9984 * MIB,
        "multiprocessors": 16,
        "copyEngines": 1,
        "decoders": 1,
        "encoders": 0,
        "jpegEngines": 1,
        "ofaEngines": 1,
    }
    assert not mig.consumes


def test_a_gpu_in_mig_mode_without_mig_devices_is_not_offered_and_that_is_said_once(
    driver: FakeDriver, look: Look
) -> None:
    driver.set({"count": "1", **gpu(0, mig_mode="1,1"), **cuttable(0)})
    told: list[str] = []
    assert not look(told=told)
    assert not look(told=told)
    assert told == [f"{GPU_0}: is not offered: its MIG mode is on, and it has no MIG device"]


def test_compute_instances_that_share_a_gpu_instance_are_not_offered(driver: FakeDriver, look: Look) -> None:
    driver.set({"count": "1", **gpu(0, mig_mode="1,1"), **cuttable(0)})
    driver.set(cut(0, 0, gi=1, profile=9, start=0, size=4))
    driver.set(cut(0, 1, gi=1, profile=9, start=0, size=4, **{"mig1.uuid": "MIG-other", "mig1.ci": "1"}))
    told: list[str] = []
    assert not look(told=told)
    assert len(told) == 2


def test_a_partitionable_h100_is_26_devices_that_exclude_each_other_by_counters(
    driver: FakeDriver, look: Look
) -> None:
    driver.set({"count": "1", **gpu(0, memory=f"{H100},0,0,0"), **cuttable(0)})
    offers = look(partitionable=True)
    assert len(offers) == 26
    whole = offers["gpu-0"]
    assert whole.capacity == {"memory": 81559 * MIB}
    assert whole.consumes == {
        "gpu-0-counter-set": {
            "memory": 81152 * MIB,
            "multiprocessors": 132,
            "copy-engines": 8,
            "decoders": 7,
            "encoders": 0,
            "jpeg-engines": 7,
            "ofa-engines": 1,
            **{f"memory-slice-{n}": 1 for n in range(8)},
        }
    }
    part = offers["gpu-0-mig-2g20gb-14-4"]
    assert part.consumes["gpu-0-counter-set"].keys() == whole.consumes["gpu-0-counter-set"].keys() - {
        f"memory-slice-{n}" for n in (0, 1, 2, 3, 6, 7)
    }
    assert part.consumes["gpu-0-counter-set"]["multiprocessors"] == 32
    assert not part.uuid
    assert all(offer.consumes for offer in offers.values())


def test_making_and_destroying_mig_devices_changes_nothing_of_what_is_partitionable(
    driver: FakeDriver, look: Look
) -> None:
    driver.set({"count": "1", **gpu(0), **cuttable(0)})
    before = look(partitionable=True)
    driver.set({"gpu0.mig_mode": "1,1", **cut(0, 0, gi=1, profile=19, start=0, size=1)})
    assert look(partitionable=True) == before


def test_a_gpu_that_needs_a_reset_to_change_its_mig_mode_is_offered_as_it_is(
    driver: FakeDriver, look: Look
) -> None:
    driver.set({"count": "2", **gpu(0, architecture="7"), **cuttable(0)})
    driver.set({**gpu(1, architecture="7", mig_mode="1,1"), **cuttable(1)})
    told: list[str] = []
    offers = look(partitionable=True, told=told)
    assert told == [
        f"{GPU_0}: is not offered in parts: its MIG mode is off, and to change that takes a reset"
    ]
    assert [name for name, offer in offers.items() if offer.kind == "gpu"] == ["gpu-0"]
    assert sum(offer.gpu.startswith("GPU-00000001") for offer in offers.values()) == 25


def test_a_gpu_of_which_no_parts_are_known_is_offered_whole_and_that_is_said(
    driver: FakeDriver, look: Look
) -> None:
    driver.set({"count": "2", **gpu(0), **gpu(1), "gpu1.profile.0": "!4"})
    told: list[str] = []
    assert list(look(partitionable=True, told=told)) == ["gpu-0", "gpu-1"]
    assert [note.partition(": ")[2] for note in told] == [
        "is not offered in parts: it cannot be cut by MIG",
        "is not offered in parts: the driver does not tell how it can be cut",
    ]


def test_a_lost_gpu_is_still_what_it_was(driver: FakeDriver, look: Look) -> None:
    driver.set({"count": "2", **gpu(0), **gpu(1, mig_mode="1,1"), **cuttable(1)})
    driver.set(cut(1, 0, gi=1, profile=19, start=0, size=1))
    before = look()
    driver.set({"gpu0": "!15", "gpu1": "!15"})
    assert look() == before
    driver.set({"gpu0": None, "gpu1": None})
    assert look() == before


def test_a_gpu_that_never_said_who_it_is_is_not_offered(driver: FakeDriver, look: Look) -> None:
    driver.set({"count": "2", **gpu(0), **gpu(1), "gpu0": "!15"})
    assert list(look()) == ["gpu-1"]


def test_a_driver_that_fails_at_the_first_look_is_asked_again(driver: FakeDriver, look: Look) -> None:
    driver.set({"count": "1", **gpu(0), **cuttable(0), "gpu0.profile.3": "!999"})
    assert not look(partitionable=True)
    driver.set(cuttable(0))
    assert len(look(partitionable=True)) == 26


@pytest.mark.parametrize(
    ("told", "canonical"),
    [
        ("595.58.03", "595.58.3"),
        ("550.144", "550.144.0"),
        ("9.0", "9.0.0"),
        ("535.129.03.01", "535.129.3+01"),
        ("", None),
        ("N/A", None),
    ],
)
def test_versions_are_canonical(told: str, canonical: str | None) -> None:
    assert version(told) == (None if canonical is None else Version(canonical))
