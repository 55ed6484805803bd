"""Claims: state in kubectl's words, devices, who uses them, and what they wait for."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from dratui.api.model import (
    Claim,
    Condition,
    Consumer,
    Device,
    NetworkData,
    ObjectKey,
    Pod,
    PodGroup,
    Request,
    Result,
    Slice,
)
from dratui.api.quantity import parse
from dratui.cluster.binding import failed, gives_up, pending, status_of, trouble
from dratui.cluster.devices import product
from dratui.cluster.health import Report, reports, unhealthy
from dratui.cluster.index import users
from dratui.cluster.judgement import node_of, published
from dratui.cluster.live import Live
from dratui.cluster.pending import waiting
from dratui.cluster.reconciliation import STILL_RESERVED, Disagreement, of_claim
from dratui.cluster.requests import Choice, choice, waste_of
from dratui.cluster.step import Step
from dratui.cluster.steps import steps
from dratui.cluster.store import Store
from dratui.cluster.taints import evicted_at
from dratui.cluster.totals import claim_live


class ClaimDevice(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A device that a claim got."""

    request: str
    driver: str
    pool: str
    device: str
    node: str
    share_id: str = msgspec.field(name="shareID")
    consumed_capacity: Mapping[str, str]
    rounding_waste: Mapping[str, str]  # consumed beyond what the request asked for
    choice: Choice | None  # which entry of firstAvailable it was taken for
    admin_access: bool
    product: str | None
    conditions: tuple[Condition, ...]  # what its driver reports
    network_data: NetworkData | None
    data: Any  # the same, in a form of its own
    health: tuple[Report, ...]  # what kubelet reports, pod by pod
    binding_pending: tuple[str, ...]  # binding conditions that are not True yet
    binding_failed: tuple[str, ...]  # binding failure conditions that are
    evicted_at: datetime | None  # when a NoExecute taint evicts the pods
    changed: tuple[str, ...]  # what is not as it was allocated
    vanished: bool | None  # no longer published; this and the product are None while slices are not known


class ClaimConsumer(msgspec.Struct, frozen=True, gc=False):
    """Whom a claim is reserved for. `present`: whether that very object exists; None: unknown."""

    kind: str
    name: str
    uid: str
    present: bool | None


class ClaimRow(msgspec.Struct, frozen=True, gc=False, rename="camel", kw_only=True):
    """A claim as listed. `state` is what `kubectl get resourceclaims` prints. `bindingEnds`: when the scheduler gives
    up waiting for devices that must be attached, if it waits as long as by default."""

    namespace: str
    name: str
    state: str
    devices: tuple[ClaimDevice, ...]
    requests: tuple[Request, ...]
    consumers: tuple[ClaimConsumer, ...]
    node: str
    reason: str
    created: datetime | None
    allocated: datetime | None
    binding_ends: datetime | None
    evicted_at: datetime | None
    made_for: str  # `pod NAME, entry NAME`; empty for one that a person made
    live: Live | None = None
    amiss: tuple[Disagreement, ...] | None = None  # on its node; None: the plugin there does not tell

    @property
    def key(self) -> ObjectKey:
        """Which claim."""
        return ObjectKey(self.namespace, self.name)

    @property
    def faulty(self) -> bool:
        """Whether a device is gone, ill, not as it was allocated, or failed to bind, or the node does not agree."""
        ill = (d.vanished or d.changed or d.binding_failed or unhealthy(d.health) for d in self.devices)
        return bool(self.amiss) or any(ill)

    @property
    def dangling(self) -> bool:
        """Whether it is reserved for something that is gone."""
        return any(c.present is False for c in self.consumers)


class ClaimTold(ClaimRow, frozen=True, rename="camel", kw_only=True):
    """A claim with all that is told of it. Lists of 40,000 do without the steps: they take as long as the rest."""

    steps: tuple[Step, ...]


def state(claim: Claim) -> str:
    """A claim's state in kubectl's words.

    Source: pkg/printers/internalversion, printResourceClaim, 1.36.
    """
    states = []
    if claim.deleted:
        states.append("deleted")
    if claim.allocation is not None:
        states.append("allocated")
    elif not claim.deleted:
        states.append("pending")
    if claim.consumers:
        states.append("reserved")
    return ",".join(states)


def claim_row(store: Store, key: ObjectKey) -> ClaimRow | None:
    """A claim as listed."""
    claim = store.claims.get(key)
    if claim is None:
        return None
    allocation = claim.allocation
    devices: tuple[ClaimDevice, ...] = ()
    if allocation:
        told = reports(store, claim)
        devices = tuple(
            [_device(store, claim, r, allocation.node, told.get(r.key, ())) for r in allocation.results]
        )
    waits = any(d.binding_pending for d in devices) and not any(d.binding_failed for d in devices)
    consumers = tuple(_consumer(store, claim, c) for c in claim.consumers)
    nodes = {d.node for d in devices}
    amiss = of_claim(store, claim) if store.amiss else None
    return ClaimRow(
        namespace=claim.namespace,
        name=claim.name,
        state=state(claim),
        devices=devices,
        requests=claim.requests,
        consumers=consumers,
        node=(allocation.node if allocation else "") or (nodes.pop() if len(nodes) == 1 else ""),
        reason="; ".join(_reasons(store, claim, devices, consumers, amiss)),
        created=claim.created,
        allocated=allocation.at if allocation else None,
        binding_ends=gives_up(allocation.at) if allocation and waits and not _bound(store, claim) else None,
        made_for=_made_for(claim),
        evicted_at=min([d.evicted_at for d in devices if d.evicted_at], default=None),
        live=claim_live(store, claim),
        amiss=amiss,
    )


