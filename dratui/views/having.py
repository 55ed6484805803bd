"""Which devices claims have, a line each; and in a sentence what a device or a node is to who asks why."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from dratui.api.model import Claim, DeviceKey
from dratui.cluster.devices import product
from dratui.cluster.judgement import published
from dratui.cluster.nodes import NodeRow
from dratui.cluster.store import Store
from dratui.views import cells, words
from dratui.views.tables import TABLES


class Has(NamedTuple):
    """A device, and what is said of it: its name, its product or driver, the request, the claim."""

    key: DeviceKey
    texts: tuple[str, str, str, str]


def has(store: Store, claims: Iterable[Claim]) -> Iterator[Has]:
    """What is allocated to them, in that order; admin access, which does not hold a device, says so."""
    for claim in claims:
        for result in claim.allocation.results if claim.allocation else ():
            found = published(store, result.key)
            what = product(result.driver, found[1]) if found else None
            watches = " (admin access)" if result.admin_access else ""
            texts = (
                result.device,
                what or result.driver,
                f"request {result.request}{watches}",
                f"claim {claim.name}",
            )
            yield Has(result.key, texts)


def briefly(store: Store, kind: str, key: Any) -> str:
    """Who has a device, or what keeps others from it; how many devices of a node are free. Empty for other kinds."""
    row = TABLES[kind].row(store, key) if kind in ("devices", "nodes") else None
    if row is None:
        return ""
    if kind == "nodes":
        return _of_node(row)
    by = f" by {cells.holders(row)}" if row.holders else ""
    return f"{row.device} is {row.state}{by}{f': {row.why}' if row.why else ''}"


def _of_node(row: NodeRow) -> str:
    closed = " and is cordoned" if row.unschedulable else " and is not ready" if row.ready is False else ""
    if row.devices is None:
        return f"the devices of {row.name} are not known"
    return f"{row.name} has {row.free} of {words.count(row.devices, 'device')} free{closed}"
