"""What cells say where that is more than a field of the row."""

from collections.abc import Mapping
from datetime import datetime

from dratui.cluster.claims import ClaimRow
from dratui.cluster.definitions import TaintRuleRow
from dratui.cluster.devices import DeviceRow
from dratui.cluster.nodes import NodeRow
from dratui.cluster.pods import PodRow
from dratui.cluster.pools import PoolRow
from dratui.cluster.requests import Choice
from dratui.cluster.tenants import NamespaceRow
from dratui.views import words


def claim_devices(row: ClaimRow) -> str:
    """Few devices by name, many by number: the cell is cut at its end, so what it is comes first."""
    if not row.devices:
        return f"{words.wanted(row.requests)} wanted" if row.requests else ""
    names = ", ".join(d.device for d in row.devices)
    products = ", ".join(sorted({d.product for d in row.devices if d.product}))
    if len(row.devices) > 2:
        return f"{len(row.devices)} × {products or 'device'}: {names}"
    return f"{names} ({products})" if products else names


def claim_due(row: ClaimRow) -> tuple[datetime, str] | None:
    """What comes first: that a taint evicts its pods, or that the scheduler stops waiting for its devices."""
    ends = (row.evicted_at, "evicted"), (row.binding_ends, "gives up (by default)")
    return min(((at, what) for at, what in ends if at), default=None)


def pod_due(row: PodRow) -> tuple[datetime, str] | None:
    return (row.evicted_at, "evicted") if row.evicted_at and not row.deleted else None


def rule_selector(row: TaintRuleRow) -> str:
    place = "/".join(p or "*" for p in (row.driver, row.pool, row.device))
    return " && ".join([place, *([f"class {row.device_class}"] if row.device_class else []), *row.selectors])


def rule_eviction(row: TaintRuleRow) -> str:
    """What the server says came of it."""
    said = row.eviction
    return "" if said is None else said.message or said.reason


def claim_choices(row: ClaimRow) -> str:
    """Which choices of prioritized lists were taken: `small (2 of 3)`."""
    return ", ".join(dict.fromkeys(choice(d.choice) for d in row.devices if d.choice))


def choice(taken: Choice) -> str:
    return f"{taken.name} ({taken.number} of {taken.of})"


def shared_capacity(row: DeviceRow) -> str | None:
    """What is left of a device that claims share."""
    if row.shared_capacity is None:
        return None
    return ", ".join(
        f"{c.name} {words.UNKNOWN if c.left is None else c.left} of {c.total}" for c in row.shared_capacity
    )


def claim_consumers(row: ClaimRow) -> str:
    match row.consumers:
        case ():
            return ""
        case (one,):
            return one.name if one.present is not False else f"{one.name} (gone)"
    return words.count(len(row.consumers), "consumer")


def pool_slices(row: PoolRow) -> str | None:
    return None if row.state == "unknown" else f"{row.slices}/{row.expected_slices}"


def health(row: DeviceRow) -> str:
    """What kubelet reports, the worst if pods see different things."""
    told = {report.health for claim in row.claims for report in claim.health}
    return next((word for word in ("Unhealthy", "Unknown", "Healthy") if word in told), "")


def holders(row: DeviceRow) -> str:
    names = [f"{h.namespace}/{h.name}" for h in row.holders]
    watchers = sum(c.admin_access for c in row.claims)
    return ", ".join([*dict.fromkeys(names), *([f"+{watchers} admin"] if watchers else [])])


def plugin(value: Mapping[str, int]) -> str:
    return ", ".join(f"{number} × {name}" for name, number in value.items())


def amounts(value: Mapping[str, int] | None, now: datetime) -> str:
    return words.UNKNOWN if value is None else plugin(value) or words.NONE


def waiting(row: PodRow) -> str:
    """Why it does not come, or does not go; of one that runs, which of its devices are ill."""
    if row.leaving:
        return f"{row.leaving} (derived)"
    if row.deleted and row.eviction:
        return f"evicted: {row.eviction}"
    if row.waiting is None:
        return ", ".join(f"{report.device} is {report.text}" for report in row.unhealthy)
    return row.waiting.brief + (" (derived)" if row.waiting.source == "derived" else "")


def node_state(row: NodeRow) -> str:
    ready = {True: "Ready", False: "NotReady", None: "Unknown"}[row.ready]
    more = (("SchedulingDisabled", row.unschedulable), ("Amiss", row.amiss))
    return ",".join((ready, *(word for word, so in more if so)))


def node_drivers(row: NodeRow) -> str | None:
    """Who publishes; and where the node's kubelet plugin tells, what it prepared and what does not fit."""
    if row.drivers is None or row.amiss is None:
        return None if row.drivers is None else ", ".join(row.drivers)
    prepared = words.UNKNOWN if row.prepared is None else str(row.prepared)
    amiss = dict.fromkeys(found.text for found in row.amiss)
    return "; ".join((", ".join(row.drivers), f"{prepared} prepared", *amiss)).removeprefix("; ")


def node_plugin(row: NodeRow) -> str:
    return ", ".join(
        f"{p.name} {words.UNKNOWN if p.requested is None else p.requested}/{p.allocatable}"
        for p in row.plugin
    )


def quota(row: NamespaceRow) -> str:
    return ", ".join(f"{q.resource} {q.used}/{q.hard}" for q in row.quotas)


def taints(row: DeviceRow) -> str | None:
    return None if row.taints is None else ", ".join(t.text for t in row.taints)
