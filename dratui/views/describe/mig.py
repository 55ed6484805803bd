"""A GPU cut by MIG, as a drawing: its memory slices from left to right, and what lies on each."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from dratui.cluster.devices import DeviceRow
from dratui.cluster.measured import Measured
from dratui.cluster.store import Store
from dratui.cluster.totals import part, utilization, value
from dratui.samples import DeviceSample, NodeSample
from dratui.terminal import clean
from dratui.views import live, words
from dratui.views.describe.document import Cell, Field, Section, section
from dratui.views.table import Style

SLICES: Final = 8  # of memory, where nothing tells how many there are
MOST: Final = 16  # that a drawing has room for
_PROFILE: Final = re.compile(r"\bMIG (\S+)$")


def layout(store: Store, row: DeviceRow) -> Iterator[Section]:
    """Of a GPU that is cut, or of which the device is a part, as its node tells; whoever cut it, and however DRA
    publishes it."""
    found = part(store, row.key, row.node)
    if found.sample is None or found.join is None or found.place < 0:
        return
    itself = found.sample.devices[found.place]
    gpu = next((d for d in found.sample.devices if d.kind == "gpu" and d.uuid == itself.gpu), itself)
    instances = _instances(found.sample, itself.gpu)
    if not instances:
        return
    cells: list[Cell] = []
    lines: list[Field] = []
    at = 0
    for places in instances:
        device = found.sample.devices[places[0]]
        start, size = _place(device)
        if start > at:
            cells.append(_free(start - at))
        profile, holders = _profile(device), _holders(store, found.join, places, device)
        this = "this " if found.place in places else ""
        share = utilization(device)
        style = Style.HELD if holders else Style.FREE
        cells.append(
            Cell(
                size,
                clean(this + profile),
                clean(holders) or "free",
                style,
                share,
                "" if share is not None else words.UNKNOWN,
            )
        )
        lines.append(_line(f"{profile} at {start}", device, holders or "free", share))
        at = max(at, start + size)
    if (rest := _slices(gpu, found.sample, instances) - at) > 0:
        cells.append(_free(rest))
    yield section("MIG", *lines, cells=tuple(cells))


def _instances(sample: NodeSample, gpu: str) -> list[list[int]]:
    """The GPU instances of a GPU from left to right: each as the places of its compute instances in the sample."""
    found: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for place, device in enumerate(sample.devices):
        if device.kind == "mig" and device.gpu == gpu and device.start is not None:
            found[device.start, -1 if device.gi is None else device.gi].append(place)
    return [places for _, places in sorted(found.items())]


def _place(device: DeviceSample) -> tuple[int, int]:
    """The first memory slice and how many, within reason whatever was told."""
    return min(max(device.start or 0, 0), MOST), min(max(device.size or 1, 1), MOST)


def _free(length: int) -> Cell:
    return Cell(length, "free", "", Style.FREE)


def _profile(device: DeviceSample) -> str:
    if (named := _PROFILE.search(device.name)) is not None:
        return named[1]
    return words.count(device.size, "slice") if device.size is not None else f"profile {device.profile}"


def _holders(store: Store, join: Measured, places: Sequence[int], device: DeviceSample) -> str:
    """Claims, or pods that have it otherwise."""
    claims = [
        f"{key.namespace}/{key.name}"
        for place in places
        for device_key in join.keys[place]
        for key in sorted(store.claims_of_device[device_key])
    ]
    told = [f"{h.namespace}/{h.claim or h.pod}" for h in device.holders if h.claim or h.pod]
    return ", ".join(dict.fromkeys(claims or told))


def _line(label: str, device: DeviceSample, holders: str, share: float | None) -> Field:
    used, there = value(device, "memory_used"), value(device, "memory_total")
    memory = f"{live.gib(used)}/{live.gib(there)} GiB"
    if share is None:
        return Field(label, f"{words.UNKNOWN} · {memory} · {holders}", Style.UNKNOWN)
    return Field(label, f"{share:4.0%} · {memory} · {holders}", share=share)


def _slices(gpu: DeviceSample, sample: NodeSample, instances: Sequence[Sequence[int]]) -> int:
    """How many memory slices a GPU has: as many as a slice's memory goes into its own. 8 of most, 4 of an A30."""
    ends = 0
    guesses = []
    for places in instances:
        device = sample.devices[places[0]]
        ends = max(ends, sum(_place(device)))
        part_, whole = value(device, "memory_total"), value(gpu, "memory_total")
        if part_ and whole and device.size:
            guesses.append(round(whole * device.size / part_))
    fits = [n for n in (4, SLICES) if n >= ends]
    if not fits:
        return ends
    return min(fits, key=lambda n: abs(n - (guesses[0] if guesses else SLICES)))
