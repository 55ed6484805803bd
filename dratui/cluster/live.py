"""What devices do now, as rows tell it: `live` of a device, and of those of a claim, pod, node, namespace or product.

`live` of a row is None where nobody was asked: no source of samples, or the node is not followed. Where one was asked
and nothing is known, `known` is 0 and `why` says it; nothing is ever 0 because it is unknown.
"""

from typing import Final

import msgspec

IDLE_BELOW: Final = 0.05
"""Utilisation below which a device does nothing worth its price."""

REFRESHED: Final = 5.0
"""Seconds. So far `at` of a row may lag behind: a row is made again when what it shows changed, or after this time."""


class Live(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True, kw_only=True):
    """What a device, or `of` devices together, do. What is None is not known, of a sum: of none of them.

    `utilization` is 0 to 1, the mean over the devices that told theirs: `known` of them did. Memory is in bytes and
    power in watts, summed over those that told; `temperature` is °C, the highest. A device counts once, however many
    claims share it; so does a MIG device beside the GPU that it is a part of, and a GPU instance that several compute
    instances share. `at` is when the oldest of the samples was taken, unix seconds; `interval` how many seconds there
    are between samples. `why` is the reason where a utilisation is not known, in words that fit a cell.

    `idle` is the share of the time in which utilisation was below 5 %, 0 to 1, since allocation or since it was first
    seen, whichever is later; `watched` is over how many seconds that was seen. Of a sum: the mean, and the least.
    `shared`: others hold the device too, so it is not this claim's alone.
    """

    utilization: float | None = None
    memory_used: float | None = None
    memory_total: float | None = None
    power: float | None = None
    power_limit: float | None = None
    temperature: float | None = None
    idle: float | None = None
    watched: float | None = None
    at: float | None = None
    interval: float = 1.0
    source: str = ""
    known: int = 0
    of: int = 1
    shared: bool = False
    why: str = ""

    def stale(self, now: float) -> bool:
        """Whether a newer sample should have come long ago. `now`: unix seconds."""
        return self.at is not None and now - self.at > 3 * self.interval + REFRESHED
