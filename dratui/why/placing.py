"""The replicas of one workload, one after the other, each where the one before left room."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import msgspec

from dratui.allocation.manifests import Workload
from dratui.allocation.patience import Patience
from dratui.allocation.rules import Release
from dratui.allocation.search import AllocationError, Chosen, GaveUp, allocate
from dratui.api.model import Claim, Consumer, Node, Owner, Pod
from dratui.why.placement import kept_away, place_of, reasons
from dratui.why.planned import Planned
from dratui.why.preemption import RESOLVED, Cost, cost, victims

_MOST_SHARING: Final = 256  # resource.k8s.io's ResourceClaimReservedForMaxSize
_STEPS: Final = 20_000
"""Of the search on a node, and 50 times as many for all nodes and replicas."""
_MOST_LOOKS: Final = 30_000
"""At nodes, to keep count of those that fit where what one replica takes is missing on others."""

_RANKING: Final[Sequence[Release]] = ("1.35", "1.36", "1.37")
"""The scheduler prefers nodes where the earlier alternatives are to be had."""
_BEST: Final = 8  # resource.k8s.io's FirstAvailableDeviceRequestMaxSize

Fit = tuple[Sequence[Claim], Sequence[Sequence[Chosen]]]


class Taken(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A device that a replica would get. `holder`: who has it now, and would be without it."""

    claim: str
    request: str
    driver: str
    pool: str
    device: str
    holder: str = ""


class Landing(msgspec.Struct, frozen=True, gc=False):
    """Where a replica would land. `of`: how many nodes it fits on, of which the scheduler takes one; 0: not counted.
    `shares`: claims that have their devices already, for others, too. `plugin`: how many devices of device plugins.
    `evicts`: pods of lower priority that the scheduler would end for it, NAMESPACE/NAME."""

    replica: str
    node: str
    devices: tuple[Taken, ...] = ()
    shares: tuple[str, ...] = ()
    plugin: Mapping[str, int] = {}
    of: int = 0
    evicts: tuple[str, ...] = ()


