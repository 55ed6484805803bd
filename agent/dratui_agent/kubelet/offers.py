"""What the node offers: devices as the slices name them, whether or not they exist yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Version:
    """A semantic version, canonical: `595.58.3`."""

    text: str


Attribute = bool | int | str | Version


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a GPU instance lies on its GPU. `profile` is the driver's GPU instance profile id."""

    profile: int
    start: int  # first memory slice
    size: int  # memory slices


@dataclass(frozen=True, slots=True)
class Taint:
    """As `device.taints` has it. `since` is unix seconds: it stays what it was while the taint stays."""

    key: str
    value: str
    effect: Literal["None", "NoSchedule", "NoExecute"]
    since: float


@dataclass(frozen=True, slots=True)
class Offer:
    """One device of the node's pool.

    `uuid` is empty for a MIG device that is made only when a claim is given it; `placement` says where. A name is a DNS
    label, and means the same device at every start: `gpu-0`, `gpu-0-mig-1g10gb-19-0`.
    """

    name: str
    kind: Literal["gpu", "mig"]
    gpu: str  # the UUID of the GPU: its own, or that of which it is a part
    minor: int  # of /dev/nvidiaN
    uuid: str = ""
    placement: Placement | None = None  # of MIG devices
    attributes: Mapping[str, Attribute] = field(
        default_factory=dict
    )  # by name; unqualified ones are our domain's
    capacity: Mapping[str, int] = field(default_factory=dict)  # memory in bytes
    consumes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # by counter set and counter
    taints: tuple[Taint, ...] = ()
