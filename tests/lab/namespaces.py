"""Where a lab may do as it likes: namespaces of its own, that end with everything in them.

What is run inside has a loopback interface and no other, its own processes and mounts, and is root. No address, route,
mount or process of it is seen outside. What no namespace keeps apart is taken away at the end: cgroups.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.realparts.processes import tethered

ENTERED = "DRATUI_LAB"
"""The variable that says that one is inside; its value is the name of the cgroup that is for the lab's nodes."""

# bash stays the first process of the lab: it waits for those that others left behind.
_INIT = 'ip link set lo up; "$@"; exit $?'
_UNSHARE = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
_NEEDED = ("unshare", "nsenter", "ip", "bash")


def inside() -> bool:
    return ENTERED in os.environ


def impossible() -> str:
    """Why there can be no lab on this machine; empty where there can."""
    if sys.platform != "linux":
        return "a lab needs Linux"
    if os.geteuid() != 0:
        return "a lab needs root"
    if missing := [program for program in _NEEDED if shutil.which(program) is None]:
        return f"a lab needs {', '.join(missing)}"
    tried = subprocess.run(
        [*_UNSHARE, "ip", "link", "set", "lo", "up"], capture_output=True, text=True, check=False
    )
    return f"no namespaces for a lab: {tried.stderr.strip()}" if tried.returncode else ""


@contextmanager
def entered(
    argv: Sequence[str], *, output: int | None = None, pass_fds: Sequence[int] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command as a lab, `output` as in Popen. At the end it is killed with all that it started.

    Where we are killed ourselves that happens too, but its folder and its empty cgroups stay.
    """
    name = f"dratui-lab-{os.getpid()}"
    with tempfile.TemporaryDirectory(prefix="dratui-lab-") as folder:
        lab = subprocess.Popen(
            tethered([shutil.which(_UNSHARE[0]) or "", *_UNSHARE[1:], "bash", "-c", _INIT, "lab", *argv]),
            env={**os.environ, ENTERED: name, "TMPDIR": folder},
            stdout=output,
            stderr=output,
            pass_fds=pass_fds,
            start_new_session=True,  # ctrl-c is for who waits here
        )
        try:
            yield lab
        finally:
            _end(lab)
            for cgroup in cgroups(name):
                _remove(cgroup)


def _end(lab: subprocess.Popen[bytes]) -> None:
    """Until nothing of it is left: the first process of a lab ends when all others have ended."""
    try:
        first = Path(f"/proc/{lab.pid}/task/{lab.pid}/children").read_text().split()
    except FileNotFoundError:
        first = []
    for pid in first:
        os.kill(int(pid), signal.SIGKILL)
    if not first:
        lab.kill()
    lab.wait()


def cgroups(name: str) -> list[Path]:
    """The folders of a cgroup, one in every hierarchy."""
    mounts = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    return [Path(where, name) for _, where, kind, *_ in mounts if kind in ("cgroup", "cgroup2")]


def _remove(folder: Path) -> None:
    """A cgroup with those in it, from the innermost."""
    for path, _, _ in os.walk(folder, topdown=False):
        os.rmdir(path)
