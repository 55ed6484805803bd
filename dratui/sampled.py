"""What devices did, kept in memory beside the changes of `dratui.history`: a sample of each node now and then.

A node's sample replaces the one before every second and says little of what happened in the cluster. So samples are
no changes to step through, but for those in which a kubelet plugin tells of something that it did; and they have a
limit of their own: they shall not drive out what happened.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from operator import itemgetter
from typing import Final, Literal

import msgspec

from dratui.api.model import ObjectKey
from dratui.prepared import new_steps
from dratui.samples import DeviceSample, NodeSample

KEPT: Final = frozenset(
    {
        *("utilization", "graphics_active", "memory_used", "memory_total", "power", "power_limit"),
        *("temperature", "idle_share", "idle_watched"),
    }
)
"""The values that are kept: a device has some hundred, and rows show these."""

_SAMPLE = 500  # bytes, and of each device; fitted to what a process grows by
_DEVICE = 650
_PART = 400  # a claim, a step or the like that a plugin tells of
_WHEN = itemgetter(0)


class Sampled:
    """`every`: seconds between two samples of a node that are kept; at 0 all are, with all values. `limit`: bytes."""

    def __init__(self, every: float, limit: float) -> None:
        self._every = every
        self._limit = limit
        self._of: defaultdict[ObjectKey, list[tuple[float, NodeSample | None]]] = defaultdict(list)
        self._steps: list[float] = []  # when a plugin told of something that it did
        self.weight = 0

    def keep(self, t: float, old: NodeSample | None, new: NodeSample | None) -> None:
        """A sample took the place of another at `t`, unix seconds; None: the node was not, or is not, followed."""
        row = new or old
        if row is None:
            return
        kept = self._of[row.key]
        latest = kept[-1][1] if kept else None
        if new is None or latest is None or t >= kept[-1][0] + self._every or _differs(new, latest):
            self._add(kept, t, new)
            if old and new and old.plugin and new.plugin and new_steps(old.plugin, new.plugin):
                self._steps.append(t)

    def _add(self, kept: list[tuple[float, NodeSample | None]], t: float, sample: NodeSample | None) -> None:
        kept.append((t, self._trimmed(sample) if sample and self._every else sample))
        self.weight += _weight_of(kept, len(kept) - 1)
        if self.weight > self._limit:
            for each in self._of.values():
                del each[: len(each) // 2]
            del self._steps[: len(self._steps) // 2]
            self.weight = sum(_weight_of(each, n) for each in self._of.values() for n in range(len(each)))

    def at(self, t: float) -> dict[ObjectKey, NodeSample]:
        """The samples that were the latest at `t`, by node."""
        found = {}
        for key, kept in self._of.items():
            n = bisect_right(kept, t, key=_WHEN)
            if n and (sample := kept[n - 1][1]) is not None:
                found[key] = sample
        return found

    def nearest(self, t: float, direction: Literal[-1, 1]) -> float | None:
        """When, before or after `t`, a plugin told of something that it did."""
        n = bisect_right(self._steps, t) if direction > 0 else bisect_left(self._steps, t) - 1
        return self._steps[n] if 0 <= n < len(self._steps) else None

    def _trimmed(self, sample: NodeSample) -> NodeSample:
        return msgspec.structs.replace(
            sample,
            interval=max(sample.interval, self._every),
            devices=tuple(map(_essential, sample.devices)),
        )


def _essential(device: DeviceSample) -> DeviceSample:
    return msgspec.structs.replace(
        device,
        values={key: value for key, value in device.values.items() if key in KEPT},
        absent={key: why for key, why in device.absent.items() if key in KEPT},
    )


def _differs(one: NodeSample, other: NodeSample) -> bool:
    """In what does not wait for the next sample."""
    return one.problem != other.problem or (one.plugin is not other.plugin and one.plugin != other.plugin)


def _weight_of(kept: Sequence[tuple[float, NodeSample | None]], n: int) -> int:
    """Of the `n`-th. What the plugin believes is shared by samples until it changes."""
    sample, before = kept[n][1], kept[n - 1][1] if n else None
    if sample is None:
        return 100
    plugin = None if before is not None and before.plugin is sample.plugin else sample.plugin
    parts = (plugin.claims, plugin.specs, plugin.orphans, plugin.steps) if plugin else ()
    return _SAMPLE + _DEVICE * len(sample.devices) + _PART * sum(map(len, parts))
