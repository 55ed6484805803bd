"""Where replicas of a manifest would land, on which devices, and how many fit: the allocator's decision for one after
the other, each taking what it gets. Pure; the cluster is a copy.

The scheduler's scores are not made again: of the nodes that fit, each replica gets the first by name. How many fit may
depend on that where claims differ; whether one more fits now does not.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import msgspec

from dratui.allocation.explain import NodeExplained
from dratui.allocation.manifests import Manifests, Workload
from dratui.allocation.search import AllocationError, Chosen, GaveUp, allocate
from dratui.allocation.world import Held, World
from dratui.api import quantity
from dratui.api.model import (
    Allocation,
    Claim,
    Consumer,
    DeviceKey,
    Node,
    NodeSelector,
    NodeSelectorTerm,
    ObjectKey,
    Owner,
    Pod,
    Result,
)
from dratui.cluster.store import Store
from dratui.events import Put
from dratui.why.answer import Group, Verdict, by_node, grouped
from dratui.why.placement import kept_away, place_of
from dratui.why.question import Question, about_claim, about_pod
from dratui.why.suggestions import Suggestion, freeing, suggestions

MOST_REPLICAS: Final = 100_000
_MOST_SHARING: Final = 256  # resource.k8s.io's ResourceClaimReservedForMaxSize
_STEPS: Final = 20_000
"""Of the search on a node: there may be thousands of nodes."""


class Taken(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A device that a replica would get. `holder`: who has it now, and would have to be without it."""

    claim: str
    request: str
    driver: str
    pool: str
    device: str
    holder: str = ""


class Landing(msgspec.Struct, frozen=True, gc=False):
    """Where a replica would land. `shares`: claims that have their devices already, for others, too."""

    replica: str
    node: str
    devices: tuple[Taken, ...] = ()
    shares: tuple[str, ...] = ()


