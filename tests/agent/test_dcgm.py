"""`--dcgm-names`: what a dashboard made for dcgm-exporter asks for is there, in its units, with its labels."""

from dataclasses import replace
from typing import Any

import pytest
from dratui_agent.exporter import dcgm
from dratui_agent.exporter.exposition import Exposition
from dratui_agent.exporter.text import Format
from dratui_agent.holders import Holder, Holders
from dratui_agent.nvml.quantities import QUANTITIES
from dratui_agent.sample import Device, DeviceSample, Sample
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

GPU = Device("GPU-1", "gpu", "NVIDIA H100 80GB HBM3", "GPU-1", 0, 0, "0000:1b:00.0", mig=True)
MIG = Device(
    "MIG-2",
    "mig",
    "NVIDIA H100 80GB HBM3 MIG 1g.10gb",
    "GPU-1",
    0,
    0,
    gi=3,
    ci=0,
    profile=19,
    start=2,
    size=1,
)
TRAIN = Holder(
    "ml-team", "train-7", "main", "train-gpu", "uid", "", "gpu.nvidia.com", "node-1", "gpu-0-mig-1g10gb-19-2"
)


def read(*devices: DeviceSample, held: Any = None, form: Format = "text", **more: Any) -> dict[str, Any]:
    """By name: labels and value of each sample."""
    told = Sample(1790000000.0, 0.01, "595.58.03", devices, **more)
    text = Exposition("node-1", dcgm_names=True).render(told, Holders(0.0, held or {}), form)
    parse: Any = parse_text if form == "text" else parse_openmetrics
    # That parser names counters as OpenMetrics wants them.
    names = {"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION_total": "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"}
    assert not any(f"\n{name}{{" in text for name in names)
    families = parse(text if form == "text" else text + "# EOF\n")
    found: dict[str, Any] = {}
    for family in families:
        for each in family.samples:
            found.setdefault(names.get(each.name, each.name), []).append((each.labels, each.value))
    return found


@pytest.mark.parametrize("form", ["text", "openmetrics"])
def test_values_in_its_units(form: Format) -> None:
    values = {
        "power": 612.345,
        "energy": 123456.789,
        "clock_sm": 1.98e9,
        "memory_used": float(62 << 30),
        "utilization": 0.93,
        "graphics_active": 0.915,
    }
    found = read(DeviceSample(GPU, values, {}), form=form)
    told = {name: rows[0][1] for name, rows in found.items() if name.startswith("DCGM")}
    assert told == {
        "DCGM_FI_DEV_POWER_USAGE": 612.345,
        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": 123456789,
        "DCGM_FI_DEV_SM_CLOCK": 1980,
        "DCGM_FI_DEV_FB_USED": 62 << 10,
        "DCGM_FI_DEV_GPU_UTIL": 93,
        "DCGM_FI_PROF_GR_ENGINE_ACTIVE": 0.915,
        "DCGM_FI_DEV_XID_ERRORS": 0,
    }
    assert found["dratui_gpu_power_watts"][0][1] == 612.345


def test_a_mig_device_is_told_by_its_gpu_profile_and_instance() -> None:
    found = read(DeviceSample(MIG, {"memory_used": 1.0 * (1 << 20)}, {}), held={"MIG-2": (TRAIN,)})
    ((labels, mebibytes),) = found["DCGM_FI_DEV_FB_USED"]
    assert mebibytes == 1
    assert labels == {
        "gpu": "0",
        "UUID": "GPU-1",
        "device": "nvidia0",
        "modelName": "NVIDIA H100 80GB HBM3",
        "GPU_I_PROFILE": "1g.10gb",
        "GPU_I_ID": "3",
        "Hostname": "node-1",
        "hostname": "node-1",
        "DCGM_FI_DRIVER_VERSION": "595.58.03",
        "namespace": "ml-team",
        "pod": "train-7",
        "container": "main",
        "dra_claim_name": "train-gpu",
        "dra_claim_namespace": "ml-team",
        "dra_driver_name": "gpu.nvidia.com",
        "dra_pool_name": "node-1",
        "dra_device_name": "gpu-0-mig-1g10gb-19-2",
        "dra_mig_profile": "1g.10gb",
        "dra_mig_device_uuid": "MIG-2",
    }


def test_bus_ids_are_written_as_dcgm_writes_them() -> None:
    ((labels, _),) = read(DeviceSample(GPU, {"power": 1.0}, {}))["DCGM_FI_DEV_POWER_USAGE"]
    assert labels["pci_bus_id"] == "00000000:1B:00.0"


def test_a_device_that_several_hold_is_one_series() -> None:
    other = Holder("vision", "eval", "main")
    found = read(DeviceSample(GPU, {"power": 1.0}, {}), held={"GPU-1": (TRAIN, other)})
    ((labels, _),) = found["DCGM_FI_DEV_POWER_USAGE"]
    assert (labels["pod"], "dra_claim_name" in labels) == ("shared", False)


def test_compute_instances_of_one_gpu_instance_are_one_series() -> None:
    other = replace(MIG, uuid="MIG-3", ci=1)
    devices = [DeviceSample(each, {"memory_used": 1.0 * (1 << 20)}, {}) for each in (GPU, MIG, other)]
    found = read(*devices, held={"MIG-2": (TRAIN,), "MIG-3": (Holder("vision", "eval", "main"),)})
    told = [(labels.get("GPU_I_ID"), labels.get("pod")) for labels, _ in found["DCGM_FI_DEV_FB_USED"]]
    assert told == [(None, None), ("3", "shared")]
    assert len(found["dratui_gpu_memory_used_bytes"]) == 3


def test_the_newest_xid() -> None:
    found = read(
        DeviceSample(GPU, {}, {}),
        xids={("GPU-1", None, 31): 4, ("GPU-1", None, 79): 1},
        last_xids={"GPU-1": 79},
    )
    assert [value for _, value in found["DCGM_FI_DEV_XID_ERRORS"]] == [79]


def test_every_name_is_of_a_value_that_is_read() -> None:
    names = [series.name for series in dcgm.SERIES]
    assert len(names) == len(set(names))
    assert {column.key for series in dcgm.SERIES for column in series.columns} <= QUANTITIES.keys()
