"""The joins: which objects belong to which, as data, and what looks different when one of them changes.

An index maps a value (a device, a node's name, another object's key) to the keys of the rows that have it.
To join two kinds in a new way, add a line to INDEXES; to make a table follow a kind, add it to that kind's `touched`.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dratui.api.model import (
    Claim,
    DeviceClass,
    DeviceKey,
    Namespace,
    Node,
    ObjectKey,
    Pod,
    Quota,
    Row,
    Slice,
    TaintRule,
    Template,
    WarningEvent,
)

if TYPE_CHECKING:
    from dratui.cluster.store import Store

PoolKey = tuple[str, str]
"""(driver, pool)"""


class Index:
    """Many keys to many values. A value without keys is no entry."""

    __slots__ = ("_keys",)

    def __init__(self) -> None:
        self._keys: dict[Any, set[Any]] = {}

    def __getitem__(self, value: Hashable) -> frozenset[Any] | set[Any]:
        return self._keys.get(value, frozenset())

    def __contains__(self, value: Hashable) -> bool:
        return value in self._keys

    def __iter__(self) -> Iterator[Any]:
        return iter(self._keys)

    def move(self, key: Any, old: Iterable[Hashable], new: Iterable[Hashable]) -> None:
        """`key` had the values `old` and has the values `new`."""
        for value in old:
            keys = self._keys.get(value)
            if keys is not None:
                keys.discard(key)
                if not keys:
                    del self._keys[value]
        for value in new:
            self._keys.setdefault(value, set()).add(key)


# --- the values of a row ---------------------------------------------------------------------------


def pool_of(row: Slice) -> PoolKey:
    """The pool that a slice is a part of."""
    return row.driver, row.pool


def published(row: Slice) -> Iterator[DeviceKey]:
    """The devices that a slice lists."""
    return (DeviceKey(row.driver, row.pool, d.name) for d in row.devices)


def nodes_of(row: Slice) -> Iterator[str]:
    """The nodes that a slice or its devices name."""
    return iter({row.node, *(d.node for d in row.devices)} - {""})


def held(claim: Claim) -> Iterator[DeviceKey]:
    """The devices that a claim's allocation names, admin access included."""
    return (r.key for r in claim.allocation.results) if claim.allocation else iter(())


def reserved_for(claim: Claim) -> Iterator[ObjectKey]:
    """The pods that a claim is reserved for, by name."""
    return (ObjectKey(claim.namespace, c.name) for c in claim.consumers if c.resource == "pods")


def classes_of(row: Claim) -> Iterator[ObjectKey]:
    """The device classes that requests name."""
    for request in row.requests:
        for exact in request.alternatives or (request,):
            yield ObjectKey("", exact.device_class)


def claims_of(pod: Pod) -> Iterator[ObjectKey]:
    """The claims of a pod as far as they have names: given in its spec, or made from a template or for extended
    resources and told in its status."""
    made = {s.name: s.claim for s in pod.claim_statuses}
    for entry in pod.claims:
        if name := entry.claim or made.get(entry.name, ""):
            yield ObjectKey(pod.namespace, name)
    if pod.extended_claim:
        yield ObjectKey(pod.namespace, pod.extended_claim)


def accelerated(pod: Pod) -> bool:
    """Whether a pod has to do with accelerators, by DRA or by device plugin."""
    return bool(pod.claims or pod.extended_claim or any(c.extended for c in pod.containers))


def about_pod(warning: WarningEvent) -> Iterator[ObjectKey]:
    """The pod that a Warning is about."""
    if warning.about_kind == "Pod":
        yield ObjectKey(warning.namespace, warning.about_name)


INDEXES: Mapping[str, tuple[type[Row], Callable[[Any], Iterable[Hashable]]]] = {
    # name: the kind that is indexed, and its values
    "slices_of_pool": (Slice, lambda s: (pool_of(s),)),
    "slices_of_device": (Slice, published),
    "slices_of_node": (Slice, nodes_of),
    "claims_of_device": (Claim, held),
    "claims_of_pool": (Claim, lambda c: {(d.driver, d.pool) for d in held(c)}),
    "claims_of_node": (Claim, lambda c: (c.allocation.node,) if c.allocation and c.allocation.node else ()),
    "claims_of_namespace": (Claim, lambda c: (c.namespace,)),
    "claims_of_class": (Claim, classes_of),
    "claims_reserved_for": (Claim, reserved_for),
    "pods_of_claim": (Pod, claims_of),
    "pods_of_template": (Pod, lambda p: (ObjectKey(p.namespace, c.template) for c in p.claims if c.template)),
    "pods_of_node": (Pod, lambda p: (p.node,) if p.node and accelerated(p) else ()),
    "pods_of_namespace": (Pod, lambda p: (p.namespace,) if accelerated(p) else ()),
    "pods_starting_on": (Pod, lambda p: (p.node,) if p.node and p.phase == "Pending" else ()),
    "pods_leaving": (Pod, lambda p: (p.node,) if p.node and p.deleted else ()),
    "quotas_of_namespace": (Quota, lambda q: (q.namespace,)),
    "warnings_of_pod": (WarningEvent, about_pod),
}


# --- what a row touches ----------------------------------------------------------------------------

ABSENCE: Mapping[str, tuple[str, ...]] = {
    "resourceslices": ("claims", "devices", "pools", "nodes", "taintrules"),
    "resourceclaims": ("pods", "claims", "nodes", "namespaces", "classes", "pools"),
    "resourceclaimtemplates": ("pods", "claims"),
    "nodes": ("pods", "claims"),
    "pods": ("claims", "nodes", "namespaces", "templates"),
}
"""Tables whose rows count a stream's objects or say that one is absent: they change once its rows are all there."""

