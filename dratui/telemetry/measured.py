"""Answers of Prometheus, put together to samples of nodes.

A series has the labels of its exporter and those that Prometheus gave its target; where both have one, the exporter's
is `exported_…` (or, with `honor_labels`, the target's is gone). `pod` of a GPU that nobody holds is so the exporter's
own pod: what a label says that the target's `up` says too is not the exporter's, and not taken for a holder.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Final

from dratui.samples import NodeSample
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
_POSSIBLY_THE_TARGETS: Final = frozenset(
    {"job", "instance", "namespace", "pod", "container", "service", "endpoint"}
)
_LONGEST: Final = 512  # characters of a label

Target = tuple[str, str]
"""The labels `job` and `instance`."""
Own = frozenset[tuple[str, str]]
"""The labels that an exporter gave a series."""
Given = frozenset[str]
"""The names of labels that Prometheus gave it: those of its target."""


@dataclass(frozen=True)
class Row:
    """A series of a node, with its exporter's labels only."""

    series: Series
    own: Own
    target: Target
    given: Given


@dataclass(frozen=True)
class Scraped:
    """What is known of targets: their labels, when they were scraped last (on Prometheus's clock), how often."""

    labels: Mapping[Target, Mapping[str, str]] = field(default_factory=dict)
    at: Mapping[Target, float] = field(default_factory=dict)
    every: Mapping[Target, float] = field(default_factory=dict)


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
    read = _Reader(known)
    for value in values[:MOST_SERIES]:
        told = read.row(value)
        if told is not None and told[0] in nodes:
            found[told[0]].append(told[1])
    return found


def facts(
    values: Sequence[Value], of: Mapping[str, Sequence[Row]], known: Scraped
) -> Mapping[str, Sequence[Row]]:
    """To rows `of` nodes those that are told of a UUID."""
    nodes = {uuid: node for node, all_ in of.items() for r in all_ if (uuid := r.series.labels.get("uuid"))}
    found = {node: list(all_) for node, all_ in of.items()}
    read = _Reader(known)
    for value in values[:MOST_SERIES]:
        told = read.row(value)
        node = nodes.get(value.metric.get("uuid", ""))
        if told is not None and node is not None:
            found[node].append(told[1])
    return found


class _Reader:
    """Makes rows. What labels tell is worked out once for all series that have the same; but for their names."""

    def __init__(self, known: Scraped) -> None:
        self._known = known
        self._seen: dict[
            tuple[tuple[str, str], ...], tuple[str, Mapping[str, str], Own, Target, Given] | None
        ] = {}

    def row(self, value: Value) -> tuple[str, Row] | None:
        """The node's name, if a label has it, and the row; None for what no exporter tells."""
        labels = dict(value.metric)
        name = labels.pop("__name__", "")
        if name not in BY_SERIES:
            return None
        key = tuple(labels.items())
        if key not in self._seen:
            self._seen[key] = self._told(labels)
        told = self._seen[key]
        if told is None:
            return None
        node, own, hashed, whose, given = told
        return node, Row(Series(name, own, value.number), hashed, whose, given)

    def _told(self, labels: Mapping[str, str]) -> tuple[str, Mapping[str, str], Own, Target, Given] | None:
        if any(len(text) > _LONGEST for text in labels.values()):
            return None
        whose = target(labels)
        given = self._known.labels.get(whose)
        if given is None:
            names = _POSSIBLY_THE_TARGETS
        else:
            names = frozenset(name for name, text in given.items() if labels.get(name) == text)
        own = own_labels(labels, names)
        return labels.get(node_label(labels), ""), dict(own), own, whose, names


def own_labels(labels: Mapping[str, str], given: Given) -> Own:
    """Those of the exporter, by the names that it knows them by."""
    kept = {n: text for n, text in labels.items() if n not in given and not n.startswith("exported_")}
    exported = {n.removeprefix("exported_"): text for n, text in labels.items() if n.startswith("exported_")}
    return frozenset({**kept, **exported}.items())


def sample(
    node: str,
    found: Sequence[Row],
    known: Scraped,
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
        devices=tuple(told[dialect]),
        attributed=now - max(age, 0.0) if dialect.labels.holder else None,
    )
