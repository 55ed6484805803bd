"""On which nodes the devices are that a row tells of: those are measured while one looks at it."""

from collections.abc import Iterable, Iterator
from typing import Any

from dratui.cluster.store import Store


def nodes_behind(store: Store, kind: str, key: Any, row: Any) -> Iterable[str]:
    """Names of nodes: several for what reaches over several, none for what has no devices."""
    match kind:
        case "nodes":
            return (key.name,)
        case "namespaces":
            return _nodes_of_namespace(store, key.name)
        case "claims":
            return filter(None, (row.node, *(device.node for device in row.devices)))
    return filter(None, (getattr(row, "node", ""),))


def nodes_with_devices(store: Store) -> Iterator[str]:
    """Those that DRA drivers publish devices of, then those that only a device plugin has any of."""
    yield from store.slices_of_node
    yield from (key.name for key, node in store.nodes.items() if node.allocatable)


def _nodes_of_namespace(store: Store, namespace: str) -> Iterator[str]:
    for key in store.claims_of_namespace[namespace]:
        allocation = store.claims[key].allocation
        if allocation is not None and allocation.node:
            yield allocation.node
    for key in store.pods_of_namespace[namespace]:
        if node := store.pods[key].node:
            yield node
