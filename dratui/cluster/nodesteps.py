"""What the kubelet plugin of a claim's node did for it, in its place among the steps that the API tells of.

The plugin remembers its last steps only; that a claim is prepared, and since when, its checkpoint tells however long
ago it was. Its times are of the node's clock and finer than the API's whole seconds, so within a second the order is
that in which things come.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from dratui.api.model import Claim, ObjectKey, Pod
from dratui.cluster.step import ORDER, Step, StepName
from dratui.cluster.store import Store
from dratui.prepared import Done, Plugin

STEPS: Final[Mapping[str, StepName]] = {
    "prepare": "prepared",
    "unprepare": "unprepared",
    "mig_created": "MIG device made",
    "mig_destroyed": "MIG device destroyed",
    "restored": "restored",
    "swept": "swept",
}
"""What a plugin says that it did, in the words of the timeline."""


def with_node_steps(store: Store, claim: Claim, pods: Iterable[Pod], told: Sequence[Step]) -> Sequence[Step]:
    """What is told of a claim and its pods, and beside it what the plugins of their nodes tell.

    What only kubelet's conditions tell of preparing goes, where the plugin of all the claim's devices knows it.
    """
    found = list(_plugins(store, claim, pods))
    steps = [step for plugin in found for step in _of(claim, plugin)]
    known = {step.step for step in steps}
    drivers = {result.driver for result in claim.allocation.results} if claim.allocation else set()
    if "prepared" in known and drivers <= {plugin.driver for plugin in found}:
        stuck = any(step.step == "prepared" and step.state == "waiting" for step in steps)
        told = [s for s in told if s.step != "prepared" and not (stuck and s.step == "running" and not s.at)]
    merged = list(told)
    for step in steps:
        merged.insert(_place(merged, step), step)
    return merged


def _plugins(store: Store, claim: Claim, pods: Iterable[Pod]) -> Iterator[Plugin]:
    nodes = [claim.allocation.node] if claim.allocation else []
    for node in dict.fromkeys((*nodes, *(pod.node for pod in pods))):
        sample = store.samples.get(ObjectKey("", node)) if node else None
        if sample is not None and sample.plugin is not None:
            yield sample.plugin


def _of(claim: Claim, plugin: Plugin) -> Iterator[Step]:
    """In the order of time."""
    own = [step for step in plugin.steps if step.claim == claim.uid]
    entry = next(
        (each for each in plugin.claims if each.uid == claim.uid and each.state == "completed"), None
    )
    done = any(step.what == "prepare" and not step.error for step in own)
    if entry is not None and entry.completed is not None and not done:
        took = None if entry.started is None else max(0.0, entry.completed - entry.started)
        yield Step(step="prepared", at=_moment(entry.completed), took=took)
    last = {step.what: step for step in own}
    for step in own:
        name = STEPS.get(step.what)
        if name is None:
            continue
        again = step.error and last[step.what] is step and not (entry and step.what == "prepare")
        yield Step(
            step=name,
            state="waiting" if again else "failed" if step.error else "done",
            at=None if again else _moment(step.at),
            after=_moment(_first(step)) if again else None,
            took=None if again else step.took,
            reason=_reason(step),
        )


def _first(step: Done) -> float:
    return step.at if step.first is None else step.first


def _reason(step: Done) -> str:
    if not step.error:
        return "" if step.what in ("prepare", "unprepare") else step.detail
    return step.error + (f" ({step.times} times)" if step.times > 1 else "")


def _place(told: Sequence[Step], step: Step) -> int:
    """In front of the first that came later, or of whose time nothing is known and that comes after it."""
    rank = ORDER.index(step.step)
    at = step.at or step.after
    for place, other in enumerate(told):
        known = other.at or (other.after if other.state == "waiting" and other.step == step.step else None)
        if at is None or known is None:
            later = ORDER.index(other.step) > rank
        else:
            later = (int(known.timestamp()), ORDER.index(other.step)) > (int(at.timestamp()), rank)
        if later:
            return place
    return len(told)


def _moment(t: float) -> datetime:
    return datetime.fromtimestamp(t, UTC)
