"""One object in words: what `d` shows. A document is data; a screen only draws it."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from dratui.cluster.store import Store
from dratui.terminal import clean
from dratui.views.describe import claims, devices, pods, rules
from dratui.views.describe.document import LIVE, Cell, Document, Field, Section, section
from dratui.views.table import Style, Table
from dratui.views.tables import TABLES, path

__all__ = ["LIVE", "Cell", "Document", "Field", "Section", "describe"]


def describe(store: Store, kind: str, key: Any, now: datetime) -> Document | None:
    """Describe an object; None when it is gone."""
    table = TABLES[kind]
    row = table.row(store, key)
    if row is None:
        return None
    status = next((c for c in table.columns if c.glyph), None)
    own = _SECTIONS.get(kind)
    sections = own(store, row, now) if own else _columns(table, row, now)
    return Document(
        title=clean(f"{table.singular} {path(key)}"),
        state=clean(devices.held(row)) if kind == "devices" else status.cell(row, now) if status else "",
        style=status.style_of(row, now) if status else Style.PLAIN,
        sections=tuple(s for s in sections if s.fields),
    )


def _columns(table: Table[Any], row: Any, now: datetime) -> Iterator[Section]:
    """For kinds that a list says all about: every column as a line."""
    yield section(
        table.singular.upper(),
        *((c.title.lower(), c.text(c.value(row), now), c.style_of(row, now)) for c in table.columns),
    )


_SECTIONS: Mapping[str, Callable[[Store, Any, datetime], Iterator[Section]]] = {
    "claims": claims.claim,
    "devices": devices.device,
    "pools": devices.pool,
    "pods": pods.pod,
    "nodes": pods.node,
    "namespaces": pods.namespace,
    "taintrules": rules.taint_rule,
}
