"""The same question, asking for less: what a person could change of the pod. Where it may go, and how much it wants of
cpu, memory and the like."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from msgspec.structs import replace

from dratui.allocation.explain import Cause
from dratui.api.model import Node, Pod, Taint
from dratui.why.ladder import Change, Ladder
from dratui.why.question import Question
from dratui.why.relaxed import MOST, tolerating
from dratui.why.room import PODS, in_bytes, written

_PLACED: Final = frozenset[Cause](("cordoned", "not ready", "node taint", "node affinity"))
_MEBI: Final = 1 << 20


def pod_ladders(question: Question, node_taints: Sequence[Taint], nodes: Sequence[Node]) -> Iterator[Ladder]:
    """All that may help. `node_taints`: what the pod does not tolerate; `nodes`: where there may be too little room."""
    pod = question.pod
    if pod is None:
        return
    for label in pod.placement.node_selector:
        what = f"the pod did not want nodes with {'='.join(label)}"
        yield [Change("node", what, _PLACED, pod=partial(_without_label, label))]
    if pod.placement.affinity is not None:
        what = "the pod had no required node affinity"
        yield [Change("node", what, _PLACED, pod=_without_affinity)]
    taints = {taint.text: taint for taint in node_taints if taint.effect != "PreferNoSchedule"}
    for text in sorted(taints)[:MOST]:
        what = f"the pod tolerated the node taint {text}"
        yield [Change("node", what, _PLACED, pod=partial(_tolerates, taints[text]))]
    yield from _smaller(question, pod, nodes)


def _without_label(label: tuple[str, str], pod: Pod) -> Pod:
    rest = tuple(each for each in pod.placement.node_selector if each != label)
    return replace(pod, placement=replace(pod.placement, node_selector=rest))


def _without_affinity(pod: Pod) -> Pod:
    return replace(pod, placement=replace(pod.placement, affinity=None))


def _tolerates(taint: Taint, pod: Pod) -> Pod:
    tolerations = (*pod.placement.tolerations, tolerating(taint))
    return replace(pod, placement=replace(pod.placement, tolerations=tolerations))


def _smaller(question: Question, pod: Pod, nodes: Sequence[Node]) -> Iterator[Ladder]:
    """Of each resource as much as one of the nodes has left, the most first."""
    short = [each for node in nodes for each in question.room.short(pod, node) if each.name != PODS]
    for name in sorted({each.name for each in short}):
        wanted = dict(pod.native)[name]
        left = {_round(name, each.left) for each in short if each.name == name}
        yield [
            Change(
                "resources",
                f"the pod asked for {written(name, amount)} of {name} instead of {written(name, wanted)}",
                frozenset(("resources",)),
                pod=partial(_asks, name, amount),
            )
            for amount in sorted(left, reverse=True)[:MOST]
            if amount
        ]


def _round(name: str, amount: int) -> int:
    """Down to what is written in whole units."""
    if not in_bytes(name) or amount < _MEBI:
        return amount
    unit = _MEBI << 10 if amount >= 64 * _MEBI << 10 else _MEBI
    return amount - amount % unit


def _asks(name: str, amount: int, pod: Pod) -> Pod:
    return replace(pod, native=tuple((of, amount if of == name else wanted) for of, wanted in pod.native))
