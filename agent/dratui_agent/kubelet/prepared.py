"""What claims were given on this node: the language between preparation, checkpoint, CDI and whoever shows it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class PreparedDevice:
    """A device that a claim was given. `made`: a MIG device, for this claim."""

    requests: tuple[str, ...]  # of the claim, without subrequests
    pool: str
    device: str  # its name in the slice
    uuid: str
    cdi: str = ""  # full name of the CDI device
    share: str = ""  # shareID
    admin: bool = False
    gpu: str = ""  # UUID of the GPU
    gi: int | None = None
    ci: int | None = None
    made: bool = False
    nodes: tuple[str, ...] = ()  # paths of what its container has in /dev: the CDI spec can be written again


@dataclass(frozen=True, slots=True)
class PreparedClaim:
    """A claim as the checkpoint has it. `started`: preparing began and was not completed; times are unix seconds."""

    uid: str
    namespace: str
    name: str
    state: Literal["started", "completed"]
    devices: tuple[PreparedDevice, ...]
    started: float
    completed: float | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was done for a claim; `took` is seconds, `error` is empty when it went well."""

    at: float  # unix seconds
    claim: str  # UID; empty for what was done for none
    what: Literal["prepare", "unprepare", "mig_created", "mig_destroyed", "restored", "swept"]
    detail: str = ""
    took: float = 0.0
    error: str = ""
