"""A step of a claim's life, and the order of all of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, get_args

import msgspec

StepName = Literal[
    "created",
    "allocated",
    "reserved",
    "pod scheduled",
    "swept",  # as the next two, and those of MIG and unprepared: only the node's kubelet plugin tells
    "restored",
    "MIG device made",
    "prepared",
    "running",
    "unprepared",
    "MIG device destroyed",
    "released",
    "deleted",
]
ORDER: Final[Sequence[StepName]] = get_args(StepName)
"""In which they come."""


class Step(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A step of a claim, or of it with one pod.

    It came `at`; where nobody tells when, not before `after` and not after `before`, as far as these are known. One
    that is `waiting` has not come since `after`, for `reason`. Of an `unknown` one nobody tells whether it came.
    """

    step: StepName
    pod: str = ""
    state: Literal["done", "waiting", "unknown", "failed"] = "done"
    at: datetime | None = None
    after: datetime | None = None
    before: datetime | None = None
    reason: str = ""
    took: float | None = None
