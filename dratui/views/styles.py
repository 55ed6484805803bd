"""What states look like: a style for each state of each kind."""

from collections.abc import Mapping

from dratui.cluster.claims import ClaimRow
from dratui.cluster.definitions import SliceRow, TaintRuleRow
from dratui.cluster.devices import DeviceRow
from dratui.cluster.groups import ComputeDomainRow, PodGroupRow
from dratui.cluster.nodes import NodeRow
from dratui.cluster.pods import PodRow
from dratui.cluster.pools import PoolRow
from dratui.views.table import Style


def claim(row: ClaimRow) -> Style:
    """A claim that is being deleted, or that holds on to what is gone, is a fault; a pending one waits."""
    if "deleted" in row.state or row.dangling or row.faulty:
        return Style.FAULT
    if "pending" in row.state:
        return Style.WAITING
    return Style.SHARED if len(row.consumers) > 1 else Style.HELD if row.consumers else Style.FREE


def choice(row: ClaimRow) -> Style:
    """A claim that got a lesser choice than its first."""
    lesser = any(d.choice is not None and d.choice.number > 1 for d in row.devices)
    return Style.WAITING if lesser else Style.PLAIN


def due(row: ClaimRow | PodRow) -> Style:
    """That it will be evicted."""
    return Style.TAINTED if row.evicted_at else Style.PLAIN


def rule(row: TaintRuleRow) -> Style:
    """An eviction that goes on; what only would happen, by effect None, is dim."""
    said = row.eviction
    return Style.TAINTED if said is not None and said.status == "True" else Style.DIM


_DEVICE_STYLES: Mapping[str, Style] = {
    "free": Style.FREE,
    "held": Style.HELD,
    "shared": Style.SHARED,
    "tainted": Style.TAINTED,
    "blocked": Style.DIM,
    "incomplete": Style.WAITING,
    "invalid": Style.FAULT,
    "gone": Style.FAULT,
    "unknown": Style.UNKNOWN,
}


def device(row: DeviceRow) -> Style:
    """A device's state, or that it is ill; that a held one is tainted is shown in a column of its own."""
    if row.unhealthy:
        return Style.FAULT
    return _DEVICE_STYLES[row.state]


_POOL_STYLES: Mapping[str, Style] = {
    "complete": Style.FREE,
    "incomplete": Style.WAITING,
    "invalid": Style.FAULT,
    "gone": Style.FAULT,
    "obsolete": Style.DIM,
    "unknown": Style.UNKNOWN,
}


def pool(row: PoolRow | SliceRow) -> Style:
    """A pool that cannot be allocated from in whole stands out."""
    return _POOL_STYLES[row.state]


_WELL = frozenset({"Running", "NotReady", "Completed"})
"""What a running pod whose containers do not fail says."""


def pod(row: PodRow) -> Style:
    """Pending waits; what fails or cannot leave is a fault; what runs with devices holds them."""
    if row.deleted:
        return Style.FAULT if row.leaving else Style.DIM
    match row.phase:
        case "Pending":
            return Style.WAITING
        case "Failed":
            return Style.FAULT
        case "Running":
            if row.status not in _WELL:
                return Style.FAULT
            return Style.HELD if row.claims or row.plugin else Style.FREE
    return Style.DIM if row.phase == "Succeeded" else Style.UNKNOWN


def pod_group(row: PodGroupRow) -> Style:
    """A group that is not scheduled waits."""
    return {"scheduled": Style.HELD, "pending": Style.WAITING}.get(row.state, Style.FAULT)


def compute_domain(row: ComputeDomainRow) -> Style:
    """A domain whose nodes are not all ready waits; what its driver has not judged yet is unknown."""
    return {"Ready": Style.FREE, "": Style.UNKNOWN}.get(row.state, Style.WAITING)


def node(row: NodeRow) -> Style:
    """A node that is not ready, or on which something is amiss, is a fault; one that nobody knows is unknown."""
    if row.ready is None:
        return Style.UNKNOWN
    return Style.FAULT if not row.ready or row.amiss else Style.WAITING if row.unschedulable else Style.FREE


def waiting(row: PodRow) -> Style:
    """What a pod waits for; one that cannot go or whose device is ill is a fault, any other is nothing to see."""
    if row.leaving or row.unhealthy:
        return Style.FAULT
    if row.deleted and row.eviction:
        return Style.TAINTED
    return Style.WAITING if row.waiting is not None else Style.PLAIN
