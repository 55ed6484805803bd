"""CDI specs on the node: what a container is given for a device. The folder is anybody's who may write there.

Source: the Container Device Interface specification, 1.0.
"""

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from dratui_agent.attribution.matching import Edits

FOLDERS: Final = (Path("/var/run/cdi"), Path("/etc/cdi"))
LARGEST: Final = 1 << 20  # bytes of a spec
MOST: Final = 2000  # specs of a folder
AT_ONCE: Final = 8 << 20  # bytes that are parsed in one pass; the rest in the next
_ENDINGS: Final = (".json", ".yaml")  # drivers write YAML, unless they name the file themselves
_YAML: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
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
        self._left = 0  # bytes that may be parsed in this pass
        self._read: dict[Path, tuple[tuple[int, int, int], Mapping[str, Edits]]] = {}

    def edits(self) -> Mapping[str, Edits]:
        """What each CDI device, by its full name, does to a container. What cannot be read tells nothing."""
        return {name: each for _, devices in self.files() for name, each in devices.items()}

    def files(self) -> Sequence[tuple[Path, Mapping[str, Edits]]]:
        """The same spec by spec."""
        self._left = AT_ONCE
        found = [(path, self._of(path)) for path in self._paths()]
        for gone in self._read.keys() - {path for path, _ in found}:
            del self._read[gone]
        return found

    def _paths(self) -> Iterator[Path]:
        for folder in self._folders:
            try:
                with os.scandir(folder) as entries:
                    names = sorted(
                        e.name for n, e in enumerate(entries) if n < MOST and e.name.endswith(_ENDINGS)
                    )
            except OSError:
                continue
            yield from (folder / name for name in names)

    def _of(self, path: Path) -> Mapping[str, Edits]:
        mark, known = self._read.get(path, (None, {}))
        try:
            # Whatever lies there: a pipe is not waited for.
            with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
                status = os.fstat(file.fileno())
                now = (status.st_ino, status.st_mtime_ns, status.st_size)
                if now == mark:
                    return known
                if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
                    return {}
                if self._left < status.st_size:
                    return known  # in the next pass
                self._left -= status.st_size
                data = file.read(LARGEST)
        except OSError:
            return {}
        found = dict(_devices(_parsed(path, data)))
        self._read[path] = (now, found)
        return found


def _parsed(path: Path, data: bytes) -> Any:
    """None for what cannot be read. No spec merges mappings, and some that do grow without end."""
    try:
        if path.suffix == ".json":
            return json.loads(data)
        return None if b"<<" in data else yaml.load(data, Loader=_YAML)  # noqa: S506 — a safe loader
    except (ValueError, RecursionError, yaml.YAMLError):
        return None


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
