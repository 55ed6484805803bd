"""Where replicas of a manifest would land, on which devices, and how many fit: the allocator's decision for one after
the other, each taking what it gets. Pure; the cluster is a copy.

The scheduler's scores are not made again, but that for alternatives: of the nodes that fit, each replica gets the first
by name.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import msgspec

from dratui.allocation.explain import Cause, NodeExplained
from dratui.allocation.manifests import Workload
from dratui.allocation.strict import meant
from dratui.api.model import ObjectKey
from dratui.cluster.store import Store
from dratui.why import quotas
from dratui.why.answer import Group, Verdict, by_node, grouped
from dratui.why.applied import already
from dratui.why.placement import kept_away
from dratui.why.placing import Landing, Placing
from dratui.why.planned import Planned
from dratui.why.preemption import RESOLVED
from dratui.why.priority import Priority, priority_of
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
    that more may fit. `limit`: what is no node's matter ends it. `quota`: one that lets fewer be made. `unseen`: what
    may keep its pods from nodes and was not looked at. `why`: none could be tried.
    """

    workload: str
    wanted: int | None
    landed: tuple[Landing, ...]
    anyhow: bool = False
    gave_up: int = 0
    limit: str = ""
    limits: tuple[Limit, ...] = ()
    quota: quotas.Limit | None = None
    rest: Rest | None = None
    why: str = ""
    unseen: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    question: Question | None = None

    @property
    def tried(self) -> bool:
        """Whether anything was found out."""
        return bool(self.landed) or not self.why


class Planner:
    """One cluster, changed; workloads one after the other. `before`: as it is."""

    def __init__(self, store: Store, server_version: str, before: Store | None = None) -> None:
        self._planned = Planned(store, server_version, before or store)

    def outcome(
        self, workload: Workload, replicas: int | None, progress: Callable[[int], None] = lambda done: None
    ) -> Outcome:
        """Of so many replicas; None for as many as fit. A DaemonSet has one for each node, whatever is asked."""
        store = self._planned.store
        priority = priority_of(workload, store)
        workload = priority.of(workload)
        placing = Placing(self._planned, workload, preempts=priority.preempts)
        question = placing.question
        if why := self._not_tried(question, priority):
            return Outcome(workload.name, replicas, (), why=why, question=question)
        there = already(store, workload)
        made = [each for each in question.wanted if each.key not in store.claims]
        limit = quotas.limit(store, question.world.rules.release, workload.pod.namespace, question.pod, made)
        if workload.kind == "DaemonSet":
            found = self._on_each_node(workload, placing, progress)
        else:
            found = self._one_after_the_other(workload, replicas, placing, progress)
        rest = found.rest.nodes if found.rest else ()
        notes = priority.notes(
            by_claims=bool(question.wanted and rest), short=any(node.cause in RESOLVED for node in rest)
        )
        return msgspec.structs.replace(
            found,
            anyhow=found.anyhow and not workload.unseen,
            quota=limit if limit and limit.most < (found.wanted or len(found.landed)) else None,
            unseen=workload.unseen,
            notes=tuple(filter(None, (*notes, *workload.remarks, there))),
        )

    def _not_tried(self, question: Question, priority: Priority) -> str:
        """What is not known of it, or why the API server takes none of it; empty if it can be tried."""
        if question.unknown:
            return f"{', '.join(question.unknown)} cannot be read"
        if question.pod is not None and priority.refused:
            return priority.refused
        unknown = question.missing and (self._template(question) or question.missing)
        if unknown := unknown or self._class(question):
            return f"{unknown}: give its manifest, too, with -f"
        return question.refused

    def _one_after_the_other(
        self, workload: Workload, replicas: int | None, placing: Placing, progress: Callable[[int], None]
    ) -> Outcome:
        question = placing.question
        if workload.kind == "ResourceClaim" and replicas:
            replicas = 1  # it is there once
        takes = question.plugin or any(
            not request.admin_access for claim in question.wanted for request in claim.requests
        )
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
            if replicas is None and not (takes or landing.shares):
                why = "it takes no device from others: any number fits as far as devices go"
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
        """Why the next one does not fit. What only this workload took is nothing that could be ended."""
        store = self._planned.store
        nodes = tuple(by_node(store, question))
        verdict: Verdict = "error" if any(node.cause == "error" for node in nodes) else "does not fit"
        told = suggestions(store, question, nodes, lasting=self._planned.made)
        return Rest(verdict, nodes, grouped(nodes), told)

    def _template(self, question: Question) -> str:
        """The first that the pod names and nobody knows."""
        pod, templates = question.pod, self._planned.store.templates
        if pod is None:
            return ""
        for entry in pod.claims:
            if entry.template and ObjectKey(pod.namespace, entry.template) not in templates:
                known = [key.name for key in templates if key.namespace == pod.namespace]
                return _unknown(f"claim template {pod.namespace}/", entry.template, known)
        return ""

    def _class(self, question: Question) -> str:
        """The same of device classes; one of alternatives is as bad."""
        known = {key.name for key in self._planned.store.classes}
        for claim in question.wanted:
            for request in claim.requests:
                for each in request.alternatives or (request,):
                    if each.device_class not in known:
                        return _unknown("device class ", each.device_class, sorted(known))
        return ""


def _unknown(what: str, name: str, known: Sequence[str]) -> str:
    near = meant(name, known, alike=0.85)  # most names of classes end in a domain
    return f"{what}{name} is not known{f' ({near})' if near else ''}"


def _limits(landed: Sequence[Landing], rest: Rest) -> tuple[Limit, ...]:
    had = {each.node for each in landed}
    causes = Counter((node.cause, node.short) for node in rest.nodes if node.node in had and not node.fits)
    return tuple(Limit(cause, number, short) for (cause, short), number in causes.most_common())
