"""What keeps a pod from a node before anybody looks at its devices, in the order in which the scheduler asks.

Of the rest that the scheduler looks at nothing is known here: ports, volumes, where other pods are.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from dratui.allocation.explain import NodeExplained
from dratui.allocation.nodes import Place, first_miss, matches
from dratui.allocation.taints import tolerates
from dratui.allocation.words import some
from dratui.api.model import Claim, Node, NodeSelector, Placement, Pod, Taint
from dratui.cluster.nodes import plugin_resources
from dratui.cluster.pods import plugin_devices
from dratui.cluster.store import Store
from dratui.why.question import Question

_BLOCKING: Final = ("NoSchedule", "NoExecute")
_CORDONED: Final = Taint(key="node.kubernetes.io/unschedulable", effect="NoSchedule")
_NOT_READY: Final = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")

UNSEEN: Final = "ports, volumes, pod affinity and topology spread"
"""What the scheduler looks at and we do not."""


def kept_away(store: Store, question: Question, node: Node) -> NodeExplained | None:
    """The first reason; None if the node's devices decide.

    Source: the default order of filters, pkg/scheduler/apis/config/v1/default_plugins.go, 1.36.
    """
    return next(reasons(store, question, node), None)


def reasons(store: Store, question: Question, node: Node) -> Iterator[NodeExplained]:
    """All of them."""
    place = place_of(node)
    if question.pod is not None:
        yield from _taints(node, question.pod.placement)
        yield from _selectors(place, question.pod.placement)
        yield from _resources(question, node, question.pod)
        yield from _plugins(store, question, node)
        yield from _unbindable(question, node)
    for claim in question.given:
        yield from _elsewhere(place, claim)


def place_of(node: Node) -> Place:
    """As selectors see it."""
    return Place(node.name, dict(node.labels), node.features)


def _taints(node: Node, placement: Placement) -> Iterator[NodeExplained]:
    tolerations = placement.tolerations
    if node.unschedulable and not any(tolerates(each, _CORDONED) for each in tolerations):
        yield NodeExplained(node.name, fits=False, cause="cordoned", detail="cordoned")
    for taint in node.taints:
        if taint.effect in _BLOCKING and not any(tolerates(each, taint) for each in tolerations):
            if taint.key in _NOT_READY:
                yield NodeExplained(
                    node.name, fits=False, cause="not ready", detail=f"not ready: taint {taint.text}"
                )
            else:
                yield NodeExplained(
                    node.name, fits=False, cause="node taint", detail=f"taint not tolerated: {taint.text}"
                )


def _selectors(place: Place, placement: Placement) -> Iterator[NodeExplained]:
    for key, value in placement.node_selector:
        has = place.labels.get(key)
        if has != value:
            why = f"node selector {key}={value}"
            detail = f"{why}: the node has {_label(key, has)}"
            yield NodeExplained(place.name, fits=False, cause="node affinity", detail=detail, why=why)
    if placement.affinity is not None and not matches(place, placement.affinity):
        why, detail = _affinity(place, placement.affinity)
        yield NodeExplained(place.name, fits=False, cause="node affinity", detail=detail, why=why)


def _affinity(place: Place, affinity: NodeSelector) -> tuple[str, str]:
    """Which requirement does not hold, and the same with what the node has."""
    missed = first_miss(place, affinity)
    if missed is None:
        why = "the pod's required node affinity does not hold"
        return why, why
    values = f" [{some(missed.values)}]" if missed.values else ""
    why = f"required node affinity {missed.key} {missed.operator}{values}"
    if (more := len(affinity.node_selector_terms) - 1) > 0:
        why += f", nor {more} other term{'s' if more > 1 else ''}"
    has = _label(missed.key, place.labels.get(missed.key))
    return why, why if missed.key == "metadata.name" else f"{why}: the node has {has}"


def _label(key: str, value: str | None) -> str:
    return f"no label {key}" if value is None else f"{key}={value}"


def _resources(question: Question, node: Node, pod: Pod) -> Iterator[NodeExplained]:
    short = list(question.room.short(pod, node, [each for each in question.gone if each.node == node.name]))
    if short:
        said = tuple(each.said for each in short)
        yield NodeExplained(
            node.name,
            fits=False,
            cause="resources",
            detail="; ".join(each.text for each in short),
            why=", ".join(said),
            short=said,
        )


def _plugins(store: Store, question: Question, node: Node) -> Iterator[NodeExplained]:
    by_claim = question.by_claim(node)
    wanted = {name: number for name, number in question.plugin.items() if number and name not in by_claim}
    if not wanted:
        return
    there = {each.name: each for each in plugin_resources(store, node.name)}
    given_back: Counter[str] = Counter()
    for pod in question.gone:
        if pod.node == node.name:
            given_back.update(plugin_devices(pod))
    for name, number in wanted.items():
        has = there.get(name)
        if has is None or not has.allocatable:
            detail = f"no device plugin offers {name}"
            yield NodeExplained(node.name, fits=False, cause="no devices", detail=detail)
        elif (
            has.requested is not None
            and (left := has.allocatable - has.requested + given_back[name]) < number
        ):
            free = max(0, left)
            detail = f"{free} of {has.allocatable} {name} free, {number} wanted"
            yield NodeExplained(
                node.name, fits=False, cause="device plugin", detail=detail, wanted=number, got=free
            )


def _unbindable(question: Question, node: Node) -> Iterator[NodeExplained]:
    """Where a device plugin has all the extended resources of a pod that has claims as well: of the claim that would
    stand for them, and asks for nothing here, the scheduler takes the allocation, of nothing, for one that the pod is
    to be told of, and stops at that.

    Source: dynamicresources, bindClaim and patchPodExtendedResourceClaimStatus: 1.36 and 1.37.
    """
    if question.extended and (question.wanted or question.given) and not question.by_claim(node):
        offers = f"a device plugin offers {some(tuple(question.extended))}"
        why = (
            f"{offers}: the scheduler cannot bind a pod that has claims, too (nil or empty request mappings)"
        )
        yield NodeExplained(node.name, fits=False, cause="no devices", detail=why)


def _elsewhere(place: Place, claim: Claim) -> Iterator[NodeExplained]:
    allocation = claim.allocation
    if allocation is None:
        return
    selector = allocation.node_selector
    if allocation.node:
        if allocation.node != place.name:
            detail = f"claim {claim.name} has its devices on node {allocation.node}"
            yield NodeExplained(place.name, fits=False, cause="elsewhere", detail=detail)
    elif selector is not None and not matches(place, selector):
        detail = f"claim {claim.name} has devices that this node cannot reach"
        yield NodeExplained(place.name, fits=False, cause="elsewhere", detail=detail)
