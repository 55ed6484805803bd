"""From what kubelet calls a device to the device that NVML sees.

A DRA driver's device is found, in this order,
- by its UUID, where its CDI spec shows it to the container (`NVIDIA_VISIBLE_DEVICES`), or its ResourceSlice tells it,
- by its name: gpu.nvidia.com, and so the agent as driver, calls a GPU `gpu-MINOR`, and a MIG device
  `gpu-MINOR-mig-PROFILE-PROFILE_ID-PLACEMENT_START`, whether it was there before or was made for the claim,
- by the device node of its CDI spec, where that is one GPU's.
What matches nothing, or several, is left out rather than guessed at.

A device plugin's device is its UUID, with a replica's number behind it where devices are time-sliced (`GPU-…::3`).

Sources: github.com/NVIDIA/k8s-dra-driver-gpu, device names; github.com/NVIDIA/k8s-device-plugin, replicas.
"""

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeVar

from dratui_agent.sample import Device

Name = TypeVar("Name", bound=Hashable)

DRIVER: Final = "gpu.nvidia.com"
_PROFILE: Final = r"[0-9a-z.+-]{0,32}[a-z][0-9a-z.+-]{0,32}"  # once it was not in the name: digits are none
_NAME: Final = re.compile(rf"gpu-(\d{{1,4}})(?:-mig-{_PROFILE}-(\d{{1,4}})-(\d{{1,4}}))?")
_NODE: Final = re.compile(r"/dev/nvidia(\d{1,4})")


@dataclass(frozen=True, slots=True)
class Edits:
    """What a CDI spec does to a container for one device, as far as it tells which device it is."""

    uuids: Sequence[str] = ()
    nodes: Sequence[str] = ()  # paths of device nodes


NONE: Final = Edits()


class Devices:
    """The devices of a sample, by what others call them. What several are called finds none of them."""

    def __init__(self, devices: Iterable[Device], own: str = "") -> None:
        """`own`: the agent's own driver, where it is one; its names mean what those of NVIDIA's do."""
        all_ = list(devices)
        self.drivers = {DRIVER, own}
        self.by_uuid = _unique((d.uuid, d) for d in all_)
        self.gpus = _unique((d.minor, d) for d in all_ if d.kind == "gpu")
        self.parts = _unique(
            ((d.minor, d.profile, d.start), d) for d in all_ if d.kind == "mig" and d.ci in (0, None)
        )


def of_claim(devices: Devices, driver: str, name: str, edits: Edits = NONE, uuid: str = "") -> Device | None:
    """The device that a driver calls `name`. `uuid`: as its slice tells, if that is known."""
    if edits.uuids and len(shown := devices.by_uuid.keys() & edits.uuids) == 1:
        return devices.by_uuid[shown.pop()]
    if found := devices.by_uuid.get(uuid):
        return found
    if driver in devices.drivers and (called := _parsed(name)):
        minor, profile, start = called
        if profile is None:
            return devices.gpus.get(minor)
        return devices.parts.get((minor, profile, start))
    minors = {int(node[1]) for path in edits.nodes if (node := _NODE.fullmatch(path))}
    return devices.gpus.get(minors.pop()) if len(minors) == 1 else None


def of_plugin(devices: Devices, device_id: str) -> Device | None:
    """The device that a device plugin gave."""
    return devices.by_uuid.get(device_id.partition("::")[0])


@lru_cache(maxsize=4096)
def _parsed(name: str) -> tuple[int, int | None, int | None] | None:
    """The minor number, profile id and placement in a device's name."""
    if not (parts := _NAME.fullmatch(name)):
        return None
    minor, profile, start = parts.groups()
    return (int(minor), None, None) if profile is None else (int(minor), int(profile), int(start))


def _unique(named: Iterable[tuple[Name, Device]]) -> Mapping[Name, Device]:
    found: dict[Name, Device | None] = {}
    for name, device in named:
        found[name] = None if name in found else device
    return {name: device for name, device in found.items() if device is not None}
