"""What a new sample of a node changes: its trails go on, and the rows that show other values are named.

Every node on the screen has a sample a second. A row is made again when a value in it looks different; so that its
`at` does not age meanwhile, all of a node are now and then (`live.REFRESHED`).
"""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from dratui.api.model import DeviceKey, ObjectKey
from dratui.cluster.live import REFRESHED
from dratui.cluster.measured import Measured, measured
from dratui.cluster.store import Store
from dratui.cluster.totals import utilization, value
from dratui.samples import DeviceSample, NodeSample

_MEMORY = 1 << 27  # bytes: a tenth of a GiB, roughly
Touched = Mapping[str, set[Any]]


def sampled(store: Store, old: NodeSample | None, new: NodeSample | None, touched: Touched) -> None:
    """A node's sample took the place of another; None: there was, or is, none. The store has it already."""
    row = new or old
    if row is None:
        return
    before: Measured | None = store.measured.get(row.node)
    if new is None:
        store.measured.pop(row.node, None)
        _all(store, row.node, before or Measured(store, row), touched)
        return
    if before is None or not before.fits(new):
        store.measured.pop(row.node, None)
        _all(store, row.node, before, touched)
    join = measured(store, row.node)
    assert join is not None  # there is a sample
    _follow(store, join, new)
    shown, join.shown = join.shown, [_shown(device) for device in new.devices]
    due = new.at is None or join.told is None or not 0 <= new.at - join.told < REFRESHED
    if before is None or join is not before or due:
        join.told = new.at
        _all(store, row.node, join, touched)
        return
    for place, (was, now) in enumerate(zip(shown, join.shown, strict=True)):
        if was != now:
            _one(join, place, touched)
            touched["nodes"].add(new.key)


def _follow(store: Store, join: Measured, sample: NodeSample) -> None:
    if sample.at is None or not isfinite(sample.at):
        return
    for place, device in enumerate(sample.devices):
        trail = store.trails.noted(sample.node, join.ids[place])
        if trail is not None:
            busy, memory = utilization(device), value(device, "memory_used")
            trail.note(sample.at, busy, memory, sample.interval, join.holders[place])


def _shown(device: DeviceSample) -> object:
    """Its values as coarse as they are shown."""
    busy = utilization(device)
    return (
        None if busy is None else round(busy * 100),
        (value(device, "memory_used") or 0) // _MEMORY,
        *((value(device, key) or 0) // 1 for key in ("power", "temperature", "idle_watched")),
    )


def _one(join: Measured, place: int, touched: Touched) -> None:
    for table, keys in join.touches[place].items():
        touched[table].update(keys)


def _all(store: Store, node: str, join: Measured | None, touched: Touched) -> None:
    """Every row that tells of the node's devices, those that are not found in its samples among them."""
    touched["nodes"].add(ObjectKey("", node))
    if join is None:
        return
    for place in range(len(join.touches)):
        _one(join, place, touched)
    for key, found in join.of.items():
        if isinstance(found, str):
            _unfound(store, key, touched)


def _unfound(store: Store, key: DeviceKey, touched: Touched) -> None:
    touched["devices"].add(key)
    for claim in store.claims_of_device[key]:
        touched["claims"].add(claim)
        touched["pods"].update(store.pods_of_claim[claim])
        touched["namespaces"].add(ObjectKey("", claim.namespace))
