"""Where replicas of a manifest would land, on which devices, and how many fit: the allocator's decision for one after
the other, each taking what it gets. Pure; the cluster is a copy.

The scheduler's scores are not made again, but that for alternatives: of the nodes that fit, each replica gets the first
by name.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import msgspec

from dratui.allocation.explain import Cause, NodeExplained
from dratui.allocation.manifests import Manifests, PriorityClass, Workload
from dratui.api.model import DeviceKey, ObjectKey, Pod
from dratui.cluster.index import accelerated
from dratui.cluster.store import Store
from dratui.events import Put
from dratui.why.answer import Group, Verdict, by_node, grouped
from dratui.why.placement import kept_away
from dratui.why.placing import Landing, Placing
from dratui.why.planned import Planned
from dratui.why.priority import priority_of
from dratui.why.question import Question
from dratui.why.suggestions import Suggestion, suggestions

MOST_REPLICAS: Final = 100_000
_ELSEWHERE: Final = frozenset[Cause](("cordoned", "not ready", "node taint", "node affinity"))
"""Why a DaemonSet has no pod on a node."""


class Limit(msgspec.Struct, frozen=True, gc=False):
    """What ran out, and on how many of the nodes that had room before. `short`: of cpu and the like, in the scheduler's
    words."""

    cause: Cause
    nodes: int
    short: tuple[str, ...] = ()


class Rest(msgspec.Struct, frozen=True, gc=False):
    """Why one more does not fit, and what would help."""

    verdict: Verdict
    nodes: tuple[NodeExplained, ...]
    groups: tuple[Group, ...]
    suggestions: tuple[Suggestion, ...]


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """Of one workload. `wanted` is None for as many as fit; `rest` says why the next one does not, None if all do.

    `anyhow`: as many fit whichever nodes the scheduler takes. `gave_up`: nodes on which the search was too long, so
    that more may fit. `limit`: what is no node's matter ends it. `unseen`: what may keep its pods from nodes and was
    not looked at. `why`: none could be tried.
    """

    workload: str
    wanted: int | None
    landed: tuple[Landing, ...]
    anyhow: bool = False
    gave_up: int = 0
    limit: str = ""
    limits: tuple[Limit, ...] = ()
    rest: Rest | None = None
    why: str = ""
    unseen: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    question: Question | None = None


def added(store: Store, manifests: Manifests) -> tuple[str, ...]:
    """Put into the store what the manifests hold beside workloads. Returns what is to be noted."""
    notes = []
    for claim in manifests.claims:
        if claim.key in store.claims:
            notes.append(f"claim {claim.namespace}/{claim.name} is in the cluster; read as it is there")
        else:
            store.apply([Put("resourceclaims", claim)])
    store.apply([Put("resourceclaimtemplates", each) for each in manifests.templates])
    store.apply([Put("deviceclasses", each) for each in manifests.classes])
    return tuple(notes)


def waiting_first(store: Store) -> str:
    """That pods wait already, which the scheduler may try before; empty if none does."""
    waits = sum(
        pod.phase == "Pending" and not (pod.node or pod.gates or pod.deleted) and accelerated(pod)
        for pod in store.pods.values()
    )
    if not waits:
        return ""
    pods = "1 pod that waits" if waits == 1 else f"{waits} pods that wait"
    return f"{pods} for devices already may be tried first, and take what is free"


def unused(store: Store, manifests: Manifests) -> Iterator[Workload]:
    """Claims and templates of the manifests that none of its workloads names, each as what asks for them alone."""
    used = {
        (kind, each.pod.namespace, name)
        for each in manifests.workloads
        for entry in each.pod.claims
        for kind, name in (("claim", entry.claim), ("template", entry.template))
    }
    for claim in manifests.claims:
        if ("claim", claim.namespace, claim.name) not in used:
            yield Workload("ResourceClaim", Pod(namespace=claim.namespace, name=claim.name), 1)
    for template in manifests.templates:
        if ("template", template.namespace, template.name) not in used:
            yield Workload("ResourceClaimTemplate", Pod(namespace=template.namespace, name=template.name), 1)


class Planner:
    """One cluster, changed; workloads one after the other. `holder`: who has a device in the cluster as it is."""

    def __init__(
        self,
        store: Store,
        server_version: str,
        holder: Callable[[DeviceKey], str],
        priorities: Sequence[PriorityClass] = (),
    ) -> None:
        self._planned = Planned(store, server_version, holder)
        self._priorities = priorities

    def outcome(
        self, workload: Workload, replicas: int | None, progress: Callable[[int], None] = lambda done: None
    ) -> Outcome:
        """Of so many replicas; None for as many as fit. A DaemonSet has one for each node, whatever is asked."""
        priority = priority_of(workload, self._priorities, self._planned.store)
        workload = priority.of(workload)
        placing = Placing(self._planned, workload, preempts=priority.preempts)
        question = placing.question
        if question.unknown or question.missing:
            why = f"{' and '.join(question.unknown)} cannot be read"
            if question.missing:
                why = f"{self._unknown(workload.pod) or question.missing}: give its manifest, too, with -f"
            return Outcome(workload.name, replicas, (), why=why, notes=priority.notes(), question=question)
        if workload.kind == "DaemonSet":
            found = self._on_each_node(workload, placing, progress)
        else:
            found = self._one_after_the_other(workload, replicas, placing, progress)
        notes = priority.notes(by_claims=bool(question.wanted) and found.rest is not None)
        return msgspec.structs.replace(
            found,
            anyhow=found.anyhow and not workload.unseen,
            unseen=workload.unseen,
            notes=(*notes, *workload.remarks),
        )

    def _one_after_the_other(
        self, workload: Workload, replicas: int | None, placing: Placing, progress: Callable[[int], None]
    ) -> Outcome:
        question = placing.question
        if workload.kind == "ResourceClaim" and replicas:
            replicas = 1  # it is there once
        landed: list[Landing] = []
        most = MOST_REPLICAS if replicas is None else replicas
        why = ""
        while len(landed) < most:
            landing = placing.next(len(landed))
            if landing is None:
                rest = None if placing.limit else self._rest(placing.question)
                return self._outcome(workload, replicas, landed, placing, rest)
            landed.append(landing)
            progress(len(landed))
            if replicas is None and not (landing.devices or question.plugin or landing.shares):
                why = "it asks for no device: any number fits as far as devices go"
                break
            if replicas is None and workload.kind == "ResourceClaim":
                break  # it is there once
        return self._outcome(workload, replicas, landed, placing, None, why)

    def _on_each_node(self, workload: Workload, placing: Placing, progress: Callable[[int], None]) -> Outcome:
        mine = tuple(
            node
            for node in placing.question.nodes
            if (kept := kept_away(self._planned.store, placing.question, node)) is None
            or kept.cause not in _ELSEWHERE
        )
        placing.question = replace(placing.question, nodes=mine)
        done: set[str] = set()
        landed: list[Landing] = []
        while (landing := placing.next_on_each(done)) is not None:
            landed.append(landing)
            progress(len(landed))
        have = {each.node for each in landed}
        lack = replace(placing.question, nodes=tuple(node for node in mine if node.name not in have))
        rest = self._rest(lack) if lack.nodes else None
        return self._outcome(workload, len(mine), landed, placing, rest)

    def _outcome(
        self,
        workload: Workload,
        wanted: int | None,
        landed: Sequence[Landing],
        placing: Placing,
        rest: Rest | None,
        why: str = "",
    ) -> Outcome:
        return Outcome(
            workload.name,
            wanted,
            tuple(landed),
            anyhow=placing.apart and not placing.gave_up,
            gave_up=len(placing.gave_up),
            limit=placing.limit,
            limits=_limits(landed, rest) if rest else (),
            rest=rest,
            why=why,
            question=placing.question,
        )

    def _rest(self, question: Question) -> Rest:
        """Why the next one does not fit. What only this workload took is no claim that could be ended."""
        store = self._planned.store
        nodes = tuple(by_node(store, question))
        verdict: Verdict = "error" if any(node.cause == "error" for node in nodes) else "does not fit"
        told = suggestions(store, question, nodes, lasting=self._planned.made)
        return Rest(verdict, nodes, grouped(nodes), told)

    def _unknown(self, pod: Pod) -> str:
        """The template that a pod names and nobody knows."""
        for entry in pod.claims:
            if (
                entry.template
                and ObjectKey(pod.namespace, entry.template) not in self._planned.store.templates
            ):
                return f"claim template {pod.namespace}/{entry.template} is not known"
        return ""


def _limits(landed: Sequence[Landing], rest: Rest) -> tuple[Limit, ...]:
    had = {each.node for each in landed}
    causes = Counter((node.cause, node.short) for node in rest.nodes if node.node in had and not node.fits)
    return tuple(Limit(cause, number, short) for (cause, short), number in causes.most_common())