def _made_for(claim: Claim) -> str:
    """Whose claim it is: made from a template for an entry of a pod or of a pod group, or by the scheduler for what a
    pod asks for by the name of an extended resource."""
    owner = claim.owner
    if owner is None:
        return ""
    entry = "extended resources" if claim.extended_resource else f"entry {claim.pod_claim_name or '–'}"
    return f"{owner.kind.lower()} {owner.name}, {entry}"


def claim_told(store: Store, key: ObjectKey) -> ClaimTold | None:
    """A claim as JSON tells it."""
    row = claim_row(store, key)
    if row is None:
        return None
    listed = {name: getattr(row, name) for name in row.__struct_fields__}
    return ClaimTold(**listed, steps=tuple(steps(store, store.claims[key], row.reason)))


def _device(store: Store, claim: Claim, result: Result, node: str, health: tuple[Report, ...]) -> ClaimDevice:
    found = published(store, result.key)
    status = status_of(claim, result)
    known = found is not None or store.known("resourceslices")
    return ClaimDevice(
        request=result.request,
        driver=result.driver,
        pool=result.pool,
        device=result.device,
        node=node_of(found) or node,
        share_id=result.share_id,
        consumed_capacity=result.consumed_capacity,
        rounding_waste=waste_of(claim, result),
        choice=choice(claim.requests, result.request),
        admin_access=result.admin_access,
        product=product(result.driver, found[1]) if found else "" if known else None,
        conditions=status.conditions if status else (),
        network_data=status.network if status else None,
        binding_pending=pending(result, status),
        binding_failed=failed(result, status),
        data=msgspec.json.decode(status.data) if status and status.data else None,
        health=health,
        evicted_at=evicted_at(store, result, found),
        changed=tuple(_changes(found, result, node))
        if found and (result.share_id or result.consumed_capacity or node_of(found) != node)
        else (),
        vanished=found is None if known else None,
    )


def _changes(found: tuple[Slice, Device], result: Result, node: str) -> Iterator[str]:
    """What of a published device no longer goes together with its allocation."""
    device = found[1]
    now_on = node_of(found)
    if node and now_on and now_on != node:
        yield f"is on node {now_on}, was allocated on {node}"
    if result.share_id and not device.multiple_allocations:
        yield "can no longer be shared"
    for name, share in result.consumed_capacity.items():
        capacity = device.capacity.get(name)
        if capacity is None:
            yield f"has no capacity {name} any more"
            continue
        taken, total = parse(share), parse(capacity.value)
        if taken is not None and total is not None and taken > total:
            yield f"has {name} {capacity.value}, {share} are allocated"


def _consumer(store: Store, claim: Claim, consumer: Consumer) -> ClaimConsumer:
    rows: Mapping[ObjectKey, Pod | PodGroup]
    match consumer.resource:
        case "pods":
            kind, rows = "Pod", store.pods
        case "podgroups":
            kind, rows = "PodGroup", store.pod_groups
        case other:
            return ClaimConsumer(other, consumer.name, consumer.uid, None)
    present: bool | None = None
    found = rows.get(ObjectKey(claim.namespace, consumer.name))
    if found is not None:
        present = found.uid == consumer.uid
    elif store.known(consumer.resource, claim.namespace):
        present = False
    return ClaimConsumer(kind, consumer.name, consumer.uid, present)


def _reasons(
    store: Store,
    claim: Claim,
    devices: tuple[ClaimDevice, ...],
    consumers: tuple[ClaimConsumer, ...],
    amiss: tuple[Disagreement, ...] | None,
) -> Iterator[str]:
    """What an operator should know about a claim beyond its state."""
    for found in amiss or ():
        if found.what != STILL_RESERVED:
            yield f"{found.text} (node {found.node})"
    if claim.deleted and consumers:
        yield f"being deleted, still reserved for {', '.join(c.name for c in consumers)}"
    elif claim.deleted and claim.finalizers:
        yield f"being deleted, held by finalizer {', '.join(claim.finalizers)}"
    if not _bound(store, claim):
        yield from trouble(claim)
    if vanished := [d.device for d in devices if d.vanished]:
        yield f"no longer published: {', '.join(vanished)}"
    for device in devices:
        for what in device.changed:
            yield f"changed since it was allocated: {device.device} {what}"
        for report in unhealthy(device.health) if device.health else ():
            yield f"device {device.device} is {report.text} (pod {report.pod})"
    for kind, what in (("Pod", "pods"), ("PodGroup", "pod groups")):
        if gone := [c.name for c in consumers if c.present is False and c.kind == kind]:
            yield f"reserved for {what} that are gone: {', '.join(gone)}"
    if claim.allocation is None and not claim.deleted:
        yield waits_for(store, claim)
    elif claim.allocation is not None and not consumers and not claim.deleted:
        yield "allocated, used by no pod"


def _bound(store: Store, claim: Claim) -> bool:
    """Whether a pod that the claim is reserved for is on its node: what had to come before that is past."""
    pods = (store.pods.get(key) for key in users(store, claim))
    return any(pod is not None and pod.node for pod in pods)


def waits_for(store: Store, claim: Claim) -> str:
    """A claim is allocated when a pod that uses it is scheduled, so it waits for what its pod waits for."""
    pods = sorted(store.pods_of_claim[claim.key])
    for key in pods:
        if reason := waiting(store, store.pods[key]):
            return f"pod {key.name}: {reason.brief}"
    if pods:
        return f"pod {pods[0].name} uses it and does not wait"
    return "no pod uses it" if store.known("pods", claim.namespace) else "pods are not known"
