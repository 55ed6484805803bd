"""The smallest changes with which it would fit, each tried out with the allocator. One change at a time, and not for
ever: where there are more nodes than trials, those that miss least are tried."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Literal

import msgspec

from dratui.allocation.cel.clauses import clauses
from dratui.allocation.cel.selector import selector
from dratui.allocation.explain import Cause, NodeExplained
from dratui.allocation.patience import Patience
from dratui.allocation.search import AllocationError, GaveUp, allocate
from dratui.allocation.world import World, held
from dratui.api.model import Claim, Node, ObjectKey, Placement, Request, Taint, Toleration
from dratui.cluster.store import Store
from dratui.failure import Failure
from dratui.why.placement import kept_away, place_of
from dratui.why.question import Question

MOST_TRIALS: Final = 2_000
_OF_ONE_CHANGE: Final = 400
_NODES_TO_FREE: Final = 8
_CLAIMS_TO_FREE: Final = 16
_STEPS: Final = 20_000  # of a search
_COSTS: Final = 500  # trials, of a search that took them all

_TAKEN: Final = frozenset[Cause](("held", "capacity", "counters", "together", "constraint"))
_PLACED: Final = frozenset[Cause](("cordoned", "not ready", "node taint", "node affinity"))

Kind = Literal["free", "clause", "tolerate", "count", "node"]


class Suggestion(msgspec.Struct, frozen=True, gc=False):
    """It would fit on these nodes if `what`: `free`, one of `claims` ended; else another request, or another pod."""

    kind: Kind
    what: str
    nodes: tuple[str, ...]
    claims: tuple[str, ...] = ()


def freeing(node: str, claims: tuple[str, ...]) -> Suggestion:
    """That one of these ended."""
    one = f"one of the claims {', '.join(claims)}" if len(claims) > 1 else f"claim {claims[0]}"
    return Suggestion("free", f"{one} ended", (node,), claims)


def suggestions(
    store: Store,
    question: Question,
    nodes: Sequence[NodeExplained],
    heed: Callable[[], None] = lambda: None,
) -> tuple[Suggestion, ...]:
    """What would help most first. Nothing where it fits already, or where an error must be mended before.

    `heed` is called before each trial; what it raises ends it.
    """
    if not nodes or any(node.fits or node.cause == "error" for node in nodes):
        return ()
    return tuple(_Trying(store, question, nodes, heed).all())


@dataclass(slots=True)
class _Change:
    kind: Kind
    what: str
    question: Question
    causes: frozenset[Cause]


class _Trying:
    """Counts the trials."""

    def __init__(
        self, store: Store, question: Question, nodes: Sequence[NodeExplained], heed: Callable[[], None]
    ) -> None:
        self._store = store
        self._heed = heed
        self._question = question
        self._nodes = sorted(nodes, key=lambda node: (node.wanted - node.got, node.node))
        self._left = MOST_TRIALS

    def all(self) -> Iterator[Suggestion]:
        yield from self._freed()
        changed = [found for change in self._changes() if (found := self._tried(change))]
        yield from sorted(changed, key=lambda found: -len(found.nodes))

    def _fits(self, question: Question, world: World, name: str) -> bool:
        self._heed()
        node: Node | None = self._store.nodes.get(ObjectKey("", name))
        self._left -= 1
        if node is None or self._left < 0 or kept_away(self._store, question, node) is not None:
            return False
        try:
            claims = question.claims_on(node)
            return allocate(world, place_of(node), claims, Patience(_STEPS)) is not None
        except AllocationError:
            return False
        except GaveUp:
            self._left -= _COSTS
            return False

    def _tried(self, change: _Change) -> Suggestion | None:
        tried = [node.node for node in self._nodes if node.cause in change.causes][:_OF_ONE_CHANGE]
        fits = [name for name in tried if self._fits(change.question, change.question.world, name)]
        return Suggestion(change.kind, change.what, tuple(sorted(fits))) if fits else None

    def _freed(self) -> Iterator[Suggestion]:
        taken = [node for node in self._nodes if node.cause in _TAKEN]
        for node in taken[:_NODES_TO_FREE]:
            pools = {(device.driver, device.pool) for device in node.devices}
            keys = sorted({key for pool in pools for key in self._store.claims_of_pool[pool]})
            claims = [self._store.claims[key] for key in keys]
            found = [
                f"{claim.namespace}/{claim.name}"
                for claim in claims[:_CLAIMS_TO_FREE]
                if self._fits(self._question, self._without(claim, claims), node.node)
            ]
            if found:
                yield freeing(node.node, tuple(found))

    def _without(self, claim: Claim, claims: Sequence[Claim]) -> World:
        """As far as these pools go, which are all that the node has."""
        world = self._question.world
        return world.holding(held((each for each in claims if each is not claim), world.rules))

    def _changes(self) -> Iterator[_Change]:
        yield from self._clauses()
        yield from self._tolerations()
        yield from self._counts()
        yield from self._placements()

    def _asking(self, change: Callable[[Request], Request | None]) -> Iterator[Question]:
        """The question with one request changed, for each that can be."""
        for c, claim in enumerate(self._question.wanted):
            for r, request in enumerate(claim.requests):
                if request.alternatives or (other := change(request)) is None:
                    continue
                requests = (*claim.requests[:r], other, *claim.requests[r + 1 :])
                changed = msgspec.structs.replace(claim, requests=requests)
                wanted = (*self._question.wanted[:c], changed, *self._question.wanted[c + 1 :])
                yield replace(self._question, wanted=wanted)

    def _clauses(self) -> Iterator[_Change]:
        dialect = self._question.world.rules.dialect
        seen: set[tuple[int, str]] = set()
        sources = {s for claim in self._question.wanted for r in claim.requests for s in r.selectors}
        for source in sorted(sources):
            try:
                parts = [clause.text for clause in clauses(selector(source, dialect))]
            except Failure:
                continue
            for number, part in enumerate(parts):
                if (number, part) in seen:
                    continue
                seen.add((number, part))
                rest = " && ".join(f"({text})" for n, text in enumerate(parts) if n != number)
                for question in self._asking(partial(_without_clause, source, rest)):
                    yield _Change("clause", f"it did not ask for {part}", question, frozenset(("selector",)))

    def _tolerations(self) -> Iterator[_Change]:
        wanted = {
            device.why.removeprefix("tainted ")
            for node in self._nodes
            for device in node.devices
            if device.verdict == "taint"
        }
        for taint in _taints(self._question.world, wanted):
            added = Toleration(key=taint.key, operator="Equal", value=taint.value, effect=taint.effect)
            for question in self._asking(partial(_tolerating, added)):
                yield _Change("tolerate", f"it tolerated {taint.text}", question, frozenset(("taint",)))

    def _counts(self) -> Iterator[_Change]:
        for question in self._asking(_one_less):
            before = {r.name: r.count for claim in self._question.wanted for r in claim.requests}
            name, number = next(
                (r.name, r.count)
                for claim in question.wanted
                for r in claim.requests
                if r.count != before[r.name]
            )
            what = f"request {name} wanted {number} instead of {number + 1}"
            yield _Change("count", what, question, frozenset((*_TAKEN, "too few", "taint", "selector")))

    def _placements(self) -> Iterator[_Change]:
        pod = self._question.pod
        if pod is None:
            return
        placement = pod.placement

        def placed(kind: Kind, what: str, other: Placement) -> _Change:
            changed = msgspec.structs.replace(pod, placement=other)
            return _Change(kind, what, replace(self._question, pod=changed), _PLACED)

        for label in placement.node_selector:
            rest = tuple(each for each in placement.node_selector if each != label)
            other = msgspec.structs.replace(placement, node_selector=rest)
            yield placed("node", f"the pod did not want nodes with {'='.join(label)}", other)
        if placement.affinity is not None:
            other = msgspec.structs.replace(placement, affinity=None)
            yield placed("node", "the pod had no required node affinity", other)
        for taint in self._node_taints():
            added = Toleration(key=taint.key, operator="Equal", value=taint.value, effect=taint.effect)
            other = msgspec.structs.replace(placement, tolerations=(*placement.tolerations, added))
            yield placed("node", f"the pod tolerated the node taint {taint.text}", other)

    def _node_taints(self) -> Sequence[Taint]:
        names = [node.node for node in self._nodes if node.cause == "node taint"][:_OF_ONE_CHANGE]
        nodes = [self._store.nodes[ObjectKey("", name)] for name in names]
        found = {
            taint.text: taint for node in nodes for taint in node.taints if taint.effect != "PreferNoSchedule"
        }
        return [found[text] for text in sorted(found)][:8]


def _tolerating(added: Toleration, request: Request) -> Request:
    return msgspec.structs.replace(request, tolerations=(*request.tolerations, added))


def _without_clause(source: str, rest: str, request: Request) -> Request | None:
    if source not in request.selectors:
        return None
    selectors = [rest if each == source else each for each in request.selectors]
    return msgspec.structs.replace(request, selectors=tuple(filter(None, selectors)))


def _one_less(request: Request) -> Request | None:
    if request.mode != "ExactCount" or request.count < 2:
        return None
    return msgspec.structs.replace(request, count=request.count - 1)


def _taints(world: World, wanted: set[str]) -> Sequence[Taint]:
    """Those of these texts, the first few by text."""
    if not wanted:
        return ()
    found = {
        taint.text: taint
        for slices in world.slices.of_pool.values()
        for each in slices
        for device in each.devices
        for taint in device.taints
        if taint.text in wanted
    }
    return [found[text] for text in sorted(found)][:8]
