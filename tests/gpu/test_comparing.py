"""`make test-gpu` passes where sampler and nvidia-smi agree, fails where they do not, and says so where no GPU is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agent.driver import FakeDriver, cut, cuttable, gpu

MIB = 1 << 20
ROOT = Path(__file__).parents[2]
H100 = "NVIDIA H100 80GB HBM3"
MEMORY = f"{81559 * MIB},0,{18071 * MIB},{63488 * MIB}"
LINE = f"{{}}, {H100}, 00000000:1B:00.0, 595.58.03, Disabled, 81559, 63488, {{}}, 700.00, 64, 93, 9.0"
CUT = f"{{}}, {H100}, 00000000:1C:00.0, 595.58.03, Enabled, 81559, 63488, 612.34, 700.00, 64, [N/A], 9.0"
REPORT = "<nvidia_smi_log><cuda_version>13.2</cuda_version>{}</nvidia_smi_log>"
REPORTED = (
    "<gpu><product_brand>NVIDIA</product_brand><product_architecture>Hopper</product_architecture>"
    "<uuid>{}</uuid><minor_number>{}</minor_number></gpu>"
)


def compared(driver: FakeDriver, folder: Path) -> "subprocess.CompletedProcess[str]":
    environ = os.environ | {
        "PATH": str(folder),
        "FAKE_NVML": str(driver.path),
        "LD_LIBRARY_PATH": str(driver.library.parent),
    }
    asked = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/gpu",
        "-o",
        "python_files=on_*.py",
    ]
    return subprocess.run(asked, cwd=ROOT, env=environ, capture_output=True, text=True)


def smi(folder: Path, power: str = "612.34") -> None:
    """An nvidia-smi of ours, that knows the two GPUs."""
    uuids = [f"GPU-0000000{n}-0000-0000-0000-000000000000" for n in range(2)]
    mig = "MIG-11000000-0000-0000-0000-000000000000"
    listed = f"GPU 0: NVIDIA H100 (UUID: {uuids[0]})\n  MIG 1g.10gb Device 0: (UUID: {mig})\n"
    told = LINE.format(uuids[0], power) + "\n" + CUT.format(uuids[1])
    script = folder / "nvidia-smi"
    report = REPORT.format("".join(REPORTED.format(uuid, n) for n, uuid in enumerate(uuids)))
    cases = {"-L": listed, "-q": report, "*": told}
    said = " ".join(f"{which}) echo '{text}';;" for which, text in cases.items())
    script.write_text(f"#!/bin/sh\ncase $1 in {said} esac\n")
    script.chmod(0o755)


@pytest.fixture
def two_gpus(driver: FakeDriver) -> FakeDriver:
    driver.set({"count": "2", **gpu(0, memory=MEMORY), **gpu(1, memory=MEMORY, mig_mode="1,1")})
    driver.set(cut(1, 0, gi=1, profile=19, start=0, size=1))
    driver.set({**cuttable(0), **cuttable(1)})
    driver.set({f"{place}.gpm.10": "12.5" for place in ("gpu0", "gpu1", "gpu1.gi1")})
    return driver


def test_where_they_agree(two_gpus: FakeDriver, tmp_path: Path) -> None:
    smi(tmp_path)
    done = compared(two_gpus, tmp_path)
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout


def test_where_they_do_not(two_gpus: FakeDriver, tmp_path: Path) -> None:
    smi(tmp_path, power="70.00")
    done = compared(two_gpus, tmp_path)
    assert done.returncode == 1
    assert "power of GPU-00000000" in done.stdout


def test_where_there_is_no_gpu(driver: FakeDriver, tmp_path: Path) -> None:
    done = compared(driver, tmp_path)
    assert done.returncode == 0, done.stdout
    assert "no GPU here: there is no nvidia-smi" in done.stdout
