"""Every table that dratui has: kubectl's columns first, then ours."""

from collections.abc import Iterable, Mapping
from typing import Any

from dratui.api.model import DeviceKey, ObjectKey
from dratui.cluster.index import PoolKey
from dratui.views.table import Table
from dratui.views.tables.definitions import CLASSES, TAINT_RULES, TEMPLATES
from dratui.views.tables.demand import CLAIMS, COMPUTE_DOMAINS, NAMESPACES, POD_GROUPS, PODS
from dratui.views.tables.supply import DEVICES, NODES, POOLS, SLICES

TABLES: Mapping[str, Table[Any]] = {
    table.kind: table
    for table in (
        *(CLAIMS, DEVICES, POOLS, SLICES, PODS, NODES, CLASSES, TEMPLATES, TAINT_RULES, NAMESPACES),
        *(POD_GROUPS, COMPUTE_DOMAINS),
    )
}
"""Every table by its kind."""

_BY_NAME: Mapping[str, Table[Any]] = {
    name: table for table in TABLES.values() for name in (table.kind, table.singular, *table.names)
}


def table_named(text: str) -> Table[Any] | None:
    """A table by any name that kubectl or we have for its kind, such as `rc` or `resourceclaims.resource.k8s.io`."""
    return _BY_NAME.get(text.lower().partition(".")[0])


def named(table: Table[Any], rows: Iterable[Any], name: str) -> list[Any]:
    """The rows with this name; a device or a pool also by its path: `driver/pool/device`."""
    return [row for row in rows if table.name_of(row) == name or path(row.key) == name]


def path(key: ObjectKey | DeviceKey | PoolKey) -> str:
    """A key as text: `namespace/name`, `driver/pool/device`."""
    return "/".join(part for part in key if part)
