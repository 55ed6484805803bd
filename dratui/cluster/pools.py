"""Pools: how complete, how many devices, how many free."""

import msgspec

from dratui.api.model import DeviceKey
from dratui.cluster.devices import device_row
from dratui.cluster.index import PoolKey, held
from dratui.cluster.judgement import State, judgement, where
from dratui.cluster.store import Store


def devices_of(store: Store, pool: PoolKey) -> list[DeviceKey]:
    """The devices of a pool: those of its newest generation in published order, then those that are only held."""
    verdict = judgement(store, pool)
    keys = {DeviceKey(*pool, name): None for name in (verdict.devices if verdict else ())}
    for claim in sorted(store.claims_of_pool[pool]):
        keys.update({d: None for d in held(store.claims[claim]) if (d.driver, d.pool) == pool})
    return list(keys)


class PoolRow(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A pool as listed. `slices` counts those of the newest generation."""

    driver: str
    pool: str
    node: str
    where: str
    generation: int
    slices: int
    expected_slices: int
    obsolete_slices: int
    state: State
    why: str
    devices: int
    free: int

    @property
    def key(self) -> PoolKey:
        """Which pool."""
        return self.driver, self.pool


def pool_row(store: Store, key: PoolKey) -> PoolRow | None:
    """A pool as listed; None when it is gone. A pool that is only held on to is `gone` but listed."""
    verdict = judgement(store, key)
    rows = [row for device in devices_of(store, key) if (row := device_row(store, device))]
    if verdict is None and not rows:
        return None
    nodes = {s.node for s in verdict.slices} if verdict else {""}
    return PoolRow(
        driver=key[0],
        pool=key[1],
        node=nodes.pop() if len(nodes) == 1 else "",
        where=where(verdict.slices[0]) if verdict else "",
        generation=verdict.generation if verdict else 0,
        slices=len(verdict.slices) if verdict else 0,
        expected_slices=verdict.expected if verdict else 0,
        obsolete_slices=verdict.obsolete if verdict else 0,
        state=verdict.state if verdict else "gone",
        why=verdict.why if verdict else "devices are held, but nothing publishes the pool",
        devices=sum(not row.vanished for row in rows),
        free=sum(row.state == "free" for row in rows),
    )
