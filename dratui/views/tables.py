"""Every table that dratui has: kubectl's columns first, then ours."""

from collections.abc import Iterable, Mapping
from typing import Any

from dratui.api.model import DeviceKey, ObjectKey
from dratui.api.streams import WARNING_REASONS
from dratui.cluster.claims import ClaimRow, claim_row, claim_told
from dratui.cluster.definitions import (
    ClassRow,
    SliceRow,
    TaintRuleRow,
    TemplateRow,
    class_row,
    slice_row,
    taint_rule_row,
    template_row,
)
from dratui.cluster.devices import DeviceRow, device_row
from dratui.cluster.groups import ComputeDomainRow, PodGroupRow, compute_domain_row, pod_group_row
from dratui.cluster.index import PoolKey
from dratui.cluster.live import Live
from dratui.cluster.nodes import NodeRow, node_row
from dratui.cluster.pods import PodRow, pod_row
from dratui.cluster.pools import PoolRow, pool_row
from dratui.cluster.store import KEYS, Store
from dratui.cluster.tenants import NamespaceRow, namespace_row
from dratui.cluster.totals import claim_live, device_live, namespace_live, node_live, pod_live
from dratui.views import cells, live, styles, words
from dratui.views.table import Column, Style, Table

_DRA = ("resourceslices", "resourceclaims")
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

DEVICES: Table[DeviceRow] = Table(
    kind="devices",
    singular="device",
    names=("dev",),
    list_kind="DeviceList",
    title="Devices",
    namespaced=False,
    columns=(
        Column(title="DRIVER", value=lambda r: r.driver),
        Column(title="POOL", value=lambda r: r.pool, grow=True),
        Column(title="DEVICE", value=lambda r: r.device),
        Column(title="STATE", value=lambda r: r.state, style=styles.device, glyph=True),
        *(live.UTIL, live.MEMORY),
        Column(title="CLAIMS", value=cells.holders, grow=True),
        *(live.IDLE, live.POWER, live.SAMPLED),
        Column(title="PRODUCT", value=lambda r: r.product, grow=True),
        Column(title="NODE", value=lambda r: r.node or r.where),
        Column(
            title="TAINTS", value=cells.taints, style=lambda r: Style.TAINTED if r.taints else Style.PLAIN
        ),
        Column(title="HEALTH", value=cells.health, wide=True),
        Column(title="LEFT", value=cells.shared_capacity, wide=True),
        Column(title="SLICE", value=lambda r: r.slice, wide=True),
        Column(title="WHY", value=lambda r: r.why, wide=True),
    ),
    keys=KEYS["devices"],
    row=device_row,
    live=lambda store, row: device_live(store, row.key, row.node),
    name_of=lambda r: r.device,
    streams=_DRA,
    joins=("devicetaintrules", "pods"),
    empty="No devices. No DRA driver publishes ResourceSlices here: is one installed?",
    order=lambda k: (k.driver, words.natural(k.pool), words.natural(k.device)),
)

POOLS: Table[PoolRow] = Table(
    kind="pools",
    singular="pool",
    names=(),
    list_kind="PoolList",
    title="Pools",
    namespaced=False,
    columns=(
        Column(title="DRIVER", value=lambda r: r.driver),
        Column(title="POOL", value=lambda r: r.pool, grow=True),
        Column(title="STATE", value=lambda r: r.state, style=styles.pool, glyph=True),
        Column(title="SLICES", value=cells.pool_slices, align="right"),
        Column(title="DEVICES", value=lambda r: r.devices, align="right"),
        Column(title="FREE", value=lambda r: r.free, align="right"),
        Column(title="GEN", value=lambda r: r.generation, align="right"),
        Column(title="NODE", value=lambda r: r.node or r.where, grow=True),
        Column(title="BLOCKED", value=lambda r: r.blocked, align="right", wide=True),
        Column(title="OBSOLETE", value=lambda r: r.obsolete_slices, align="right", wide=True),
        Column(title="WHY", value=lambda r: r.why, grow=True, prose=True),
    ),
    keys=KEYS["pools"],
    row=pool_row,
    name_of=lambda r: r.pool,
    streams=_DRA,
    joins=("devicetaintrules",),
    empty="No pools. No DRA driver publishes ResourceSlices here: is one installed?",
    order=lambda k: (k[0], words.natural(k[1])),
)

