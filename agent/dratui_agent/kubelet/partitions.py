"""What a part of a GPU is and takes, by the driver's profiles.

Each takes its share of memory and engines, and the memory slices where it lies, of its GPU's counter set. The whole GPU
takes all of it, so it and its parts exclude each other.

Source: dra-driver-nvidia-gpu 0.5, mig.go and partitions.go.
"""

import re
from collections.abc import Mapping, Sequence

from dratui_agent.kubelet.offers import Attribute, Offer, Placement
from dratui_agent.nvml.profiles import Profile, places
from dratui_agent.sample import Device


def part(
    gpu: Device,
    common: Mapping[str, Attribute],
    profile: Profile,
    placement: Placement,
    uuid: str = "",
) -> Offer:
    """A MIG device that there is; without a UUID, one that could be made. `common` is what it has of its GPU."""
    share = _capacity(profile)
    called = re.sub(r"[^a-z0-9-]", "-", profile.name.lower().replace(".", "")).strip("-")
    own: dict[str, Attribute] = {"type": "mig", "parentUUID": gpu.uuid, "profile": profile.name}
    return Offer(
        name=f"gpu-{gpu.minor}-mig-{called}-{profile.number}-{placement.start}",
        kind="mig",
        gpu=gpu.uuid,
        minor=gpu.minor or 0,
        uuid=uuid,
        placement=placement,
        attributes=own | ({"uuid": uuid} if uuid else {}) | dict(common),
        capacity=share,
        consumes={} if uuid else {counter_set(gpu): _counters(share, placement.start, placement.size)},
    )


def _capacity(profile: Profile) -> dict[str, int]:
    return {
        "memory": profile.memory,
        "multiprocessors": profile.multiprocessors,
        "copyEngines": profile.copy_engines,
        "decoders": profile.decoders,
        "encoders": profile.encoders,
        "jpegEngines": profile.jpeg_engines,
        "ofaEngines": profile.ofa_engines,
    }


def everything(found: Sequence[Profile]) -> dict[str, int]:
    """What a GPU has to give: of each the most that any profile takes, and all memory slices."""
    most: dict[str, int] = {}
    for profile in found:
        for name, amount in _capacity(profile).items():
            most[name] = max(most.get(name, 0), amount)
    return _counters(most, 0, max(start + size for _, start, size in places(found)))


def counter_set(gpu: Device) -> str:
    """The name of what the parts of a GPU share."""
    return f"gpu-{gpu.minor}-counter-set"


def _counters(amounts: Mapping[str, int], start: int, size: int) -> dict[str, int]:
    """Counters are named in lower case with dashes; each memory slice is one of its own."""
    named = {re.sub(r"[A-Z]", lambda a: f"-{a[0].lower()}", name): n for name, n in amounts.items()}
    return named | {f"memory-slice-{n}": 1 for n in range(start, start + size)}
