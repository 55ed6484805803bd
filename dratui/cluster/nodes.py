"""Nodes: what accelerators they have, by DRA and by device plugin, and how many are taken."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

import msgspec

from dratui.api.model import DeviceKey, ObjectKey
from dratui.cluster.devices import Counted, counted
from dratui.cluster.index import pool_of
from dratui.cluster.live import Live
from dratui.cluster.pods import finished, plugin_devices
from dratui.cluster.pools import devices_of
from dratui.cluster.reconciliation import Disagreement, of_node
from dratui.cluster.store import Store
from dratui.cluster.totals import node_live


class PluginResource(msgspec.Struct, frozen=True, gc=False):
    """Devices that a device plugin advertises: how many may be given out, how many pods on the node asked for.
    `requested` is None while pods are not known."""

    name: str
    allocatable: int
    requested: int | None


_ROLE = "node-role.kubernetes.io/"


class NodeRow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A node as listed. `ready` is the condition's status; None: the node is not known, its devices are.

    What slices, claims or pods tell is None while those are not known.
    """

    name: str
    ready: bool | None
    unschedulable: bool
    roles: tuple[str, ...]
    version: str
    drivers: tuple[str, ...] | None
    products: tuple[str, ...] | None
    devices: int | None
    held: int | None
    free: int | None
    plugin: tuple[PluginResource, ...]
    pods: int | None
    created: datetime | None
    live: Live | None = None  # of its GPUs
    prepared: int | None = None  # claims, by the kubelet plugin; None, as the next: it does not tell
    amiss: tuple[Disagreement, ...] | None = None  # where plugin, kubelet and API disagree

    @property
    def key(self) -> ObjectKey:
        """Which node."""
        return ObjectKey("", self.name)


def node_row(store: Store, key: ObjectKey) -> NodeRow | None:
    """A node as listed; None when neither the node nor a device on it exists."""
    node = store.nodes.get(key)
    devices = list(devices_on(store, key.name))
    if node is None and not devices:
        return None
    published, claimed = store.known("resourceslices"), store.known("resourceclaims")
    products = Counter(d.product or key.driver for key, d in devices)
    return NodeRow(
        name=key.name,
        ready=None if node is None or not node.ready else node.ready == "True",
        unschedulable=bool(node and node.unschedulable),
        roles=tuple(k.removeprefix(_ROLE) for k, _ in node.labels if k.startswith(_ROLE)) if node else (),
        version=node.kubelet if node else "",
        drivers=tuple(sorted({key.driver for key, _ in devices})) if published else None,
        products=tuple(f"{n} × {p}" for p, n in sorted(products.items())) if published else None,
        devices=sum(d.state != "gone" for _, d in devices) if published else None,
        held=sum(bool(d.holders) for _, d in devices) if claimed else None,
        free=sum(d.state == "free" for _, d in devices) if published and claimed else None,
        plugin=plugin_resources(store, key.name),
        pods=sum(not finished(store.pods[p]) for p in store.pods_of_node[key.name])
        if store.known("pods")
        else None,
        created=node.created if node else None,
        live=node_live(store, key.name) if store.samples else None,
        prepared=_prepared(store, key),
        amiss=of_node(store, key.name),
    )


def _prepared(store: Store, key: ObjectKey) -> int | None:
    sample = store.samples.get(key)
    plugin = sample.plugin if sample is not None and sample.believed is not None else None
    return None if plugin is None or plugin.problem else len(plugin.claims)


def devices_on(store: Store, node: str) -> Iterator[tuple[DeviceKey, Counted]]:
    """The devices that are this node's own: of pools with a slice for it, or held there."""
    pools = {pool_of(store.slices[key]) for key in store.slices_of_node[node]}
    for claim in store.claims_of_node[node]:
        allocation = store.claims[claim].allocation
        pools.update((r.driver, r.pool) for r in (allocation.results if allocation else ()))
    for pool in sorted(pools):
        for device in devices_of(store, pool):
            found = counted(store, device)
            if found is not None and found.node == node:
                yield device, found


def plugin_resources(store: Store, name: str) -> tuple[PluginResource, ...]:
    """What device plugins advertise on a node, and what its pods asked them for."""
    node = store.nodes.get(ObjectKey("", name))
    allocatable = dict(node.allocatable) if node else {}
    requested: Counter[str] = Counter()
    for key in store.pods_of_node[name]:
        if not finished(pod := store.pods[key]):
            requested.update(plugin_devices(pod))
    return tuple(
        PluginResource(
            resource, allocatable.get(resource, 0), requested[resource] if store.known("pods") else None
        )
        for resource in sorted({*allocatable, *requested})
    )
