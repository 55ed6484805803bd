"""The first screen's facts: what accelerators there are, who holds them, who waits and why."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from datetime import datetime
from heapq import nsmallest
from itertools import islice
from typing import Any, Final

import msgspec

from dratui.api.model import DeviceKey, ObjectKey
from dratui.cluster.devices import counted
from dratui.cluster.index import PoolKey, accelerated
from dratui.cluster.judgement import judgement
from dratui.cluster.live import Live
from dratui.cluster.nodes import plugin_resources
from dratui.cluster.pending import waiting
from dratui.cluster.pods import finished, plugin_devices
from dratui.cluster.store import Changes, Store
from dratui.terminal import clean
from dratui.views.faults import POOL_STATES, Fault, claim_fault, node_fault, pool_fault
from dratui.views.idle import IdleHolder, idle_claim, idle_pod
from dratui.views.lives import HELD, lives
from dratui.views.slicing import Enough, never
from dratui.views.tables import TABLES

MOST_FAULTS: Final = 60  # that are told one by one


class DeviceGroup(msgspec.Struct, frozen=True):
    """Devices of one driver and product. `blocked`: partitions that counters do not suffice for. `other`: of pools that
    are incomplete or invalid, or gone. `shares`: the utilisation of each as far as it is known, the largest first."""

    driver: str
    product: str
    total: int
    held: int
    free: int
    tainted: int
    blocked: int
    other: int
    live: Live | None = None
    shares: tuple[float, ...] = ()


class PluginGroup(msgspec.Struct, frozen=True):
    """Devices that device plugins advertise under one resource name."""

    name: str
    total: int
    requested: int


class WaitingPod(msgspec.Struct, frozen=True, gc=False):
    """A pod that waits for accelerators, the longest first."""

    key: ObjectKey
    since: datetime | None
    reason: str
    source: str
    kind: str  # what it has in common with others that wait


class Tenant(msgspec.Struct, frozen=True):
    """What a namespace holds and waits for. `plugin`: devices got from device plugins."""

    namespace: str
    held: int
    waiting: int
    plugin: int
    live: Live | None = None


class PoolsSummary(msgspec.Struct, frozen=True):
    """How many pools are in which state; those in none of these are gone."""

    total: int
    complete: int
    incomplete: int
    invalid: int


class Overview(msgspec.Struct, frozen=True):
    """All of it, texts cleaned. `waiting`: the longest first. `faults`: how many claims, pools and nodes need a person;
    `faulty`: the first of them."""

    devices: tuple[DeviceGroup, ...]
    plugin: tuple[PluginGroup, ...]
    waiting: tuple[WaitingPod, ...]
    waiting_reasons: tuple[tuple[str, int], ...]
    tenants: tuple[Tenant, ...]
    pools: PoolsSummary
    faults: int
    faulty: tuple[Fault, ...] = ()
    idle: tuple[IdleHolder, ...] = ()


class Tally:
    """What the rows of one table contribute, kept up to date: counted, and by key. None contributes nothing.

    `live`: what devices do contributes too.
    """

    def __init__(
        self, table: str, keys: Iterable[Any], contribution: Callable[[Any], Hashable], *, live: bool = False
    ) -> None:
        self._table = table
        self._live = live
        self._contribution = contribution
        self.of: dict[Any, Any] = {}
        self.counts: Counter[Any] = Counter()
        self._noted: set[Any] = set(keys)

    @property
    def busy(self) -> bool:
        """Whether `advance` has anything to do."""
        return bool(self._noted)

    def note(self, changes: Changes) -> None:
        """Rows changed; `advance` counts them again."""
        self._noted.update(changes.of(self._table) if self._live else changes.rows.get(self._table, ()))

    def advance(self, enough: Enough) -> bool:
        """Count again what changed, until that is done or `enough`. True when anything contributes otherwise now."""
        moved = False
        while self._noted:
            moved |= self._count(self._noted.pop())
            if enough():  # each time: a large namespace alone takes milliseconds
                break
        return moved

    def _count(self, key: Any) -> bool:
        old, new = self.of.get(key), self._contribution(key)
        if old == new:
            return False
        if old is not None:
            self.counts[old] -= 1
            if not self.counts[old]:
                del self.counts[old]
        if new is None:
            del self.of[key]
        else:
            self.of[key] = new
            self.counts[new] += 1
        return True


class Summary:
    """The overview of a store, kept up to date at the cost of what changed.

    Complete from the start, or when `sliced` once `advance` has counted.
    """

    def __init__(self, store: Store, *, sliced: bool = False) -> None:
        def tally(table: str, contribution: Callable[[Store, Any], Hashable], *, live: bool = False) -> Tally:
            keys = list(TABLES[table].keys(store)) if store.samples or not live else ()
            return Tally(table, keys, lambda key: contribution(store, key), live=live)

        self._store = store
        self._stirred = False  # devices do something else
        self._devices = tally("devices", _device)
        self._pools = tally("pools", _pool)
        self._claims = tally("claims", claim_fault)
        self._pods = tally("pods", _waiting_pod)
        self._nodes = tally("nodes", _plugin)
        self._pods_served = tally("pods", _served)
        self._idle = (tally("claims", idle_claim, live=True), tally("pods", idle_pod, live=True))
        self._counters = (self._pools, self._claims, self._pods)
        self._all = (*self._counters, self._devices, self._nodes, self._pods_served, *self._idle)
        if not sliced:
            self.advance()

    def apply(self, changes: Changes) -> bool:
        """Take in changes of the store. True when the overview looks different."""
        self.note(changes)
        return self.advance()

    def note(self, changes: Changes) -> None:
        """The store changed; `advance` takes it in."""
        self._stirred |= bool(changes.live)
        for tally in self._all:
            tally.note(changes)

    def advance(self, enough: Enough = never, *, whole: bool = True) -> bool:
        """Take in what was noted, until that is done or `enough`; if not the `whole`, what `waiting` and `faults` need.

        True when the overview looks different.
        """
        moved = whole and self._stirred
        if whole:
            self._stirred = False
        for tally in self._all if whole else self._counters:
            if tally.busy:
                moved |= tally.advance(enough)
                if enough():
                    break
        return moved

    @property
    def counters_busy(self) -> bool:
        """Whether `waiting` and `faults` do not count all."""
        return any(tally.busy for tally in self._counters)

    @property
    def busy(self) -> bool:
        """Whether `advance` has anything to do."""
        return self._stirred or any(tally.busy for tally in self._all)

    @property
    def waiting(self) -> int:
        """Pods that wait for accelerators."""
        return len(self._pods.of)

    @property
    def faults(self) -> int:
        """Claims, pools and nodes that need a person."""
        pools = sum(self._pools.counts[state] for state in POOL_STATES)
        return len(self._claims.of) + pools + sum(1 for _ in self._nodes_at_fault())

    def _nodes_at_fault(self) -> Iterator[Fault]:
        nodes = sorted(node for node, amiss in self._store.amiss.items() if amiss)
        return filter(None, (node_fault(self._store, node) for node in nodes))

    def _faulty(self) -> Iterator[Fault]:
        yield from (self._claims.of[key] for key in nsmallest(MOST_FAULTS, self._claims.of))
        pools = sorted(key for key, state in self._pools.of.items() if state in POOL_STATES)
        yield from filter(None, (pool_fault(self._store, key) for key in pools))
        yield from self._nodes_at_fault()

    def overview(self) -> Overview:
        """The facts as they are now."""
        pools = self._pools.counts
        waiting = sorted(self._pods.of.values(), key=lambda w: (w.since is None, w.since, w.key))
        return Overview(
            devices=tuple(self._device_groups()),
            plugin=tuple(self._plugin_groups()),
            waiting=tuple(waiting),
            waiting_reasons=tuple(Counter(w.kind for w in waiting).most_common()),
            tenants=tuple(sorted(self._tenants(), key=_by_size)),
            pools=PoolsSummary(pools.total(), pools["complete"], pools["incomplete"], pools["invalid"]),
            faults=self.faults,
            faulty=tuple(islice(self._faulty(), MOST_FAULTS)),
            idle=tuple(sorted((i for tally in self._idle for i in tally.of.values()), key=lambda i: i.rank)),
        )

    def _device_groups(self) -> Iterator[DeviceGroup]:
        groups: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for (driver, product, state, _), number in self._devices.counts.items():
            groups[driver, product][state] += number
        held = {group: sum(states[s] for s in HELD) for group, states in groups.items()}
        live = lives(self._store, self._devices.of, lambda device: (device[:2],), held)
        for (driver, product), states in sorted(groups.items()):
            known = held[driver, product], states["free"], states["tainted"], states["blocked"]
            total = states.total()
            yield DeviceGroup(
                clean(driver),
                clean(product),
                total,
                *known,
                total - sum(known),
                *live.get((driver, product), (None, ())),
            )

    def _tenants(self) -> Iterator[Tenant]:
        held: Counter[str] = Counter()
        for (_, _, _, namespaces), number in self._devices.counts.items():
            held.update(dict.fromkeys(namespaces, number))
        waiting = Counter(key.namespace for key in self._pods.of)
        plugin: Counter[str] = Counter()
        for (namespace, devices), number in self._pods_served.counts.items():
            plugin[namespace] += devices * number
        live = lives(self._store, self._devices.of, lambda device: device[3], held, plugin=True)
        for namespace in {*held, *waiting, *plugin}:
            yield Tenant(
                clean(namespace),
                held[namespace],
                waiting[namespace],
                plugin[namespace],
                live.get(namespace, (None,))[0],
            )

    def _plugin_groups(self) -> Iterator[PluginGroup]:
        total: Counter[str] = Counter()
        requested: Counter[str] = Counter()
        for resources in self._nodes.of.values():
            for resource in resources:
                total[resource.name] += resource.allocatable
                requested[resource.name] += resource.requested or 0
        for name in sorted(total):
            yield PluginGroup(clean(name), total[name], requested[name])


# --- what one row contributes ------------------------------------------------------------------------


def _device(store: Store, key: DeviceKey) -> Hashable:
    found = counted(store, key)
    return None if found is None else (key.driver, found.product or "", found.state, found.holders)


def _pool(store: Store, key: PoolKey) -> Hashable:
    verdict = judgement(store, key)
    if verdict is None:
        return "gone" if key in store.claims_of_pool and store.known("resourceslices") else None
    return verdict.state


def _waiting_pod(store: Store, key: ObjectKey) -> Hashable:
    pod = store.pods.get(key)
    if pod is None or not accelerated(pod):
        return None
    why = waiting(store, pod)
    return (
        None if why is None else WaitingPod(key, pod.created, clean(why.brief), why.source, clean(why.kind))
    )


def _plugin(store: Store, key: ObjectKey) -> Hashable:
    return plugin_resources(store, key.name) or None if key in store.nodes else None


def _served(store: Store, key: ObjectKey) -> Hashable:
    """The namespace of a pod, and how many devices it got from device plugins."""
    pod = store.pods.get(key)
    if pod is None or not pod.node or finished(pod):
        return None
    devices = sum(plugin_devices(pod).values())
    return (key.namespace, devices) if devices else None


def _by_size(tenant: Tenant) -> tuple[int, int, str]:
    return -tenant.held - tenant.plugin, -tenant.waiting, tenant.namespace
