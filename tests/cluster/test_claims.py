"""Claims: kubectl's words for their state, and what they cannot say."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from dratui.api.model import Allocation, Capacity, Claim, Consumer, Device, ObjectKey, Request
from dratui.cluster.claims import ClaimRow, claim_row, state
from dratui.views.words import wanted
from tests.cluster.build import DRIVER, NOW, claim, pod, result, slice_, store

TRAIN = pod("train", "gpu", node="node-1")


def row(subject: Claim, *others: Any, **more: Any) -> ClaimRow:
    found = claim_row(store(subject, *others, **more), subject.key)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "pending"),
        ({"allocation": Allocation()}, "allocated"),
        ({"allocation": Allocation(), "pods": [TRAIN]}, "allocated,reserved"),
        ({"deleted": NOW}, "deleted"),
        ({"deleted": NOW, "allocation": Allocation()}, "deleted,allocated"),
        ({"deleted": NOW, "allocation": Allocation(), "pods": [TRAIN]}, "deleted,allocated,reserved"),
        ({"pods": [TRAIN]}, "pending,reserved"),
    ],
)
def test_state_is_what_kubectl_prints(fields: dict[str, Any], words: str) -> None:
    assert state(claim("gpu", **fields)) == words


def test_a_claim_knows_its_devices_and_their_products() -> None:
    from dratui.api.model import Device

    devices = slice_("node-1", Device("gpu-0", attributes={"model": "H100"}))
    claimed = row(claim("gpu", result("gpu-0"), pods=[TRAIN]), devices, TRAIN)
    assert [(d.device, d.product, d.node, d.vanished) for d in claimed.devices] == [
        ("gpu-0", "H100", "node-1", False)
    ]
    assert claimed.node == "node-1"


def test_a_device_that_is_no_longer_published_is_told() -> None:
    claimed = row(claim("gpu", result("gpu-7"), pods=[TRAIN]), slice_("node-1", "gpu-0"), TRAIN)
    assert claimed.devices[0].vanished is True
    assert claimed.reason == "no longer published: gpu-7"


@pytest.mark.parametrize(
    ("device", "pool_node", "says"),
    [
        (Device("gpu-0", capacity={"m": Capacity("80Gi")}, multiple_allocations=True), "node-1", ()),
        (
            Device("gpu-0", capacity={"m": Capacity("80Gi")}, multiple_allocations=True),
            "node-2",
            ("is on node node-2, was allocated on node-1",),
        ),
        (Device("gpu-0", capacity={"m": Capacity("80Gi")}), "node-1", ("can no longer be shared",)),
        (Device("gpu-0", multiple_allocations=True), "node-1", ("has no capacity m any more",)),
        (
            Device("gpu-0", capacity={"m": Capacity("10Gi")}, multiple_allocations=True),
            "node-1",
            ("has m 10Gi, 20Gi are allocated",),
        ),
    ],
)
def test_a_device_that_changed_since_it_was_allocated(
    device: Device, pool_node: str, says: tuple[str, ...]
) -> None:
    share = replace(result("gpu-0"), share_id="s", consumed_capacity={"m": "20Gi"})
    claimed = row(
        claim("gpu", share, node="node-1", pods=[TRAIN]), slice_("node-1", device, node=pool_node), TRAIN
    )
    assert claimed.devices[0].changed == says
    assert claimed.reason == "; ".join(f"changed since it was allocated: gpu-0 {what}" for what in says)


def test_where_slices_are_forbidden_no_device_is_called_vanished() -> None:
    claimed = row(claim("gpu", result("gpu-0"), pods=[TRAIN]), TRAIN, unknown=["resourceslices"])
    answer = msgspec.to_builtins(claimed)["devices"][0]
    assert (answer["vanished"], answer["product"], claimed.reason) == (None, None, "")


def test_the_node_comes_from_the_allocation_where_slices_do_not_tell() -> None:
    claimed = row(claim("gpu", result("gpu-0"), node="node-9"), unknown=["resourceslices"])
    assert (claimed.node, claimed.devices[0].node) == ("node-9", "node-9")


def test_devices_on_several_nodes_have_no_one_node() -> None:
    both = claim("gpu", result("gpu-0", "a"), result("gpu-0", "b"))
    assert row(both, slice_("a", "gpu-0"), slice_("b", "gpu-0")).node == ""


def test_a_consumer_is_the_pod_with_that_uid_not_another_of_its_name() -> None:
    again = pod("train", uid="another")
    claimed = row(claim("gpu", result("gpu-0"), pods=[TRAIN]), again, slice_("node-1", "gpu-0"))
    assert claimed.consumers[0].present is False
    assert claimed.dangling
    assert "reserved for pods that are gone: train" in claimed.reason


def test_a_consumer_that_is_there_is_present() -> None:
    claimed = row(claim("gpu", result("gpu-0"), pods=[TRAIN]), TRAIN, slice_("node-1", "gpu-0"))
    assert (claimed.consumers[0].present, claimed.dangling, claimed.reason) == (True, False, "")


def test_where_pods_are_forbidden_no_consumer_is_called_gone() -> None:
    claimed = row(claim("gpu", result("gpu-0"), pods=[TRAIN]), unknown=["pods"])
    assert claimed.consumers[0].present is None
    assert not claimed.dangling


def test_a_consumer_that_is_no_pod_is_not_looked_for() -> None:
    other = Consumer("rings", "ring", "uid", "example.com")
    claimed = row(claim("gpu", result("gpu-0"), consumers=(other,)), slice_("node-1", "gpu-0"))
    assert [(c.kind, c.name, c.present) for c in claimed.consumers] == [("rings", "ring", None)]


@pytest.mark.parametrize(
    ("subject", "others", "reason"),
    [
        (claim("gpu"), [], "no pod uses it"),
        (claim("gpu"), [pod("train", "gpu", says="no nodes")], "pod train: no nodes"),
        (claim("gpu"), [TRAIN], "pod train uses it and does not wait"),
        (claim("gpu", result("gpu-0")), [slice_("node-1", "gpu-0")], "allocated, used by no pod"),
        (claim("gpu", deleted=NOW, finalizers=("a/b",)), [], "being deleted, held by finalizer a/b"),
        (
            claim("gpu", result("gpu-0"), deleted=NOW, finalizers=("a/b",), pods=[TRAIN]),
            [TRAIN, slice_("node-1", "gpu-0")],
            "being deleted, still reserved for train",
        ),
        (claim("gpu", deleted=NOW), [], ""),
    ],
)
def test_reason(subject: Claim, others: list[Any], reason: str) -> None:
    assert row(subject, *others).reason == reason


def test_a_pending_claim_does_not_claim_that_no_pod_uses_it_where_pods_are_unknown() -> None:
    assert row(claim("gpu"), unknown=["pods"]).reason == "pods are not known"


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Request("gpu", device_class="h100", count=2), "2 × h100"),
        (Request("gpu", device_class="h100", mode="All"), "all h100"),
        (Request("gpu", device_class="h100", admin_access=True), "1 × h100 (admin access)"),
        (
            Request(
                "gpu",
                count=0,
                alternatives=(Request("big", device_class="h200"), Request("small", device_class="h100")),
            ),
            "1 × h200 or 1 × h100",
        ),
    ],
)
def test_what_a_request_wants(request_: Request, words: str) -> None:
    assert wanted((request_,)) == words


def test_json_has_the_names_that_are_documented() -> None:
    answer = msgspec.to_builtins(row(claim("gpu", result("gpu-0"), pods=[TRAIN]), TRAIN))
    assert set(answer) >= {"namespace", "name", "state", "devices", "consumers", "node", "reason", "created"}
    assert set(answer["devices"][0]) >= {
        "request",
        "driver",
        "pool",
        "device",
        "node",
        "shareID",
        "consumedCapacity",
        "adminAccess",
    }
    assert set(answer["consumers"][0]) == {"kind", "name", "uid", "present"}


def test_a_claim_that_is_gone_has_no_row() -> None:
    assert claim_row(store(slice_("node-1", "gpu-0", driver=DRIVER)), ObjectKey("default", "gpu")) is None
