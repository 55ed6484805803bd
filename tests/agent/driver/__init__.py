"""A driver of ours in place of NVIDIA's: `nvml.c`, and what it is to answer."""

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

SOURCE = Path(__file__).with_name("nvml.c")
GIB = 1 << 30

Settings = dict[str, str]
"""What the driver answers, by key; the head of `nvml.c` says what there is."""


def compiler() -> str | None:
    """The machine's C compiler."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def build(folder: Path) -> Path:
    """Compile the library. Needs `compiler`."""
    made = folder / "libnvidia-ml.so.1"
    command = [compiler() or "cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-pthread"]
    subprocess.run([*command, f"-Wl,-soname,{made.name}", "-o", made, SOURCE], check=True)
    return made


class FakeDriver:
    """What the library reads, as a file that is replaced whole. The library writes there what is made and destroyed."""

    def __init__(self, folder: Path, library: Path) -> None:
        self.library = library
        self.path = folder / "nvml.txt"
        self.set({"driver_version": "595.58.03", "cuda_driver_version": "13020", "count": "0"})

    @property
    def settings(self) -> Settings:
        """What is answered now."""
        if not self.path.exists():
            return {}
        return dict(line.split("=", 1) for line in self.path.read_text().splitlines())

    def set(self, changes: Mapping[str, str | None]) -> None:
        """Change what is answered from now on; None takes a key away."""
        with self._alone():
            told = {key: value for key, value in self.settings.items() if key not in changes}
            self._write(told | {key: value for key, value in changes.items() if value is not None})

    def replace(self, settings: Settings) -> None:
        """From now on nothing else is answered."""
        with self._alone():
            self._write(settings)

    def without(self, prefix: str) -> None:
        """Take away every key of a device."""
        with self._alone():
            self._write({key: value for key, value in self.settings.items() if not key.startswith(prefix)})

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with Path(f"{self.path}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _write(self, settings: Settings) -> None:
        self.write("".join(f"{key}={value}\n" for key, value in settings.items()).encode())

    def write(self, told: bytes) -> None:
        """The file as it is, for what is no text."""
        fresh = self.path.with_suffix(".new")
        fresh.write_bytes(told)
        if self.path.exists():  # a file is known by inode and time, and inodes are used again
            later = max(time.time_ns(), self.path.stat().st_mtime_ns + 1)
            os.utime(fresh, ns=(later, later))
        os.replace(fresh, self.path)


# By NVML's index what an H100 of 80 GB can be cut into: id, slices, how many, multiprocessors, engines (copy, decoder,
# encoder, JPEG, OFA), MiB, name; the memory slices where it may begin, and how many it takes.
_H100 = {
    0: ("19,1,7,16,1,1,0,1,0,9984,MIG 1g.10gb", range(7), 1),
    1: ("14,2,3,32,2,2,0,2,0,20096,MIG 2g.20gb", (0, 2, 4), 2),
    2: ("9,3,2,60,3,3,0,3,0,40448,MIG 3g.40gb", (0, 4), 4),
    3: ("5,4,1,64,4,4,0,4,0,40448,MIG 4g.40gb", (0,), 4),
    4: ("0,7,1,132,8,7,0,7,1,81152,MIG 7g.80gb", (0,), 8),
    7: ("20,1,1,16,1,1,0,1,1,9984,MIG 1g.10gb+me", range(7), 1),
    9: ("15,1,4,26,1,1,0,1,0,20096,MIG 1g.20gb", (0, 2, 4, 6), 2),
}
_SLICES = {int(facts.split(",")[0]): int(facts.split(",")[1]) for facts, _, _ in _H100.values()}


def cuttable(index: int) -> Settings:
    """What an H100 can be cut into, as `nvidia-smi mig -lgip` and `-lgipp` list it."""
    told: Settings = {}
    for number, (facts, starts, size) in _H100.items():
        told[f"gpu{index}.profile.{number}"] = facts
        told[f"gpu{index}.placements.{facts.partition(',')[0]}"] = ",".join(f"{n}:{size}" for n in starts)
    return told


def gpu(index: int, **more: str) -> Settings:
    """An H100 that is busy, as NVML tells it."""
    told = {
        "uuid": f"GPU-0000000{index}-0000-0000-0000-000000000000",
        "name": "NVIDIA H100 80GB HBM3",
        "serial": f"165302300000{index}",
        "minor": str(index),
        "pci": f"00000000:{0x1B + index:02X}:00.0",
        "architecture": "9",
        "brand": "14",
        "compute_capability": "9,0",
        "memory": f"{80 * GIB},{GIB},{17 * GIB},{62 * GIB}",  # total, reserved, free, used
        "bar1": f"{128 * GIB},{127 * GIB},{GIB}",  # total, free, used
        "utilization": "93,41",
        "encoder": "1,16666",
        "decoder": "2,16666",
        "jpeg": "3,16666",
        "ofa": "4,16666",
        "power": "612345",
        "power_limit": "700000",
        "energy": "123456789",
        "temperature.0": "64",
        "clock.0": "1980",
        "clock.1": "1980",
        "clock.2": "2619",
        "clock.3": "1545",
        "clocks_event_reasons": "4",  # software power cap
        "ecc.0.0": "7",
        "ecc.1.0": "0",
        "remapped_rows": "1,2,0,0",
        "pcie_throughput.0": "1024",
        "pcie_throughput.1": "2048",
        "pcie_replay": "5",
        "pcie_generation": "5",
        "pcie_width": "16",
        "pcie_max_generation": "5",
        "pcie_max_width": "16",
        "ecc_mode": "1,1",
        "nvlink.0": "1",
        "nvlink.1": "0",
        "nvlink.2": "1",
        "mig_mode": "0,0",
        "max_mig": "7",
        "fabric": "0,3,3,0",
        "field.186": "598000",
        "field.74": "2500000000",
        "field.82": "71",
        "field.30": "3",
        "field.230": "0",
        "field.138": "1000",
        "gpm": "1",
        "gpm.1": "91.5",
        "gpm.2": "88.25",
        "events": str(0x8 | 0x100 | 0x4000 | 0x8000),
        "processes": "4242:66571993088:4294967295:4294967295",
        "process_utilization": "4242:1000:55,4242:2000:87",
    } | more
    return {f"gpu{index}.{key}": value for key, value in told.items()}


def cut(index: int, number: int, *, gi: int, profile: int, start: int, size: int, **more: str) -> Settings:
    """The `number`-th MIG device of a GPU, alone in its GPU instance."""
    slices = _SLICES.get(profile, 1)
    told = {
        f"mig{number}.uuid": f"MIG-{index}{gi}000000-0000-0000-0000-000000000000",
        f"mig{number}.name": f"NVIDIA H100 80GB HBM3 MIG {size}g",
        f"mig{number}.gi": str(gi),
        f"mig{number}.ci": "0",
        f"mig{number}.memory": f"{10 * size * GIB},0,{5 * size * GIB},{5 * size * GIB}",
        f"mig{number}.processes": f"{5000 + gi}:{5 * size * GIB}:{gi}:0",
        f"gi{gi}.placement": f"{profile},{start},{size}",
        f"gi{gi}.ci0.placement": f"{min(slices - 1, 4)},0,{slices}",
        f"gi{gi}.gpm.1": "54.0",
        f"gi{gi}.gpm.2": "50.5",
    } | more
    return {f"gpu{index}.{key}": value for key, value in told.items()}
