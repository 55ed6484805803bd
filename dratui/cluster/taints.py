"""A device's taints, wherever they come from, and when they evict the pods of those who hold it."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from dratui.api.model import Device, DeviceKey, Result, Slice, Taint, Toleration
from dratui.cluster.index import rule_selects
from dratui.cluster.store import Store

BLOCKING_EFFECTS = frozenset({"NoSchedule", "NoExecute"})
"""Effects that keep a device from being allocated; `None` is a dry run."""


class EffectiveTaint(Taint, frozen=True):
    """A taint of a device, from its slice or from a DeviceTaintRule."""

    source: str = ""  # `slice`, or `rule NAME`


def effective_taints(
    store: Store, key: DeviceKey, found: tuple[Slice, Device] | None
) -> Iterator[EffectiveTaint]:
    """The taints that a device has as it was `found` published, then those that DeviceTaintRules add."""

    def taint(source: str, t: Taint) -> EffectiveTaint:
        return EffectiveTaint(t.key, t.value, t.effect, t.time_added, source)

    for t in found[1].taints if found else ():
        yield taint("slice", t)
    for rule in store.taint_rules.values():
        if rule_selects(rule, key):
            yield taint(f"rule {rule.name}", rule.taint)


def eviction_time(result: Result, taints: Iterable[Taint]) -> datetime | None:
    """The earliest time at which a taint evicts the holder; None when none does, or when the server tells no time.

    A toleration without seconds tolerates a taint for good; of several with seconds the shortest counts, from the
    time when the taint was added. Only tolerations whose effect says NoExecute count: here an empty one does not.

    Source: pkg/controller/devicetainteviction, claimEvictionTime, 1.36.
    """
    times = (_evicts(result, t) for t in taints if t.effect == "NoExecute")
    return min(filter(None, times), default=None)


def evicted_at(store: Store, result: Result, found: tuple[Slice, Device] | None) -> datetime | None:
    """When the taints of a device, as it was `found` published, evict the pods of one who got it."""
    if not store.taint_rules and not (found and found[1].taints):  # as a rule
        return None
    return eviction_time(result, effective_taints(store, result.key, found))


def _evicts(result: Result, taint: Taint) -> datetime | None:
    matching = [t for t in result.tolerations if t.effect == "NoExecute" and _tolerates(t, taint)]
    seconds = [t.toleration_seconds for t in matching if t.toleration_seconds is not None]
    if taint.time_added is None or len(seconds) < len(matching):
        return None
    try:
        return taint.time_added + timedelta(seconds=max(0, min(seconds, default=0)))
    except OverflowError:  # after the year 9999
        return None


def _tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Source: k8s.io/dynamic-resource-allocation/resourceclaim, ToleratesTaint, 1.36."""
    if toleration.key not in ("", taint.key):
        return False
    return toleration.operator == "Exists" or (
        toleration.operator in ("", "Equal") and toleration.value == taint.value
    )
