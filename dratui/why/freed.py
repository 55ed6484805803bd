"""Claims that might end: whose devices a node could give, and the world without them."""

from collections.abc import Iterator, Sequence, Set
from itertools import islice
from typing import Final

from dratui.allocation.explain import NodeExplained
from dratui.allocation.world import Held, World, held
from dratui.api.model import Claim, DeviceKey, ObjectKey
from dratui.cluster.store import Store
from dratui.why.placement import place_of

MOST: Final = 16
"""Of a node: more are not tried."""


def holding(store: Store, world: World, node: NodeExplained, lasting: Set[str]) -> list[Claim]:
    """The claims that have what a node could give, but for `lasting` ones, NAMESPACE/NAME; no more than MOST.

    Those first whose devices were looked at: there may be others in pools that it shares with many nodes.
    """
    found = dict.fromkeys(_keys(store, world, node))
    claims = (store.claims[key] for key in found)
    return list(islice((each for each in claims if f"{each.namespace}/{each.name}" not in lasting), MOST))


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