SLICES: Table[SliceRow] = Table(
    kind="slices",
    singular="slice",
    names=("resourceslices", "resourceslice", "rs"),
    list_kind="SliceList",
    title="Slices",
    namespaced=False,
    columns=(
        Column(title="NAME", value=lambda r: r.name, grow=True),
        Column(title="NODE", value=lambda r: r.node),
        Column(title="DRIVER", value=lambda r: r.driver),
        Column(title="POOL", value=lambda r: r.pool),
        Column(title="AGE", value=lambda r: r.created, text=words.age, align="right", ticks=True),
        Column(title="GENERATION", value=lambda r: r.generation, align="right"),
        Column(title="STATE", value=lambda r: r.state, style=styles.pool, glyph=True),
        Column(title="DEVICES", value=lambda r: r.devices, align="right"),
        Column(title="COUNTERS", value=lambda r: r.counter_sets, align="right", wide=True),
        Column(title="WHERE", value=lambda r: r.where, grow=True, wide=True),
    ),
    keys=KEYS["slices"],
    objects=lambda s: s.slices,
    row=slice_row,
    name_of=lambda r: r.name,
    streams=("resourceslices",),
    empty="No ResourceSlices. No DRA driver publishes devices here: is one installed?",
    order=lambda k: words.natural(k.name),
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

NODES: Table[NodeRow] = Table(
    kind="nodes",
    singular="node",
    names=("no",),
    list_kind="NodeList",
    title="Nodes",
    namespaced=False,
    columns=(
        Column(title="NAME", value=lambda r: r.name, grow=True),
        Column(title="STATUS", value=cells.node_state, style=styles.node, glyph=True),
        Column(title="ROLES", value=lambda r: r.roles, text=words.listing, wide=True),
        Column(title="AGE", value=lambda r: r.created, text=words.age, align="right", ticks=True),
        Column(title="VERSION", value=lambda r: r.version, wide=True),
        Column(title="DEVICES", value=lambda r: r.devices, align="right"),
        Column(title="HELD", value=lambda r: r.held, align="right"),
        Column(title="FREE", value=lambda r: r.free, align="right"),
        *(live.UTIL, live.MEMORY, live.POWER, live.SAMPLED),
        Column(title="PRODUCTS", value=lambda r: r.products, text=words.listing, grow=True, prose=True),
        Column(title="DEVICE PLUGIN", value=cells.node_plugin),
        Column(title="PODS", value=lambda r: r.pods, align="right"),
        Column(title="DRIVERS", value=cells.node_drivers, wide=True),
    ),
    keys=KEYS["nodes"],
    row=node_row,
    live=lambda store, row: node_live(store, row.name),
    name_of=lambda r: r.name,
    streams=("nodes", *_DRA),
    joins=("pods", "devicetaintrules"),
    empty="No nodes.",
    order=lambda k: words.natural(k.name),
)

CLASSES: Table[ClassRow] = Table(
    kind="classes",
    singular="class",
    names=("deviceclasses", "deviceclass", "dc"),
    list_kind="ClassList",
    title="Classes",
    namespaced=False,
    columns=(
        Column(title="NAME", value=lambda r: r.name),
        Column(title="AGE", value=lambda r: r.created, text=words.age, align="right", ticks=True),
        Column(title="CLAIMS", value=lambda r: r.claims, align="right"),
        Column(title="PENDING", value=lambda r: r.pending, align="right"),
        Column(title="EXTENDED RESOURCE", value=lambda r: r.extended_resource),
        Column(title="SELECTORS", value=lambda r: " && ".join(r.selectors), grow=True, prose=True),
    ),
    keys=KEYS["classes"],
    objects=lambda s: s.classes,
    row=class_row,
    name_of=lambda r: r.name,
    streams=("deviceclasses", "resourceclaims"),
    empty="No DeviceClasses. A DRA driver's installation brings some: is one installed?",
)

TEMPLATES: Table[TemplateRow] = Table(
    kind="templates",
    singular="template",
    names=("resourceclaimtemplates", "resourceclaimtemplate", "rct"),
    list_kind="TemplateList",
    title="Templates",
    namespaced=True,
    columns=(
        Column(title="NAMESPACE", value=lambda r: r.namespace),
        Column(title="NAME", value=lambda r: r.name, grow=True),
        Column(title="AGE", value=lambda r: r.created, text=words.age, align="right", ticks=True),
        Column(title="REQUESTS", value=lambda r: words.wanted(r.requests), grow=True, prose=True),
        Column(title="PODS", value=lambda r: r.pods, align="right"),
    ),
    keys=KEYS["templates"],
    objects=lambda s: s.templates,
    row=template_row,
    name_of=lambda r: r.name,
    streams=("resourceclaimtemplates",),
    joins=("pods",),
    empty="No ResourceClaimTemplates.",
)

TAINT_RULES: Table[TaintRuleRow] = Table(
    kind="taintrules",
    singular="taintrule",
    names=("devicetaintrules", "devicetaintrule", "dtr"),
    list_kind="TaintRuleList",
    title="TaintRules",
    namespaced=False,
    columns=(
        Column(title="NAME", value=lambda r: r.name),
        Column(title="KEY", value=lambda r: r.taint_key),
        Column(title="VALUE", value=lambda r: r.value),
        Column(title="EFFECT", value=lambda r: r.effect),
        Column(title="TIMEADDED", value=lambda r: r.time_added, text=words.since, ticks=True),
        Column(title="AGE", value=lambda r: r.created, text=words.age, align="right", ticks=True),
        Column(title="DEVICES", value=lambda r: r.devices, align="right"),
        Column(title="HELD", value=lambda r: r.held, align="right"),
        Column(title="PODS", value=lambda r: r.pods, align="right"),
        Column(title="SELECTOR", value=cells.rule_selector, grow=True),
        Column(title="EVICTION", value=cells.rule_eviction, style=styles.rule, grow=True, prose=True),
    ),
    keys=KEYS["taintrules"],
    objects=lambda s: s.taint_rules,
    row=taint_rule_row,
    name_of=lambda r: r.name,
    streams=("devicetaintrules", "resourceslices", "resourceclaims"),
    joins=("pods",),
    empty="No DeviceTaintRules.",
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
        *(live.UTIL, live.MEMORY, live.IDLE, live.POWER, live.SAMPLED),
        Column(title="CLAIMS", value=lambda r: r.claims, align="right"),
        Column(title="PENDING", value=lambda r: r.pending_claims, align="right"),
        Column(title="PODS", value=lambda r: r.pods, align="right"),
        Column(
            title="WAITING",
            value=lambda r: r.waiting,
            style=lambda r: Style.WAITING if r.waiting else Style.PLAIN,
            align="right",
        ),
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
