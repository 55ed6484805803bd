"""What devices do, on cards: the gauges and the last minutes of one, those of several together and one by one."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Final

from dratui.cluster.claims import ClaimRow
from dratui.cluster.devices import DeviceRow
from dratui.cluster.index import claims_of
from dratui.cluster.live import Live
from dratui.cluster.measured import measured
from dratui.cluster.nodes import NodeRow
from dratui.cluster.pods import PodRow
from dratui.cluster.store import Store
from dratui.cluster.tenants import NamespaceRow
from dratui.cluster.totals import Part, claim_live, part, parts_of_claim, plugged, total
from dratui.cluster.trails import Point
from dratui.samples import DeviceSample, NodeSample
from dratui.views import live, words
from dratui.views.describe.document import LIVE, Field, Section, section
from dratui.views.table import Style

MINUTES: Final = 5  # of history
PIECES: Final = 60  # that it is drawn in
COVERS: Final = 20.0  # seconds at most that one value stands for: older ones were put together
MOST: Final = 64  # devices or claims that are told one by one

_HELD_BACK: Final = {
    "clocks_event_software_power_cap": "power cap",
    "clocks_event_hardware_slowdown": "hardware slowdown",
    "clocks_event_software_thermal": "too hot",
    "clocks_event_hardware_thermal": "far too hot",
    "clocks_event_power_brake": "power brake",
}
_FAULTS: Final = {
    "ecc_uncorrected": "uncorrected ECC errors",
    "remapped_rows_uncorrectable": "rows of memory remapped after errors",
    "row_remap_pending": "a row of memory is remapped at the next reset",
    "row_remap_failed": "no row of memory is left for remapping",
}
_SETTLED: Final = {"row_remap_pending", "row_remap_failed"}  # 1 or 0: no number to tell
_RECOVERY: Final = {1: "reset it", 2: "reboot the node", 3: "drain its peers", 4: "drain and reset it"}


def of_device(store: Store, row: DeviceRow, now: datetime) -> Iterator[Section]:
    """A device's gauges."""
    if row.live is not None:
        yield _section(store, row.live, [("", part(store, row.key, row.node))], now)


def of_claim(store: Store, row: ClaimRow, now: datetime) -> Iterator[Section]:
    """What a claim holds."""
    if row.live is not None:
        found = parts_of_claim(store, store.claims[row.key])
        names = dict.fromkeys(device.device for device in row.devices if not device.admin_access)
        yield _section(store, row.live, list(zip(names, found, strict=False)), now)


def of_pod(store: Store, row: PodRow, now: datetime) -> Iterator[Section]:
    """What a pod has by its claims and from device plugins."""
    if row.live is not None:
        pod = store.pods[row.key]
        claims = [found for key in claims_of(pod) if (found := store.claims.get(key)) is not None]
        parts = [each for claim in claims for each in parts_of_claim(store, claim)]
        parts += [p for namespace, p in plugged(store, pod.node, pod.name) if namespace == pod.namespace]
        yield _section(store, row.live, [(_name(each), each) for each in parts], now)


def of_node(store: Store, row: NodeRow, now: datetime) -> Iterator[Section]:
    """All that is measured on a node, and what is amiss with measuring."""
    if row.live is None:
        return
    sample, join = store.samples.get(row.key), measured(store, row.name)
    places = range(len(sample.devices)) if sample is not None else ()
    yield _section(store, row.live, [(_name(p), p) for p in (Part(sample, join, n) for n in places)], now)


def of_namespace(store: Store, row: NamespaceRow, now: datetime) -> Iterator[Section]:
    """What a namespace holds, claim by claim."""
    if row.live is None:
        return
    keys = sorted(store.claims_of_namespace[row.name])
    told = ((key, claim_live(store, store.claims[key])) for key in keys)
    lines = [_line(key.name, state, now) for key, state in islice(told, MOST) if state is not None]
    yield section(LIVE, *_gauges(row.live, now), *lines, *_more(len(keys)))


# --- lines -----------------------------------------------------------------------------------------------------------


def _section(store: Store, state: Live, parts: Sequence[tuple[str, Part]], now: datetime) -> Section:
    """The sum of `parts`; of one that is alone also what only it can tell, of several each."""
    alone = parts[0][1] if len(parts) == 1 else None
    lines: list[Field] = []
    if alone is None:
        for name, each in parts[:MOST]:
            if (of_one := total(store, (each,))) is not None:
                lines.append(_line(name, of_one, now))
    sample = next((each.sample for _, each in parts if each.sample is not None), None)
    return section(
        LIVE,
        *_gauges(state, now),
        *(_alone(store, alone, now) if alone is not None else ()),
        *(_problems(sample, now) if sample is not None else ()),
        Field("sample", live.taken(state, now), Style.DIM),
        *lines,
        *_more(len(parts)),
    )


