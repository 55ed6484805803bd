"""Pods: their claims, their devices, and why they wait."""

from datetime import datetime

import msgspec

from dratui.api.model import ObjectKey, Pod
from dratui.cluster.health import Report, reports_of_pod, unhealthy
from dratui.cluster.index import claims_of
from dratui.cluster.judgement import published
from dratui.cluster.leaving import eviction, leaving
from dratui.cluster.live import Live
from dratui.cluster.pending import Waiting, waiting
from dratui.cluster.store import Store
from dratui.cluster.taints import evicted_at
from dratui.cluster.totals import pod_live


class PodRow(msgspec.Struct, frozen=True, gc=False, rename="camel", kw_only=True):
    """A pod as listed. `status`, `ready` and `restarts` are what kubectl prints, `claims` are names within its
    namespace, `devices` what they got, `plugin` what it has or wants by device plugin."""

    namespace: str
    name: str
    phase: str
    status: str
    ready: str
    restarts: int
    node: str
    claims: tuple[str, ...]
    devices: tuple[str, ...]
    plugin: dict[str, int]
    waiting: Waiting | None
    leaving: str  # what keeps it, if it is being deleted and cannot go
    health: tuple[Report, ...]  # what kubelet reports about its devices
    eviction: str  # who evicts it, in the words of its condition
    evicted_at: datetime | None  # when a NoExecute taint of its devices does
    created: datetime | None
    deleted: datetime | None
    live: Live | None = None

    @property
    def unhealthy(self) -> list[Report]:
        """Its devices that kubelet reports to be ill."""
        return unhealthy(self.health)

    @property
    def key(self) -> ObjectKey:
        """Which pod."""
        return ObjectKey(self.namespace, self.name)


def pod_row(store: Store, key: ObjectKey) -> PodRow | None:
    """A pod as listed."""
    pod = store.pods.get(key)
    if pod is None:
        return None
    claims = tuple(dict.fromkeys(claims_of(pod)))
    found = [claim.allocation for c in claims if (claim := store.claims.get(c)) is not None]
    results = [r for allocation in found if allocation is not None for r in allocation.results]
    return PodRow(
        namespace=pod.namespace,
        name=pod.name,
        phase=pod.phase,
        status=pod.status,
        ready=pod.ready,
        restarts=pod.restarts,
        node=pod.node,
        claims=tuple(c.name for c in claims),
        devices=tuple([r.device for r in results]),
        plugin=plugin_devices(pod),
        waiting=waiting(store, pod),
        leaving=leaving(store, pod),
        health=reports_of_pod(store, pod),
        eviction=eviction(pod),
        evicted_at=min(
            [at for r in results if (at := evicted_at(store, r, published(store, r.key)))], default=None
        ),
        created=pod.created,
        deleted=pod.deleted,
        live=pod_live(store, pod),
    )


def plugin_devices(pod: Pod) -> dict[str, int]:
    """Devices that a pod asks a device plugin for, by resource. Without those that became a claim.

    Init containers run one after the other: the greatest of them counts, against the sum of the others.
    """
    together: dict[str, int] = {}
    alone: dict[str, int] = {}
    for container in pod.containers:
        for name, number in container.extended:
            if container.init:
                alone[name] = max(alone.get(name, 0), number)
            else:
                together[name] = together.get(name, 0) + number
    names = sorted({*together, *alone} - {*pod.claimed_resources})
    return {name: max(together.get(name, 0), alone.get(name, 0)) for name in names}


def finished(pod: Pod) -> bool:
    """Whether a pod is over and holds no more devices."""
    return pod.phase in ("Succeeded", "Failed")
