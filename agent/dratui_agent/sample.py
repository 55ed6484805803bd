"""What was read of a node's devices at one moment: the one language between who reads and who serves.

A value that cannot be known is not there, and `absent` says why; it is never 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class Absent(StrEnum):
    """Why a value is not there."""

    NOT_SUPPORTED = "not_supported"  # by this device or driver
    NO_PERMISSION = "no_permission"
    MIG_NO_GPM = "mig_no_gpm"  # under MIG only GPM tells utilisation, and this GPU has none
    MIG = "mig"  # told of the whole GPU only
    NOT_YET = "not_yet"  # needs a second sample
    LOST = "lost"  # fallen off the bus
    RESET_REQUIRED = "reset_required"
    FAILED = "failed"  # any other error; counted by call


@dataclass(frozen=True, slots=True)
class Device:
    """A GPU, or a MIG device of one. What is empty or None the driver does not tell."""

    uuid: str
    kind: Literal["gpu", "mig"]
    name: str
    gpu: str  # the UUID of the GPU: its own, or that of which it is a part
    index: int  # of the GPU, as the driver counts
    minor: int | None  # of /dev/nvidiaN; in the names that the DRA driver gives
    pci: str = ""  # bus id in lower case, as in /sys: `0000:1b:00.0`
    architecture: str = ""
    compute_capability: str = ""
    serial: str = ""
    mig: bool = False  # a GPU that is cut by MIG
    gi: int | None = None  # GPU instance; this and the next four of a MIG device only
    ci: int | None = None  # compute instance
    profile: int | None = None  # GPU instance profile id
    start: int | None = None  # first memory slice
    size: int | None = None  # memory slices


@dataclass(frozen=True, slots=True)
class Process:
    """A process that computes on a device. What is None the driver does not tell.

    `memory` is in bytes; `utilization`, of the SMs, from 0 to 1, is told of GPUs that are not cut by MIG.
    """

    pid: int
    memory: int | None
    utilization: float | None = None


@dataclass(frozen=True, slots=True)
class DeviceSample:
    """One device: its values by `Quantity.key`, in base units; for those that are not there, why."""

    device: Device
    values: Mapping[str, float]
    absent: Mapping[str, Absent]
    processes: Sequence[Process] = ()
    nvlinks: Sequence[bool] = ()  # which are up, by number


@dataclass(frozen=True, slots=True)
class Sample:
    """A node. `at` is unix seconds, when reading began; `took` is seconds.

    `problem` is what is wrong with the driver as a whole, in words; there are no devices then.
    """

    at: float
    took: float
    driver: str = ""  # version
    devices: Sequence[DeviceSample] = ()
    problem: str = ""
    # By call and NVML error code, since the start
    errors: Mapping[tuple[str, int], int] = field(default_factory=dict)
    # By GPU's UUID, GPU instance (None: the whole GPU) and Xid, since the start.
    xids: Mapping[tuple[str, int | None, int], int] = field(default_factory=dict)
    last_xids: Mapping[str, int] = field(default_factory=dict)  # the newest of each GPU, by UUID
    events: Mapping[tuple[str, str], int] = field(default_factory=dict)  # others: by GPU's UUID and kind
    unread: Mapping[int, Absent] = field(
        default_factory=dict
    )  # GPUs of which not even a UUID is known, by index
