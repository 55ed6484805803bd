"""What claims were given on this node: the language between preparation, checkpoint, CDI and whoever shows it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from dratui_agent.kubelet.hardware import Instance


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


What = Literal["prepare", "unprepare", "mig_created", "mig_destroyed", "restored", "swept"]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was done for a claim; `took` is seconds, `error` is empty when it went well.

    What goes wrong again and again in the same way is one step: `times` in a row, for the first time at `first`.
    """

    at: float  # unix seconds, when it was over
    claim: str  # UID; empty for what was done for none
    what: What
    detail: str = ""
    took: float = 0.0
    error: str = ""
    namespace: str = ""  # this and the next: of the claim
    name: str = ""
    times: int = 1
    first: float | None = None  # unix seconds; None: `at`


@dataclass(frozen=True, slots=True)
class Spec:
    """A CDI spec of this driver, as it lies in the folder. `claim` is the UID that its name tells; may be empty."""

    file: str  # without the folder
    claim: str
    devices: tuple[str, ...]  # full names of its CDI devices; none where it cannot be read
    written: float  # unix seconds


@dataclass(frozen=True, slots=True)
class Orphan:
    """What has lost what it belongs to; `since`, unix seconds, is when that was first seen.

    `spec`: a CDI spec, by its file, of no prepared claim. `entry`: a prepared claim, by its UID, that lacks its CDI
    spec. `mig`: a GPU instance, as `GPU-…/3`, that no prepared claim has.
    """

    what: Literal["spec", "entry", "mig"]
    subject: str
    since: float


@dataclass(frozen=True, slots=True)
class Belief:
    """What the plugin believes at a moment: all that is told of it, on the node and to the dashboard.

    `instances` are the GPU instances of GPUs that are partitioned for claims (those that are offered as they are, are
    nobody's); None: the driver did not answer. `problem`: why the rest is not known, such as a checkpoint that cannot
    be read.
    """

    driver: str
    at: float = field(compare=False)  # unix seconds, when it was looked at
    claims: tuple[PreparedClaim, ...] = ()
    specs: tuple[Spec, ...] = ()
    instances: tuple[Instance, ...] | None = None
    steps: tuple[Step, ...] = ()  # the last ones, the oldest first
    orphans: tuple[Orphan, ...] = ()
    problem: str = ""

    @property
    def errors(self) -> Iterator[Step]:
        """The last prepare or unprepare of each claim for which it went wrong."""
        last = {step.claim: step for step in self.steps if step.what in ("prepare", "unprepare")}
        return (step for step in last.values() if step.error)
