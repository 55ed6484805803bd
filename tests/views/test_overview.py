"""The first screen's facts."""

from typing import Any

import msgspec
import pytest

from dratui.api.model import Device, Node, Taint
from dratui.cluster.store import Changes
from dratui.prepared import Orphan, Plugin
from dratui.samples import Holder
from dratui.views.overview import DeviceGroup, PluginGroup, PoolsSummary, Summary, Tenant
from tests.cluster.build import DRIVER, NOW, ago, claim, measured, pod, put, result, sample, slice_, store
from tests.views.test_describe import hostile

PLUGIN = "nvidia.com/gpu"


def h100(name: str, *taints: Taint) -> Device:
    return Device(name, attributes={"model": "H100"}, taints=taints)


def test_devices_are_counted_by_driver_product_and_state() -> None:
    made = store(
        slice_(
            "node-1", h100("gpu-0"), h100("gpu-1"), h100("gpu-2", Taint("xid", effect="NoSchedule")), "nic"
        ),
        slice_("node-2", h100("gpu-0"), expected=2),
        claim("gpu", result("gpu-0")),
    )
    assert Summary(made).overview().devices == (
        DeviceGroup(DRIVER, "", total=1, held=0, free=1, tainted=0, blocked=0, other=0),
        DeviceGroup(DRIVER, "H100", total=4, held=1, free=1, tainted=1, blocked=0, other=1),
    )


def test_pools_and_faults() -> None:
    made = store(
        slice_("a"), slice_("b", expected=2), slice_("c", "x", "x"), claim("lost", result("gpu-0", "gone"))
    )
    summary = Summary(made)
    assert summary.overview().pools == PoolsSummary(total=4, complete=1, incomplete=1, invalid=1)
    assert summary.faults == 3
    assert [(fault.kind, fault.name, fault.why) for fault in summary.overview().faulty] == [
        ("claims", "default/lost", "no longer published: gpu-0; allocated, used by no pod"),
        ("pools", f"{DRIVER}/c", "device x is listed twice"),
        ("pools", f"{DRIVER}/gone", "devices are held, but nothing publishes the pool"),
    ]


def test_a_node_that_has_something_of_no_claim_is_a_fault() -> None:
    orphan = Orphan(what="spec", subject="k8s.dratui-claim.json")
    plugin = Plugin(driver=DRIVER, orphans=(orphan,), instances=())
    made = store(slice_("node-1", "gpu-0"), sample("node-1", plugin=plugin, believed=NOW.timestamp()))
    summary = Summary(made)
    (fault,) = summary.overview().faulty
    assert summary.faults == 1
    assert (fault.kind, fault.name) == ("nodes", "node-1")
    assert fault.why.startswith("CDI spec of no claim")


def test_where_slices_are_forbidden_nothing_is_a_fault_for_want_of_them() -> None:
    assert Summary(store(claim("gpu", result("gpu-0")), unknown=["resourceslices"])).faults == 0


def test_who_waits_longest_comes_first_and_reasons_are_counted() -> None:
    says = "0/{} nodes are available: {} cannot allocate all claims."
    made = store(
        pod("new", "gpu", says=says.format(1, 1), created=ago(minutes=1)),
        pod("old", "gpu", says=says.format(1, 1), created=ago(hours=1)),
        pod("web", created=ago(days=1)),
        claim("gpu"),
    )
    overview = Summary(made).overview()
    assert [w.key.name for w in overview.waiting] == ["old", "new"]
    assert [count for _, count in overview.waiting_reasons] == [2]


def test_device_plugins_and_tenants() -> None:
    made = store(
        Node(name="node-1", ready="True", allocatable=((PLUGIN, 4),)),
        Node(name="node-2", ready="True", allocatable=((PLUGIN, 4),)),
        pod("a", node="node-1", extended={PLUGIN: 3}),
        pod("b", extended={PLUGIN: 1}),
        claim("gpu", result("gpu-0"), namespace="vision"),
    )
    overview = Summary(made).overview()
    assert overview.plugin == (PluginGroup(PLUGIN, total=8, requested=3),)
    assert overview.tenants == (
        Tenant("default", held=0, waiting=1, plugin=3),
        Tenant("vision", held=1, waiting=0, plugin=0),
    )


def test_nothing_hostile_comes_out_of_the_overview() -> None:
    overview = Summary(hostile()).overview()
    texts = [
        *(t for g in overview.devices for t in (g.driver, g.product)),
        *(p.name for p in overview.plugin),
        *(w.reason for w in overview.waiting),
        *(reason for reason, _ in overview.waiting_reasons),
        *(t.namespace for t in overview.tenants),
    ]
    assert len(texts) >= 6
    assert all(map(str.isprintable, texts))
    assert msgspec.json.encode(overview)


def measured_node(node: str, *busy: float) -> list[Any]:
    devices = [
        Device(f"gpu-{n}", attributes={"model": "H100", "uuid": f"{node}-{n}"}) for n in range(len(busy))
    ]
    told = [measured(f"{node}-{n}", busy=u) for n, u in enumerate(busy)]
    return [slice_(node, *devices), sample(node, *told)]


def test_what_is_held_where_nobody_looks_makes_a_product_and_a_tenant_partial() -> None:
    made = store(
        *measured_node("node-1", 0.9, 0.5),
        measured_node("node-2", 0.0)[0],
        claim("a", result("gpu-0"), node="node-1"),
        claim("b", result("gpu-0", "node-2"), node="node-2"),
        sample("node-3", measured("x", Holder(namespace="plugged", pod="p"), busy=0.1)),
        pod("p", namespace="plugged", extended={PLUGIN: 1}, node="node-3"),
    )
    overview = Summary(made).overview()
    (group,) = overview.devices
    assert group.live is not None
    assert group.live.utilization == pytest.approx(0.7)
    assert (group.live.known, group.live.of, group.live.why) == (2, 3, "its node is not followed")
    tenants = {t.namespace: t.live for t in overview.tenants}
    assert [(t and t.utilization, t and t.known, t and t.of) for t in tenants.values()] == [
        (0.9, 1, 2),
        (0.1, 1, 1),
    ]


def test_an_overview_follows_what_devices_do_without_counting_them_again() -> None:
    made = store(*measured_node("node-1", 0.9))
    summary = Summary(made)
    assert not summary.apply(Changes())
    assert summary.apply(made.apply([put(measured_node("node-1", 0.2)[1])]))
    (group,) = summary.overview().devices
    assert group.live is not None
    assert group.live.utilization == 0.2