class Rest(msgspec.Struct, frozen=True, gc=False):
    """Why one more does not fit, and what would help."""

    verdict: Verdict
    nodes: tuple[NodeExplained, ...]
    groups: tuple[Group, ...]
    suggestions: tuple[Suggestion, ...]


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """Of one workload. `wanted` is None for as many as fit; `rest` says why the next one does not, None if all do.

    `gave_up`: nodes on which the search was too long, so that more may fit. `why`: none could be tried.
    """

    workload: str
    wanted: int | None
    landed: tuple[Landing, ...]
    gave_up: int = 0
    rest: Rest | None = None
    why: str = ""
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

    def __init__(self, store: Store, server_version: str, holder: Callable[[DeviceKey], str]) -> None:
        self._store = store
        self._version = server_version
        self._holder = holder
        self._world: World | None = None
        self._exclusive: set[DeviceKey] = set()
        self._shared: dict[DeviceKey, dict[str, int]] = {}
        self._shares = 0
        self._made: set[str] = set()  # claims, NAMESPACE/NAME

    def outcome(
        self, workload: Workload, replicas: int | None, progress: Callable[[int], None] = lambda done: None
    ) -> Outcome:
        """Of so many replicas; None for as many as fit."""
        placing = _Placing(self, workload)
        question = placing.question
        if question.unknown or question.missing:
            why = f"{' and '.join(question.unknown)} cannot be read"
            if question.missing:
                why = f"{self._unknown(workload.pod) or question.missing}: give its manifest, too, with -f"
            return Outcome(workload.name, replicas, (), why=why, question=question)
        landed: list[Landing] = []
        most = MOST_REPLICAS if replicas is None else replicas
        while len(landed) < most:
            landing = placing.next(len(landed))
            if landing is None:
                return Outcome(
                    workload.name,
                    replicas,
                    tuple(landed),
                    gave_up=placing.gave_up,
                    rest=self._rest(placing.question),
                    question=placing.question,
                )
            landed.append(landing)
            progress(len(landed))
            if replicas is None and not (landing.devices or question.plugin):
                asks = "its claims are shared" if landing.shares else "it asks for no device"
                why = f"{asks}: any number fits as far as devices go, but no more than {_MOST_SHARING} pods to a claim"
                return Outcome(workload.name, replicas, tuple(landed), why=why, question=question)
            if replicas is None and placing.alone:
                break  # a claim is there once
        return Outcome(
            workload.name, replicas, tuple(landed), gave_up=placing.gave_up, question=placing.question
        )

    def _rest(self, question: Question) -> Rest:
        """Why the next one does not fit. What only this workload took is no claim that could be ended."""
        nodes = tuple(by_node(self._store, question))
        verdict: Verdict = "error" if any(node.cause == "error" for node in nodes) else "does not fit"
        told = []
        for each in suggestions(self._store, question, nodes):
            if each.kind == "free":
                claims = tuple(claim for claim in each.claims if claim not in self._made)
                if claims:
                    told.append(freeing(each.nodes[0], claims))
            else:
                told.append(each)
        return Rest(verdict, nodes, grouped(nodes), tuple(told))

    def _unknown(self, pod: Pod) -> str:
        """The template that a pod names and nobody knows."""
        for entry in pod.claims:
            if entry.template and ObjectKey(pod.namespace, entry.template) not in self._store.templates:
                return f"claim template {pod.namespace}/{entry.template} is not known"
        return ""

    def world(self, question: Question) -> World:
        """With what was taken so far; the devices and what selectors say of them are the same for all workloads."""
        if self._world is None:
            held = question.world.held
            self._exclusive = set(held.exclusive)
            self._shared = {key: dict(amounts) for key, amounts in held.shared.items()}
            self._world = question.world.holding(Held(self._exclusive, self._shared))
        return self._world

    def take(self, chosen: Chosen) -> Result:
        """From now on it is held."""
        share, consumed = "", {}
        if chosen.shared:
            self._shares += 1
            share = f"what-if-{self._shares}"
            taken = self._shared.setdefault(chosen.key, {})
            for name, amount in (chosen.takes or {}).items():
                taken[name] = taken.get(name, 0) + amount
                consumed[name] = quantity.write(amount)
        elif not chosen.admin_access:
            self._exclusive.add(chosen.key)
        return Result(
            chosen.request,
            *chosen.key,
            admin_access=chosen.admin_access,
            share_id=share,
            consumed_capacity=consumed,
            tolerations=chosen.tolerations,
        )

    def make(self, claim: Claim) -> None:
        """It is there from now on, with its devices."""
        self._made.add(f"{claim.namespace}/{claim.name}")
        self._store.apply([Put("resourceclaims", claim)])

    def asked(self, workload: Workload, pod: Pod) -> Question:
        """The question of a pod that is not there; of a claim or template alone, without the pod."""
        if workload.kind == "ResourceClaim":
            return about_claim(self._store, self._store.claims[pod.key], self._version)
        if workload.kind == "ResourceClaimTemplate":
            template = self._store.templates[pod.key]
            claim = Claim(
                namespace=pod.namespace,
                name=pod.name,
                requests=template.requests,
                constraints=template.constraints,
            )
            return about_claim(self._store, claim, self._version)
        return about_pod(self._store, pod, self._version)

    @property
    def store(self) -> Store:
        """The cluster as it would be by now."""
        return self._store

    def holder(self, key: DeviceKey) -> str:
        """Who has a device in the cluster as it is."""
        return self._holder(key)