Touched = Iterator[tuple[str, Hashable]]
"""(table, key of a row in it)"""


def _named(namespace: str) -> tuple[str, ObjectKey]:
    return "namespaces", ObjectKey("", namespace)


def _slice(store: "Store", row: Slice) -> Touched:
    yield "slices", row.key
    for node in nodes_of(row):
        yield "nodes", ObjectKey("", node)
    for device in published(row):
        yield "devices", device
    for node in nodes_of(row):
        for pod in store.pods_leaving[node]:
            yield "pods", pod
    for rule in store.taint_rules.values():
        if any(rule_selects(rule, device) for device in published(row)):
            yield "taintrules", rule.key


def touched_with_pool(store: "Store", pool: PoolKey) -> Touched:
    """What may look different when any slice of a pool changed: one more or less can make all of it complete,
    invalid or obsolete, wherever its devices are. The store asks once for many slices."""
    yield "pools", pool
    for key in store.slices_of_pool[pool]:
        yield from _slice(store, store.slices[key])
    for key in store.claims_of_pool[pool]:
        yield "claims", key
        yield from _node_of(store.claims[key])  # that counts what it holds of a pool without nodes
        for pod in store.pods_of_claim[key]:
            if store.pods[pod].deleted:  # whose driver may be gone
                yield "pods", pod


def touched_with_counters(store: "Store", pool: PoolKey) -> Touched:
    """What may look different when a device of a pool was allocated or freed: partitions of the same card become
    impossible, or possible again. The store asks once for many claims."""
    slices = [store.slices[key] for key in store.slices_of_pool[pool]]
    if not any(s.counter_sets for s in slices):
        return
    for row in slices:
        if partitions := [d.name for d in row.devices if d.consumes]:
            for node in nodes_of(row):
                yield "nodes", ObjectKey("", node)
            for name in partitions:
                yield "devices", DeviceKey(*pool, name)


def _claim(store: "Store", row: Claim) -> Touched:
    yield "claims", row.key
    yield _named(row.namespace)
    for class_ in classes_of(row):
        yield "classes", class_
    for device in held(row):
        yield "devices", device
        yield "pools", (device.driver, device.pool)
        yield from _nodes_with(store, device)
    yield from _node_of(row)
    for pod in store.pods_of_claim[row.key]:
        yield from _pod_and_claims(store, pod)


def _node_of(claim: Claim) -> Touched:
    if claim.allocation and claim.allocation.node:
        yield "nodes", ObjectKey("", claim.allocation.node)


def _nodes_with(store: "Store", device: DeviceKey) -> Touched:
    """The nodes that count a device: by a slice, or because it is held there."""
    for key in store.slices_of_device[device]:
        for node in nodes_of(store.slices[key]):
            yield "nodes", ObjectKey("", node)
    for key in store.claims_of_device[device]:
        yield from _node_of(store.claims[key])


def _pod(store: "Store", row: Pod) -> Touched:
    yield from _pod_and_claims(store, row.key)
    for claim in claims_of(row):
        yield "claims", claim
    for entry in row.claims:
        if entry.template:
            yield "templates", ObjectKey(row.namespace, entry.template)
    if accelerated(row):
        yield _named(row.namespace)
        if row.node:
            yield "nodes", ObjectKey("", row.node)


def _pod_and_claims(store: "Store", key: ObjectKey) -> Touched:
    """A pod, and the claims whose reason to wait is the pod's."""
    yield "pods", key
    pod = store.pods.get(key)
    for claim in {*(claims_of(pod) if pod else ()), *store.claims_reserved_for[key]}:
        yield "claims", claim


def _warning(store: "Store", row: WarningEvent) -> Touched:
    for pod in about_pod(row):
        yield from _pod_and_claims(store, pod)


def _template(store: "Store", row: Template) -> Touched:
    yield "templates", row.key
    for pod in store.pods_of_template[row.key]:
        yield from _pod_and_claims(store, pod)


def _taint_rule(store: "Store", row: TaintRule) -> Touched:
    yield "taintrules", row.key
    for device in {**dict.fromkeys(store.slices_of_device), **dict.fromkeys(store.claims_of_device)}:
        if rule_selects(row, device):
            yield "devices", device
            yield "pools", (device.driver, device.pool)
            yield from _nodes_with(store, device)


def _node(store: "Store", row: Node) -> Touched:
    yield "nodes", row.key
    for pod in store.pods_starting_on[row.name]:
        yield from _pod_and_claims(store, pod)
    for pod in store.pods_leaving[row.name]:
        yield "pods", pod


def rule_selects(rule: TaintRule, device: DeviceKey) -> bool:
    """Whether a DeviceTaintRule is about a device. What it leaves empty selects all."""
    return (
        rule.driver in ("", device.driver)
        and rule.pool in ("", device.pool)
        and rule.device in ("", device.device)
    )


def _itself(table: str) -> Callable[["Store", Row], Touched]:
    return lambda store, row: iter([(table, row.key)])


TOUCHED: Mapping[type[Row], Callable[["Store", Any], Touched]] = {
    Slice: _slice,
    Claim: _claim,
    Template: _template,
    DeviceClass: _itself("classes"),
    TaintRule: _taint_rule,
    Pod: _pod,
    Node: _node,
    Namespace: _itself("namespaces"),
    Quota: lambda store, row: iter([_named(row.namespace)]),
    WarningEvent: _warning,
}
