"""The joins: which objects belong to which, as data, and what looks different when one of them changes.

An index maps a value (a device, a node's name, another object's key) to the keys of the rows that have it.
To join two kinds in a new way, add a line to INDEXES; to make a table follow a kind, add it to that kind's `touched`.
"""

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dratui.api.model import (
    Claim,
    ComputeDomain,
    DeviceClass,
    DeviceKey,
    Namespace,
    Node,
    ObjectKey,
    Pod,
    PodGroup,
    PriorityClass,
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
    """Many keys to many values. A value without keys is no entry.

    Nearly every device has one claim and every claim one pod: a key that is alone is kept as itself, since a set for
    it would take 216 bytes, of which a large cluster has 200,000.
    """

    __slots__ = ("_keys", "_own")

    def __init__(self) -> None:
        self._keys: dict[Any, Any] = {}  # to a key, or a set of them
        self._own: set[Any] = set()  # the values with a set that no other index has, too

    def __getitem__(self, value: Hashable) -> Collection[Any]:
        keys = self._keys.get(value)
        if keys is None:
            return ()
        return keys if type(keys) is set else (keys,)

    def __contains__(self, value: Hashable) -> bool:
        return value in self._keys

    def __iter__(self) -> Iterator[Any]:
        return iter(self._keys)

    def take(self, other: "Index") -> None:
        """Become what another is. It is quick: sets are shared until one of the two changes them."""
        self._keys = other._keys.copy()
        self._own, other._own = set(), set()

    def move(self, key: Any, old: Collection[Hashable], new: Collection[Hashable]) -> None:
        """`key` had the values `old` and has the values `new`."""
        for value in old:
            keys = self._keys.get(value)
            if type(keys) is set:
                keys = self._owned(value, keys)
                keys.discard(key)
                if len(keys) == 1:
                    self._keys[value] = keys.pop()
                    self._own.remove(value)
            elif keys == key:
                del self._keys[value]
        for value in new:
            keys = self._keys.setdefault(value, key)
            if type(keys) is set:
                self._owned(value, keys).add(key)
            elif keys != key:
                self._keys[value] = {keys, key}
                self._own.add(value)

    def _owned(self, value: Hashable, keys: set[Any]) -> set[Any]:
        if value not in self._own:
            self._keys[value] = keys = keys.copy()
            self._own.add(value)
        return keys


# --- the values of a row ---------------------------------------------------------------------------


def pool_of(row: Slice) -> PoolKey:
    """The pool that a slice is a part of."""
    return row.driver, row.pool


def published(row: Slice) -> tuple[DeviceKey, ...]:
    """The devices that a slice lists."""
    return tuple([DeviceKey(row.driver, row.pool, d.name) for d in row.devices])


def nodes_of(row: Slice) -> Collection[str]:
    """The nodes that a slice or its devices name."""
    nodes = {d.node for d in row.devices}
    nodes.add(row.node)
    nodes.discard("")
    return nodes


def held(claim: Claim) -> tuple[DeviceKey, ...]:
    """The devices that a claim's allocation names, admin access included."""
    return tuple([r.key for r in claim.allocation.results]) if claim.allocation else ()


def pools_held(claim: Claim) -> Collection[PoolKey]:
    """The pools of these."""
    return {(r.driver, r.pool) for r in claim.allocation.results} if claim.allocation else ()


def reserved_for(claim: Claim) -> tuple[ObjectKey, ...]:
    """The pods that a claim is reserved for, by name."""
    return tuple([ObjectKey(claim.namespace, c.name) for c in claim.consumers if c.resource == "pods"])


def users(store: "Store", claim: Claim) -> Collection[ObjectKey]:
    """The pods that a claim is reserved for, by name or with their group."""
    groups = [ObjectKey(claim.namespace, c.name) for c in claim.consumers if c.resource == "podgroups"]
    return {*reserved_for(claim), *(pod for group in groups for pod in store.pods_of_group[group])}


def reserves(claim: Claim, pod: Pod) -> bool:
    """Whether a claim is reserved for this very pod, or for its group."""
    return any(
        c.uid == pod.uid if c.resource == "pods" else c.resource == "podgroups" and c.name == pod.group
        for c in claim.consumers
    )


def classes_of(row: Claim) -> tuple[ObjectKey, ...]:
    """The device classes that requests name."""
    return tuple([ObjectKey("", e.device_class) for r in row.requests for e in r.alternatives or (r,)])


def claims_of(pod: Pod) -> tuple[ObjectKey, ...]:
    """The claims of a pod as far as they have names: given in its spec, or made from a template or for extended
    resources and told in its status."""
    if not (pod.claims or pod.extended_claim):
        return ()
    made = {s.name: s.claim for s in pod.claim_statuses}
    names = [*(entry.claim or made.get(entry.name, "") for entry in pod.claims), pod.extended_claim]
    return tuple([ObjectKey(pod.namespace, name) for name in names if name])


def named_claims(pod: Pod) -> Mapping[str, str]:
    """The claim that each entry of a pod's resourceClaims stands for; empty as long as it has no name."""
    made = {s.name: s.claim for s in pod.claim_statuses}
    return {entry.name: entry.claim or made.get(entry.name, "") for entry in pod.claims}


def accelerated(pod: Pod) -> bool:
    """Whether a pod has to do with accelerators, by DRA or by device plugin."""
    if pod.claims or pod.extended_claim:
        return True
    for container in pod.containers:  # noqa: SIM110 — most pods of a cluster come here, and `any` takes thrice as long
        if container.extended:
            return True
    return False


def about_pod(warning: WarningEvent) -> tuple[ObjectKey, ...]:
    """The pod that a Warning is about."""
    return (ObjectKey(warning.namespace, warning.about_name),) if warning.about_kind == "Pod" else ()


INDEXES: Mapping[str, tuple[type[Row], Callable[[Any], Collection[Hashable]]]] = {
    # name: the kind that is indexed, and its values. They are asked for at every change of a row: no generators.
    "slices_of_pool": (Slice, lambda s: (pool_of(s),)),
    "slices_of_device": (Slice, published),
    "slices_of_node": (Slice, nodes_of),
    "claims_of_device": (Claim, held),
    "claims_of_pool": (Claim, pools_held),
    "claims_of_node": (Claim, lambda c: (c.allocation.node,) if c.allocation and c.allocation.node else ()),
    "claims_of_namespace": (Claim, lambda c: (c.namespace,)),
    "claims_of_class": (Claim, classes_of),
    "claims_reserved_for": (Claim, reserved_for),
    "claims_reserved_for_group": (
        Claim,
        lambda c: [ObjectKey(c.namespace, each.name) for each in c.consumers if each.resource == "podgroups"],
    ),
    "pods_of_claim": (Pod, claims_of),
    "pods_telling_of_claim": (Pod, lambda p: claims_of(p) if p.health else ()),
    "pods_of_template": (
        Pod,
        lambda p: [ObjectKey(p.namespace, c.template) for c in p.claims if c.template] if p.claims else (),
    ),
    "pods_of_group": (Pod, lambda p: (ObjectKey(p.namespace, p.group),) if p.group else ()),
    "domains_of_template": (ComputeDomain, lambda d: (ObjectKey(d.namespace, d.template),)),
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
    "resourceclaims": ("pods", "claims", "nodes", "namespaces", "classes", "pools", "taintrules"),
    "resourceclaimtemplates": ("pods", "claims"),
    "nodes": ("pods", "claims"),
    "pods": ("claims", "nodes", "namespaces", "templates", "podgroups", "computedomains"),
    "podgroups": ("pods", "claims"),
}
"""Tables whose rows count a stream's objects or say that one is absent: they change once its rows are all there."""

Touched = Mapping[str, set[Any]]
"""Keys of rows by table; what touches adds to it. It has a set for every table that is asked for (a defaultdict).

What a row touches follows from its key and from what is indexed of it: one that changed in nothing of that touches the
same as before, and is asked once. (A kind without an index is always asked for both states.)
"""


def _slice(store: "Store", key: ObjectKey, row: Slice, touched: Touched) -> None:
    touched["slices"].add(key)
    devices = published(row)
    touched["devices"].update(devices)
    for node in nodes_of(row):
        touched["nodes"].add(ObjectKey("", node))
        for pod in store.pods_leaving[node]:
            _pod_and_claims(store, pod, touched)
    _rules_about(store, devices, touched)


def touch_with_pool(store: "Store", pool: PoolKey, touched: Touched) -> None:
    """What may look different when any slice of a pool changed: one more or less can make all of it complete,
    invalid or obsolete, wherever its devices are. The store asks once for many slices."""
    touched["pools"].add(pool)
    for key in store.slices_of_pool[pool]:
        _slice(store, key, store.slices[key], touched)
    for key in store.claims_of_pool[pool]:
        touched["claims"].add(key)
        _node_of(store.claims[key], touched)  # that counts what it holds of a pool without nodes
        for pod in store.pods_of_claim[key]:  # that its taints evict, or whose driver may be gone
            _pod_and_claims(store, pod, touched)


def touch_with_counters(store: "Store", pool: PoolKey, touched: Touched) -> None:
    """What may look different when a device of a pool was allocated or freed: partitions of the same card become
    impossible, or possible again. The store asks once for many claims."""
    slices = [store.slices[key] for key in store.slices_of_pool[pool]]
    if not any(s.counter_sets for s in slices):
        return
    for row in slices:
        if partitions := [d.name for d in row.devices if d.consumes]:
            touched["nodes"].update(ObjectKey("", node) for node in nodes_of(row))
            touched["devices"].update(DeviceKey(*pool, name) for name in partitions)


def _claim(store: "Store", key: ObjectKey, row: Claim, touched: Touched) -> None:
    touched["claims"].add(key)
    touched["namespaces"].add(ObjectKey("", row.namespace))
    touched["classes"].update(classes_of(row))
    if row.allocation:
        touched["pools"].update(pools_held(row))
        for device in held(row):
            touched["devices"].add(device)
            _nodes_with(store, device, touched)
        _rules_about(store, held(row), touched)
        _node_of(row, touched)
    for pod in store.pods_of_claim[key]:
        _pod_and_claims(store, pod, touched)


def _node_of(claim: Claim, touched: Touched) -> None:
    if claim.allocation and claim.allocation.node:
        touched["nodes"].add(ObjectKey("", claim.allocation.node))


def _nodes_with(store: "Store", device: DeviceKey, touched: Touched) -> None:
    """The nodes that count a device: by a slice, or because it is held there."""
    for key in store.slices_of_device[device]:
        touched["nodes"].update([ObjectKey("", node) for node in nodes_of(store.slices[key])])
    for key in store.claims_of_device[device]:
        _node_of(store.claims[key], touched)


def _rules_about(store: "Store", devices: Collection[DeviceKey], touched: Touched) -> None:
    for rule in store.taint_rules.values():
        if any(rule_selects(rule, device) for device in devices):
            touched["taintrules"].add(rule.key)


def _pod(store: "Store", key: ObjectKey, row: Pod, touched: Touched) -> None:
    touched["pods"].add(key)
    if reserved := store.claims_reserved_for[key]:
        touched["claims"].update(reserved)
    if row.health:
        for claim in filter(None, map(store.claims.get, claims_of(row))):
            touched["devices"].update(held(claim))
    if row.group:
        _pod_group(store, ObjectKey(row.namespace, row.group), row, touched)
    if accelerated(row):
        touched["namespaces"].add(ObjectKey("", row.namespace))
        if row.node:
            touched["nodes"].add(ObjectKey("", row.node))
        touched["claims"].update(claims_of(row))
        for entry in row.claims:
            if entry.template:
                template = ObjectKey(row.namespace, entry.template)
                touched["templates"].add(template)
                touched["computedomains"].update(store.domains_of_template[template])


def _pod_group(store: "Store", key: ObjectKey, row: PodGroup | Pod, touched: Touched) -> None:
    """A group, its pods, of which one more or less matters to all, and the claims that are reserved for them."""
    touched["podgroups"].add(key)
    for pod in store.pods_of_group[key]:
        _pod_and_claims(store, pod, touched)
    for claim in store.claims_reserved_for_group[key]:
        touched["claims"].add(claim)
        _rules_about(store, held(store.claims[claim]), touched)


def _compute_domain(store: "Store", key: ObjectKey, row: ComputeDomain, touched: Touched) -> None:
    touched["computedomains"].add(key)
    touched["pods"].update(store.pods_of_template[ObjectKey(row.namespace, row.template)])


def _pod_and_claims(store: "Store", key: ObjectKey, touched: Touched) -> None:
    """A pod, and the claims whose reason to wait is the pod's."""
    touched["pods"].add(key)
    touched["claims"].update(store.claims_reserved_for[key])
    if pod := store.pods.get(key):
        touched["claims"].update(claims_of(pod))


def _warning(store: "Store", key: ObjectKey, row: WarningEvent, touched: Touched) -> None:
    for pod in about_pod(row):
        _pod_and_claims(store, pod, touched)


def _template(store: "Store", key: ObjectKey, row: Template, touched: Touched) -> None:
    touched["templates"].add(key)
    for pod in store.pods_of_template[key]:
        _pod_and_claims(store, pod, touched)


def _taint_rule(store: "Store", key: ObjectKey, row: TaintRule, touched: Touched) -> None:
    touched["taintrules"].add(key)
    for device in {**dict.fromkeys(store.slices_of_device), **dict.fromkeys(store.claims_of_device)}:
        if rule_selects(row, device):
            touched["devices"].add(device)
            touched["pools"].add((device.driver, device.pool))
            _nodes_with(store, device, touched)
            for claim in store.claims_of_device[device]:
                touched["claims"].add(claim)
                touched["pods"].update(store.pods_of_claim[claim])


def _node(store: "Store", key: ObjectKey, row: Node, touched: Touched) -> None:
    touched["nodes"].add(key)
    for pod in (*store.pods_starting_on[row.name], *store.pods_leaving[row.name]):
        _pod_and_claims(store, pod, touched)


def _quota(store: "Store", key: ObjectKey, row: Quota, touched: Touched) -> None:
    touched["namespaces"].add(ObjectKey("", row.namespace))


def rule_selects(rule: TaintRule, device: DeviceKey) -> bool:
    """Whether a DeviceTaintRule is known to be about a device. What it leaves empty selects all."""
    return (
        not rule.narrowed
        and rule.driver in ("", device.driver)
        and rule.pool in ("", device.pool)
        and rule.device in ("", device.device)
    )


def _itself(table: str) -> Callable[["Store", ObjectKey, Row, Touched], None]:
    return lambda store, key, row, touched: touched[table].add(key)


TOUCHED: Mapping[type[Row], Callable[["Store", ObjectKey, Any, Touched], None]] = {
    Slice: _slice,
    Claim: _claim,
    Template: _template,
    DeviceClass: _itself("classes"),
    TaintRule: _taint_rule,
    Pod: _pod,
    Node: _node,
    Namespace: _itself("namespaces"),
    Quota: _quota,
    PriorityClass: lambda store, key, row, touched: None,  # no table shows it
    PodGroup: _pod_group,
    ComputeDomain: _compute_domain,
    WarningEvent: _warning,
}
