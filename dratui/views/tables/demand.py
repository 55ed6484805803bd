"""Tables of who wants it and has it: claims, pods, namespaces, groups of pods."""

from dratui.api.streams import WARNING_REASONS
from dratui.cluster.claims import ClaimRow, claim_row, claim_told
from dratui.cluster.groups import ComputeDomainRow, PodGroupRow, compute_domain_row, pod_group_row
from dratui.cluster.live import Live
from dratui.cluster.pods import PodRow, pod_row
from dratui.cluster.store import KEYS, Store
from dratui.cluster.tenants import NamespaceRow, namespace_row
from dratui.cluster.totals import claim_live, namespace_live, pod_live
from dratui.views import cells, live, styles, words
from dratui.views.table import Column, Style, Table

_WARNINGS = tuple(f"events:{reason}" for reason in WARNING_REASONS)


def _claim_live(store: Store, row: ClaimRow) -> Live | None:
    claim = store.claims.get(row.key)
    return None if claim is None else claim_live(store, claim)


def _pod_live(store: Store, row: PodRow) -> Live | None:
    pod = store.pods.get(row.key)
    return None if pod is None else pod_live(store, pod)


CLAIMS: Table[ClaimRow] = Table(
    kind="claims",
    singular="claim",
    names=("resourceclaims", "resourceclaim", "rc"),
    list_kind="ClaimList",
    title="Claims",
    namespaced=True,
    columns=(
        Column(title="NAMESPACE", value=lambda r: r.namespace),
        Column(title="NAME", value=lambda r: r.name, grow=True),
        Column(title="STATE", value=lambda r: r.state, style=styles.claim, glyph=True),
        Column(title="AGE", value=lambda r: r.created, text=words.age, align="right", ticks=True),
        live.UTIL,
        Column(title="DEVICES", value=cells.claim_devices, grow=True, prose=True),
        *(live.IDLE, live.MEMORY, live.POWER, live.SAMPLED),
        Column(title="NODE", value=lambda r: r.node),
        Column(title="CONSUMERS", value=cells.claim_consumers),
        Column(title="REASON", value=lambda r: r.reason, grow=True, prose=True),
        Column(title="REQUESTS", value=lambda r: words.wanted(r.requests), wide=True),
        Column(title="MADE FOR", value=lambda r: r.made_for, grow=True, wide=True),
        Column(title="CHOICE", value=cells.claim_choices, style=styles.choice, wide=True),
        Column(title="ALLOCATED", value=lambda r: r.allocated, text=words.since, ticks=True, wide=True),
        Column(title="DUE", value=cells.claim_due, text=words.due, style=styles.due, ticks=True, wide=True),
    ),
    keys=KEYS["claims"],
    objects=lambda s: s.claims,
    row=claim_row,
    told=claim_told,
    live=_claim_live,
    name_of=lambda r: r.name,
    streams=("resourceclaims", "resourceslices", "pods"),
    joins=("resourceclaimtemplates", "nodes", "devicetaintrules", "podgroups", *_WARNINGS),
    empty="No ResourceClaims. Nobody asks for a device by DRA.",
)


PODS: Table[PodRow] = Table(
    kind="pods",
    singular="pod",
    names=("po",),
    list_kind="PodList",
    title="Pods",
    namespaced=True,
    columns=(
        Column(title="NAMESPACE", value=lambda r: r.namespace),
        Column(title="NAME", value=lambda r: r.name, grow=True),
        Column(title="READY", value=lambda r: r.ready, wide=True),
        Column(title="STATUS", value=lambda r: r.status, style=styles.pod, glyph=True),
        Column(title="RESTARTS", value=lambda r: r.restarts, align="right", wide=True),
        Column(title="AGE", value=lambda r: r.created, text=words.age, align="right", ticks=True),
        live.UTIL,
        Column(title="WAITING", value=cells.waiting, style=styles.waiting, grow=True, prose=True),
        *(live.IDLE, live.MEMORY, live.POWER, live.SAMPLED),
        Column(title="NODE", value=lambda r: r.node),
        Column(title="CLAIMS", value=lambda r: r.claims, text=words.listing),
        Column(title="DEVICES", value=lambda r: ", ".join((*r.devices, cells.plugin(r.plugin))).strip(", ")),
        Column(title="DUE", value=cells.pod_due, text=words.due, style=styles.due, ticks=True, wide=True),
    ),
    keys=KEYS["pods"],
    objects=lambda s: s.pods,
    row=pod_row,
    live=_pod_live,
    name_of=lambda r: r.name,
    streams=("pods", "resourceclaims"),
    joins=("resourceclaimtemplates", "nodes", "resourceslices", "devicetaintrules", "podgroups", *_WARNINGS),
    empty="No pods.",
)