class Placing:
    """One workload. Its replicas are the same, and devices are only ever taken: what does not fit on a node once does
    not fit later, but where a claim that replicas have in common got its devices.

    `apart`: what a replica takes on one node is not missing on another. Then as many fit, and get the same devices
    there, whichever nodes the scheduler takes. Where none fits others are evicted, if the workload `preempts`.
    """

    def __init__(self, planned: Planned, workload: Workload, *, preempts: bool = False) -> None:
        self._planned = planned
        self._workload = workload
        self._single = workload.kind in ("Pod", "ResourceClaim")
        question = planned.asked(workload)
        self.question = replace(question, world=planned.world(question))
        self.apart = True
        self.gave_up: set[str] = set()  # nodes
        self.limit = ""  # what is no node's matter, and ends it
        self._error = False  # the scheduler stops at one, for all nodes: the explanation says which
        self._fits: dict[int, Fit | None] = {}  # by the number of the node; None: to be looked at again
        self._counted = True
        self._looks = 0
        self._patience = Patience(_STEPS, 50 * _STEPS)
        self._next = -1  # the first node that may fit
        worth = question.pod.priority if question.pod is not None and preempts else None
        self._ranked = question.world.rules.release in _RANKING and any(
            request.alternatives for claim in question.wanted for request in claim.requests
        )
        self._preempts = worth is not None and any(
            each.priority < worth for each in planned.store.pods.values()
        )
        self._victims: dict[int, tuple[Cost, Sequence[Pod]]] | None = None  # by the number of the node

    def next(self, number: int) -> Landing | None:
        """The next replica, placed; None if it fits nowhere."""
        if self._full():
            return None
        if self._next < 0:
            self._look_everywhere()
        while (index := self._preferred()) is not None:
            fit = self._fits[index] or self._look(index)
            if fit is not None:
                return self._landed(number, index, fit)
        return self._evicting(number) if self._preempts and not self._error else None

    def _preferred(self) -> int | None:
        """Of the nodes that fit the first by name; where there are alternatives, of those with the best."""
        if self._ranked:
            return max(self._fits, key=lambda index: (_rank(self._fits[index]), -index), default=None)
        while self._next < len(self.question.nodes):
            if self._next in self._fits:
                return self._next
            self._next += 1
        return None

    def next_on_each(self, done: set[str]) -> Landing | None:
        """Of a DaemonSet: the next pod that fits on its node; None if there is none left."""
        for index, node in enumerate(self.question.nodes):
            if node.name not in done:
                done.add(node.name)
                number = len(done) - 1
                fit = self._look(index)
                if fit is not None:
                    return self._landed(number, index, fit)
                if self._preempts and (landing := self._evicting(number, index)) is not None:
                    return landing
        return None

    def _evicting(self, number: int, only: int | None = None) -> Landing | None:
        """The next replica in the place of others, where that costs least, or on one node."""
        if self._victims is None or only is not None:
            self._victims = {}
            for index in range(len(self.question.nodes)) if only is None else (only,):
                self._weigh(index)
        if not self._victims:
            return None
        least = min(each for each, _ in self._victims.values())
        equal = [index for index, (each, _) in self._victims.items() if each == least]
        index = min(equal)
        gone = self._victims[index][1]
        for each in gone:
            self._planned.evict(each)
            self.question.room.remove(each)
        self.apart = False
        fit = self._look(index)
        if fit is None:
            return None
        landing = self._landed(number, index, fit)
        self._weigh(index)
        self._next = min(self._next, index)
        names = tuple(f"{each.namespace}/{each.name}" for each in gone)
        return msgspec.structs.replace(landing, of=len(equal), evicts=names)

    def _weigh(self, index: int) -> None:
        """Whom it would cost on a node where nothing else is short, and the claims fit as things are."""
        if self._victims is None:
            return
        self._victims.pop(index, None)
        node = self.question.nodes[index]
        kept = {each.cause for each in reasons(self._planned.store, self.question, node)}
        if not kept or kept - RESOLVED:
            return
        gone = victims(self.question, node, self._planned.there(node))
        if gone and self._allocated(node) is not None:
            self._victims[index] = cost(gone), gone

    def _full(self) -> bool:
        for claim in self.question.given:
            if len(claim.consumers) >= _MOST_SHARING:
                self.limit = f"claim {claim.name} is for {_MOST_SHARING} pods at most"
        return bool(self.limit)

    def _look_everywhere(self) -> None:
        self._fits = {}
        for index in range(len(self.question.nodes)):
            self._look(index)
        self._next = 0

    def _look(self, index: int) -> Fit | None:
        """What the next replica would get on a node; it is kept."""
        self._looks += 1
        self._fits.pop(index, None)
        node = self.question.nodes[index]
        if self._error or kept_away(self._planned.store, self.question, node) is not None:
            return None
        fit = self._allocated(node)
        if fit is not None:
            self._fits[index] = fit
        return fit

    def _allocated(self, node: Node) -> Fit | None:
        claims = self.question.claims_on(node)
        try:
            found = allocate(self.question.world, place_of(node), claims, self._patience)
        except GaveUp:
            self.gave_up.add(node.name)
            return None
        except AllocationError as error:
            if not error.of_node:
                self._error = True
                self._fits.clear()
            return None
        return None if found is None else (claims, found)

    def _landed(self, number: int, index: int, fit: Fit) -> Landing:
        planned, pod, node = self._planned, self._workload.pod, self.question.nodes[index]
        claims, found = fit
        of = len(self._fits) if self._counted else 0
        name = pod.name if self._single and not number else f"{pod.name}-{number}"
        if self._workload.kind != "ResourceClaim":
            name = planned.free_name(pod.namespace, name)
        uid = f"what-if-{pod.namespace}/{name}"
        consumer = Consumer("pods", name, uid)
        shared = tuple(
            msgspec.structs.replace(claim, consumers=(*claim.consumers, consumer))
            for claim in self.question.given
        )
        common: list[Claim] = []
        taken: list[Taken] = []
        rows: list[Claim] = []
        for claim, chosen in zip(claims, found, strict=True):
            own = claim.key not in planned.store.claims
            called = claim.name.replace(pod.name, name, 1) if own else claim.name
            row = msgspec.structs.replace(
                claim,
                name=called,
                allocation=(allocation := planned.take(chosen, node)),
                consumers=(consumer,),
                owner=Owner("Pod", name, uid, True) if own else claim.owner,
            )
            rows.append(row)
            if not own:
                common.append(row)
            taken += [
                Taken(called, each.request, *each.key, holder=planned.loser(each.key))
                for each in allocation.results
            ]
        for row in rows:
            planned.make(row)
        for claim in shared:
            planned.reserve(claim)
        if self.question.pod is not None:
            self._start(name, uid, node, rows)
        names = tuple(claim.name for claim in shared)
        self._left(index, node, found, common, shared)
        by_claim = self.question.by_claim(node)
        plugin = {
            resource: number
            for resource, number in self.question.plugin.items()
            if number and resource not in by_claim
        }
        return Landing(name, node.name, tuple(taken), names, plugin, of)

    def _start(self, name: str, uid: str, node: Node, rows: Sequence[Claim]) -> None:
        """The pod runs; of its extended resources the hidden claim is the last of the claims."""
        pod, by_claim = self._workload.pod, self.question.by_claim(node)
        started = msgspec.structs.replace(
            pod,
            name=name,
            uid=uid,
            node=node.name,
            extended_claim=rows[-1].name if by_claim else pod.extended_claim,
            claimed_resources=tuple(sorted(by_claim)),
        )
        self._planned.start(started)
        self.question.room.add(started)

    def _left(
        self,
        index: int,
        node: Node,
        found: Sequence[Sequence[Chosen]],
        common: Sequence[Claim],
        shared: tuple[Claim, ...],
    ) -> None:
        """What is known of the nodes after a landing on one of them."""
        if shared or common:  # the next replica shares them, and may for that go where it could not before
            names = {claim.name for claim in common}
            wanted = tuple(claim for claim in self.question.wanted if claim.name not in names)
            self.question = replace(self.question, wanted=wanted, given=(*shared, *common))
            self.apart = False
        if common:
            self._next = -1
        elif all(self._only_of(each, node) for chosen in found for each in chosen):
            self._look(index)
        else:
            self.apart = False
            if self._looks + len(self._fits) > _MOST_LOOKS:
                self._counted = False
                self._fits = dict.fromkeys(self._fits)
            else:
                for each in list(self._fits):
                    self._look(each)

    def _only_of(self, chosen: Chosen, node: Node) -> bool:
        """Whether all of a device's pool is of this node, so that what is taken there is missed nowhere else."""
        pool = self.question.world.slices.of_pool[chosen.key.driver, chosen.key.pool]
        return all(each.node == node.name for each in pool)


def _rank(fit: Fit | None) -> int:
    """As the scheduler scores it. Source: dynamicresources.go, computeScore, 1.36."""
    if fit is None:
        return _BEST * _BEST
    score = 0
    for claim, found in zip(*fit, strict=True):
        given = {each.request for each in found}
        for request in claim.requests:
            for number, each in enumerate(request.alternatives):
                if f"{request.name}/{each.name}" in given:
                    score += _BEST - number
    return score
