"""A pool judged by its slices, as the scheduler judges it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from dratui.api.model import CounterSet, Device, DeviceKey, NodeRequirement, NodeSelector, Slice
from dratui.cluster.index import PoolKey
from dratui.cluster.store import Store

State = Literal["complete", "incomplete", "invalid"]


class Judgement(msgspec.Struct, frozen=True, gc=False):
    """What the slices of one pool amount to. `slices` are those of the newest generation, by name."""

    state: State
    generation: int
    slices: tuple[Slice, ...]
    expected: int
    obsolete: int  # slices of older generations, ignored by the scheduler
    devices: Mapping[str, tuple[Slice, Device]]  # by name, in published order
    why: str = ""  # what makes it incomplete or invalid


def judge(slices: Collection[Slice]) -> Judgement:
    """Judge one pool as the scheduler does.

    `slices` are all slices of one (driver, pool), any generation, not empty. Only the highest generation counts; it
    is complete when as many slices were seen as they declare (`resourceSliceCount`). A device name or a counter set
    seen twice, or a counter that no counter set has, makes the pool invalid. Never raises: a pool is judged, not
    rejected.

    Source: k8s.io/dynamic-resource-allocation/structured/internal, GatherPools, 1.36.
    """
    generation = max(s.generation for s in slices)
    newest = tuple(sorted((s for s in slices if s.generation == generation), key=lambda s: s.name))
    expected = newest[0].expected_slices
    obsolete = len(slices) - len(newest)
    devices = {d.name: (s, d) for s in newest for d in s.devices}
    if len(newest) != expected:
        why = f"{len(newest)} of {expected} slices of generation {generation}"
        return Judgement("incomplete", generation, newest, expected, obsolete, devices, why)
    why = _invalid([d for s in newest for d in s.devices], [c for s in newest for c in s.counter_sets])
    return Judgement("invalid" if why else "complete", generation, newest, expected, obsolete, devices, why)


def _invalid(devices: Sequence[Device], sets: Sequence[CounterSet]) -> str:
    if twice := _twice(d.name for d in devices):
        return f"device {twice} is listed twice"
    if twice := _twice(c.name for c in sets):
        return f"counter set {twice} is listed twice"
    counters = {c.name: c.counters for c in sets}
    for device in devices:
        for consumption in device.consumes:
            known = counters.get(consumption.counter_set)
            if known is None:
                return f"device {device.name} consumes unknown counter set {consumption.counter_set}"
            for counter in consumption.counters:
                if counter not in known:
                    return (
                        f"device {device.name} consumes unknown counter {consumption.counter_set}/{counter}"
                    )
    return ""


def _twice(names: Iterable[str]) -> str:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return ""


def judgement(store: Store, pool: PoolKey) -> Judgement | None:
    """Judge a pool of the store; None when nothing publishes it."""
    verdict: Judgement | None = store.judged.get(pool)
    if verdict is None and pool in store.slices_of_pool:
        verdict = store.judged[pool] = judge([store.slices[key] for key in store.slices_of_pool[pool]])
    return verdict


def published(store: Store, key: DeviceKey) -> tuple[Slice, Device] | None:
    """A device and its slice, as its pool's newest generation has them; None when that does not list it."""
    verdict = judgement(store, (key.driver, key.pool))
    return verdict.devices.get(key.device) if verdict else None


def node_of(found: tuple[Slice, Device] | None) -> str:
    """The node that a published device is bound to; empty if it is not bound to one, or not published."""
    return (found[0].node or found[1].node) if found else ""


def _selector(selector: NodeSelector) -> str:
    """A node selector as `kubectl get -l` has it, its terms joined by `or`."""
    return " or ".join(
        ", ".join(map(_requirement, (*term.match_expressions, *term.match_fields)))
        for term in selector.node_selector_terms
    )


def _requirement(of: NodeRequirement) -> str:
    match of.operator:
        case "Exists":
            return of.key
        case "DoesNotExist":
            return f"!{of.key}"
        case "In" | "NotIn":
            return f"{of.key} {of.operator.lower()} ({','.join(of.values)})"
    return f"{of.key} {of.operator} {','.join(of.values)}"


def where(placed: Slice | Device) -> str:
    """Where a slice's devices, or a device that its slice leaves it to, can be used: a node's name, or in words."""
    if placed.node:
        return placed.node
    if placed.all_nodes:
        return "all nodes"
    if placed.node_selector is not None:
        return _selector(placed.node_selector)
    return "by device" if isinstance(placed, Slice) and placed.per_device_nodes else ""
