"""One object in words: what `d` shows. A document is data: titled sections of labelled lines, texts cleaned."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dratui.api.model import Constraint, NetworkData, ObjectKey, Request
from dratui.cluster.claims import ClaimDevice, ClaimRow, claim_row
from dratui.cluster.counters import CounterSetState, counter_sets
from dratui.cluster.devices import DeviceRow, Holding, attribute_text, device_row
from dratui.cluster.judgement import judgement
from dratui.cluster.nodes import NodeRow, devices_on
from dratui.cluster.pods import PodRow
from dratui.cluster.pools import PoolRow, devices_of
from dratui.cluster.store import Store
from dratui.cluster.tenants import NamespaceRow
from dratui.terminal import clean
from dratui.views import cells, styles, words
from dratui.views.table import Style, Table
from dratui.views.tables import TABLES, path


@dataclass(frozen=True, slots=True)
class Field:
    """One line. `label` may be empty: the value goes on."""

    label: str
    value: str
    style: Style = Style.PLAIN


@dataclass(frozen=True, slots=True)
class Section:
    """Lines that belong together. `collapsed`: shown closed at first."""

    title: str
    fields: tuple[Field, ...]
    collapsed: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """An object in words. `state` is drawn beside the title in `style`."""

    title: str
    state: str
    style: Style
    sections: tuple[Section, ...]


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
        state=clean(_held(row)) if kind == "devices" else status.cell(row, now) if status else "",
        style=status.style_of(row) if status else Style.PLAIN,
        sections=tuple(s for s in sections if s.fields),
    )


def _section(
    title: str, *fields: tuple[str, str | None] | tuple[str, str | None, Style], collapsed: bool = False
) -> Section:
    """A section from raw texts. Lines without a value are left out; None is a value that is unknown."""
    cleaned = (
        Field(clean(label), words.UNKNOWN if value is None else clean(value), *style)
        for label, value, *style in fields
        if value != ""
    )
    return Section(title, tuple(cleaned), collapsed)


def _number(value: int | None) -> str:
    return words.UNKNOWN if value is None else str(value)


def _age(since: datetime | None, now: datetime) -> str:
    return "" if since is None else f"{words.age(since, now)} ago"


def _columns(table: Table[Any], row: Any, now: datetime) -> Iterator[Section]:
    """For kinds that a list says all about: every column as a line."""
    yield _section(
        table.singular.upper(),
        *((c.title.lower(), c.text(c.value(row), now), c.style_of(row)) for c in table.columns),
    )


# --- claims ------------------------------------------------------------------------------------------


def _claim(store: Store, row: ClaimRow, now: datetime) -> Iterator[Section]:
    claim = store.claims[row.key]
    owner = claim.owner
    yield _section(
        "CLAIM",
        ("state", row.state),
        ("reason", row.reason, Style.WAITING if "pending" in row.state else Style.FAULT),
        ("node", row.node),
        ("made for", f"{owner.kind} {owner.name}, entry {claim.pod_claim_name or '–'}" if owner else ""),
        ("", "made for the pod's extended resources" if claim.extended_resource else ""),
        ("finalizers", ", ".join(claim.finalizers)),
    )
    yield _section(
        "CONSUMERS",
        *(
            (c.kind.lower(), c.name)
            if c.present is not False
            else (c.kind.lower(), f"{c.name} is gone, its reservation stays", Style.FAULT)
            for c in row.consumers
        ),
    )
    yield from _devices_of_claim(row.devices)
    for request in claim.requests:
        yield _request("REQUEST " + clean(request.name), request)
    yield _section("CONSTRAINTS", *_constraints(claim.constraints))
    for device in row.devices:
        yield _status(device)
    yield _section("STEPS", *((f"{s.step} {s.pod}".rstrip(), _age(s.at, now)) for s in row.steps))


def _status(device: ClaimDevice) -> Section:
    """What a driver reports about a device: what it must bring about first, conditions, its place in the network."""
    network = device.network_data or NetworkData()
    return _section(
        "STATUS " + clean(device.device),
        ("failed to bind", ", ".join(device.binding_failed), Style.FAULT),
        ("waits to bind", ", ".join(device.binding_pending), Style.WAITING),
        *((c.type, f"{c.status} {c.reason} {c.message}".strip()) for c in device.conditions),
        ("interface", network.interface_name),
        ("addresses", ", ".join(network.ips)),
        ("hardware", network.hardware_address),
    )


def _devices_of_claim(devices: Sequence[ClaimDevice]) -> Iterator[Section]:
    """One device in full; of several a line each."""
    if len(devices) == 1:
        (device,) = devices
        yield _section(
            "DEVICE " + clean(device.device),
            ("product", device.product),
            ("driver", device.driver),
            ("pool", device.pool),
            ("node", device.node),
            ("request", device.request),
            ("choice", cells.choice(device.choice) if device.choice else "", _choice_style(device)),
            ("share", _share(device).removeprefix("share ")),
            ("admin access", "yes: watches, does not hold" if device.admin_access else ""),
            ("published", "no longer" if device.vanished else "", Style.FAULT),
        )
        return
    lines = []
    for device in devices:
        said = (
            device.product or "",
            f"pool {device.pool}",
            f"request {device.request}",
            f"choice {cells.choice(device.choice)}" if device.choice else "",
            _share(device),
            "watches, does not hold" if device.admin_access else "",
            "no longer published" if device.vanished else "",
        )
        style = Style.FAULT if device.vanished else Style.PLAIN
        lines.append((device.device, " · ".join(filter(None, said)), style))
    yield _section("DEVICES", *lines)


def _choice_style(device: ClaimDevice) -> Style:
    return Style.WAITING if device.choice is not None and device.choice.number > 1 else Style.PLAIN


def _share(of: ClaimDevice | Holding) -> str:
    """A share, and what of it was not asked for."""
    if not of.share_id:
        return ""
    consumed = (
        f"{name} {quantity}"
        + (f" ({of.rounding_waste[name]} by rounding)" if name in of.rounding_waste else "")
        for name, quantity in of.consumed_capacity.items()
    )
    return f"share {of.share_id}: {', '.join(consumed)}"


def _request(title: str, request: Request) -> Section:
    return _section(
        title,
        ("wants", words.wanted((request,))),
        *(("selector", s) for s in request.selectors),
        *(("capacity", f"{k} ≥ {v}") for k, v in request.capacity.items()),
        *(
            ("tolerates", f"{t.key or 'any taint'} {t.operator} {t.value} {t.effect}".strip())
            for t in request.tolerations
        ),
        *(
            (f"choice {i}", " && ".join((words.wanted((a,)), *a.selectors)))
            for i, a in enumerate(request.alternatives, start=1)
        ),
    )


def _constraints(constraints: Iterable[Constraint]) -> Iterator[tuple[str, str]]:
    for c in constraints:
        among = ", ".join(c.requests) or "all requests"
        if c.match_attribute:
            yield "same", f"{c.match_attribute} ({among})"
        if c.distinct_attribute:
            yield "distinct", f"{c.distinct_attribute} ({among})"


# --- devices and pools -------------------------------------------------------------------------------


def _device(store: Store, row: DeviceRow, now: datetime) -> Iterator[Section]:
    yield _section(
        "DEVICE",
        ("product", row.product),
        ("driver", row.driver),
        ("pool", row.pool),
        ("node", row.node or row.where),
        ("slice", row.slice),
        ("why", row.why, styles.device(row)),
    )
    yield _section("HELD BY", *_holdings(store, row, now))
    yield _section(
        "TAINTS",
        *(
            (
                t.text,
                f"from {t.source}{_since(t.time_added, now)}"
                + (", a dry run: keeps nobody away" if t.effect == "None" else ""),
                Style.DIM if t.effect == "None" else Style.TAINTED,
            )
            for t in row.taints or ()
        ),
    )
    yield _section("CAPACITY", *sorted((row.capacity or {}).items()))
    yield _section(
        "SHARED",
        *(
            (c.name, f"{c.left if c.left is not None else words.UNKNOWN} of {c.total} left")
            for c in row.shared_capacity or ()
        ),
    )
    yield _section("COUNTERS", *_partition(store, row))
    yield _section("ATTRIBUTES", *((k, attribute_text(v)) for k, v in sorted((row.attributes or {}).items())))


def _held(row: DeviceRow) -> str:
    """The state, and whose doing it is."""
    names = list(dict.fromkeys(f"{holder.namespace}/{holder.name}" for holder in row.holders))
    if row.state not in ("held", "shared") or not names:
        return row.state
    return f"{row.state} by {names[0] if len(names) == 1 else words.count(len(names), 'claim')}"


def _holdings(store: Store, row: DeviceRow, now: datetime) -> Iterator[tuple[str, str]]:
    """Claim by claim, and for which pods."""
    for holding in row.claims:
        claim = claim_row(store, ObjectKey(holding.namespace, holding.name))
        said = (
            f"for {', '.join(c.name for c in claim.consumers)}" if claim and claim.consumers else "",
            f"request {holding.request}",
            _share(holding),
            "admin access: watches, does not hold" if holding.admin_access else "",
            _eviction(holding.evicted_at, now),
        )
        yield f"{holding.namespace}/{holding.name}", " · ".join(filter(None, said))


def _eviction(at: datetime | None, now: datetime) -> str:
    """When a taint evicts the pods: in how long, or how long ago that was due."""
    if at is None:
        return ""
    if at > now:
        return f"evicted by taint in {words.age(now, at)}"
    return f"evicted by taint, due {words.age(at, now)} ago"


def _partition(store: Store, row: DeviceRow) -> Iterator[tuple[str, str]]:
    """What a partition takes of its card, and what is left of that."""
    left = {(s.name, c.name): c for s in counter_sets(store, (row.driver, row.pool)) for c in s.counters}
    for taken in row.consumes_counters or ():
        for counter, amount in taken.counters.items():
            state = left.get((taken.counter_set, counter))
            rest = f", {state.left} of {state.total} left" if state and state.left is not None else ""
            yield f"{taken.counter_set}/{counter}", f"{'takes' if row.holders else 'needs'} {amount}{rest}"


def _since(since: datetime | None, now: datetime) -> str:
    return "" if since is None else f", {words.age(since, now)} ago"


def _pool(store: Store, row: PoolRow, now: datetime) -> Iterator[Section]:
    verdict = judgement(store, row.key)
    yield _section(
        "POOL",
        ("state", row.state),
        ("why", row.why, Style.FAULT),
        ("driver", row.driver),
        ("where", row.node or row.where),
        ("generation", str(row.generation) if verdict else ""),
        ("slices", f"{row.slices} of {row.expected_slices}" if verdict else ""),
        ("obsolete", words.count(row.obsolete_slices, "older slice") if row.obsolete_slices else ""),
        ("devices", f"{_number(row.devices)}, {_number(row.free)} free"),
        ("blocked", f"{row.blocked}: counters no longer suffice" if row.blocked else ""),
    )
    for counters in row.counter_sets:
        yield _counter_set(counters)
    yield _section(
        "SLICES",
        *((s.name, words.count(len(s.devices), "device")) for s in (verdict.slices if verdict else ())),
    )
    yield _device_list("DEVICES", filter(None, (device_row(store, d) for d in devices_of(store, row.key))))


def _counter_set(counters: CounterSetState) -> Section:
    """Counter by counter what is left, then who takes what; closed while nobody takes anything."""
    return _section(
        "COUNTERS " + clean(counters.name),
        *(
            (c.name, f"{c.left if c.left is not None else words.UNKNOWN} of {c.total} left")
            for c in counters.counters
        ),
        *(
            (f"taken by {c.device}", f"{', '.join(c.claims)}: {_amounts(c.counters)}", Style.HELD)
            for c in counters.consumers
        ),
        collapsed=not counters.consumers,
    )


def _amounts(quantities: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {quantity}" for name, quantity in quantities.items())


def _beside(row: DeviceRow) -> str:
    """Who holds a device, or what stands against it."""
    return row.why if row.state == "blocked" else ", ".join(f"{h.namespace}/{h.name}" for h in row.holders)


def _device_list(title: str, rows: Iterable[DeviceRow]) -> Section:
    return _section(
        title,
        *(
            (
                r.device,
                f"{r.state}  {r.product or ''}  {_beside(r)}".rstrip(),
                styles.device(r),
            )
            for r in rows
        ),
    )


# --- pods, nodes, namespaces -------------------------------------------------------------------------


def _pod(store: Store, row: PodRow, now: datetime) -> Iterator[Section]:
    pod = store.pods[row.key]
    yield _section(
        "POD",
        ("status", row.status),
        ("node", row.node),
        ("created", _age(row.created, now)),
        ("deleted", _age(row.deleted, now)),
        ("cannot leave", row.leaving, Style.FAULT),
        ("evicted", row.eviction, Style.TAINTED),
        ("reason", pod.reason, Style.FAULT),
        ("message", pod.message, Style.FAULT),
        *(("device plugin", f"{number} × {name}") for name, number in row.plugin.items()),
    )
    if row.waiting is not None:
        who = {
            "scheduler": "the scheduler says",
            "event": "an event says",
            "derived": "derived, nobody says it",
        }
        counts = ((f"{n} {'node' if n == 1 else 'nodes'}", text) for text, n in row.waiting.nodes.items())
        yield _section(
            "WAITING",
            ("source", who[row.waiting.source]),
            ("reason", row.waiting.reason, Style.WAITING),
            *counts,
        )
    for entry in pod.claims:
        made = next((s.claim for s in pod.claim_statuses if s.name == entry.name), "")
        yield _claim_of_pod(store, pod.namespace, entry.name, entry.claim or made, entry.template)
    if pod.extended_claim:
        yield _claim_of_pod(store, pod.namespace, "extended resources", pod.extended_claim, "")
    yield _section(
        "CONTAINERS",
        *(
            (
                c.name,
                ", ".join(
                    (
                        *("/".join(filter(None, claim)) for claim in c.claims),
                        *(f"{n} × {r}" for r, n in c.extended),
                    )
                ),
            )
            for c in pod.containers
        ),
    )
    yield _section(
        "WARNINGS",
        *(
            (w.reason, f"{w.message} (× {w.count}{_since(w.last, now)})", Style.FAULT)
            for w in (store.warnings[k] for k in sorted(store.warnings_of_pod[row.key]))
        ),
    )


def _claim_of_pod(store: Store, namespace: str, entry: str, name: str, template: str) -> Section:
    row = claim_row(store, ObjectKey(namespace, name)) if name else None
    devices = (
        ", ".join(f"{d.device}" + (f" ({d.product})" if d.product else "") for d in row.devices)
        if row
        else ""
    )
    return _section(
        "CLAIM " + clean(entry),
        ("claim", name or "not created yet"),
        ("template", template),
        ("state", row.state if row else _absence(store, namespace) if name else ""),
        ("devices", devices),
        ("wants", words.wanted(row.requests) if row and not devices else ""),
    )


def _absence(store: Store, namespace: str) -> str:
    return "does not exist" if store.known("resourceclaims", namespace) else words.UNKNOWN


def _node(store: Store, row: NodeRow, now: datetime) -> Iterator[Section]:
    node = store.nodes.get(row.key)
    yield _section(
        "NODE",
        ("ready", {True: "yes", False: "no", None: "unknown"}[row.ready]),
        ("cordoned", "yes" if row.unschedulable else "", Style.WAITING),
        ("kubelet", node.kubelet if node else ""),
        ("created", _age(row.created, now)),
        ("devices", f"{_number(row.devices)}, {_number(row.held)} held, {_number(row.free)} free"),
        *(("taint", f"{t.key}={t.value}:{t.effect}") for t in (node.taints if node else ())),
    )
    yield _section(
        "DEVICE PLUGINS",
        *((p.name, f"{_number(p.requested)} of {p.allocatable} asked for") for p in row.plugin),
    )
    yield _device_list("DEVICES", devices_on(store, row.name))


def _namespace(store: Store, row: NamespaceRow, now: datetime) -> Iterator[Section]:
    def amounts(values: Mapping[str, int] | None) -> str | None:
        return None if values is None else ", ".join(f"{number} × {name}" for name, number in values.items())

    yield _section(
        "NAMESPACE",
        ("claims", f"{_number(row.claims)}, {_number(row.pending_claims)} pending"),
        ("holds", amounts(row.drivers)),
        ("device plugin", amounts(row.plugin)),
        ("pods", f"{_number(row.pods)} with accelerators, {_number(row.waiting)} waiting"),
        ("wait for", amounts(row.waiting_for), Style.WAITING),
        ("created", _age(row.created, now)),
    )
    yield _section("QUOTA", *((q.resource, f"{q.used} of {q.hard} ({q.quota})") for q in row.quotas))


_SECTIONS: Mapping[str, Callable[[Store, Any, datetime], Iterator[Section]]] = {
    "claims": _claim,
    "devices": _device,
    "pools": _pool,
    "pods": _pod,
    "nodes": _node,
    "namespaces": _namespace,
}
