"""Devices: what they are, who holds them, what keeps others away."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from dratui.api.model import (
    AttributeValue,
    Claim,
    CounterConsumption,
    Device,
    DeviceKey,
    Result,
    Slice,
    Version,
)
from dratui.cluster.counters import shortage
from dratui.cluster.health import Report, reports, unhealthy
from dratui.cluster.judgement import Judgement, judgement, node_of, where
from dratui.cluster.live import Live
from dratui.cluster.requests import waste_of
from dratui.cluster.shares import SharedCapacity, shared_capacity
from dratui.cluster.store import Store
from dratui.cluster.taints import BLOCKING_EFFECTS, EffectiveTaint, effective_taints, eviction_time
from dratui.cluster.totals import device_live

State = Literal["free", "held", "shared", "tainted", "blocked", "incomplete", "invalid", "gone", "unknown"]
"""`blocked`: a partition that nobody holds and that the counters of its card no longer suffice for. `gone`: held, but
no longer published; `unknown`: held, and slices are not known. `incomplete`, `invalid`: its pool is, so it is not
given out."""


class Holding(msgspec.Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """One claim's hold on a device. With `adminAccess` it watches and does not hold."""

    namespace: str
    name: str
    request: str
    share_id: str = msgspec.field(name="shareID", default="")
    consumed_capacity: Mapping[str, str] = {}
    rounding_waste: Mapping[str, str] = {}  # consumed beyond what the request asked for
    admin_access: bool = False
    evicted_at: datetime | None = None  # when a NoExecute taint of the device evicts its pods
    health: tuple[Report, ...] = ()  # what kubelet reports, pod by pod


class DeviceRow(msgspec.Struct, frozen=True, gc=False, rename="camel", kw_only=True):
    """A device as listed. `node` is empty where the device is not bound to one node: `where` says more.

    What only slices tell (product, attributes, capacity, taints, whether it vanished) is None while they are not known.
    """

    driver: str
    pool: str
    device: str
    node: str
    where: str
    state: State
    product: str | None
    claims: tuple[Holding, ...]
    attributes: Mapping[str, AttributeValue] | None
    capacity: Mapping[str, str] | None
    shared_capacity: tuple[SharedCapacity, ...] | None  # of a device that several claims may have shares of
    consumes_counters: tuple[CounterConsumption, ...] | None
    taints: tuple[EffectiveTaint, ...] | None
    slice: str
    vanished: bool | None
    why: str
    live: Live | None = None

    @property
    def key(self) -> DeviceKey:
        """Which device."""
        return DeviceKey(self.driver, self.pool, self.device)

    @property
    def unhealthy(self) -> list[Report]:
        """What kubelet reports to be wrong."""
        return unhealthy(report for claim in self.claims for report in claim.health)

    @property
    def holders(self) -> tuple[Holding, ...]:
        """Those who hold it; admin access is not counted."""
        return tuple(c for c in self.claims if not c.admin_access)


def results_on(claim: Claim, key: DeviceKey) -> Iterator[Result]:
    """The results by which a claim has a device: several, if it took several shares."""
    return (r for r in (claim.allocation.results if claim.allocation else ()) if r.key == key)


def _allocated(store: Store, key: DeviceKey) -> list[tuple[Claim, Result]]:
    """Who has a device, claim by claim."""
    claims = [store.claims[name] for name in sorted(store.claims_of_device[key])]
    return [(claim, result) for claim in claims for result in results_on(claim, key)]


def device_row(store: Store, key: DeviceKey) -> DeviceRow | None:
    """A device as listed; None when it is neither published by its pool's newest generation nor held."""
    verdict = judgement(store, (key.driver, key.pool))
    found = verdict.devices.get(key.device) if verdict else None
    taints = tuple(effective_taints(store, key, found))
    allocated = _allocated(store, key)
    claims = tuple(
        Holding(
            c.namespace,
            c.name,
            r.request,
            r.share_id,
            r.consumed_capacity,
            waste_of(c, r),
            r.admin_access,
            eviction_time(r, taints),
            reports(store, c).get(key, ()),
        )
        for c, r in allocated
    )
    if found is None and not claims:
        return None
    if verdict is None or found is None:
        return _unpublished(store, key, claims, taints)
    slice_, device = found
    node = node_of(found) or _held_on(store, key)
    state, why = _state(store, key, found, verdict, allocated)
    return DeviceRow(
        driver=key.driver,
        pool=key.pool,
        device=key.device,
        node=node,
        where=where(device if slice_.per_device_nodes else slice_),
        state=state,
        product=product(key.driver, device),
        claims=claims,
        attributes=device.attributes,
        capacity={name: c.value for name, c in device.capacity.items()},
        shared_capacity=shared_capacity(
            device.capacity, (c.consumed_capacity for c in claims if not c.admin_access)
        )
        if device.multiple_allocations
        else (),
        consumes_counters=device.consumes,
        taints=taints,
        slice=slice_.name,
        vanished=False,
        why=why,
        live=device_live(store, key, node),
    )


