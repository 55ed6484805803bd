"""Claims that might end: whose devices a node could give, and the world without them."""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace
from itertools import islice
from typing import Final

from dratui.allocation.explain import NodeExplained
from dratui.allocation.world import Held, World, held
from dratui.api.model import Claim, DeviceKey, Node, ObjectKey, Pod
from dratui.cluster.index import claims_of
from dratui.cluster.pods import plugin_devices
from dratui.cluster.store import Store
from dratui.why.placement import place_of
from dratui.why.question import Question
from dratui.why.room import PODS

MOST: Final = 16
"""Of a node: more are not tried."""

_OF_NODES: Final = ("DaemonSet", "Node")  # whose pods come back at once


def holding(store: Store, world: World, node: NodeExplained, lasting: Set[str]) -> list[Claim]:
    """The claims that have what a node could give, but for `lasting` ones, `claim NAMESPACE/NAME`; no more than
    MOST.

    Those first whose devices were looked at: there may be others in pools that it shares with many nodes.
    """
    found = dict.fromkeys(_keys(store, world, node))
    claims = (store.claims[key] for key in found)
    may_end = (each for each in claims if f"claim {each.namespace}/{each.name}" not in lasting)
    return list(islice(may_end, MOST))


def _keys(store: Store, world: World, node: NodeExplained) -> Iterator[ObjectKey]:
    looked_at = (DeviceKey(each.driver, each.pool, each.device) for each in node.devices)
    yield from sorted({key for device in looked_at for key in store.claims_of_device[device]})
    row = store.nodes.get(ObjectKey("", node.node))
    if row is None:
        return
    pools = {(each.driver, each.pool): None for each in world.slices.perhaps_for(place_of(row))}
    for pool in pools:
        yield from sorted(store.claims_of_pool[pool])


class _Without(Set[DeviceKey]):
    """All but a few: of tens of thousands none is copied."""

    def __init__(self, all_: Set[DeviceKey], but: Set[DeviceKey]) -> None:
        self._all = all_
        self._but = but

    def __contains__(self, key: object) -> bool:
        return key in self._all and key not in self._but

    def __iter__(self) -> Iterator[DeviceKey]:
        return (key for key in self._all if key not in self._but)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def without(store: Store, world: World, claims: Sequence[Claim]) -> World:
    """As if they had ended."""
    gone = held(claims, world.rules)
    ended = {claim.key for claim in claims}
    alone = {key for key in gone.exclusive if ended.issuperset(store.claims_of_device[key])}
    shared = world.held.shared
    if gone.shared:
        shared = dict(shared)
        for key, amounts in gone.shared.items():
            if ended.issuperset(store.claims_of_device[key]):
                shared.pop(key, None)
            else:
                taken = shared[key]
                shared[key] = {name: taken[name] - amounts.get(name, 0) for name in taken}
    return world.holding(Held(_Without(world.held.exclusive, alone), shared))


def crowding(question: Question, node: Node, there: Iterable[Pod], lasting: Set[str]) -> list[Pod]:
    """Those of the pods of a node that have what another one lacks there beside claims, and are worth no more than that
    one is; who has most of it first, no more than MOST.

    Neither `lasting` ones, `pod NAMESPACE/NAME`, nor those that a node is never without.
    """
    asking = question.pod
    if asking is None:
        return []
    missing = {each.name: each.wanted - each.left for each in question.room.short(asking, node)}
    missing = missing or dict(question.plugin)

    def has_of_it(pod: Pod) -> float:
        has = {**dict(pod.native), **plugin_devices(pod), PODS: 1}
        return sum(min(1.0, has.get(name, 0) / number) for name, number in missing.items())

    may_end = [
        pod
        for pod in there
        if pod.priority <= asking.priority
        and not (pod.owner and pod.owner.kind in _OF_NODES)
        and f"pod {pod.namespace}/{pod.name}" not in lasting
        and has_of_it(pod)
    ]
    return sorted(may_end, key=lambda pod: (-has_of_it(pod), pod.priority, pod.key))[:MOST]


def ending(store: Store, question: Question, pods: Sequence[Pod]) -> Question:
    """The same, as if these pods had ended, and with them the claims that nobody else uses."""
    over = {pod.key for pod in pods}
    keys = {key for pod in pods for key in (*claims_of(pod), *store.claims_reserved_for[pod.key])}
    claims = [
        claim
        for key in sorted(keys)
        if (claim := store.claims.get(key)) is not None
        and all(
            each.resource == "pods" and ObjectKey(claim.namespace, each.name) in over
            for each in claim.consumers
        )
    ]
    world = without(store, question.world, claims)
    return replace(question, world=world, gone=(*question.gone, *pods))
