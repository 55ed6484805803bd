"""The one image of the lab, made here: busybox, and room for programs of the machine that a pod mounts."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

NAME: Final = "dratui.test/busybox:1"

_FOLDERS: Final = ("bin", "dev", "etc", "lib", "lib64", "proc", "sys", "tmp", "usr")
_COMMANDS: Final = ("sh", "sleep", "cat", "env")


def write(target: Path, busybox: Path) -> None:
    """An archive as `ctr images import` reads it. `busybox` must need no libraries."""
    layer = _archive({"bin/busybox": busybox.read_bytes()})
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/bin"], "Cmd": ["/bin/busybox", "sleep", "2147483647"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    described = json.dumps(config).encode()
    name = f"{hashlib.sha256(described).hexdigest()}.json"
    manifest = [{"Config": name, "RepoTags": [NAME], "Layers": ["layer.tar"]}]
    with tarfile.open(target, "w") as archive:
        for path, data in {
            "layer.tar": layer,
            name: described,
            "manifest.json": json.dumps(manifest).encode(),
        }.items():
            _add(archive, path, data)


def _archive(programs: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for folder in _FOLDERS:
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for path, data in programs.items():
            _add(archive, path, data, mode=0o755)
        for command in _COMMANDS:
            entry = tarfile.TarInfo(f"bin/{command}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(entry)
    return made.getvalue()


def _add(archive: tarfile.TarFile, path: str, data: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(data), mode
    archive.addfile(entry, io.BytesIO(data))
