"""The counter ledger of a pool whose devices are partitions of one card: what there is, who takes it, what is left.

A partition takes from the counter sets that its card has; while one is allocated, those that overlap it cannot be.
"""

from collections.abc import Callable, Iterator, Mapping

import msgspec

from dratui.api.model import CounterConsumption, DeviceKey
from dratui.api.quantity import parse, write
from dratui.cluster.index import PoolKey
from dratui.cluster.judgement import Judgement, judgement
from dratui.cluster.store import Store


class CounterState(msgspec.Struct, frozen=True, gc=False):
    """A counter. `consumed` and `left` are None where they are not known."""

    name: str
    total: str
    consumed: str | None
    left: str | None


class CounterConsumer(msgspec.Struct, frozen=True, gc=False):
    """An allocated device, whose claims as `namespace/name`, and what it takes of one counter set. It takes that
    once, however many claims share it."""

    device: str
    claims: tuple[str, ...]
    counters: Mapping[str, str]


class CounterSetState(msgspec.Struct, frozen=True, gc=False):
    """A counter set: its counters, and the devices that take from it."""

    name: str
    counters: tuple[CounterState, ...]
    consumers: tuple[CounterConsumer, ...]


class Ledger(msgspec.Struct, frozen=True, gc=False):
    """All counter sets of a pool. `left` is in nano units, negative if more was given out than there is; a counter
    whose quantities cannot be read is not in it."""

    sets: Mapping[str, CounterSetState]
    left: Mapping[tuple[str, str], int]


def tally(verdict: Judgement, holders: Callable[[str], tuple[str, ...]]) -> Ledger:
    """Draw up a pool's ledger as the scheduler does.

    `holders` names the claims that a device is allocated to, admin access not counted. Available is the total of
    each counter less what allocated devices of the newest generation take; a device that is no longer published
    takes nothing.

    Source: k8s.io/dynamic-resource-allocation/structured/internal/experimental, checkAvailableCounters, 1.36.
    """
    consumers: dict[str, list[CounterConsumer]] = {}
    for name, (_, device) in verdict.devices.items():
        if device.consumes and (claims := holders(name)):
            for taken in device.consumes:
                consumer = CounterConsumer(name, claims, taken.counters)
                consumers.setdefault(taken.counter_set, []).append(consumer)
    sets: dict[str, CounterSetState] = {}
    left: dict[tuple[str, str], int] = {}
    for counter_set in (c for s in verdict.slices for c in s.counter_sets):
        takers = tuple(consumers.get(counter_set.name, ()))
        states = []
        for counter, total in counter_set.counters.items():
            have = parse(total)
            takes = [parse(t.counters[counter]) for t in takers if counter in t.counters]
            readable = [amount for amount in takes if amount is not None]
            if have is None or len(readable) < len(takes):
                states.append(CounterState(counter, total, None, None))
                continue
            rest = left[counter_set.name, counter] = have - sum(readable)
            states.append(CounterState(counter, total, write(sum(readable), total), write(rest, total)))
        sets[counter_set.name] = CounterSetState(counter_set.name, tuple(states), takers)
    return Ledger(sets, left)


def ledger(store: Store, pool: PoolKey) -> Ledger | None:
    """The ledger of a pool of the store; None when it has no counters. Drawn up once for all its devices."""
    found: Ledger | None = store.tallied.get(pool)
    if found is None:
        verdict = judgement(store, pool)
        if verdict is None or not any(s.counter_sets for s in verdict.slices):
            return None
        found = store.tallied[pool] = tally(verdict, lambda name: _holders(store, DeviceKey(*pool, name)))
    return found


def _holders(store: Store, device: DeviceKey) -> tuple[str, ...]:
    """The claims that a device is allocated to, admin access not counted."""
    return tuple(
        f"{key.namespace}/{key.name}"
        for key in sorted(store.claims_of_device[device])
        if (allocation := store.claims[key].allocation)
        and any(r.key == device and not r.admin_access for r in allocation.results)
    )


def counter_sets(store: Store, pool: PoolKey) -> tuple[CounterSetState, ...]:
    """The counter sets of a pool as listed; what is consumed is unknown while claims are."""
    found = ledger(store, pool)
    if found is None:
        return ()
    if store.known("resourceclaims"):
        return tuple(found.sets.values())
    return tuple(
        CounterSetState(s.name, tuple(CounterState(c.name, c.total, None, None) for c in s.counters), ())
        for s in found.sets.values()
    )


def shortage(store: Store, pool: PoolKey, consumes: tuple[CounterConsumption, ...]) -> str:
    """Which counters a device that nobody holds lacks, and whose devices took them; empty when it can be allocated."""
    found = ledger(store, pool) if consumes else None
    if found is None:
        return ""
    short = list(_short(found, consumes))
    if not short:
        return ""
    more = f"; {len(short) - 1} more short" if len(short) > 1 else ""
    return f"counters short: {short[0]}{more}"


def _short(found: Ledger, consumes: tuple[CounterConsumption, ...]) -> Iterator[str]:
    for wanted in consumes:
        for counter, amount in wanted.counters.items():
            left, needs = found.left.get((wanted.counter_set, counter)), parse(amount)
            if left is None or needs is None or needs <= left:
                continue
            state = found.sets[wanted.counter_set]
            claims = dict.fromkeys(c for t in state.consumers if counter in t.counters for c in t.claims)
            total = next(c.total for c in state.counters if c.name == counter)
            taken = f", taken by {', '.join(claims)}" if claims else ""
            yield f"{wanted.counter_set}/{counter} {write(left, total)} of {total} left, needs {amount}{taken}"
