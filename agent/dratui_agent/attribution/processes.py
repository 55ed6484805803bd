"""Which container a process runs in: its cgroup tells the pod's UID and the container's id, kubelet's links to logs
tell the names that belong to the id. So what computes on a device has a name even where kubelet gave the device to
nobody: pods that see all GPUs, and devices that no claim's name leads to.

    /var/log/containers/train-7_ml-team_trainer-<container id>.log
"""

import asyncio
import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from dratui_agent.attribution import cgroups
from dratui_agent.exporter.state import State
from dratui_agent.holders import Place
from dratui_agent.log import log

PROC: Final = Path("/proc")
LOGS: Final = Path("/var/log/containers")
PERIOD_SECONDS: Final = 1.0
MOST_LINKS: Final = 10_000
_LINK: Final = re.compile(r"([^_/]{1,253})_([^_/]{1,63})_([^_/]{1,63})-([0-9a-f]{64})\.log")
_NODES_OWN: Final = 0xEFFFFFFC  # the inode of the first PID namespace, include/linux/proc_ns.h


async def follow(state: State, processes: "Processes", period: float = PERIOD_SECONDS) -> None:
    """Tell `state` where processes run, until cancelled. They are looked up again when there are others."""
    seen: object = None
    while True:
        sample = state.sample
        pids = frozenset(p.pid for d in sample.devices for p in d.processes) if sample else frozenset()
        if pids != seen:
            seen = pids
            state.locate(processes.places(pids))
        await asyncio.sleep(period)


def sees_all(proc: Path = PROC) -> bool:
    """Whether NVML's process ids mean something there: not in a PID namespace of the pod's own."""
    try:
        return proc != PROC or os.stat("/proc/self/ns/pid").st_ino == _NODES_OWN
    except OSError:
        return False


class Processes:
    """Looks processes up in a node's /proc. Names of containers are kept as long as they have a process."""

    def __init__(self, proc: Path = PROC, logs: Path = LOGS) -> None:
        self._proc = proc
        self._logs = logs
        self._names: Mapping[str, tuple[str, str, str]] = {}  # namespace, pod and container by container id

    def places(self, pids: Collection[int]) -> Mapping[int, Place]:
        """Where processes run; those of the node's own and those that have ended are left out."""
        found = {pid: place for pid in pids if (place := cgroups.of_process(pid, self._proc)) is not None}
        ids = {place.container for place in found.values() if place.container}
        names = {id_: name for id_, name in self._names.items() if id_ in ids}
        if ids - names.keys():
            names.update((id_, name) for id_, name in self._links() if id_ in ids)
        self._names = names
        return {
            pid: Place(place.pod_uid, place.container, *names.get(place.container, ("", "", "")))
            for pid, place in found.items()
        }

    def _links(self) -> Iterator[tuple[str, tuple[str, str, str]]]:
        try:
            with os.scandir(self._logs) as entries:
                for number, entry in enumerate(entries):
                    if number >= MOST_LINKS:
                        log.warning(
                            "%s has more than %d entries: the rest is not read", self._logs, MOST_LINKS
                        )
                        return
                    if parts := _LINK.fullmatch(entry.name):
                        pod, namespace, container, id_ = parts.groups()
                        yield id_, (namespace, pod, container)
        except OSError:
            return  # not mounted: UIDs and ids are told without names