class Counted(NamedTuple):
    """What counting needs of a device's row."""

    node: str
    product: str | None
    state: State
    holders: tuple[str, ...]  # namespaces


def counted(store: Store, key: DeviceKey) -> Counted | None:
    """The same as in `device_row`, at a third of its cost."""
    verdict = judgement(store, (key.driver, key.pool))
    found = verdict.devices.get(key.device) if verdict else None
    if verdict is None or found is None:
        row = device_row(store, key)
        return (
            None
            if row is None
            else Counted(row.node, row.product, row.state, _namespaces(h.namespace for h in row.holders))
        )
    allocated = _allocated(store, key)
    return Counted(
        node_of(found) or _held_on(store, key),
        product(key.driver, found[1]),
        _state(store, key, found, verdict, allocated)[0],
        _namespaces(claim.namespace for claim, result in allocated if not result.admin_access),
    )


def _namespaces(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _unpublished(
    store: Store, key: DeviceKey, claims: tuple[Holding, ...], taints: tuple[EffectiveTaint, ...]
) -> DeviceRow:
    """A device that no slice lists: it vanished, if slices are known."""
    known = store.known("resourceslices")
    node = _held_on(store, key)
    return DeviceRow(
        driver=key.driver,
        pool=key.pool,
        device=key.device,
        node=node,
        where="",
        state="gone" if known else "unknown",
        product="" if known else None,
        claims=claims,
        attributes={} if known else None,
        capacity={} if known else None,
        shared_capacity=() if known else None,
        consumes_counters=() if known else None,
        taints=taints if known else None,
        slice="",
        vanished=True if known else None,
        why="held, but its driver no longer publishes it" if known else "held; slices are not known",
        live=device_live(store, key, node),
    )


def _held_on(store: Store, key: DeviceKey) -> str:
    """The node of the claims that hold a device, where its slice names none and they agree."""
    allocations = (store.claims[claim].allocation for claim in store.claims_of_device[key])
    nodes = {a.node for a in allocations if a is not None}
    return nodes.pop() if len(nodes) == 1 else ""


def _state(
    store: Store,
    key: DeviceKey,
    found: tuple[Slice, Device],
    verdict: Judgement,
    allocated: Sequence[tuple[Claim, Result]],
) -> tuple[State, str]:
    """The state that says most, and why. Held comes before what would keep others away."""
    holders = [(claim, result) for claim, result in allocated if not result.admin_access]
    if holders:
        first = holders[0][0]
        shared = any(result.share_id or claim is not first for claim, result in holders)
        return "shared" if shared else "held", ""
    if verdict.state != "complete":
        return verdict.state, f"pool: {verdict.why}"
    for taint in effective_taints(store, key, found):
        if taint.effect in BLOCKING_EFFECTS:
            return "tainted", taint.text
    if short := shortage(store, (key.driver, key.pool), found[1].consumes):
        return "blocked", short
    return "free", ""


def attribute(driver: str, device: Device, name: str) -> AttributeValue | None:
    """An attribute by its bare id, in the driver's domain; None when the device has none."""
    value = device.attributes.get(name)
    return device.attributes.get(f"{driver}/{name}") if value is None else value


_PRODUCT_ATTRIBUTES = ("productName", "model", "accelerator", "tpuGen", "family", "type")
"""What drivers call the thing, the most telling first (NVIDIA, Intel and Gaudi, TPU, AMD)."""


def product(driver: str, device: Device) -> str:
    """What a device is, in its vendor's words: `H100 80GB HBM3`, `MIG 1g.10gb`. Empty when it does not say."""
    profile = attribute(driver, device, "profile")
    if isinstance(profile, str) and profile:
        return f"MIG {profile}" if attribute(driver, device, "type") == "mig" else profile
    for name in _PRODUCT_ATTRIBUTES:
        value = attribute(driver, device, name)
        if isinstance(value, str) and value:
            return value.removeprefix("NVIDIA ")
    return ""


def attribute_text(value: AttributeValue) -> str:
    """An attribute's value in words."""
    match value:
        case bool():
            return "true" if value else "false"
        case Version(text):
            return text
        case tuple():
            return ", ".join(attribute_text(v) for v in value)
    return str(value)
