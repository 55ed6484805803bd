"""Whom the scheduler would evict for a pod that fits nowhere, and where.

Nobody for devices of claims, whatever the priority: to the scheduler that they are held is nothing that an eviction
resolves, and when it tries out one the claims of the evicted keep their devices. So where cpu, memory, the number of
pods or a device plugin's devices are short, and the claims fit beside, pods of lower priority go: as few as need be,
the least important ones. PodDisruptionBudgets, which it would rather not violate, are not known here.

Source: pkg/scheduler/framework/plugins/defaultpreemption, SelectVictimsOnNode; preemption, pickOneNodeForPreemption;
dynamicresources, Filter: 1.36.
"""

from collections.abc import Sequence
from typing import Final

from dratui.allocation.explain import Cause
from dratui.api.model import Node, Pod
from dratui.cluster.pods import plugin_devices
from dratui.why.question import Question
from dratui.why.room import PODS

RESOLVED: Final = frozenset[Cause](("resources", "device plugin"))
"""What keeps a pod from a node and an eviction may mend."""

_LEAST: Final = 2**31  # below every priority


def victims(question: Question, node: Node, there: Sequence[Pod]) -> tuple[Pod, ...]:
    """Who of the pods there would go, the most important first, so that there is room beside devices of claims; nobody
    where none of lower priority helps."""
    pod = question.pod
    if pod is None or node.native is None:
        return ()
    lower = sorted((each for each in there if each.priority < pod.priority), key=_importance)
    if not lower:
        return ()
    room = _Room(question, pod, node)
    for each in there:
        if each.priority >= pod.priority:
            room.add(each)
    if not room.fits():
        return ()
    gone = []
    for each in lower:
        room.add(each)
        if not room.fits():
            room.add(each, -1)
            gone.append(each)
    return tuple(gone)


Cost = tuple[int, int, int, float]


def cost(gone: Sequence[Pod]) -> Cost:
    """The scheduler takes the node where it is least; of equal ones any."""
    highest = gone[0].priority
    first = min(_since(each) for each in gone if each.priority == highest)
    return highest, sum(each.priority + _LEAST for each in gone), len(gone), -first


def _importance(pod: Pod) -> tuple[int, float]:
    return -pod.priority, _since(pod)


def _since(pod: Pod) -> float:
    since = pod.started or pod.created
    return since.timestamp() if since else 0.0


class _Room:
    """What is left on a node of all that the pod asks for beside devices of claims."""

    def __init__(self, question: Question, pod: Pod, node: Node) -> None:
        by_claim = question.by_claim(node)
        total = {**dict(node.allocatable), **dict(node.native or ())}
        wanted = {name: number for name, number in question.plugin.items() if name not in by_claim}
        wanted |= dict(pod.native) | {PODS: 1}
        self._left = {name: total.get(name, 0) - number for name, number in wanted.items() if number}

    def add(self, pod: Pod, sign: int = 1) -> None:
        for name, number in (*pod.native, *plugin_devices(pod).items(), (PODS, 1)):
            if name in self._left:
                self._left[name] -= sign * number

    def fits(self) -> bool:
        return all(left >= 0 for left in self._left.values())
