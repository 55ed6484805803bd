"""Who holds a device."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Holder:
    """A container that has a device: by a claim, or from a device plugin (then nothing of a claim is told)."""

    namespace: str
    pod: str
    container: str
    claim: str = ""
    claim_uid: str = ""
    request: str = ""
    driver: str = ""
    pool: str = ""
    device: str = ""
    share_id: str = ""


@dataclass(frozen=True, slots=True)
class Holders:
    """All holders by the UUID of the device, as they were known at `at` (unix seconds; None: never).

    `problem` is why they are not known any better, in words.
    """

    at: float | None = None
    by_device: Mapping[str, Sequence[Holder]] = field(default_factory=dict)
    problem: str = ""
