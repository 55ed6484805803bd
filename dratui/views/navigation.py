"""Where `enter` leads: namespace → pod → claim → device → node, and what belongs to what on the way."""

from typing import Any

from dratui.api.model import ObjectKey
from dratui.cluster.index import held, nodes_of, rule_selects
from dratui.cluster.store import Store
from dratui.views.query import Query, Within

_INSIDE = {
    "pods": "claims",
    "claims": "devices",
    "devices": "nodes",
    "nodes": "devices",
    "pools": "devices",
    "slices": "devices",
    "classes": "claims",
    "templates": "pods",
    "taintrules": "devices",
    "podgroups": "pods",
    "computedomains": "pods",
}


def drill(store: Store, kind: str, row: Any) -> Query | None:
    """What is one step inside a row; None where there is nothing to go to."""
    if kind == "namespaces":
        return Query(kind="pods", namespace=row.key.name)  # looked at from now on, as in k9s
    inside = _INSIDE.get(kind)
    if inside is None or (kind == "devices" and not row.node):
        return None
    return Query(kind=inside, within=Within(kind, row.key))


def belongs(store: Store, kind: str, row: Any, within: Within) -> bool:
    """Whether a row of `kind` is one step inside the object that `within` names, or uses it."""
    key: Any = within.key
    match within.kind, kind:
        case "namespaces", "pods":
            return bool(row.namespace == key.name)
        case "nodes", "pods":
            return bool(row.node == key.name)
        case "claims", "pods":
            return row.key in store.pods_of_claim[key] or key in store.claims_reserved_for[row.key]
        case "devices", "claims":
            return row.key in store.claims_of_device[key]
        case "pools", "claims":
            return row.key in store.claims_of_pool[key]
        case "slices", "claims":
            return any(key in store.slices_of_device[device] for device in held(store.claims[row.key]))
        case "pods", "claims":
            return key in store.pods_of_claim[row.key] or row.key in store.claims_reserved_for[key]
        case "claims", "devices":
            return key in store.claims_of_device[row.key]
        case "classes", "claims":
            return row.key in store.claims_of_class[key]
        case "slices", "devices":
            return key in store.slices_of_device[row.key]
        case "taintrules", "devices":
            rule = store.taint_rules.get(key)
            return rule is not None and rule_selects(rule, row.key)
        case "devices", "nodes":
            return any(
                (c := store.claims[k].allocation) is not None and c.node == row.name
                for k in store.claims_of_device[key]
            ) or any(row.name in nodes_of(store.slices[k]) for k in store.slices_of_device[key])
        case "nodes", "devices":
            return bool(row.node == key.name)
        case "pools", "devices":
            return bool((row.driver, row.pool) == key)
        case "templates", "pods":
            return row.key in store.pods_of_template[key]
        case "podgroups", "pods":
            return row.key in store.pods_of_group[key]
        case "computedomains", "pods":
            domain = store.compute_domains.get(key)
            return (
                domain is not None
                and row.key in (store.pods_of_template[ObjectKey(key.namespace, domain.template)])
            )
    return False
