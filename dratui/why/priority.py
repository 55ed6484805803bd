"""What the pods of a manifest are worth to the scheduler: its priority classes, as far as they can be told."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from dratui.allocation.manifests import Workload
from dratui.api.model import ObjectKey, PriorityClass
from dratui.cluster.store import Store

_SYSTEM: Final[Mapping[str, int]] = {
    "system-cluster-critical": 2_000_000_000,
    "system-node-critical": 2_000_001_000,
}


@dataclass(frozen=True, slots=True)
class Priority:
    """Its number, and whether pods of lower priority are evicted for it. `assumed`: because its class is not known.
    `refused`: why the API server takes no such pod; empty if it does."""

    value: int
    preempts: bool
    assumed: str = ""
    refused: str = ""

    def of(self, workload: Workload) -> Workload:
        """The same, with a pod of this priority."""
        return replace(workload, pod=msgspec.structs.replace(workload.pod, priority=self.value))

    def notes(self, *, by_claims: bool, short: bool) -> tuple[str, ...]:
        """What is to be said of it. Of the pods that do not fit, if any: `by_claims`: they have claims; `short`: an
        eviction might make room."""
        said = [self.assumed] if self.assumed and short else []
        if not self.preempts and self.value:
            said.append("preemptionPolicy is Never: nobody is evicted")
        elif by_claims and self.value > 0:
            said.append("for devices of claims the scheduler evicts nobody, whatever the priority")
        return tuple(said)


def priority_of(workload: Workload, store: Store) -> Priority:
    """By the priority classes that there are; where these are not known by the pods that name the same one.

    Source: plugin/pkg/admission/priority, 1.36: of several default ones the lowest counts.
    """
    name = workload.priority_class
    named = store.priorities.get(ObjectKey("", name)) if name else _default(store)
    preempts = workload.preempts if workload.preempts is not None else named is None or named.preempts
    if named is not None:
        return Priority(named.value, preempts)
    known = store.known("priorityclasses")
    if not name:
        note = "the default priority class is not known: read as priority 0"
        return Priority(0, preempts, "" if known else note)
    if known:
        why = f"priority class {name} is not in the cluster: give its manifest, too, with -f"
        return Priority(0, preempts, refused=why)
    values = {pod.priority for pod in store.pods.values() if pod.priority_class == name}
    if name in _SYSTEM or len(values) == 1:
        return Priority(_SYSTEM[name] if name in _SYSTEM else values.pop(), preempts)
    note = f"priority class {name} is not known, and read as priority 0: give its manifest, too, with -f"
    return Priority(0, preempts, note)


def _default(store: Store) -> PriorityClass | None:
    classes = [each for each in store.priorities.values() if each.default]
    return min(classes, key=lambda each: each.value, default=None)
