"""What nvidia-smi says."""

import csv
import re
import shutil
import subprocess
from dataclasses import dataclass
from xml.etree import ElementTree

MIB = 1 << 20
_ASKED = {
    "uuid": "uuid",
    "name": "name",
    "pci.bus_id": "pci",
    "driver_version": "driver",
    "mig.mode.current": "mig",
    "memory.total": "memory_total",
    "memory.used": "memory_used",
    "power.draw": "power",
    "enforced.power.limit": "power_limit",
    "temperature.gpu": "temperature",
    "utilization.gpu": "utilization",
    "compute_cap": "compute_capability",
}


@dataclass(frozen=True)
class Gpu:
    """A line of it, in the sampler's units; None where it says nothing."""

    uuid: str
    name: str
    pci: str
    driver: str
    mig: bool
    memory_total: float | None
    memory_used: float | None
    power: float | None
    power_limit: float | None
    temperature: float | None
    utilization: float | None
    compute_capability: str


def _said(*arguments: str) -> str:
    return subprocess.run(["nvidia-smi", *arguments], capture_output=True, text=True, check=True).stdout


def missing() -> str:
    """Why there is nothing to compare with; empty if there is."""
    if shutil.which("nvidia-smi") is None:
        return "no GPU here: there is no nvidia-smi"
    try:
        return "" if "GPU" in _said("-L") else "no GPU here: nvidia-smi lists none"
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no GPU here: nvidia-smi fails ({error})"


def gpus() -> list[Gpu]:
    """All of them, in its order."""
    lines = csv.reader(
        _said(f"--query-gpu={','.join(_ASKED)}", "--format=csv,noheader,nounits").splitlines(),
        skipinitialspace=True,
    )
    return [_gpu(dict(zip(_ASKED.values(), line, strict=True))) for line in lines]


def mig_devices() -> list[str]:
    """The UUIDs of all MIG devices."""
    return re.findall(r"UUID: (MIG-[^)]+)\)", _said("-L"))


def report() -> ElementTree.Element:
    """All that it knows, in its own words: `-q -x`."""
    return ElementTree.fromstring(_said("-q", "-x"))


def _gpu(line: dict[str, str]) -> Gpu:
    return Gpu(
        line["uuid"],
        line["name"],
        line["pci"],
        line["driver"],
        line["mig"] == "Enabled",
        _number(line["memory_total"], MIB),
        _number(line["memory_used"], MIB),
        _number(line["power"]),
        _number(line["power_limit"]),
        _number(line["temperature"]),
        _number(line["utilization"], 0.01),
        line["compute_capability"],
    )


def _number(text: str, factor: float = 1.0) -> float | None:
    try:
        return float(text) * factor
    except ValueError:  # [N/A], [Not Supported]
        return None
