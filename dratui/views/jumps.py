"""Where `o`, `shift-j` and `u` lead: sideways from an object to its node, its owner, what uses it."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from dratui.api.model import ObjectKey, Owner
from dratui.cluster.store import Store
from dratui.failure import Failure
from dratui.views.query import Query, Within
from dratui.views.tables import TABLES, table_named


class Single(NamedTuple):
    """One object."""

    kind: str
    key: Any


Jump = Callable[[Store, str, Any], Query | Single]

_USERS: Final[Mapping[str, str]] = {
    "claims": "pods",
    "devices": "claims",
    "pools": "claims",
    "slices": "claims",
    "classes": "claims",
    "templates": "pods",
    "nodes": "pods",
    "namespaces": "pods",
    "taintrules": "devices",
    "podgroups": "pods",
    "computedomains": "pods",
}


def node(store: Store, kind: str, key: Any) -> Query | Single:
    """The node that it is on; the nodes, if several reach it. Raises Failure where there is none."""
    row = _row(store, kind, key)
    if kind == "nodes":
        return Single(kind, key)
    if kind == "devices" and not row.node:
        return Query(kind="nodes", within=Within(kind, key))
    name = getattr(row, "node", "")
    if kind == "claims" and not name:
        on = {pod.node for k in _pods_of(store, key) if (pod := store.pods.get(k)) is not None} - {""}
        name = on.pop() if len(on) == 1 else ""
    if not name:
        raise Failure(f"{TABLES[kind].singular} {_name(key)!r} is on no node")
    return Single("nodes", ObjectKey("", name))


def owner(store: Store, kind: str, key: Any) -> Query | Single:
    """What it was made for: a claim's pod, a device's slice, a slice's node. Raises Failure where it is not known."""
    row = _row(store, kind, key)
    match kind:
        case "claims" | "pods":
            found = store.claims[key] if kind == "claims" else store.pods[key]
            if found.owner is not None:
                return _owned(kind, key, found.owner)
            users = _pods_of(store, key) if kind == "claims" else ()
            if len(users) == 1:
                return Single("pods", next(iter(users)))
            if users:
                return used_by(store, kind, key)
        case "devices" if row.slice:
            return Single("slices", ObjectKey("", row.slice))
        case "slices" | "pools" if row.node:
            return Single("nodes", ObjectKey("", row.node))
    raise Failure(f"{TABLES[kind].singular} {_name(key)!r} has no owner")


def used_by(store: Store, kind: str, key: Any) -> Query | Single:
    """What would miss it: the claims of a class or a device, the pods of a claim. Raises Failure for what has none."""
    _row(store, kind, key)
    if kind not in _USERS:
        raise Failure(f"nothing here uses a {TABLES[kind].singular}")
    return Query(kind=_USERS[kind], within=Within(kind, key))


JUMPS: Final[Mapping[str, Jump]] = {"node": node, "owner": owner, "used_by": used_by}


def _owned(kind: str, key: Any, by: Owner) -> Single:
    table = table_named(by.kind)
    if table is None:
        # Controllers are no part of what is watched: a cluster has many kinds of them, and none holds a device.
        raise Failure(
            f"{TABLES[kind].singular} {_name(key)!r} is owned by {by.kind} {by.name!r}, which has no table here"
        )
    return Single(table.kind, ObjectKey(key.namespace if table.namespaced else "", by.name))


def _pods_of(store: Store, claim: ObjectKey) -> frozenset[Any]:
    """The pods that name a claim, and those that it is reserved for."""
    found = store.claims.get(claim)
    reserved = (
        {ObjectKey(claim.namespace, c.name) for c in found.consumers if c.resource == "pods"} if found else ()
    )
    return frozenset(store.pods_of_claim[claim]) | frozenset(reserved)


def _row(store: Store, kind: str, key: Any) -> Any:
    row = TABLES[kind].row(store, key)
    if row is None:
        raise Failure(f"{TABLES[kind].singular} {_name(key)!r} is gone")
    return row


def _name(key: Any) -> str:
    return str(key[-1])
