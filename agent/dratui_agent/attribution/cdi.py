"""CDI specs on the node: what a container is given for a device. The folder is anybody's who may write there.

Source: the Container Device Interface specification, 1.0.
"""

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from dratui_agent.attribution.matching import Edits

FOLDERS: Final = (Path("/var/run/cdi"), Path("/etc/cdi"))
LARGEST: Final = 1 << 20  # bytes of a spec
MOST: Final = 2000  # specs of a folder
_UUIDS: Final = ("NVIDIA_VISIBLE_DEVICES=", "CUDA_VISIBLE_DEVICES=")
_CLAIM: Final = re.compile(r"(?:k8s\.)?[^/=]{1,253}/claim=([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-.+")


def claim_uid(name: str) -> str:
    """The claim's UID in a CDI device's name as DRA drivers build it; empty where there is none.

    `k8s.gpu.nvidia.com/claim=0a1b…-gpu-3`
    """
    found = _CLAIM.fullmatch(name)
    return found[1] if found else ""


class Specs:
    """The specs of some folders; read again only where a file has changed."""

    def __init__(self, folders: tuple[Path, ...] = FOLDERS) -> None:
        self._folders = folders
        self._read: dict[Path, tuple[tuple[int, int, int], Mapping[str, Edits]]] = {}

    def edits(self) -> Mapping[str, Edits]:
        """What each CDI device, by its full name, does to a container. What cannot be read tells nothing."""
        found: dict[str, Edits] = {}
        seen: set[Path] = set()
        for path in self._paths():
            seen.add(path)
            found.update(self._of(path))
        for gone in self._read.keys() - seen:
            del self._read[gone]
        return found

    def _paths(self) -> Iterator[Path]:
        for folder in self._folders:
            try:
                with os.scandir(folder) as entries:
                    names = sorted(
                        e.name for n, e in enumerate(entries) if n < MOST and e.name.endswith(".json")
                    )
            except OSError:
                continue
            yield from (folder / name for name in names)

    def _of(self, path: Path) -> Mapping[str, Edits]:
        try:
            status = path.stat()
            mark = (status.st_ino, status.st_mtime_ns, status.st_size)
            known = self._read.get(path)
            if known is not None and known[0] == mark:
                return known[1]
            if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
                return {}
            spec = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        found = dict(_devices(spec))
        self._read[path] = (mark, found)
        return found


def _devices(spec: Any) -> Iterator[tuple[str, Edits]]:
    """The devices of a parsed spec; of what is no spec, none."""
    kind, devices = (spec.get("kind"), spec.get("devices")) if isinstance(spec, dict) else (None, None)
    if not isinstance(kind, str) or not isinstance(devices, list):
        return
    for device in devices:
        name = device.get("name") if isinstance(device, dict) else None
        edits = device.get("containerEdits") if isinstance(device, dict) else None
        if isinstance(name, str) and isinstance(edits, dict):
            yield f"{kind}={name}", Edits(tuple(_uuids(edits)), tuple(_nodes(edits)))


def _uuids(edits: Mapping[str, Any]) -> Iterator[str]:
    for line in edits.get("env") or ():
        if isinstance(line, str) and line.startswith(_UUIDS):
            yield from line.partition("=")[2].split(",")


def _nodes(edits: Mapping[str, Any]) -> Iterator[str]:
    for node in edits.get("deviceNodes") or ():
        path = (node.get("hostPath") or node.get("path")) if isinstance(node, dict) else None
        if isinstance(path, str):
            yield path