NAMESPACES: Table[NamespaceRow] = Table(
    kind="namespaces",
    singular="namespace",
    names=("ns", "tenants"),
    list_kind="NamespaceList",
    title="Namespaces",
    namespaced=False,
    columns=(
        Column(title="NAME", value=lambda r: r.name, grow=True),
        Column(title="STATUS", value=lambda r: r.phase or None, wide=True),
        Column(title="AGE", value=lambda r: r.created, text=words.age, align="right", ticks=True),
        Column(title="DEVICES", value=lambda r: r.devices, align="right"),
        Column(
            title="WAITING",
            value=lambda r: r.waiting,
            style=lambda r: Style.WAITING if r.waiting else Style.PLAIN,
            align="right",
        ),
        *(live.UTIL, live.MEMORY, live.IDLE, live.POWER, live.SAMPLED),
        Column(title="CLAIMS", value=lambda r: r.claims, align="right"),
        Column(title="PENDING", value=lambda r: r.pending_claims, align="right"),
        Column(title="PODS", value=lambda r: r.pods, align="right"),
        Column(title="DEVICE PLUGIN", value=lambda r: r.plugin, text=cells.amounts),
        Column(title="WAITING FOR", value=lambda r: r.waiting_for, text=cells.amounts),
        Column(title="QUOTA", value=cells.quota, grow=True, prose=True),
        Column(title="BY DRIVER", value=lambda r: r.drivers, text=cells.amounts, wide=True),
    ),
    keys=KEYS["namespaces"],
    row=namespace_row,
    live=lambda store, row: namespace_live(store, row.name, row.devices),
    name_of=lambda r: r.name,
    streams=("namespaces", "resourceclaims", "pods"),
    joins=("resourcequotas",),
    empty="No namespaces.",
)


POD_GROUPS: Table[PodGroupRow] = Table(
    kind="podgroups",
    singular="podgroup",
    names=("pg",),
    list_kind="PodGroupList",
    title="PodGroups",
    namespaced=True,
    columns=(
        Column(title="NAMESPACE", value=lambda r: r.namespace),
        Column(title="NAME", value=lambda r: r.name, grow=True),
        Column(title="STATE", value=lambda r: r.state, style=styles.pod_group, glyph=True),
        Column(title="AGE", value=lambda r: r.created, text=words.age, align="right", ticks=True),
        Column(title="PODS", value=lambda r: r.pods, align="right"),
        Column(title="BOUND", value=lambda r: r.bound, align="right"),
        Column(title="MIN", value=lambda r: r.min_count, align="right"),
        Column(title="CLAIMS", value=lambda r: r.claims, text=words.listing),
        Column(title="WHY", value=lambda r: r.why, grow=True, prose=True),
    ),
    keys=KEYS["podgroups"],
    objects=lambda s: s.pod_groups,
    row=pod_group_row,
    name_of=lambda r: r.name,
    streams=("podgroups", "pods"),
    empty="No PodGroups. Kubernetes has them from 1.36, when its gate GenericWorkload is on.",
)


COMPUTE_DOMAINS: Table[ComputeDomainRow] = Table(
    kind="computedomains",
    singular="computedomain",
    names=("cd",),
    list_kind="ComputeDomainList",
    title="ComputeDomains",
    namespaced=True,
    columns=(
        Column(title="NAMESPACE", value=lambda r: r.namespace),
        Column(title="NAME", value=lambda r: r.name, grow=True),
        Column(title="STATE", value=lambda r: r.state, style=styles.compute_domain, glyph=True),
        Column(title="AGE", value=lambda r: r.created, text=words.age, align="right", ticks=True),
        Column(
            title="READY", value=lambda r: f"{r.ready_nodes}/{r.num_nodes or len(r.nodes)}", align="right"
        ),
        Column(title="PODS", value=lambda r: r.pods, align="right"),
        Column(title="TEMPLATE", value=lambda r: r.template),
        Column(title="WHY", value=lambda r: r.why, grow=True, prose=True),
    ),
    keys=KEYS["computedomains"],
    objects=lambda s: s.compute_domains,
    row=compute_domain_row,
    name_of=lambda r: r.name,
    streams=("computedomains",),
    joins=("pods",),
    empty="No ComputeDomains. NVIDIA's DRA driver has them, where GPUs of several nodes are joined by NVLink.",
)
