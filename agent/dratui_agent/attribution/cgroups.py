"""From a process to the pod and the container that it runs in, by its cgroup.

0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podUID.slice/cri-containerd-ID.scope   (systemd)
9:memory:/kubepods/besteffort/podUID/ID                                                              (cgroupfs)
0::/../../podUID/ID                                        (for a reader in a cgroup namespace: from its own on)
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LARGEST: Final = 64 << 10
_POD: Final = re.compile(
    r"pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32})"
)
_CONTAINER: Final = re.compile(r"(?:[a-z-]{1,32}-)?([0-9a-f]{64})(?:\.scope)?")


@dataclass(frozen=True, slots=True)
class InPod:
    """Where a process runs. `container` is the runtime's id, empty for the pod's own cgroup."""

    pod_uid: str
    container: str


def of_process(pid: int, proc: Path = Path("/proc")) -> InPod | None:
    """Where a process runs; None for one of the node's own, or that has ended."""
    try:
        with open(proc / str(pid) / "cgroup", encoding="utf-8", errors="replace") as file:
            return parse(file.read(LARGEST))
    except OSError:
        return None


def parse(text: str) -> InPod | None:
    """The pod and container in /proc/PID/cgroup."""
    for line in text.splitlines():
        parts = line.split(":", 2)[-1].split("/")
        if "kubepods" not in line and ".." not in parts:
            continue
        for position, part in enumerate(parts):
            if pod := _POD.search(part):
                rest = parts[position + 1] if position + 1 < len(parts) else ""
                container = _CONTAINER.fullmatch(rest)
                return InPod(_dashed(pod[1]), container[1] if container else "")
    return None


def _dashed(uid: str) -> str:
    plain = uid.replace("_", "-")
    if "-" in plain:
        return plain
    # A static pod's is a hash
    return "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))
