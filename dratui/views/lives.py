"""What groups of devices do now: those of a product, those that a namespace holds."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

from dratui.api.model import DeviceKey
from dratui.cluster.live import Live
from dratui.cluster.measured import measured
from dratui.cluster.store import Store
from dratui.cluster.totals import Part, part, plugged, total, utilization

HELD = ("held", "shared")


def lives(
    store: Store,
    devices: Mapping[DeviceKey, Any],
    groups: Callable[[Any], Iterable[Hashable]],
    held: Mapping[Any, int],
    *,
    plugin: bool = False,
) -> dict[Any, tuple[Live, tuple[float, ...]]]:
    """By group, as far as any of its devices is on a node that is followed; with what is known of the utilisation of
    each of them, the largest first.

    `devices` say of each what `groups` makes its groups of: (driver, product, state, namespaces). `held`: how many
    devices of a group are held, wherever; those of which nothing is known count as such, and free ones only where
    they are measured. `plugin`: with what device plugins gave to pods; the groups are namespaces.
    """
    parts: defaultdict[Hashable, list[Part]] = defaultdict(list)
    seen: Counter[Hashable] = Counter()
    for node, sample in store.samples.items():
        join = measured(store, node.name)
        for key, place in join.of.items() if join else ():
            contribution = devices.get(key)
            if contribution is None:
                continue
            is_held = contribution[2] in HELD
            if isinstance(place, int):
                found = Part(sample, join, place)
            elif is_held:
                found = part(store, key, node.name)
            else:
                continue
            for group in groups(contribution):
                seen[group] += is_held
                parts[group].append(found)
        if plugin:
            for namespace, found in plugged(store, node.name):
                parts[namespace].append(found)
    return {
        group: (live, tuple(sorted(_shares(found), reverse=True)))
        for group, found in parts.items()
        if (live := total(store, found, elsewhere=max(0, held[group] - seen[group])))
    }


def _shares(parts: Iterable[Part]) -> Iterable[float]:
    """Each device once, whatever it is named."""
    places = {(p.sample.node, p.place): p.sample.devices[p.place] for p in parts if p.sample and p.place >= 0}
    return (share for device in places.values() if (share := utilization(device)) is not None)
