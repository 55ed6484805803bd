"""Pods, nodes and namespaces: what they have and ask for, by DRA and by device plugin."""

from typing import Any

import msgspec
import pytest

from dratui.api.model import (
    Container,
    Device,
    DeviceClass,
    Namespace,
    Node,
    ObjectKey,
    PodClaim,
    Quota,
    Request,
    Result,
    TaintRule,
    Template,
)
from dratui.api.model import Taint as DeviceTaint
from dratui.cluster.definitions import class_row, slice_row, taint_rule_row, template_row
from dratui.cluster.nodes import NodeRow, PluginResource, node_row
from dratui.cluster.pods import plugin_devices, pod_row
from dratui.cluster.tenants import NamespaceRow, QuotaUse, namespace_row
from tests.cluster.build import DRIVER, claim, pod, result, slice_, store

PLUGIN = "nvidia.com/gpu"


# --- pods ---------------------------------------------------------------------------------------------


def test_a_pod_has_the_devices_of_all_its_claims_by_name_template_and_extended_resource() -> None:
    subject = pod(
        "train",
        "named",
        PodClaim("entry", template="h100"),
        made={"entry": "made"},
        extended_claim="hidden",
        node="node-1",
    )
    claims = [claim(name, result(f"gpu-{n}")) for n, name in enumerate(("named", "made", "hidden"))]
    row = pod_row(store(subject, *claims), subject.key)
    assert row is not None
    assert (row.claims, row.devices) == (("named", "made", "hidden"), ("gpu-0", "gpu-1", "gpu-2"))


def test_json_of_a_pod_has_the_names_that_are_documented() -> None:
    subject = pod("train", "gpu", says="0/1 nodes are available: 1 x.")
    answer = msgspec.to_builtins(pod_row(store(subject, claim("gpu")), subject.key))
    assert set(answer) >= {"namespace", "name", "phase", "node", "claims", "waiting"}
    assert answer["waiting"] == {
        "source": "scheduler",
        "reason": "0/1 nodes are available: 1 x.",
        "nodes": {"x": 1},
    }


@pytest.mark.parametrize(
    ("containers", "asked"),
    [
        ((Container("a", extended=((PLUGIN, 1),)), Container("b", extended=((PLUGIN, 2),))), {PLUGIN: 3}),
        (
            (
                Container("first", extended=((PLUGIN, 4),), init=True),
                Container("then", extended=((PLUGIN, 3),), init=True),
                Container("main", extended=((PLUGIN, 1),)),
            ),
            {PLUGIN: 4},
        ),
        ((Container("main"),), {}),
    ],
)
def test_what_a_pod_asks_device_plugins_for(containers: tuple[Container, ...], asked: dict[str, int]) -> None:
    assert plugin_devices(pod("train", containers=containers)) == asked


def test_a_resource_that_became_a_claim_is_not_asked_of_a_plugin_as_well() -> None:
    both = pod("train", extended={PLUGIN: 1, "example.com/dra": 2}, claimed_resources=("example.com/dra",))
    assert plugin_devices(both) == {PLUGIN: 1}


# --- nodes --------------------------------------------------------------------------------------------


def node(*rows: Any, name: str = "node-1", **more: Any) -> NodeRow:
    row = node_row(store(*rows, **more), ObjectKey("", name))
    assert row is not None
    return row


NODE = Node(name="node-1", ready="True", allocatable=((PLUGIN, 4),))
H100 = {"model": "H100"}


def test_a_node_counts_its_devices() -> None:
    devices = slice_("node-1", Device("gpu-0", attributes=H100), Device("gpu-1", attributes=H100), "nic-0")
    row = node(NODE, devices, claim("gpu", result("gpu-0")))
    assert (row.devices, row.held, row.free) == (3, 1, 2)
    assert row.products == ("2 × H100", f"1 × {DRIVER}")


def test_a_node_counts_devices_that_are_its_own_by_device_and_those_of_a_fabric_held_on_it() -> None:
    by_device = slice_(
        "fabric",
        Device("gpu-0", node="node-1"),
        Device("gpu-1", node="node-2"),
        node="",
        per_device_nodes=True,
    )
    shelf = slice_("shelf", "ssd-0", "ssd-1", node="", all_nodes=True)
    row = node(NODE, by_device, shelf, claim("disk", result("ssd-1", "shelf"), node="node-1"))
    assert (row.devices, row.held) == (2, 1)


def test_a_device_that_only_a_monitor_has_is_not_held() -> None:
    monitor = claim("monitor", Result("all", DRIVER, "node-1", "gpu-0", admin_access=True))
    row = node(NODE, slice_("node-1", "gpu-0"), monitor)
    assert (row.held, row.free) == (0, 1)


def test_a_node_tells_what_its_device_plugins_have_and_what_running_pods_ask_for() -> None:
    pods = [
        pod("a", node="node-1", extended={PLUGIN: 2}),
        pod("done", node="node-1", phase="Succeeded", extended={PLUGIN: 1}),
        pod("elsewhere", node="node-2", extended={PLUGIN: 1}),
    ]
    row = node(NODE, *pods)
    assert row.plugin == (PluginResource(PLUGIN, 4, 2),)
    assert row.pods == 1


