"""CDI specs of claims: what a container gets. One file a claim, in a folder that all drivers of the node share.

A spec is written beside its place and renamed: a runtime reads the folder whenever it likes. It names the least version
that has all that it uses (0.5: names of devices may begin with a digit), so that old runtimes take it.

Source: the Container Device Interface specification, 1.0.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from dratui_agent.kubelet.prepared import PreparedDevice
from dratui_agent.parsed import items, mapping

VERSION: Final = "0.5.0"
LARGEST: Final = 1 << 20
UUID: Final = "NVIDIA_VISIBLE_DEVICES"
_UID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class CannotWrite(Exception):
    """The spec is not as it should be; the text is for people."""


class Folder:
    """The specs of one driver in a folder."""

    def __init__(self, path: Path, driver: str, at: Callable[[str], None]) -> None:
        self.path = path
        self._vendor = f"k8s.{driver}"
        self._at = at
        self._ours = re.compile(rf"{re.escape(self._vendor)}-claim_({_UID})\.json")
        self._unfinished = re.compile(rf"\.{re.escape(self._vendor)}-claim_{_UID}\.new")

    def name(self, claim: str, device: str, share: str = "") -> str:
        """The full name of a claim's CDI device."""
        return f"{self._vendor}/claim={claim}-{device}{f'-{share}' if share else ''}"

    def write(self, claim: str, devices: Sequence[PreparedDevice]) -> None:
        """The spec of a claim, as it is to be. Raises CannotWrite."""
        place = self._of(claim)
        fresh = place.with_name(f".{place.stem}.new")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with open(fresh, "w") as file:
                json.dump(self._spec(devices), file)
            self._at("spec written")
            os.replace(fresh, place)
            self._at("spec renamed")
        except OSError as error:
            raise CannotWrite(f"cannot write {place}: {error.strerror or error}") from error

    def restore(self, claim: str, devices: Sequence[PreparedDevice]) -> bool:
        """Write it again unless it is as it should be; whether that was needed. Raises CannotWrite."""
        if self._parsed(self._of(claim)) == self._spec(devices):
            return False
        self.write(claim, devices)
        return True

    def remove(self, claim: str) -> None:
        """Raises CannotWrite."""
        if not re.fullmatch(_UID, claim):
            return  # there is none: `write` does not take such a name
        place = self._of(claim)
        try:
            place.unlink(missing_ok=True)
        except OSError as error:
            if os.path.lexists(place):  # a file system that is read-only refuses even what is not there
                raise CannotWrite(f"cannot remove {place}: {error.strerror or error}") from error

    def claims(self) -> Iterator[str]:
        """The UIDs of claims that have a spec. Raises OSError."""
        for name in self._names():
            if found := self._ours.fullmatch(name):
                yield found[1]

    def clean(self) -> None:
        """Remove what a write has left that did not end. Raises OSError."""
        for name in self._names():
            if self._unfinished.fullmatch(name):
                (self.path / name).unlink(missing_ok=True)

    def devices(self, claim: str, pool: str) -> tuple[PreparedDevice, ...]:
        """What a claim was given, as far as its spec tells: not for which requests, nor whether it was made for it."""
        return tuple(self._devices(claim, pool))

    def _devices(self, claim: str, pool: str) -> Iterator[PreparedDevice]:
        for each in items(mapping(self._parsed(self._of(claim))).get("devices")):
            name, edits = mapping(each).get("name"), mapping(mapping(each).get("containerEdits"))
            if isinstance(name, str) and name.startswith(f"{claim}-"):
                env = (e.partition("=") for e in items(edits.get("env")) if isinstance(e, str))
                nodes = (mapping(node).get("path") for node in items(edits.get("deviceNodes")))
                yield PreparedDevice(
                    (),
                    pool,
                    name.removeprefix(f"{claim}-"),
                    next((value for key, _, value in env if key == UUID), ""),
                    cdi=f"{self._vendor}/claim={name}",
                    nodes=tuple(path for path in nodes if isinstance(path, str)),
                )

    def _of(self, claim: str) -> Path:
        if not re.fullmatch(_UID, claim):  # kubelet sends none: it is a file's name
            raise CannotWrite(f"{ascii(claim)[:60]} is no UID of a claim")
        return self.path / f"{self._vendor}-claim_{claim}.json"

    def _names(self) -> Iterable[str]:
        try:
            return os.listdir(self.path)
        except FileNotFoundError:
            return ()

    def _spec(self, devices: Sequence[PreparedDevice]) -> Mapping[str, Any]:
        return {
            "cdiVersion": VERSION,
            "kind": f"{self._vendor}/claim",
            "devices": [
                {
                    "name": each.cdi.partition("=")[2],
                    "containerEdits": {
                        "env": [f"{UUID}={each.uuid}", f"{_variable(each.device)}={each.uuid}"],
                        "deviceNodes": [{"path": path} for path in each.nodes],
                    },
                }
                for each in devices
            ],
        }

    def _parsed(self, path: Path) -> Any:
        """None for what cannot be read."""
        try:
            with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
                return json.loads(file.read(LARGEST))
        except (OSError, ValueError, RecursionError):
            return None


def _variable(device: str) -> str:
    """Of that device alone: of several with the same variable a container has the last one's."""
    return f"DRA_DEVICE_{re.sub('[^A-Z0-9]', '_', device.upper())}"
