"""From what kubelet calls a device to the device that NVML sees.

A DRA driver's device is found, in this order,
- by its UUID, where its CDI spec shows it to the container (`NVIDIA_VISIBLE_DEVICES`),
- by its name: gpu.nvidia.com calls a GPU `gpu-MINOR`, and a MIG device
  `gpu-MINOR-mig-PROFILE-PROFILE_ID-PLACEMENT_START`, whether it was there before or was made for the claim,
- by the device node of its CDI spec, where that is one GPU's.
What matches nothing, or several, is left out rather than guessed at.

A device plugin's device is its UUID, with a replica's number behind it where devices are time-sliced (`GPU-…::3`).

Sources: github.com/NVIDIA/k8s-dra-driver-gpu, device names; github.com/NVIDIA/k8s-device-plugin, replicas.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from dratui_agent.sample import Device

DRIVER: Final = "gpu.nvidia.com"
_NAME: Final = re.compile(r"gpu-(\d{1,4})(?:-mig-[0-9a-z.+]{1,32}-(\d{1,4})-(\d{1,4}))?")
_NODE: Final = re.compile(r"/dev/nvidia(\d{1,4})")


@dataclass(frozen=True, slots=True)
class Edits:
    """What a CDI spec does to a container for one device, as far as it tells which device it is."""

    uuids: Sequence[str] = ()
    nodes: Sequence[str] = ()  # paths of device nodes


def of_claim(devices: Sequence[Device], driver: str, name: str, edits: Edits = Edits()) -> Device | None:
    """The device that a driver calls `name`."""
    if found := _one(d for d in devices if d.uuid in edits.uuids):
        return found
    if driver == DRIVER and (parts := _NAME.fullmatch(name)):
        minor, profile, start = parts.groups()
        if profile is None:
            return _one(d for d in devices if d.kind == "gpu" and d.minor == int(minor))
        return _one(
            d
            for d in devices
            if d.kind == "mig"
            and (d.minor, d.profile, d.start) == (int(minor), int(profile), int(start))
            and d.ci in (0, None)
        )
    minors = {int(node[1]) for path in edits.nodes if (node := _NODE.fullmatch(path))}
    return _one(d for d in devices if d.kind == "gpu" and d.minor in minors) if len(minors) == 1 else None


def of_plugin(devices: Sequence[Device], device_id: str) -> Device | None:
    """The device that a device plugin gave."""
    uuid = device_id.partition("::")[0]
    return _one(d for d in devices if d.uuid == uuid)


def _one(found: Iterable[Device]) -> Device | None:
    several = list(found)
    return several[0] if len(several) == 1 else None
