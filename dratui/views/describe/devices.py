"""A device and a pool in words."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from dratui.api.model import ObjectKey
from dratui.cluster.claims import claim_row
from dratui.cluster.devices import DeviceRow, attribute_text, device_row
from dratui.cluster.judgement import judgement
from dratui.cluster.pools import PoolRow, devices_of
from dratui.cluster.store import Store
from dratui.views import styles, words
from dratui.views.describe.claims import health_line, share
from dratui.views.describe.counters import ledger, partition
from dratui.views.describe.document import Field, Section, node, number, section, since_text
from dratui.views.describe.measured import of_device
from dratui.views.describe.mig import layout
from dratui.views.table import Style


def device(store: Store, row: DeviceRow, now: datetime) -> Iterator[Section]:
    """The sections of a device."""
    yield section(
        "DEVICE",
        ("product", row.product),
        ("driver", row.driver),
        ("pool", row.pool),
        node(row.node, row.where),
        ("slice", row.slice),
        ("why", row.why, styles.device(row)),
    )
    yield from of_device(store, row, now)
    cut = tuple(layout(store, row))
    yield from cut
    yield section("HELD BY", *_holdings(store, row, now))
    yield section("HEALTH", *(health_line(report) for claim in row.claims for report in claim.health))
    yield section(
        "TAINTS",
        *(
            (
                t.text,
                f"from {t.source}{since_text(t.time_added, now)}"
                + (", a dry run: keeps nobody away" if t.effect == "None" else ""),
                Style.DIM if t.effect == "None" else Style.TAINTED,
            )
            for t in row.taints or ()
        ),
    )
    yield section("CAPACITY", *sorted((row.capacity or {}).items()))
    yield section(
        "SHARED",
        *(
            (c.name, f"{c.left if c.left is not None else words.UNKNOWN} of {c.total} left")
            for c in row.shared_capacity or ()
        ),
    )
    yield from partition(store, row, drawn=not cut)
    yield section("ATTRIBUTES", *((k, attribute_text(v)) for k, v in sorted((row.attributes or {}).items())))


def held(row: DeviceRow) -> str:
    """The state, and whose doing it is."""
    names = list(dict.fromkeys(f"{holder.namespace}/{holder.name}" for holder in row.holders))
    if row.state not in ("held", "shared") or not names:
        return row.state
    return f"{row.state} by {names[0] if len(names) == 1 else words.count(len(names), 'claim')}"


def _holdings(store: Store, row: DeviceRow, now: datetime) -> Iterator[Field]:
    """Claim by claim, and for which pods."""
    for holding in row.claims:
        key = ObjectKey(holding.namespace, holding.name)
        claim = claim_row(store, key)
        said = (
            f"for {', '.join(c.name for c in claim.consumers)}" if claim and claim.consumers else "",
            f"request {holding.request}",
            share(holding),
            "admin access: watches, does not hold" if holding.admin_access else "",
            words.due((holding.evicted_at, "evicted by taint"), now) if holding.evicted_at else "",
        )
        yield Field(f"{key.namespace}/{key.name}", " · ".join(filter(None, said)), leads=("claims", key))


def pool(store: Store, row: PoolRow, now: datetime) -> Iterator[Section]:
    """The sections of a pool."""
    verdict = judgement(store, row.key)
    yield section(
        "POOL",
        ("state", row.state),
        ("why", row.why, Style.FAULT),
        ("driver", row.driver),
        ("where", row.node or row.where),
        ("generation", str(row.generation) if verdict else ""),
        ("slices", f"{row.slices} of {row.expected_slices}" if verdict else ""),
        ("obsolete", words.count(row.obsolete_slices, "older slice") if row.obsolete_slices else ""),
        ("devices", f"{number(row.devices)}, {number(row.free)} free"),
        ("blocked", f"{row.blocked}: counters no longer suffice" if row.blocked else ""),
    )
    for counters in row.counter_sets:
        yield ledger(store, row.key, counters)
    yield section(
        "SLICES",
        *((s.name, words.count(len(s.devices), "device")) for s in (verdict.slices if verdict else ())),
    )
    yield device_list("DEVICES", filter(None, (device_row(store, d) for d in devices_of(store, row.key))))


def _beside(row: DeviceRow) -> str:
    """Who holds a device, or what stands against it."""
    return row.why if row.state == "blocked" else ", ".join(f"{h.namespace}/{h.name}" for h in row.holders)


def device_list(title: str, rows: Iterable[DeviceRow]) -> Section:
    return section(
        title,
        *(
            Field(
                r.device,
                f"{r.state}  {r.product or ''}  {_beside(r)}".rstrip(),
                styles.device(r),
                leads=("devices", r.key),
            )
            for r in rows
        ),
    )