class _Placing:
    """One workload. Its replicas are the same, and devices are only ever taken: a node that did not fit once does not
    fit later, but where a claim that replicas have in common got its devices."""

    def __init__(self, planner: Planner, workload: Workload) -> None:
        self._planner = planner
        self._workload = workload
        self.alone = workload.kind == "ResourceClaim"
        self.gave_up = 0
        self._next = 0  # node
        question = planner.asked(workload, workload.pod)
        self.question = replace(question, world=planner.world(question))

    def next(self, number: int) -> Landing | None:
        """The next replica, placed; None if it fits nowhere."""
        store, question = self._planner.store, self.question
        while self._next < len(question.nodes):
            node = question.nodes[self._next]
            claims = question.claims_on(node)
            if kept_away(store, question, node) is None:
                try:
                    found = allocate(question.world, place_of(node), claims, most_steps=_STEPS)
                except GaveUp:
                    self.gave_up += 1
                    found = None
                except AllocationError as error:
                    if not error.of_node:  # nowhere: the explanation says it
                        return None
                    found = None
                if found is not None:
                    return self._landed(number, node, claims, found)
            self._next += 1
        return None

    def _landed(
        self, number: int, node: Node, claims: Sequence[Claim], found: Sequence[Sequence[Chosen]]
    ) -> Landing:
        store, pod = self._planner.store, self._workload.pod
        name = self._name(number)
        uid = f"what-if-{pod.namespace}/{name}"
        consumer = Consumer("pods", name, uid)
        common: dict[str, Claim] = {}
        taken: list[Taken] = []
        rows: list[Claim] = []
        shares = tuple(claim.name for claim in self.question.given)
        for claim, chosen in zip(claims, found, strict=True):
            own = claim.key not in store.claims
            called = claim.name.replace(pod.name, name, 1) if own else claim.name
            results = tuple(map(self._planner.take, chosen))
            row = msgspec.structs.replace(
                claim,
                name=called,
                allocation=_allocation(results, chosen, node),
                consumers=(consumer,),
                owner=Owner("Pod", name, uid, True) if own else claim.owner,
            )
            rows.append(row)
            if not own:
                common[claim.name] = row
            taken += [
                Taken(called, each.request, *each.key, holder=self._planner.holder(each.key))
                for each in results
            ]
        for row in rows:
            self._planner.make(row)
        if self.question.pod is not None:
            by_claim = self.question.by_claim(node)  # its hidden claim is the last of the claims
            on_node = msgspec.structs.replace(
                pod,
                name=name,
                uid=uid,
                node=node.name,
                extended_claim=rows[-1].name if by_claim else pod.extended_claim,
                claimed_resources=tuple(sorted(by_claim)),
            )
            store.apply([Put("pods", on_node)])
            self.question.room.add(on_node)
        if common:  # the next replica shares them, and may for that go where it could not before
            wanted = tuple(claim for claim in self.question.wanted if claim.name not in common)
            given = (*self.question.given, *common.values())
            self.question = replace(self.question, wanted=wanted, given=given)
            self._next = 0
        return Landing(name, node.name, tuple(taken), shares)

    def _name(self, number: int) -> str:
        pod, store = self._workload.pod, self._planner.store
        if self.alone:
            return pod.name
        name = pod.name if self._workload.kind == "Pod" and not number else f"{pod.name}-{number}"
        while ObjectKey(pod.namespace, name) in store.pods or ObjectKey(pod.namespace, name) in store.claims:
            name += "-more"
        return name


def _allocation(results: tuple[Result, ...], chosen: Sequence[Chosen], node: Node) -> Allocation:
    """For this node, if one of the devices is; else for those that all its devices' selectors leave."""
    terms: list[NodeSelectorTerm] = []
    for each in chosen:
        placed = each.device if each.slice.per_device_nodes else each.slice
        if placed.node or each.device.binds_to_node:
            return Allocation(results, node.name)
        if placed.node_selector is not None:
            terms += placed.node_selector.node_selector_terms
    if not terms:
        return Allocation(results)
    # One term each, as the allocator checks; all requirements of all of them must hold.
    term = msgspec.structs.replace(
        terms[0],
        match_expressions=tuple(of for each in terms for of in each.match_expressions),
        match_fields=tuple(of for each in terms for of in each.match_fields),
    )
    return Allocation(results, node_selector=NodeSelector((term,)))
