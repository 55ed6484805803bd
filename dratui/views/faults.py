"""What needs a person: claims, pools and nodes, and why."""

from typing import Any, Final

import msgspec

from dratui.api.model import ObjectKey
from dratui.cluster.claims import claim_row
from dratui.cluster.index import PoolKey
from dratui.cluster.pools import pool_row
from dratui.cluster.store import Store
from dratui.terminal import clean
from dratui.views import styles
from dratui.views.table import Style
from dratui.views.tables import path

POOL_STATES: Final = ("invalid", "gone")
"""Of pools that need one."""


class Fault(msgspec.Struct, frozen=True, gc=False):
    """An object of a table, by its `kind` and key; texts are cleaned."""

    kind: str
    key: Any
    name: str
    why: str


def claim_fault(store: Store, key: ObjectKey) -> Fault | None:
    """Of a claim that is being deleted, holds on to what is gone, or is not what its node made of it."""
    row = claim_row(store, key)
    if row is None or styles.claim(row) is not Style.FAULT:
        return None
    return Fault("claims", key, clean(path(key)), clean(row.reason or row.state))


def pool_fault(store: Store, key: PoolKey) -> Fault | None:
    """Of a pool that the scheduler does not take devices from."""
    row = pool_row(store, key)
    return None if row is None else Fault("pools", key, clean(path(key)), clean(row.why or row.state))


def node_fault(store: Store, node: str) -> Fault | None:
    """Of a node that has something of no claim, of which no claim's fault tells."""
    astray = [
        each.text for each in store.amiss[node] if ObjectKey(each.namespace, each.claim) not in store.claims
    ]
    if not astray:
        return None
    more = f" and {len(astray) - 1} more" if len(astray) > 1 else ""
    return Fault("nodes", ObjectKey("", node), clean(node), clean(f"{astray[0]}{more}"))
