"""Tables of what there is: devices, their pools and slices, the nodes that have them."""

from dratui.cluster.definitions import (
    SliceRow,
    slice_row,
)
from dratui.cluster.devices import DeviceRow, device_row
from dratui.cluster.nodes import NodeRow, node_row
from dratui.cluster.pools import PoolRow, pool_row
from dratui.cluster.store import KEYS
from dratui.cluster.totals import device_live, node_live
from dratui.views import cells, live, styles, words
from dratui.views.table import Column, Style, Table

_DRA = ("resourceslices", "resourceclaims")

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
