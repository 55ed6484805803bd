"""Another cluster than there is: without a claim, a pod or a node, or with more nodes. In a store that is a copy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from dratui.api.model import Claim, Node, ObjectKey, Pod, Row
from dratui.cluster.index import claims_of
from dratui.cluster.store import Store
from dratui.events import Gone, Put


@dataclass(frozen=True, slots=True)
class Found:
    """Objects of a cluster that a person named."""

    kind: str
    row: Row


_TABLES: Final[Mapping[str, str]] = {"claim": "claims", "pod": "pods", "node": "nodes"}
_KINDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("claim", "claims", "resourceclaim", "resourceclaims", "rc"), "claim"),
    **dict.fromkeys(("pod", "pods", "po"), "pod"),
    **dict.fromkeys(("node", "nodes", "no"), "node"),
}


def named(store: Store, text: str, namespace: str) -> list[Found]:
    """`[claim/|pod/|node/][NAMESPACE/]NAME`, kinds also in kubectl's other words: what has that name; `namespace` if
    none is named, any if that is empty."""
    parts = text.split("/")
    kind = _KINDS.get(parts[0]) if len(parts) > 1 else None
    *within, name = parts[1:] if kind else parts
    found = []
    for each in [kind] if kind else _TABLES:
        table: Mapping[ObjectKey, Row] = getattr(store, _TABLES[each])
        for key, row in sorted(table.items()):
            anywhere = each == "node" or namespace in ("", key.namespace)
            if key.name == name and (key.namespace == "/".join(within) if within else anywhere):
                found.append(Found(each, row))
    return found


def remove(store: Store, found: Found) -> None:
    """As if it were not there: a claim has no devices, a pod is gone with its claims, a node with its devices."""
    row = found.row
    if found.kind == "node":
        gone = [each for each in store.slices.values() if each.node == row.name]
        store.apply([Gone("nodes", row), *(Gone("resourceslices", each) for each in gone)])
    elif found.kind == "claim":
        store.apply([Gone("resourceclaims", row)])
    else:
        end(store, store.pods[row.key])


def end(store: Store, pod: Pod) -> Sequence[Claim]:
    """As if a pod were over and gone. Returns the claims that gave back their devices, as they were."""
    freed = []
    for key in {*claims_of(pod), *store.claims_reserved_for[pod.key]}:
        claim = store.claims.get(key)
        if claim is None:
            continue
        owner = claim.owner
        others = tuple(each for each in claim.consumers if (each.resource, each.name) != ("pods", pod.name))
        if owner is not None and owner.kind == "Pod" and owner.name == pod.name:
            store.apply([Gone("resourceclaims", claim)])
        elif others == claim.consumers:
            continue
        else:  # if nobody uses it its devices are given back
            allocation = claim.allocation if others else None
            row = msgspec.structs.replace(claim, consumers=others, allocation=allocation)
            store.apply([Put("resourceclaims", row)])
            if others:
                continue
        freed.append(claim)
    store.apply([Gone("pods", pod)])
    return freed


def copy_node(store: Store, node: Node, copies: int) -> int:
    """Add nodes like it, with what drivers publish for it alone. Returns the devices of one."""
    slices = [each for each in store.slices.values() if each.node == node.name]
    for _ in range(copies):
        number = 1
        while ObjectKey("", name := f"{node.name}-copy-{number}") in store.nodes:
            number += 1
        labels = tuple((key, name if value == node.name else value) for key, value in node.labels)
        store.apply([Put("nodes", msgspec.structs.replace(node, name=name, uid=name, labels=labels))])
        store.apply(
            [
                Put(
                    "resourceslices",
                    msgspec.structs.replace(
                        each,
                        name=f"{each.name}-copy-{number}",
                        uid=f"{each.uid}-copy-{number}",
                        node=name,
                        pool=name if each.pool == node.name else f"{each.pool}-copy-{number}",
                    ),
                )
                for each in slices
            ]
        )
    return sum(len(each.devices) for each in slices)
