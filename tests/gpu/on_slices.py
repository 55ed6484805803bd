"""`make test-gpu`: as what the real GPUs are offered, beside nvidia-smi and the table of NVIDIA's DRA driver."""

import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from dratui_agent.kubelet.inventory import Inventory, version
from dratui_agent.kubelet.offers import Version
from dratui_agent.kubelet.slices import Server, contents
from dratui_agent.nvml.devices import bus_id
from dratui_agent.nvml.node import Node
from dratui_agent.sample import Sample

from tests.gpu import smi

ALWAYS = {
    *("type", "uuid", "productName", "brand", "architecture", "cudaComputeCapability", "driverVersion"),
    *("cudaDriverVersion", "resource.kubernetes.io/pciBusID"),
}
WHERE_TOLD = {"resource.kubernetes.io/pcieRoot", "resource.kubernetes.io/numaNode", "nvlinkPeers"}
MEMORY = {"NVIDIA H100 80GB HBM3": "81559Mi", "NVIDIA H200": "143771Mi"}
PLACES_ON_HOPPER = {19: 7, 20: 7, 15: 4, 14: 3, 9: 2, 5: 1, 0: 1}  # by GPU instance profile id

Devices = Mapping[str, Mapping[str, Any]]


@pytest.fixture(scope="module")
def sample() -> Sample:
    if why := smi.missing():
        pytest.skip(why)
    return Node().sample()


def published(sample: Sample, *, partitionable: bool = False, tell: Callable[[str], None] = print) -> Devices:
    """What stands in the slices, by the device's name."""
    offers = Inventory(partitionable=partitionable, tell=tell).look(sample).values()
    devices = [device for content in contents(offers, Server()) for device in content.get("devices", ())]
    print(*devices, sep="\n")
    return {device["name"]: device for device in devices}


@pytest.fixture(scope="module")
def report(sample: Sample) -> ElementTree.Element:
    return smi.report()


def test_whole_gpus_are_what_the_table_says(sample: Sample, report: ElementTree.Element) -> None:
    """All that is in the table, nothing that is not, and each value as nvidia-smi has it."""
    devices = published(sample)
    cuda = version(report.findtext("cuda_version") or "")
    said = {each.findtext("uuid"): each for each in report.iter("gpu")}
    for gpu in smi.gpus():
        if gpu.mig:
            continue
        device = devices[f"gpu-{said[gpu.uuid].findtext('minor_number')}"]
        told = device["attributes"]
        assert told.keys() >= ALWAYS
        assert told.keys() <= ALWAYS | WHERE_TOLD
        assert told["type"] == {"string": "gpu"}
        assert told["uuid"] == {"string": gpu.uuid}
        assert told["productName"] == {"string": gpu.name}
        brand = (said[gpu.uuid].findtext("product_brand") or "").replace(" ", "")
        assert told["brand"]["string"].lower() == brand.lower()
        assert told["architecture"] == {"string": said[gpu.uuid].findtext("product_architecture")}
        assert told["cudaComputeCapability"] == {"version": f"{gpu.compute_capability}.0"}
        assert told["driverVersion"] == {"version": canonical(gpu.driver)}
        assert cuda is None or told["cudaDriverVersion"] == {"version": cuda.text}
        assert told["resource.kubernetes.io/pciBusID"] == {"string": bus_id(gpu.pci)}
        assert told.get("resource.kubernetes.io/pcieRoot", {}).get("string", "") == root(bus_id(gpu.pci))
        assert device["capacity"].keys() == {"memory"}
        memory = device["capacity"]["memory"]["value"]
        assert in_bytes(memory) == pytest.approx(gpu.memory_total, abs=2 * smi.MIB)
        assert memory == MEMORY.get(gpu.name, memory)


def test_mig_devices_are_what_nvidia_smi_lists(sample: Sample) -> None:
    devices = published(sample)
    told = [each["attributes"] for each in devices.values() if each["attributes"]["type"]["string"] == "mig"]
    if told or os.geteuid() == 0:  # else the driver does not tell where they lie
        assert sorted(each["uuid"]["string"] for each in told) == sorted(smi.mig_devices())


def test_a_gpu_can_be_cut_as_the_table_says(sample: Sample) -> None:
    """Whether or not it is in MIG mode."""
    able = [each.device for each in sample.devices if each.device.architecture == "Hopper"]
    if not able:
        pytest.skip("no GPU here of which the table tells the places: none is of Hopper's architecture")
    notes: list[str] = []
    devices = published(sample, partitionable=True, tell=notes.append)
    if os.geteuid() and any("the driver does not tell" in note for note in notes):
        pytest.skip(f"as nobody in particular: {notes}")
    for gpu in able:
        of_gpu = [each for each in devices.values() if each["name"].startswith(f"gpu-{gpu.minor}")]
        assert len(of_gpu) == 26
        found = Counter(int(each["name"].split("-")[-2]) for each in of_gpu if "-mig-" in each["name"])
        assert found == PLACES_ON_HOPPER
        sets = {each["counterSet"] for device in of_gpu for each in device["consumesCounters"]}
        assert sets == {f"gpu-{gpu.minor}-counter-set"}


def canonical(text: str) -> str:
    found = version(text)
    assert isinstance(found, Version)
    return found.text


def root(bus: str) -> str:
    """As the links of /sys have it; empty where it knows no such device."""
    device = Path("/sys/bus/pci/devices") / bus
    parts = device.resolve().parts if device.exists() else ()
    return next((part for part in parts if part.startswith("pci0")), "")


def in_bytes(quantity: str) -> int:
    number, suffix = quantity[:-2], quantity[-2:]
    return int(number) << {"Mi": 20, "Gi": 30}[suffix]
