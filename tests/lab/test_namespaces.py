"""A lab is seen by nobody outside, and nothing of it is left: one that is started in the lab of these tests."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.lab import namespaces
from tests.realparts.polling import wait

pytestmark = pytest.mark.realparts
PATIENCE = 30.0
DO_MUCH = """
set -e
ip addr add 10.1.2.3/32 dev lo
mount -t tmpfs tmpfs /mnt
for each in "$@"; do mkdir -p $each/deep; done
sleep 123456 &
for each in "$@"; do echo $! >$each/deep/cgroup.procs || true; done  # one for CPUs wants to be told which
echo $! >$TMPDIR/done
wait
"""


def test_nothing_of_a_lab_is_seen_and_nothing_is_left() -> None:
    before = seen()
    cgroups = namespaces.cgroups(f"dratui-lab-{os.getpid()}")
    with namespaces.entered(["bash", "-c", DO_MUCH, "lab", *map(str, cgroups)]):
        (told,) = wait(
            lambda: [*Path(tempfile.gettempdir()).glob("dratui-lab-*/done")], PATIENCE, "it to do much"
        )
        assert any((cgroup / "deep" / "cgroup.procs").read_text() for cgroup in cgroups)
        assert seen() == before
    assert not told.parent.exists()
    assert not any(cgroup.exists() for cgroup in cgroups)


def seen() -> str:
    """Addresses and mounts as they are here."""
    addresses = subprocess.run(["ip", "addr"], check=True, capture_output=True, text=True).stdout
    return addresses + Path("/proc/self/mounts").read_text()
