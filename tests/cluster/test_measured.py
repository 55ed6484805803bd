"""Which device of DRA a sample's device is."""

from typing import Any

import pytest

from dratui.api.model import AttributeValue, Device, DeviceKey
from dratui.cluster.devices import device_row
from dratui.prepared import Plugin
from dratui.samples import DeviceSample, Holder
from tests.cluster.build import NOW, claim, instance, measured, put, result, sample, slice_, store

NVIDIA = "gpu.nvidia.com"
KEY = DeviceKey(NVIDIA, "node-1", "gpu-0")
UUID = "GPU-1e2feb89-414c-443c-9027-c4d1c386bbc4"


def joined(
    device: str,
    *told: DeviceSample,
    driver: str = NVIDIA,
    held: bool = False,
    **attributes: AttributeValue,
) -> str:
    """The utilisation of a published device in percent, or why it has none."""
    made = store(slice_("node-1", Device(device, attributes=attributes), driver=driver))
    if held:
        made.apply([put(claim("a", result(device, driver=driver), node="node-1"))])
    made.apply([put(sample("node-1", *told))])
    row = device_row(made, DeviceKey(driver, "node-1", device))
    assert row is not None
    assert row.live is not None
    return row.live.why if row.live.utilization is None else f"{row.live.utilization:.0%}"


def test_the_agents_own_driver_calls_devices_as_nvidias_does() -> None:
    made = store(slice_("node-1", "gpu-0-mig-1g10gb-19-0", "gpu-0-mig-1g10gb-19-5", driver="gpu.dratui.dev"))
    key = DeviceKey("gpu.dratui.dev", "node-1", "gpu-0-mig-1g10gb-19-0")
    made.apply([put(claim("a", result(key.device, driver=key.driver), node="node-1"))])
    part = instance("GPU-0", 7, busy=0.25, minor=0, profile=19, start=0)
    own = Plugin(driver="gpu.dratui.dev")

    def util(of: DeviceKey, plugin: Plugin | None) -> float | None:
        made.apply([put(sample("node-1", part, plugin=plugin, believed=NOW.timestamp() if plugin else None))])
        row = device_row(made, of)
        assert row is not None
        return row.live.utilization if row.live else None

    assert util(key, None) is None  # another driver's names may mean anything
    assert util(key, own) == 0.25
    assert util(DeviceKey(*key[:2], "gpu-0-mig-1g10gb-19-5"), own) is None


def held_by(device: str, driver: str = NVIDIA) -> Holder:
    return Holder(driver=driver, pool="node-1", device=device)


def test_who_measures_may_say_which_device_it_is_and_is_believed_before_all_else() -> None:
    told = [measured("GPU-a", held_by("gpu-7"), busy=0.9), measured(UUID, busy=0.1)]
    assert joined("gpu-7", *told, uuid=UUID) == "90%"
    assert joined("gpu-8", *told, uuid=UUID) == "10%"


@pytest.mark.parametrize("name", ["uuid", "gpu.nvidia.com/uuid", "example.com/uuid"])
def test_a_device_is_found_by_its_uuid_in_any_domain(name: str) -> None:
    published: dict[str, Any] = {name: UUID}
    assert joined("gpu-0", measured("GPU-b", minor=0), measured(UUID, busy=0.3), **published) == "30%"


def test_a_gpu_that_took_the_place_of_another_is_not_mistaken_for_it() -> None:
    told = measured("GPU-new", busy=0.5, minor=0, pci="0000:18:00.0")
    assert joined("gpu-0", told, uuid=UUID, pciBusID="0000:18:00.0") == "not among what agent tells"


@pytest.mark.parametrize("bus", ["0000:1B:00.0", "00000000:1B:00.0", "1b:00.0"])
def test_a_device_without_a_uuid_is_found_by_its_bus_id_however_it_is_written(bus: str) -> None:
    told = [measured("", busy=0.2, pci="0000:1b:00.0"), measured("", busy=0.8, pci="0000:2b:00.0")]
    assert joined("card0", *told, driver="gpu.amd.com", pciAddr=bus) == "20%"


def test_a_gpu_of_nvidias_driver_is_found_by_the_minor_in_its_name() -> None:
    told = [measured("GPU-a", busy=0.2, minor=0, index=1), measured("GPU-b", busy=0.4, minor=1, index=0)]
    assert joined("gpu-1", *told) == "40%"
    assert joined("gpu-1", *told, driver="gpu.example.com") == "not among what agent tells"


