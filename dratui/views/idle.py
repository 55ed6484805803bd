"""Who holds devices and does nothing with them."""

from typing import Final, TypeGuard

import msgspec

from dratui.api.model import ObjectKey
from dratui.cluster.devices import counted
from dratui.cluster.live import Live
from dratui.cluster.pods import plugin_devices
from dratui.cluster.store import Store
from dratui.cluster.totals import claim_live, pod_live
from dratui.views.live import idle_rank

SHARE: Final = 0.95
"""Of the time; who uses a device less than this much does not use it."""

WATCHED: Final = 60.0
"""Seconds that must have been seen."""


class IdleHolder(msgspec.Struct, frozen=True, gc=False):
    """A claim, or a pod with devices from a device plugin, whose devices were idle for a `share` of the time over
    which they were `watched`, in seconds rounded to minutes. `memory` of them all is in bytes."""

    kind: str
    key: ObjectKey
    devices: int
    product: str
    share: float
    watched: float
    memory: float

    @property
    def rank(self) -> tuple[float, float, ObjectKey]:
        """What is worth most first: by memory, which is what a device is paid for, and by how idle it is."""
        rank = idle_rank(Live(idle=self.share, watched=self.watched)) or 0.0
        return -round(rank * self.memory), -rank, self.key


def idle_claim(store: Store, key: ObjectKey) -> IdleHolder | None:
    """A claim, if it holds devices that do nothing."""
    claim = store.claims.get(key)
    if claim is None or claim.allocation is None or not store.samples:
        return None
    live = claim_live(store, claim)
    if not _idle(live):  # as nearly all are, each second anew
        return None
    held = dict.fromkeys(r.key for r in claim.allocation.results if not r.admin_access)
    products = {found.product or "" for device in held if (found := counted(store, device)) is not None}
    return _holder("claims", key, len(held), " + ".join(sorted(products)), live)


def idle_pod(store: Store, key: ObjectKey) -> IdleHolder | None:
    """A pod, if it has devices that do nothing from a device plugin, and no claims that say so."""
    pod = store.pods.get(key)
    if pod is None or pod.claims or not store.samples or not (devices := plugin_devices(pod)):
        return None
    live = pod_live(store, pod)
    return (
        _holder("pods", key, sum(devices.values()), " + ".join(sorted(devices)), live)
        if _idle(live)
        else None
    )


def _idle(live: Live | None) -> TypeGuard[Live]:
    return (
        live is not None
        and not live.shared
        and (live.idle or 0.0) >= SHARE
        and (live.watched or 0.0) >= WATCHED
    )


def _holder(kind: str, key: ObjectKey, devices: int, product: str, live: Live) -> IdleHolder:
    share, minutes = live.idle or 0.0, (live.watched or 0.0) // 60 * 60
    return IdleHolder(kind, key, devices, product, round(share, 2), minutes, live.memory_total or 0.0)
