"""The smallest changes with which it would fit, each tried out with the allocator: one, and where no single one is
enough, two. Not for ever: where there are more nodes than trials, those that miss least are tried."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from itertools import combinations
from math import comb
from typing import Final

import msgspec

from dratui.allocation.explain import NodeExplained, explain
from dratui.allocation.patience import GaveUp, Patience
from dratui.allocation.search import AllocationError, allocate
from dratui.allocation.world import World
from dratui.api.model import Claim, Node, ObjectKey, Pod
from dratui.cluster.pods import finished
from dratui.cluster.store import Store
from dratui.why.freed import crowding, ending, holding, without
from dratui.why.ladder import Change, Kind, Ladder
from dratui.why.placement import kept_away, place_of
from dratui.why.preemption import RESOLVED
from dratui.why.question import Question
from dratui.why.relaxed import TAKEN, changed, ladders
from dratui.why.relaxed_pod import pod_ladders

MOST_TRIALS: Final = 2_000
_OF_ONE_CHANGE: Final = 400
_COSTS: Final = 30  # trials, of a selector that was not asked before
_STEPS: Final = 20_000  # of a search
_ALL_STEPS: Final = 60_000

_NODES_TO_FREE: Final = 8
_FREED: Final = 3  # nodes, of which is said whose claims to end
_NODES_FOR_TWO: Final = 6
_TWO: Final = 3  # suggestions
_COMBINATIONS: Final = 70  # of claims

_RUNGS: Final = 3  # of a ladder, for two changes


class Suggestion(msgspec.Struct, frozen=True, gc=False):
    """It would fit on these nodes if `what`; of `claims` or `pods` some ended, if any are named. `two`: two changes of
    which neither is enough."""

    kind: Kind
    what: str
    nodes: tuple[str, ...]
    claims: tuple[str, ...] = ()
    pods: tuple[str, ...] = ()


def suggestions(
    store: Store,
    question: Question,
    nodes: Sequence[NodeExplained],
    heed: Callable[[], None] = lambda: None,
    *,
    lasting: Set[str] = frozenset(),
) -> tuple[Suggestion, ...]:
    """What would help most first. Nothing where it fits already, or where an error must be mended before.

    `heed` is called before each trial; what it raises ends it. `lasting`: what is not to end, `claim NAMESPACE/NAME` or
    `pod NAMESPACE/NAME`.
    """
    if not nodes or any(node.fits or node.cause == "error" for node in nodes):
        return ()
    trying = _Trying(store, question, nodes, heed, lasting)
    return tuple(trying.one()) or tuple(trying.two())


class _Trying:
    """Counts the trials."""

    def __init__(
        self,
        store: Store,
        question: Question,
        nodes: Sequence[NodeExplained],
        heed: Callable[[], None],
        lasting: Set[str],
    ) -> None:
        self._store = store
        self._heed = heed
        self._question = question
        self._nodes = sorted(nodes, key=lambda node: (node.wanted - node.got, node.node))
        self._lasting = lasting
        self._left = MOST_TRIALS
        self._patience = Patience(_STEPS, _ALL_STEPS)
        self._sources = _sources(question)

    def one(self) -> Iterator[Suggestion]:
        """Those of one change: claims and pods that end first."""
        yield from self._freed()
        yield from self._emptied()
        found = []
        nearest = self._nodes[:_OF_ONE_CHANGE]
        for ladder in (*ladders(self._question, nearest), *self._pod_ladders(nearest)):
            for change in ladder:
                if names := self._helped((change,), [node for node in self._nodes if change.may_help(node)]):
                    found.append(Suggestion(change.kind, change.what, names))
                    break
        yield from sorted(found, key=lambda each: -len(each.nodes))

    def two(self) -> Iterator[Suggestion]:
        """Those of two, or of more claims that end; on a few nodes of different stories."""
        told: list[Suggestion] = []
        for node in self._sample():
            if len(told) < _TWO and not any(node.node in each.nodes for each in told):
                told += self._two_on(node)
        return iter(told)

    def _fits(self, question: Question, world: World, name: str) -> bool:
        self._heed()
        node: Node | None = self._store.nodes.get(ObjectKey("", name))
        self._left -= 1
        if node is None or self._left < 0 or kept_away(self._store, question, node) is not None:
            return False
        try:
            return allocate(world, place_of(node), question.claims_on(node), self._patience) is not None
        except (AllocationError, GaveUp):
            return False

    def _helped(self, changes: Sequence[Change], nodes: Sequence[NodeExplained]) -> tuple[str, ...]:
        """Those of the nodes on which it would fit."""
        question = self._changed(changes) if nodes else None
        if question is None:
            return ()
        names = (node.node for node in nodes[:_OF_ONE_CHANGE])
        return tuple(sorted(name for name in names if self._fits(question, question.world, name)))

    def _changed(self, changes: Sequence[Change]) -> Question | None:
        question = changed(self._question, changes)
        if question is not None:
            sources = _sources(question)
            self._left -= _COSTS * len(sources - self._sources)
            self._sources |= sources
        return question

    def _pod_ladders(self, nodes: Sequence[NodeExplained]) -> Iterator[Ladder]:
        rows = {node.node: self._store.nodes.get(ObjectKey("", node.node)) for node in nodes}
        tainted = [row for node in nodes if node.cause == "node taint" and (row := rows[node.node])]
        taints = [taint for row in tainted for taint in row.taints]
        return pod_ladders(self._question, taints, [row for row in rows.values() if row is not None])

    def _freed(self) -> Iterator[Suggestion]:
        """One claim that ends, on the nodes that miss least."""
        told = 0
        for node in [node for node in self._nodes if _is_taken(node)][:_NODES_TO_FREE]:
            found = [each for each in self._holding(node) if self._ends([each], node.node)]
            if found:
                told += 1
                yield Suggestion("free", ended("claim", 1, _names(found)), (node.node,), _names(found))
            if told == _FREED:
                return

    def _emptied(self) -> Iterator[Suggestion]:
        """One pod that ends where there is too little room, or as few as it takes; on the nodes that miss least."""
        crowded = [node for node in self._nodes if node.cause in RESOLVED][:_NODES_TO_FREE]
        there: dict[str, list[Pod]] = {node.node: [] for node in crowded}
        for pod in self._store.pods.values() if there else ():
            if pod.node in there and not finished(pod):
                there[pod.node].append(pod)
        told = 0
        for name, pods in there.items():
            row = self._store.nodes[ObjectKey("", name)]
            may_end = crowding(self._question, row, pods, self._lasting)
            found = [pod for pod in may_end if self._fits_without([pod], name)]
            fewest = 1 if found else len(found := self._fewest_pods(may_end, name))
            if found:
                told += 1
                yield Suggestion("free", ended("pod", fewest, _names(found)), (name,), pods=_names(found))
            if told == _FREED:
                return

    def _fits_without(self, pods: Sequence[Pod], name: str) -> bool:
        question = ending(self._store, self._question, pods)
        return self._fits(question, question.world, name)

    def _fewest_pods(self, pods: Sequence[Pod], name: str) -> list[Pod]:
        """So few of these that none of them could stay; nothing, if all are not enough."""
        if len(pods) < 2 or not self._fits_without(pods, name):
            return []
        fewest = list(pods)
        for pod in reversed(pods):
            rest = [each for each in fewest if each is not pod]
            if self._fits_without(rest, name):
                fewest = rest
        return fewest

    def _holding(self, node: NodeExplained) -> list[Claim]:
        return holding(self._store, self._question.world, node, self._lasting)

    def _ends(self, claims: Sequence[Claim], name: str, changes: Sequence[Change] = ()) -> bool:
        """Whether it would fit if these claims ended and this was changed."""
        question = self._changed(changes)
        if question is None:
            return False
        return self._fits(question, without(self._store, question.world, claims), name)

    # Two

    def _sample(self) -> Iterator[NodeExplained]:
        """The nearest, of different stories."""
        left = _NODES_FOR_TWO
        of_cause: Counter[str] = Counter()
        for node in self._nodes:
            of_cause[node.cause] += 1
            if of_cause[node.cause] <= 2 and left:
                left -= 1
                yield node

    def _two_on(self, node: NodeExplained) -> Iterator[Suggestion]:
        claims = self._holding(node)
        fewest, of = self._fewest(node, claims)
        freed = Suggestion("free", ended("claim", fewest, of), (node.node,), of) if of else None
        if (freed is None or fewest > 2) and (found := self._pair(node, claims)) is not None:
            yield found
        if freed is not None:
            yield freed

    def _pair(self, node: NodeExplained, claims: Sequence[Claim]) -> Suggestion | None:
        rungs = [
            (each, ladder[each])
            for ladder in (
                *ladders(self._question, (self._looked_at(node),)),
                *self._pod_ladders((node,)),
            )
            for each in sorted({*range(min(_RUNGS, len(ladder))), len(ladder) - 1})
            if ladder
        ]
        changes = [change for _, change in sorted(rungs, key=lambda rung: rung[0])]
        for change in changes:
            if found := [each for each in claims if self._ends([each], node.node, [change])]:
                what = f"{ended('claim', 1, _names(found))} and {change.what}"
                return Suggestion("two", what, (node.node,), _names(found))
        for pair in combinations(changes, 2):
            if self._helped(pair, (node,)):
                alike = [other for other in self._nodes if other.cause == node.cause]
                what = " and ".join(each.what for each in pair)
                return Suggestion("two", what, self._helped(pair, alike) or (node.node,))
        return None

    def _looked_at(self, node: NodeExplained) -> NodeExplained:
        """With its devices, even where something else keeps the pod away."""
        row = self._store.nodes.get(ObjectKey("", node.node))
        if node.devices or row is None:
            return node
        claims = self._question.claims_on(row)
        return explain(self._question.world, place_of(row), claims, lambda key: (), self._patience)

    def _fewest(self, node: NodeExplained, claims: Sequence[Claim]) -> tuple[int, tuple[str, ...]]:
        """How many claims must end, where one is not enough; and their names, or of which any so many will do."""
        if len(claims) < 2 or not self._ends(claims, node.node):
            return 0, ()
        fewest = list(claims)
        for claim in claims:
            rest = [each for each in fewest if each is not claim]
            if self._ends(rest, node.node):
                fewest = rest
        number = len(fewest)
        if comb(len(claims), number) <= _COMBINATIONS:
            ways = [way for way in combinations(claims, number) if self._ends(way, node.node)]
            of = [claim for claim in claims if any(claim in way for way in ways)]
            if len(ways) == comb(len(of), number):
                return number, _names(of)
        return number, _names(fewest)


def ended(kind: str, number: int, names: Sequence[str]) -> str:
    """So many of these ended, in words. `kind`: claim or pod."""
    if len(names) == 1:
        return f"{kind} {names[0]} ended"
    if number == len(names):
        return f"{kind}s {', '.join(names[:-1])} and {names[-1]} ended"
    return f"{number} of these {len(names)} {kind}s ended ({', '.join(names)})"


def _names(rows: Sequence[Claim | Pod]) -> tuple[str, ...]:
    return tuple(f"{row.namespace}/{row.name}" for row in rows)


def _sources(question: Question) -> set[str]:
    return {
        source
        for claim in question.wanted
        for request in claim.requests
        for each in (request, *request.alternatives)
        for source in each.selectors
    }


def _is_taken(node: NodeExplained) -> bool:
    return node.cause in TAKEN or any(each.verdict in TAKEN for each in node.devices)
