"""What the pods of a manifest are worth to the scheduler: its priority classes, as far as they can be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from dratui.allocation.manifests import PriorityClass, Workload
from dratui.cluster.store import Store

_SYSTEM: Final[Mapping[str, int]] = {
    "system-cluster-critical": 2_000_000_000,
    "system-node-critical": 2_000_001_000,
}


@dataclass(frozen=True, slots=True)
class Priority:
    """Its number, whether pods of lower priority are evicted for it, and what was assumed."""

    value: int
    preempts: bool
    assumed: str = ""

    def of(self, workload: Workload) -> Workload:
        """The same, with a pod of this priority."""
        return replace(workload, pod=msgspec.structs.replace(workload.pod, priority=self.value))

    def notes(self, *, by_claims: bool = False) -> tuple[str, ...]:
        """What is to be said of it. `by_claims`: some of the pods do not fit, and they have claims."""
        said = [self.assumed] if self.assumed else []
        if not self.preempts and self.value:
            said.append("preemptionPolicy is Never: nobody is evicted")
        elif by_claims and self.value > 0:
            said.append("for devices of claims the scheduler evicts nobody, whatever the priority")
        return tuple(said)


def priority_of(workload: Workload, given: Sequence[PriorityClass], store: Store) -> Priority:
    """By the manifests' classes, else by the pods of the cluster that name the same one: classes are not watched."""
    name = workload.priority_class
    known = {each.name: each for each in given}
    named = known.get(name) if name else next((each for each in given if each.default), None)
    preempts = workload.preempts if workload.preempts is not None else named is None or named.preempts
    if named is not None:
        return Priority(named.value, preempts)
    if not name:
        return Priority(0, preempts)
    values = {pod.priority for pod in store.pods.values() if pod.priority_class == name}
    if name in _SYSTEM or len(values) == 1:
        return Priority(_SYSTEM[name] if name in _SYSTEM else values.pop(), preempts)
    note = f"priority class {name} is not known, and read as priority 0: give its manifest, too, with -f"
    return Priority(0, preempts, note)