def test_counts_that_need_what_is_forbidden_are_unknown() -> None:
    holder = claim("gpu", result("gpu-0"), node="node-1")
    row = node(
        NODE, holder, pod("a", node="node-1", extended={PLUGIN: 1}), unknown=["resourceslices", "pods"]
    )
    assert (row.devices, row.free, row.products, row.drivers, row.pods) == (None, None, None, None, None)
    assert row.held == 1
    assert row.plugin == (PluginResource(PLUGIN, 4, None),)


def test_a_node_that_is_gone_while_its_devices_are_published_is_unknown() -> None:
    assert node(slice_("node-1", "gpu-0")).ready is None


def test_roles_come_from_labels() -> None:
    labels = (("node-role.kubernetes.io/control-plane", ""), ("zone", "a"))
    assert node(Node(name="node-1", labels=labels)).roles == ("control-plane",)


# --- namespaces ---------------------------------------------------------------------------------------


def tenant(*rows: Any, **more: Any) -> NamespaceRow:
    row = namespace_row(store(*rows, **more), ObjectKey("", "default"))
    assert row is not None
    return row


def test_a_tenant_holds_a_device_once_however_often_it_shares_it_and_none_by_admin_access() -> None:
    row = tenant(
        claim("a", result("gpu-0")),
        claim("b", result("gpu-0"), result("gpu-1")),
        claim("monitor", Result("all", DRIVER, "node-1", "gpu-7", admin_access=True)),
        claim("waits"),
    )
    assert (row.claims, row.pending_claims, row.devices, row.drivers) == (4, 1, 2, {DRIVER: 2})


def test_a_tenant_waits_for_what_its_pending_claims_ask_for() -> None:
    wanted = (
        Request("a", device_class="h100", count=2),
        Request("b", device_class="nic", mode="All"),
        Request(
            "c",
            count=0,
            alternatives=(Request("big", device_class="h200"), Request("two", device_class="h100")),
        ),
    )
    row = tenant(claim("waits", requests=wanted), claim("held", result("gpu-0"), requests=wanted))
    assert row.waiting_for == {"h100": 2, "h200": 1, "nic": 1}


def test_a_tenant_has_and_waits_for_devices_of_plugins() -> None:
    row = tenant(
        pod("runs", node="node-1", extended={PLUGIN: 2}),
        pod("waits", extended={PLUGIN: 4}),
        pod("web", node="node-1"),
    )
    assert (row.pods, row.waiting, row.plugin, row.waiting_for) == (2, 1, {PLUGIN: 2}, {PLUGIN: 4})


def test_a_tenants_quota() -> None:
    line = (f"{DRIVER}.deviceclass.resource.k8s.io/devices", "8", "2")
    row = tenant(
        Namespace(name="default", phase="Active"), Quota(namespace="default", name="q", devices=(line,))
    )
    assert row.quotas == (QuotaUse("q", *line),)


def test_a_tenant_whose_claims_are_forbidden_holds_we_do_not_know_what() -> None:
    row = tenant(Namespace(name="default"), unknown=["resourceclaims", "pods"])
    assert (row.claims, row.devices, row.pods, row.waiting) == (None, None, None, None)


# --- slices, classes, templates, rules ----------------------------------------------------------------


def test_a_slice_of_an_older_generation_is_obsolete() -> None:
    old, new = slice_("node-1", "gpu-0"), slice_("node-1", "gpu-0", generation=2, expected=2)
    states = {s.name: row.state for s in (old, new) if (row := slice_row(store(old, new), s.key))}
    assert states == {old.name: "obsolete", new.name: "incomplete"}


def test_a_class_counts_the_claims_that_name_it() -> None:
    class_ = DeviceClass(name="h100")
    rows = [
        class_,
        claim("a", device_class="h100"),
        claim("b", result("gpu-0"), device_class="h100"),
        claim("c"),
    ]
    row = class_row(store(*rows), class_.key)
    assert row is not None
    assert (row.claims, row.pending) == (2, 1)
    hidden = class_row(store(*rows, unknown=["resourceclaims"]), class_.key)
    assert hidden is not None
    assert (hidden.claims, hidden.pending) == (None, None)


def test_a_template_counts_the_pods_that_name_it() -> None:
    template = Template(namespace="default", name="h100")
    users = [pod(name, PodClaim("gpu", template="h100")) for name in "ab"]
    elsewhere = pod("c", PodClaim("gpu", template="h100"), namespace="other")
    row = template_row(store(template, *users, elsewhere), template.key)
    assert row is not None
    assert row.pods == 2


def test_a_taint_rule_counts_the_devices_that_it_selects() -> None:
    rule = TaintRule(name="drain", pool="node-1", taint=DeviceTaint("drain", effect="NoSchedule"))
    row = taint_rule_row(store(rule, slice_("node-1", "gpu-0", "gpu-1"), slice_("node-2", "gpu-0")), rule.key)
    assert row is not None
    assert row.devices == 2
