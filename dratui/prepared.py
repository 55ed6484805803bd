"""What the DRA kubelet plugin of a node believes, as a node's sample (`dratui.samples`) tells it.

Times are unix seconds on the node's clock, as those that kubelet writes into the API. Unknown words are kept: a later
agent may have more kinds of steps and orphans.
"""

from typing import Annotated, Final

import msgspec

Time = Annotated[float, msgspec.Meta(ge=0, le=4e9)]
_MANY: Final = msgspec.Meta(max_length=4096)
_FEW: Final = msgspec.Meta(max_length=512)


class Device(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """A device that was prepared for a claim, by its name in the slice and by the driver's. `made`: for this claim."""

    pool: str = ""
    device: str = ""
    uuid: str = ""
    admin: bool = False
    gpu: str = ""  # UUID of the GPU
    gi: int | None = None  # GPU instance, of a MIG device
    made: bool = False


class Prepared(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """A claim as the plugin's checkpoint has it. `state`: `completed`, or `started` and not done."""

    uid: str
    namespace: str = ""
    name: str = ""
    state: str = ""
    devices: Annotated[tuple[Device, ...], _FEW] = ()
    started: Time | None = None
    completed: Time | None = None


class Spec(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """A CDI spec of the plugin's driver in the node's folder; `claim` is the UID that it names."""

    file: str
    claim: str = ""
    written: Time | None = None


class Instance(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """A GPU instance of a GPU that is partitioned for claims."""

    gpu: str  # UUID
    gi: int
    uuid: str = ""  # of its MIG device


class Orphan(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """What has lost what it belongs to, by its file (`spec`), UID (`entry`), or GPU and GPU instance (`mig`)."""

    what: str
    subject: str
    since: Time | None = None  # first seen so


class Done(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """Something that was done for a claim, or failed `times` in a row since `first`; it was over `at`, and `took`
    seconds. `what`: `prepare`, `unprepare`, `mig_created`, `mig_destroyed`, `restored`, `swept`."""

    at: Time
    claim: str = ""  # UID
    namespace: str = ""
    name: str = ""
    what: str = ""
    detail: str = ""
    took: float = 0.0
    error: str = ""
    times: int = 1
    first: Time | None = None


class Plugin(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """All of it. `problem` is why it is not known any better; `instances` None: nor are MIG devices."""

    driver: str
    claims: Annotated[tuple[Prepared, ...], _MANY] = ()
    specs: Annotated[tuple[Spec, ...], _MANY] = ()
    instances: Annotated[tuple[Instance, ...], _MANY] | None = None
    orphans: Annotated[tuple[Orphan, ...], _MANY] = ()
    steps: Annotated[tuple[Done, ...], _MANY] = ()  # the last ones, the oldest first
    problem: str = ""


def new_steps(before: Plugin, after: Plugin) -> tuple[Done, ...]:
    """What `after` tells that was done, and `before` does not. A failure that came again is nothing new."""
    if before.steps == after.steps:  # as a rule
        return ()
    told = set(map(_once, before.steps))
    return tuple(step for step in after.steps if _once(step) not in told)


def _once(step: Done) -> tuple[str, str, float, bool]:
    failed = bool(step.error)
    return step.what, step.claim or step.detail, step.first or step.at if failed else step.at, failed
