"""Whom the scheduler would evict for a pod that fits nowhere, and where.

Nobody for devices of claims, whatever the priority: to the scheduler that they are held is nothing that an eviction
resolves, and when it tries out one the claims of the evicted keep their devices. So where cpu, memory, the number of
pods or a device plugin's devices are short, and the claims fit beside, pods of lower priority go: as few as need be,
the least important ones. PodDisruptionBudgets, which it would rather not violate, are not known here.

Source: pkg/scheduler/framework/plugins/defaultpreemption, SelectVictimsOnNode; preemption, pickOneNodeForPreemption;
dynamicresources, Filter: 1.36.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
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
    kept = [each for each in there if each.priority >= pod.priority]
    if not lower or not _fits(question, pod, node, kept):
        return ()
    gone = []
    for each in lower:
        if _fits(question, pod, node, (*kept, each)):
            kept.append(each)
        else:
            gone.append(each)
    return tuple(gone)


def cost(gone: Sequence[Pod]) -> tuple[int, int, int, float]:
    """The scheduler takes the node where it is least; of equal ones any."""
    highest = gone[0].priority
    first = min(_since(each) for each in gone if each.priority == highest)
    return highest, sum(each.priority + _LEAST for each in gone), len(gone), -first


def _importance(pod: Pod) -> tuple[int, float]:
    return -pod.priority, _since(pod)


def _since(pod: Pod) -> float:
    since = pod.started or pod.created
    return since.timestamp() if since else 0.0


def _fits(question: Question, pod: Pod, node: Node, others: Iterable[Pod]) -> bool:
    """As far as cpu, memory, pods and device plugins go."""
    by_claim = question.by_claim(node)
    total = {**dict(node.allocatable), **dict(node.native or ())}
    wanted = Counter({name: number for name, number in question.plugin.items() if name not in by_claim})
    wanted.update(dict(pod.native))
    wanted[PODS] = 1
    taken: Counter[str] = Counter()
    for each in others:
        taken.update(dict(each.native))
        taken.update(plugin_devices(each))
        taken[PODS] += 1
    return all(taken[name] + number <= total.get(name, 0) for name, number in wanted.items() if number)