def test_a_mig_device_is_found_by_profile_and_place_on_its_parent() -> None:
    told = [
        measured("GPU-a", minor=0, mig=True),
        instance("GPU-a", 1, minor=0, busy=0.1),
        instance("GPU-a", 3, minor=0, busy=0.3),
        instance("GPU-b", 3, minor=1, busy=0.7),
    ]
    assert joined("gpu-0-mig-1g10gb-19-3", *told, parentUUID="GPU-b") == "70%"
    assert joined("gpu-0-mig-1g10gb-19-3", *told) == "30%"
    assert joined("gpu-0-mig-1g10gb-me-19-3", *told) == "30%"
    assert joined("gpu-0-mig-19-3-1", *told) == "30%"  # as older drivers call it: profile, place, size
    assert joined("gpu-0-mig-1g10gb-19-5", *told, held=True) == "no such MIG device now"
    assert joined("gpu-0-mig-2g20gb-14-3", *told, held=True) == "no such MIG device now"


def test_a_partition_that_nobody_has_and_nobody_made_is_not_unknown() -> None:
    partition = "gpu-0-mig-1g10gb-19-5"
    made = store(slice_("node-1", partition, driver=NVIDIA))
    made.apply([put(sample("node-1", measured("GPU-a", minor=0)))])
    row = device_row(made, KEY._replace(device=partition))
    assert row is not None
    assert row.live is None


def test_compute_instances_of_a_gpu_instance_are_one_place() -> None:
    told = [instance("GPU-a", 3, minor=0, ci=n, busy=0.6) for n in (0, 1)]
    assert joined("gpu-0-mig-1g10gb-19-3", *told) == "60%"


def test_what_fits_several_is_not_found() -> None:
    twins = [measured("", busy=0.2, minor=0), measured("", busy=0.3, minor=0)]
    assert joined("gpu-0", *twins) == "several on node-1 fit it"
    told = [measured("GPU-a", held_by("gpu-0"), busy=0.2), measured("GPU-b", held_by("gpu-0"), busy=0.3)]
    assert joined("gpu-0", *told) == "several on node-1 fit it"


def test_partitions_that_have_only_their_gpus_address_are_not_found() -> None:
    parts = [Device(f"part-{n}", attributes={"pciAddr": "0000:18:00.0"}) for n in range(2)]
    made = store(slice_("node-1", *parts, driver="gpu.amd.com"))
    made.apply([put(sample("node-1", measured("", busy=0.5, pci="0000:18:00.0")))])
    row = device_row(made, DeviceKey("gpu.amd.com", "node-1", "part-0"))
    assert row is not None
    assert row.live is not None
    assert (row.live.utilization, row.live.why) == (None, "several devices of gpu.amd.com fit the same")


def test_of_two_devices_at_one_address_the_one_with_the_uuid_has_it() -> None:
    both = [
        Device("gpu-0", attributes={"uuid": UUID, "resource.kubernetes.io/pciBusID": "0000:18:00.0"}),
        Device("gpu-vfio-0", attributes={"resource.kubernetes.io/pciBusID": "0000:18:00.0"}),
    ]
    made = store(slice_("node-1", *both, driver=NVIDIA))
    made.apply([put(sample("node-1", measured(UUID, busy=0.5, pci="0000:18:00.0")))])
    told = [device_row(made, KEY._replace(device=d.name)) for d in both]
    assert [row and row.live and row.live.utilization for row in told] == [0.5, None]


def test_a_held_device_that_is_published_no_more_is_still_found() -> None:
    made = store(claim("a", result("gpu-0", driver=NVIDIA), node="node-1"))
    made.apply([put(sample("node-1", measured("GPU-a", held_by("gpu-0"), busy=0.5)))])
    row = device_row(made, KEY)
    assert row is not None
    assert row.live is not None
    assert row.live.utilization == 0.5


def test_a_device_that_is_published_after_the_sample_is_found_with_the_next() -> None:
    made = store()
    made.apply([put(sample("node-1", measured(UUID, busy=0.5)))])
    made.apply([put(slice_("node-1", Device("gpu-0", attributes={"uuid": UUID}), driver=NVIDIA))])
    row = device_row(made, KEY)
    assert row is not None
    assert row.live is not None
    assert row.live.utilization == 0.5