def _gauges(state: Live, now: datetime) -> Iterator[Field]:
    faded = Style.DIM if live.old(state, now) else Style.PLAIN
    beside = " ".join(filter(None, (live.partial(state), live.old(state, now))))
    if state.utilization is None:
        yield Field("util", live.unknown(state.why, state, now), Style.UNKNOWN)
    elif state.why:
        yield Field("util", f"{state.utilization:.0%} {beside}: {state.why}", faded, share=state.utilization)
    else:
        yield Field("util", f"{state.utilization:.0%} {beside}".rstrip(), faded, share=state.utilization)
    used, there = state.memory_used, state.memory_total
    if used is not None or there is not None:
        yield Field("memory", f"{live.gib(used)} of {live.gib(there)} GiB", faded, _ratio(used, there))
    if state.power is not None:
        limit = f" of {state.power_limit:.0f}" if state.power_limit else ""
        yield Field("power", f"{state.power:.0f}{limit} W", faded, _ratio(state.power, state.power_limit))
    if state.temperature is not None:
        hottest = ", the hottest" if state.of > 1 else ""
        yield Field("temperature", f"{state.temperature:.0f} °C{hottest}", faded)
    if state.idle is not None:
        yield Field("idle", live.idleness(state, now) + (", together" if state.of > 1 else ""))
    if state.shared:
        yield Field("shared", "others hold this too, and are measured with it")


def _alone(store: Store, found: Part, now: datetime) -> Iterator[Field]:
    """What only one device can tell: why it is slow, what is broken, how it was."""
    if found.sample is None or found.join is None or found.place < 0:
        return
    device = found.sample.devices[found.place]
    held_back = [word for key, word in _HELD_BACK.items() if device.values.get(key)]
    if held_back:
        yield Field("clocks", f"held back: {', '.join(held_back)}", Style.TAINTED)
    yield from _faults(device)
    trail = store.trails.of(found.sample.node, found.join.ids[found.place])
    if trail is not None:
        yield from _history(trail.points(now.timestamp()), now.timestamp())


def _faults(device: DeviceSample) -> Iterator[Field]:
    for key, what in _FAULTS.items():
        if number := device.values.get(key):
            yield Field("errors", what if key in _SETTLED else f"{number:.0f} {what}", Style.FAULT)
    if action := device.values.get("recovery_action"):
        yield Field("recovery", f"the driver says: {_RECOVERY.get(int(action), 'recover it')}", Style.FAULT)


def _history(points: Sequence[Point], now: float) -> Iterator[Field]:
    """The last minutes in pieces of the same length: the mean of what is known of each."""
    begins = now - 60 * MINUTES
    length = 60 * MINUTES / PIECES
    sums, weights = [0.0] * PIECES, [0.0] * PIECES
    before = points[0].t if points else now
    for point in points:
        start, before = max(before, point.t - COVERS, begins), point.t
        if point.utilization is None:
            continue
        for n in range(max(0, int((start - begins) / length)), PIECES):
            overlap = min(point.t, begins + (n + 1) * length) - max(start, begins + n * length)
            if overlap <= 0:
                break
            sums[n] += overlap * point.utilization
            weights[n] += overlap
    if any(weights):
        shares = tuple(s / w if w else None for s, w in zip(sums, weights, strict=True))
        yield Field(f"last {MINUTES}m", "", trail=shares)


def _problems(sample: NodeSample, now: datetime) -> Iterator[Field]:
    if sample.problem:
        yield Field("problem", sample.problem, Style.FAULT)
    if sample.attribution_problem:
        since = (
            ""
            if sample.attributed is None
            else f", {words.duration(now.timestamp() - sample.attributed)} old"
        )
        yield Field("holders", f"{sample.attribution_problem}{since}", Style.WAITING)


def _line(name: str, state: Live, now: datetime) -> Field:
    """One of several."""
    said = [live.gib(state.memory_used) + "/" + live.gib(state.memory_total) + " GiB"]
    if state.power is not None:
        said.append(f"{state.power:.0f} W")
    if state.idle is not None:
        said.append(f"idle {live.idleness(state, now)}")
    if state.utilization is None:
        return Field(name, " · ".join((live.unknown(state.why, state, now), *said)), Style.UNKNOWN)
    numbers = " · ".join((f"{state.utilization:4.0%}", *said))
    return Field(name, f"{numbers} {live.old(state, now)}".rstrip(), share=state.utilization)


def _more(number: int) -> Iterator[Field]:
    if number > MOST:
        yield Field("", f"… {number - MOST} more", Style.DIM)


def _name(found: Part) -> str:
    """A device's name: DRA's, else as the driver counts."""
    if found.sample is None or found.join is None or found.place < 0:
        return ""
    if keys := found.join.keys[found.place]:
        return keys[0].device
    device = found.sample.devices[found.place]
    return device.name if device.index is None else f"GPU {device.index}"


def _ratio(some: float | None, all_of_it: float | None) -> float | None:
    return some / all_of_it if some is not None and all_of_it else None
