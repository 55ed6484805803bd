"""A pod, a node and a namespace in words."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from dratui.api.model import ObjectKey, Pod
from dratui.cluster.claims import claim_row
from dratui.cluster.devices import device_row
from dratui.cluster.groups import compute_domain_row, pod_group_row
from dratui.cluster.nodes import NodeRow, devices_on
from dratui.cluster.pods import PodRow
from dratui.cluster.store import Store
from dratui.cluster.tenants import NamespaceRow
from dratui.terminal import clean
from dratui.views import cells, words
from dratui.views.describe.devices import device_list
from dratui.views.describe.document import Field, Section, ago, number, section, since_text
from dratui.views.describe.document import node as on
from dratui.views.describe.measured import of_namespace, of_node, of_pod
from dratui.views.describe.plugin import of_node as plugin_of_node
from dratui.views.table import Style


def pod(store: Store, row: PodRow, now: datetime) -> Iterator[Section]:
    """The sections of a pod."""
    pod = store.pods[row.key]
    yield section(
        "POD",
        ("status", row.status),
        on(row.node),
        ("pod group", _group(store, pod)),
        *(("compute domain", _domain(store, key)) for key in _domains(store, pod)),
        ("created", ago(row.created, now)),
        ("deleted", ago(row.deleted, now)),
        ("cannot leave", row.leaving, Style.FAULT),
        ("evicted", row.eviction or words.due(cells.pod_due(row), now).strip(words.NONE), Style.TAINTED),
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
        yield section(
            "WAITING",
            ("source", who[row.waiting.source]),
            ("reason", row.waiting.reason, Style.WAITING),
            *counts,
        )
    yield from of_pod(store, row, now)
    for entry in pod.claims:
        made = next((s.claim for s in pod.claim_statuses if s.name == entry.name), "")
        yield _claim_of_pod(store, pod.namespace, entry.name, entry.claim or made, entry.template)
    if pod.extended_claim:
        yield _claim_of_pod(store, pod.namespace, "extended resources", pod.extended_claim, "")
    yield section(
        "HEALTH",
        *((r.device, r.text, Style.FAULT if r.health == "Unhealthy" else Style.PLAIN) for r in row.health),
    )
    yield section(
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
    yield section(
        "WARNINGS",
        *(
            (w.reason, f"{w.message} (× {w.count}{since_text(w.last, now)})", Style.FAULT)
            for w in (store.warnings[k] for k in sorted(store.warnings_of_pod[row.key]))
        ),
    )


def _group(store: Store, pod: Pod) -> str:
    """The group that it is scheduled with, and how far that is."""
    row = pod_group_row(store, ObjectKey(pod.namespace, pod.group)) if pod.group else None
    if row is None:
        return pod.group
    least = f", at least {row.min_count} together" if row.min_count else ""
    return f"{row.name}: {row.state}, {number(row.bound)} of {number(row.pods)} pods bound{least}"


def _domains(store: Store, pod: Pod) -> list[ObjectKey]:
    """The compute domains whose channels it has claims for."""
    templates = [ObjectKey(pod.namespace, entry.template) for entry in pod.claims if entry.template]
    return sorted({key for template in templates for key in store.domains_of_template[template]})


def _domain(store: Store, key: ObjectKey) -> str:
    row = compute_domain_row(store, key)
    return "" if row is None else f"{row.name}: {row.state}{f', {row.why}' if row.why else ''}"


def _claim_of_pod(store: Store, namespace: str, entry: str, name: str, template: str) -> Section:
    row = claim_row(store, ObjectKey(namespace, name)) if name else None
    devices = (
        ", ".join(f"{d.device}" + (f" ({d.product})" if d.product else "") for d in row.devices)
        if row
        else ""
    )
    return section(
        "CLAIM " + clean(entry),
        Field(
            "claim",
            name or "not created yet",
            leads=("claims", ObjectKey(namespace, name)) if name else None,
        ),
        ("template", template),
        ("state", row.state if row else _absence(store, namespace) if name else ""),
        ("devices", devices),
        ("wants", words.wanted(row.requests) if row and not devices else ""),
    )


def _absence(store: Store, namespace: str) -> str:
    return "does not exist" if store.known("resourceclaims", namespace) else words.UNKNOWN


def node(store: Store, row: NodeRow, now: datetime) -> Iterator[Section]:
    """The sections of a node."""
    node = store.nodes.get(row.key)
    yield section(
        "NODE",
        ("ready", {True: "yes", False: "no", None: "unknown"}[row.ready]),
        ("cordoned", "yes" if row.unschedulable else "", Style.WAITING),
        ("kubelet", node.kubelet if node else ""),
        ("created", ago(row.created, now)),
        ("devices", f"{number(row.devices)}, {number(row.held)} held, {number(row.free)} free"),
        *(("taint", t.text) for t in (node.taints if node else ())),
    )
    yield from of_node(store, row, now)
    yield from plugin_of_node(store, row, now)
    yield section(
        "DEVICE PLUGINS",
        *((p.name, f"{number(p.requested)} of {p.allocatable} asked for") for p in row.plugin),
    )
    yield device_list(
        "DEVICES", filter(None, (device_row(store, key) for key, _ in devices_on(store, row.name)))
    )


def namespace(store: Store, row: NamespaceRow, now: datetime) -> Iterator[Section]:
    """The sections of a namespace."""

    def amounts(values: Mapping[str, int] | None) -> str | None:
        return None if values is None else ", ".join(f"{number} × {name}" for name, number in values.items())

    yield section(
        "NAMESPACE",
        ("claims", f"{number(row.claims)}, {number(row.pending_claims)} pending"),
        ("holds", amounts(row.drivers)),
        ("device plugin", amounts(row.plugin)),
        ("pods", f"{number(row.pods)} with accelerators, {number(row.waiting)} waiting"),
        ("wait for", amounts(row.waiting_for), Style.WAITING),
        ("created", ago(row.created, now)),
    )
    yield from of_namespace(store, row, now)
    yield section("QUOTA", *((q.resource, f"{q.used} of {q.hard} ({q.quota})") for q in row.quotas))
