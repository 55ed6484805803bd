"""How idle devices were, as Prometheus remembers it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Final

import msgspec

from dratui.samples import DeviceSample, NodeSample
from dratui.telemetry import devices
from dratui.telemetry.dialects import BY_SERIES
from dratui.telemetry.exposition import Series
from dratui.telemetry.measured import Own, Row, own_labels
from dratui.telemetry.promapi import Value

BUSY: Final = tuple(
    name for name, (_, told, _) in BY_SERIES.items() if told.key in ("utilization", "graphics_active")
)
"""Series of which one can tell whether a device is idle."""


@dataclass(frozen=True)
class Idle:
    """The share of `watched` seconds in which a device did nothing."""

    share: float
    watched: float


Idleness = Mapping[str, Mapping[Own, Idle]]
"""By the name of a series and its exporter's labels."""


def idle(
    metric: str,
    shares: Sequence[Value],
    looks: Sequence[Value],
    current: Iterable[Row],
    *,
    step: float,
) -> Mapping[Own, Idle]:
    """How idle devices were for as long as those hold them that hold them now.

    A series is a device and who holds it, so it began when they got it. That of an earlier target, of an exporter's
    pod before this one, is the same if the exporter's labels are. `shares` and `looks` answer `promql.below` and
    `promql.looks` of the series `metric`, each `step` seconds.
    """
    wanted = {row.own for row in current if row.series.name == metric}
    givens = {row.given for row in current if row.series.name == metric}
    numbers = {frozenset(v.metric.items() - {("__name__", metric)}): v.number for v in looks}
    seen: defaultdict[Own, list[tuple[float, float]]] = defaultdict(list)
    for value in shares:
        number = numbers.get(frozenset(value.metric.items()), 0.0)
        own = next((own for given in givens if (own := own_labels(value.metric, given)) in wanted), None)
        if own is not None and number >= 1 and 0 <= value.number <= 1:
            seen[own].append((value.number * number, number))
    return {
        own: Idle(sum(s for s, _ in pieces) / (n := sum(n for _, n in pieces)), (n - 1) * step)
        for own, pieces in seen.items()
        if sum(n for _, n in pieces) > 1
    }


def told(sample: NodeSample, of: Sequence[Row], idleness: Idleness) -> NodeSample:
    """The sample, made of these rows, with `idle_share` and `idle_watched` (seconds) among its devices' values."""
    known = {
        (row.series.name, row.own): found
        for row in of
        if (found := idleness.get(row.series.name, {}).get(row.own)) is not None
    }
    if not known:
        return sample
    longest = max(each.watched for each in known.values())
    shares = _identified(of, {key: each.share for key, each in known.items()})
    watched = _identified(of, {key: each.watched / longest for key, each in known.items()})
    return msgspec.structs.replace(
        sample, devices=tuple(_with(each, shares, watched, longest) for each in sample.devices)
    )


_Shares = Mapping[object, Mapping[str, float]]


def _identified(of: Sequence[Row], shares: Mapping[tuple[str, Own], float]) -> _Shares:
    """Shares by device and by the key of the series that told them: put together as values are, in their place."""
    series = [
        Series(name, row.series.labels, shares.get((name, row.own), nan) / BY_SERIES[name][1].factor)
        if (name := row.series.name) in BUSY
        else row.series
        for row in of
    ]
    found: defaultdict[object, dict[str, float]] = defaultdict(dict)
    for told_of in devices.read(series).values():
        for each in told_of:
            found[_identity(each)].update(each.values)
    return found


def _with(device: DeviceSample, shares: _Shares, watched: _Shares, longest: float) -> DeviceSample:
    identity = _identity(device)
    cut = device.mig or device.kind == "mig"
    for key in ("graphics_active", "utilization") if cut else ("utilization", "graphics_active"):
        share, seconds = (each.get(identity, {}).get(key) for each in (shares, watched))
        if share is not None and seconds is not None:
            idle = {"idle_share": share, "idle_watched": seconds * longest}
            return msgspec.structs.replace(device, values={**device.values, **idle})
    return device


def _identity(device: DeviceSample) -> object:
    return device.kind, device.uuid, device.gpu, device.index, device.gi, device.ci
