"""Pools: how complete, how many devices, how many free."""

from typing import Literal

import msgspec

from dratui.api.model import DeviceKey
from dratui.cluster.counters import CounterSetState, counter_sets
from dratui.cluster.devices import counted
from dratui.cluster.index import PoolKey, held
from dratui.cluster.judgement import Judgement, judgement, where
from dratui.cluster.store import Store

State = Literal["complete", "incomplete", "invalid", "gone", "unknown"]
"""`gone`: nothing publishes it, but devices of it are held. `unknown`: the same, but slices are not known."""


def devices_of(store: Store, pool: PoolKey) -> list[DeviceKey]:
    """The devices of a pool: those of its newest generation in published order, then those that are only held."""
    verdict = judgement(store, pool)
    keys = {DeviceKey(*pool, name): None for name in (verdict.devices if verdict else ())}
    for claim in sorted(store.claims_of_pool[pool]):
        keys.update({d: None for d in held(store.claims[claim]) if (d.driver, d.pool) == pool})
    return list(keys)


class PoolRow(msgspec.Struct, frozen=True, gc=False, rename="camel", kw_only=True):
    """A pool as listed. `slices` counts those of the newest generation; `devices`, `free` and `blocked` may
    be unknown; blocked are partitions that counters no longer suffice for."""

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
    devices: int | None
    free: int | None
    blocked: int | None
    counter_sets: tuple[CounterSetState, ...]

    @property
    def key(self) -> PoolKey:
        """Which pool."""
        return self.driver, self.pool


def pool_row(store: Store, key: PoolKey) -> PoolRow | None:
    """A pool as listed; None when nothing publishes it and nothing of it is held."""
    verdict = judgement(store, key)
    states = [found.state for device in devices_of(store, key) if (found := counted(store, device))]
    if verdict is None and not states:
        return None
    if verdict is None:
        known = store.known("resourceslices")
        return PoolRow(
            driver=key[0],
            pool=key[1],
            node="",
            where="",
            generation=0,
            slices=0,
            expected_slices=0,
            obsolete_slices=0,
            state="gone" if known else "unknown",
            why="devices are held, but nothing publishes the pool" if known else "slices are not known",
            devices=0 if known else None,
            free=0 if known else None,
            blocked=0 if known else None,
            counter_sets=(),
        )
    nodes = {s.node for s in verdict.slices}
    return PoolRow(
        driver=key[0],
        pool=key[1],
        node=nodes.pop() if len(nodes) == 1 else "",
        where=_where(verdict),
        generation=verdict.generation,
        slices=len(verdict.slices),
        expected_slices=verdict.expected,
        obsolete_slices=verdict.obsolete,
        state=verdict.state,
        why=verdict.why,
        devices=len(verdict.devices),
        free=states.count("free"),
        blocked=states.count("blocked"),
        counter_sets=counter_sets(store, key),
    )


def _where(verdict: Judgement) -> str:
    """Where the slices of a pool can be used, in words: a pool may span nodes."""
    nodes = {s.node for s in verdict.slices if s.node}
    others = {where(s) for s in verdict.slices if not s.node}
    named = [*nodes] if len(nodes) == 1 else [f"{len(nodes)} nodes"] if nodes else []
    return ", ".join([*named, *sorted(others - {""})])
