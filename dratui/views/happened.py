"""What changed in one step of time, in a few words."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from dratui.api.model import Claim, Node, Pod, Slice, WarningEvent
from dratui.cluster import claims
from dratui.cluster.nodesteps import STEPS
from dratui.events import Event, Gone, HealthChanged, Page, Put, Row
from dratui.prepared import new_steps
from dratui.samples import STREAM as SAMPLES
from dratui.samples import NodeSample
from dratui.views import words

_SINGULAR: Final = {
    "resourceslices": "slice",
    "resourceclaims": "claim",
    "resourceclaimtemplates": "template",
    "deviceclasses": "class",
    "devicetaintrules": "taintrule",
    "resourcequotas": "quota",
    "events": "warning",
}
"""Where a table has another word than the stream; the others are the stream's without its s."""


def happened(undone: Sequence[Event], done: Sequence[Event]) -> str:
    """`pod ml-team/train-7 Pending → Running`, `claim batch/a gone`, `3 pods, 1 claim`, `pods stale`; not cleaned.

    `done` leads there from the instant before, `undone` back to that. Nothing for whole lists: what in them is new is
    not known.
    """
    by_plugins = _of_plugins(_samples(undone), _samples(done))
    changed = [event for event in done if event.stream != SAMPLES]
    if any(isinstance(event, Page) for event in changed):
        return ""
    if not changed and len(by_plugins) == 1:
        return by_plugins[0]
    if len(changed) == 1 and not by_plugins:
        (event,) = changed
        match event:
            case Put(_, WarningEvent() as warning):
                about = f"{warning.about_kind.lower()} {warning.namespace}/{warning.about_name}"
                return f"warning of {about}: {warning.reason}"
            case Put(stream, row):
                return f"{_kind(stream)} {_name(row)} {_became(undone, stream, row)}".rstrip()
            case Gone(stream, row):
                return f"{_kind(stream)} {_name(row)} gone"
            case HealthChanged(stream, health):
                return f"{stream} {health.phase}"
    counted = Counter(_kind(event.stream) for event in changed if isinstance(event, Put | Gone))
    counted.update(["plugin"] * len(by_plugins))
    return ", ".join(words.count(number, kind) for kind, number in counted.items())


def _became(undone: Sequence[Event], stream: str, row: Row) -> str:
    """What is different about it, where a word says that."""
    for event in undone:
        if event.stream != stream or not isinstance(event, Put | Gone) or event.row.key != row.key:
            continue
        if isinstance(event, Gone):
            return "created"
        before, after = _word(event.row), _word(row)
        if before and before != after:
            return f"{before} → {after}"
        match event.row, row:
            case Pod(node=""), Pod(node=node) if node:
                return f"on {node}"
            case Claim(consumers=of), Claim(consumers=now) if len(of) != len(now):
                return f"{len(of)} → {words.count(len(now), 'consumer')}"
            case Slice(devices=of), Slice(devices=now) if len(of) != len(now):
                return f"{len(of)} → {words.count(len(now), 'device')}"
    return ""


def _word(row: Any) -> str:
    match row:
        case Claim():
            return claims.state(row)
        case Pod():
            return "Terminating" if row.deleted else row.status or row.phase
        case Node():
            return "Ready" if row.ready == "True" else "NotReady"
        case Slice():
            return f"generation {row.generation}"
    return ""


def _of_plugins(before: Mapping[str, NodeSample], after: Mapping[str, NodeSample]) -> list[str]:
    """What kubelet plugins did, for each claim: `claim vision/a MIG device made, prepared on node-1`."""
    did: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for node, sample in after.items():
        plugin, old = sample.plugin, before[node].plugin if node in before else None
        for step in new_steps(old, plugin) if plugin and old else ():
            about = f"claim {step.namespace}/{step.name}" if step.name else step.detail or step.claim
            failed = f"{step.what.replace('_', ' ')} failed"
            did[about, node].append(failed if step.error else STEPS.get(step.what, step.what))
    return [f"{about} {', '.join(steps)} on {node}" for (about, node), steps in did.items()]


def _samples(events: Sequence[Event]) -> Mapping[str, NodeSample]:
    return {row.node: row for row in _rows(events) if isinstance(row, NodeSample)}


def _rows(events: Sequence[Event]) -> Iterator[Any]:
    for event in events:
        if isinstance(event, Page) and event.stream == SAMPLES:
            yield from event.rows


def _name(row: Row) -> str:
    return f"{row.namespace}/{row.name}" if row.namespace else row.name


def _kind(stream: str) -> str:
    kind = stream.partition(":")[0]
    return _SINGULAR.get(kind, kind.removesuffix("s"))
