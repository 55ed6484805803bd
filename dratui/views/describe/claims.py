"""A claim in words."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from dratui.api.model import Constraint, DeviceKey, NetworkData, ObjectKey, Request
from dratui.cluster.claims import ClaimConsumer, ClaimDevice, ClaimRow
from dratui.cluster.devices import Holding
from dratui.cluster.health import Report, unhealthy
from dratui.cluster.steps import steps as told
from dratui.cluster.store import Store
from dratui.terminal import clean
from dratui.views import cells, words
from dratui.views.describe.document import Field, Section, node, section
from dratui.views.describe.measured import of_claim
from dratui.views.describe.plugin import of_claim as on_node
from dratui.views.describe.steps import steps
from dratui.views.table import Style


def claim(store: Store, row: ClaimRow, now: datetime) -> Iterator[Section]:
    """The sections of a claim."""
    claim = store.claims[row.key]
    yield section(
        "CLAIM",
        ("state", row.state),
        ("reason", row.reason, Style.WAITING if "pending" in row.state else Style.FAULT),
        node(row.node),
        ("binding", binding(row, now), Style.WAITING),
        ("evicted", _due(row.evicted_at, now), Style.TAINTED),
        ("made for", row.made_for),
        ("finalizers", ", ".join(claim.finalizers)),
    )
    yield from of_claim(store, row, now)
    yield section(
        "CONSUMERS",
        *(
            Field(c.kind.lower(), c.name, leads=_consumer(row.namespace, c))
            if c.present is not False
            else (c.kind.lower(), f"{c.name} is gone, its reservation stays", Style.FAULT)
            for c in row.consumers
        ),
    )
    yield steps(told(store, claim, row.reason), now)
    yield from on_node(store, row, now)
    yield from _devices_of_claim(row.devices)
    for request in claim.requests:
        yield _request("REQUEST " + clean(request.name), request)
    yield section("CONSTRAINTS", *_constraints(claim.constraints))
    for device in row.devices:
        yield _status(device)
        yield _data(device)


def _consumer(namespace: str, consumer: ClaimConsumer) -> tuple[str, ObjectKey] | None:
    return ("pods", ObjectKey(namespace, consumer.name)) if consumer.kind == "Pod" else None


def _due(at: datetime | None, now: datetime) -> str:
    return words.due((at, "by a taint"), now) if at else ""


def binding(row: ClaimRow, now: datetime) -> str:
    """How long the scheduler still waits for devices that must be attached, as far as that is known."""
    if row.binding_ends is None:
        return ""
    left = words.due((row.binding_ends, "the scheduler gives up"), now)
    return f"{left}, if its timeout is the default of 10m"


def _status(device: ClaimDevice) -> Section:
    """What a driver reports about a device: what it must bring about first, conditions, its place in the network."""
    network = device.network_data or NetworkData()
    return section(
        "STATUS " + clean(device.device),
        ("failed to bind", ", ".join(device.binding_failed), Style.FAULT),
        ("waits to bind", ", ".join(device.binding_pending), Style.WAITING),
        *(health_line(report) for report in device.health),
        *((c.type, f"{c.status} {c.reason} {c.message}".strip()) for c in device.conditions),
        ("interface", network.interface_name),
        ("addresses", ", ".join(network.ips)),
        ("hardware", network.hardware_address),
    )


def health_line(report: Report) -> tuple[str, str, Style]:
    """What kubelet reports about a device for a pod."""
    style = Style.FAULT if report.health == "Unhealthy" else Style.PLAIN
    return "health", f"{report.text} (kubelet, for {report.pod})", style


_MOST_LINES = 40
_MOST_CHARACTERS = 400


def _data(device: ClaimDevice) -> Section:
    """The driver's own data: a line for each entry, as JSON, so much of it as a card bears; the YAML has all."""
    data = device.data
    entries = list(data.items()) if isinstance(data, dict) else [] if data is None else [("", data)]
    lines = [
        (str(name), _short(msgspec.json.encode(value).decode())) for name, value in entries[:_MOST_LINES]
    ]
    if len(entries) > _MOST_LINES:
        lines.append(("", f"… {len(entries) - _MOST_LINES} more"))
    return section("DATA " + clean(device.device), *lines)


def _short(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + "…"


def _devices_of_claim(devices: Sequence[ClaimDevice]) -> Iterator[Section]:
    """One device in full; of several a line each."""
    if len(devices) == 1:
        (device,) = devices
        yield section(
            "DEVICE " + clean(device.device),
            ("product", device.product),
            ("driver", device.driver),
            ("pool", device.pool),
            node(device.node),
            ("request", device.request),
            ("choice", cells.choice(device.choice) if device.choice else "", _choice_style(device)),
            ("share", share(device).removeprefix("share ")),
            ("admin access", "yes: watches, does not hold" if device.admin_access else ""),
            ("published", "no longer" if device.vanished else "", Style.FAULT),
            *(("changed", what, Style.FAULT) for what in device.changed),
        )
        return
    lines = []
    for device in devices:
        said = (
            device.product or "",
            f"pool {device.pool}",
            f"request {device.request}",
            f"choice {cells.choice(device.choice)}" if device.choice else "",
            share(device),
            "watches, does not hold" if device.admin_access else "",
            "no longer published" if device.vanished else "",
            *device.changed,
            *dict.fromkeys(report.text for report in unhealthy(device.health)),
        )
        ill = device.vanished or device.changed or unhealthy(device.health)
        style = Style.FAULT if ill else Style.PLAIN
        key = DeviceKey(device.driver, device.pool, device.device)
        lines.append(Field(device.device, " · ".join(filter(None, said)), style, leads=("devices", key)))
    yield section("DEVICES", *lines)


def _choice_style(device: ClaimDevice) -> Style:
    return Style.WAITING if device.choice is not None and device.choice.number > 1 else Style.PLAIN


def share(of: ClaimDevice | Holding) -> str:
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
    return section(
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
