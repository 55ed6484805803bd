"""When a device's NoExecute taints evict the pods of those who hold it."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from dratui.api.model import Result, Taint, Toleration


def eviction_time(result: Result, taints: Iterable[Taint]) -> datetime | None:
    """The earliest time at which a taint evicts the holder; None when none does, or when the server tells no time.

    A toleration without seconds tolerates a taint for good; of several with seconds the shortest counts, from the
    time when the taint was added. Only tolerations whose effect says NoExecute count: here an empty one does not.

    Source: pkg/controller/devicetainteviction, claimEvictionTime, 1.36.
    """
    times = (_evicts(result, t) for t in taints if t.effect == "NoExecute")
    return min(filter(None, times), default=None)


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
