"""Pods that are being deleted and cannot go: why, derived, and who evicted them."""

from typing import Any

import pytest

from dratui.api.model import Condition, Node, Pod
from dratui.cluster.leaving import eviction, leaving
from dratui.events import Gone
from dratui.views.listing import Listing
from dratui.views.query import Query
from tests.cluster.build import DRIVER, NOW, claim, pod, put, result, slice_, store

READY = Node(name="node-1", ready="True")
GOING = pod("train", "gpu", node="node-1", deleted=NOW)
HELD = claim("gpu", result("gpu-0"), node="node-1", pods=[GOING])
SLICE = slice_("node-1", "gpu-0")
DRIVER_GONE = f"driver {DRIVER} publishes nothing for node node-1 any more: claim gpu cannot be unprepared"


@pytest.mark.parametrize(
    ("subject", "others", "reason"),
    [
        (GOING, [READY, HELD, SLICE], ""),  # on its way
        (GOING, [READY, HELD], DRIVER_GONE),
        (GOING, [READY, HELD, slice_("other", "gpu-1", node="node-1")], ""),  # the driver is there
        (GOING, [READY, HELD, slice_("node-1", "gpu-0", node="", all_nodes=True)], ""),  # of a fabric
        (GOING, [READY, HELD, slice_("node-2", "gpu-0")], DRIVER_GONE),
        (GOING, [READY, claim("gpu", result("gpu-0"))], ""),  # nothing reserved for it: unprepared
        (GOING, [READY, claim("gpu")], ""),
        (GOING, [READY], ""),
        (GOING, [Node(name="node-1", ready="Unknown"), HELD, SLICE], "node node-1 is not ready"),
        (GOING, [HELD, SLICE], "node node-1 does not exist"),
        (pod("train", node="node-1", deleted=NOW, finalizers=("keep",)), [READY], "held by finalizer keep"),
        (pod("train", "gpu", node="node-1"), [HELD], ""),  # nobody deletes it
    ],
)
def test_what_keeps_a_pod(subject: Pod, others: list[Any], reason: str) -> None:
    assert leaving(store(subject, *others), subject) == reason


def test_a_driver_is_not_gone_because_its_slices_cannot_be_seen() -> None:
    assert leaving(store(GOING, READY, HELD, unknown=["resourceslices"]), GOING) == ""


def test_who_evicts_a_pod() -> None:
    taints = "DeletionByDeviceTaintManager"
    evicted = pod("train", disruption=Condition("DisruptionTarget", "True", taints, "Device Taint manager"))
    assert eviction(evicted) == f"{taints}: Device Taint manager"
    assert eviction(pod("train", disruption=Condition("DisruptionTarget", "False", taints))) == ""
    assert eviction(pod("train")) == ""


def test_a_pod_follows_its_drivers_slices() -> None:
    made = store(GOING, READY, HELD, SLICE)
    pods = Listing(made, Query(kind="pods"), NOW)
    assert [row.leaving for row in pods.rows()] == [""]
    pods.apply(made.apply([Gone("resourceslices", SLICE)]), NOW)
    assert [row.leaving for row in pods.rows()] == [DRIVER_GONE]
    pods.apply(made.apply([put(SLICE)]), NOW)
    assert [row.leaving for row in pods.rows()] == [""]
