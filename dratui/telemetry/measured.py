"""Answers of Prometheus, put together to samples of nodes.

A series has the labels of its exporter and those that Prometheus gave its target; where both have one, the exporter's
is `exported_…` (or, with `honor_labels`, the target's is gone). `pod` of a GPU that nobody holds is so the exporter's
own pod: what a label says that the target's `up` says too is not the exporter's, and not taken for a holder.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, nan
from typing import Final

import msgspec

from dratui.samples import DeviceSample, NodeSample
from dratui.telemetry import devices
from dratui.telemetry.dialects import ABSENT, AGENT, BY_SERIES, DIALECTS, HOLDER, INFO, MIG_MODE, Dialect
from dratui.telemetry.exposition import MOST_SERIES, Series
from dratui.telemetry.promapi import Value
from dratui.telemetry.promql import NODE_LABELS

SOURCE: Final = "prometheus"
_KEYS: Final = frozenset(
    {INFO, MIG_MODE, "utilization", "graphics_active", "sm_active", "memory_utilization"}
    | {"memory_used", "memory_total", "memory_free", "memory_reserved"}
    | {"power", "power_limit", "temperature", "energy"}
)
"""What is asked for: what tables and cards show of every device. All of it would be five times as much."""
SERIES: Final[Mapping[str, Sequence[str]]] = {
    each.name: [name for name, told in each.series.items() if told.key in _KEYS] for each in DIALECTS
}
"""By the name of the dialect."""
MARKS: Final = tuple(
    name
    for name, (dialect, told, _) in BY_SERIES.items()
    if told.key in ((INFO,) if dialect is AGENT else ("utilization", "memory_used"))
)
"""Series of which every node that is measured has one."""
FACTS: Final = tuple(name for name, told in AGENT.series.items() if told.key in (ABSENT, HOLDER))
"""Series of the agent that are told of a UUID, not of a node."""
BUSY: Final = tuple(
    name for name, (_, told, _) in BY_SERIES.items() if told.key in ("utilization", "graphics_active")
)
"""Series of which one can tell whether a device is idle."""
_POSSIBLY_THE_TARGETS: Final = frozenset({"namespace", "pod", "container", "service", "endpoint"})
_LONGEST: Final = 512  # characters of a label

Target = tuple[str, str]
"""The labels `job` and `instance`."""
Own = frozenset[tuple[str, str]]
"""The labels that an exporter gave a series."""


@dataclass(frozen=True)
class Row:
    """A series of a node, with its exporter's labels only. `given`: the names of labels that were its target's."""

    series: Series
    own: Own
    target: Target
    given: frozenset[str]


@dataclass(frozen=True)
class Scraped:
    """What is known of targets: their labels, when they were scraped last (on Prometheus's clock), how often."""

    labels: Mapping[Target, Mapping[str, str]] = field(default_factory=dict)
    at: Mapping[Target, float] = field(default_factory=dict)
    every: Mapping[Target, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Idle:
    """The share of `watched` seconds in which a device did nothing."""

    share: float
    watched: float


def node_label(labels: Mapping[str, str]) -> str:
    """The label that has the node's name; empty if none does."""
    return next((name for name in NODE_LABELS if name in labels), "")


def places(values: Sequence[Value]) -> Mapping[str, tuple[Dialect, str]]:
    """By node: who tells of it, the best if several do, and the label that has its name there."""
    found: dict[str, tuple[int, str]] = {}
    for value in values:
        label, known = node_label(value.metric), BY_SERIES.get(value.metric.get("__name__", ""))
        if label and known is not None:
            node, place = value.metric[label], (DIALECTS.index(known[0]), label)
            found[node] = min(found.get(node, place), place)
    return {node: (DIALECTS[rank], label) for node, (rank, label) in found.items()}


def target(labels: Mapping[str, str]) -> Target:
    return labels.get("job", ""), labels.get("instance", "")


def scraped(last: Sequence[Value], counts: Sequence[Value], *, over: float) -> Scraped:
    """From answers to `promql.targets`, and to `promql.scrapes` of the last `over` seconds."""
    return Scraped(
        {target(v.metric): v.metric for v in last},
        {target(v.metric): v.number for v in last if isfinite(v.number)},
        {target(v.metric): over / v.number for v in counts if v.number >= 1},
    )


def rows(values: Sequence[Value], nodes: Collection[str], known: Scraped) -> Mapping[str, Sequence[Row]]:
    """The series of each node."""
    found: defaultdict[str, list[Row]] = defaultdict(list)
    same: dict[Own, Mapping[str, str]] = {}  # one object for all series of a device: see `devices`
    for value in values[:MOST_SERIES]:
        node = value.metric.get(node_label(value.metric), "")
        row = _row(value, known, same)
        if node in nodes and row is not None:
            found[node].append(row)
    return found


def facts(
    values: Sequence[Value], of: Mapping[str, Sequence[Row]], known: Scraped
) -> Mapping[str, Sequence[Row]]:
    """To rows `of` nodes those that are told of a UUID."""
    nodes = {uuid: node for node, all_ in of.items() for r in all_ if (uuid := r.series.labels.get("uuid"))}
    found = {node: list(all_) for node, all_ in of.items()}
    same: dict[Own, Mapping[str, str]] = {}
    for value in values[:MOST_SERIES]:
        row = _row(value, known, same)
        node = nodes.get(value.metric.get("uuid", ""))
        if row is not None and node is not None:
            found[node].append(row)
    return found


def _row(value: Value, known: Scraped, same: dict[Own, Mapping[str, str]]) -> Row | None:
    labels = value.metric
    name = labels.get("__name__", "")
    if name not in BY_SERIES or any(len(text) > _LONGEST for text in labels.values()):
        return None
    whose = target(labels)
    given = known.labels.get(whose)
    if given is None:
        names = frozenset({"job", "instance", *_POSSIBLY_THE_TARGETS})
    else:
        names = frozenset(name for name, text in given.items() if labels.get(name) == text)
    own = _own(labels, names)
    series = Series(name, same.setdefault(own, dict(own)), value.number)
    return Row(series, own, whose, names - {"__name__"})


def _own(labels: Mapping[str, str], given: Collection[str]) -> Own:
    exported = {
        name.removeprefix("exported_"): text for name, text in labels.items() if name.startswith("exported_")
    }
    kept = {
        name: text
        for name, text in labels.items()
        if name not in given and name != "__name__" and not name.startswith("exported_")
    }
    return frozenset({**kept, **exported}.items())


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
        own = next((own for given in givens if (own := _own(value.metric, given)) in wanted), None)
        if own is not None and number >= 1 and 0 <= value.number <= 1:
            seen[own].append((value.number * number, number))
    return {
        own: Idle(sum(s for s, _ in pieces) / (n := sum(n for _, n in pieces)), (n - 1) * step)
        for own, pieces in seen.items()
        if sum(n for _, n in pieces) > 1
    }


def sample(
    node: str,
    found: Sequence[Row],
    known: Scraped,
    idleness: Mapping[str, Mapping[Own, Idle]],
    *,
    now: float,
    at: float,
    interval: float,
) -> NodeSample | None:
    """A node's sample; None if no exporter tells of any device of its. `at` is `now` on Prometheus's clock."""
    told = devices.read(row.series for row in found)
    dialect = next((each for each in DIALECTS if told.get(each)), None)
    if dialect is None:
        return None
    of = [row for row in found if BY_SERIES[row.series.name][0] is dialect]
    targets = {row.target for row in of}
    age = max((at - known.at[each] for each in targets if each in known.at), default=0.0)
    return NodeSample(
        at=now - max(age, 0.0),
        node=node,
        source=SOURCE,
        interval=max([interval, *(known.every[each] for each in targets if each in known.every)]),
        devices=tuple(_with(told[dialect], of, idleness, dialect)),
        attributed=now - max(age, 0.0) if dialect.labels.holder else None,
    )


def _with(
    told: Sequence[DeviceSample],
    of: Sequence[Row],
    idleness: Mapping[str, Mapping[Own, Idle]],
    dialect: Dialect,
) -> Iterable[DeviceSample]:
    """Devices with `idle_share` and `idle_watched` (seconds) among their values, where that is known."""
    known = {
        (row.series.name, row.own): found
        for row in of
        if (found := idleness.get(row.series.name, {}).get(row.own)) is not None
    }
    if not known:
        return told
    longest = max(each.watched for each in known.values())
    shares = _identified(dialect, of, {key: each.share for key, each in known.items()})
    watched = _identified(dialect, of, {key: each.watched / longest for key, each in known.items()})
    return [_idled(each, shares, watched, longest) for each in told]


def _identified(
    dialect: Dialect, of: Sequence[Row], shares: Mapping[tuple[str, Own], float]
) -> Mapping[object, Mapping[str, float]]:
    """Shares by device and by the key of the series that told them: put together as values are, in their place."""
    series = [
        Series(name, row.series.labels, shares.get((name, row.own), nan) / dialect.series[name].factor)
        if (name := row.series.name) in BUSY
        else row.series
        for row in of
    ]
    return {_identity(each): each.values for each in devices.read(series).get(dialect, ())}


def _idled(
    device: DeviceSample,
    shares: Mapping[object, Mapping[str, float]],
    watched: Mapping[object, Mapping[str, float]],
    longest: float,
) -> DeviceSample:
    identity = _identity(device)
    cut = device.mig or device.kind == "mig"
    for key in ("graphics_active", "utilization") if cut else ("utilization", "graphics_active"):
        share = shares.get(identity, {}).get(key)
        if share is not None:
            told = {"idle_share": share, "idle_watched": watched[identity][key] * longest}
            return msgspec.structs.replace(device, values={**device.values, **told})
    return device


def _identity(device: DeviceSample) -> object:
    return device.kind, device.uuid, device.gpu, device.index, device.gi, device.ci
