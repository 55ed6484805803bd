"""Devices that must be attached first: what is waited for, what failed, and when that is past."""

from typing import Any

import pytest

from dratui.api.model import Condition, DeviceStatus, Result
from dratui.cluster.claims import ClaimRow, claim_row
from tests.cluster.build import DRIVER, claim, pod, slice_, store

DEVICE = Result(
    "gpu",
    DRIVER,
    "node-1",
    "gpu-0",
    binding_conditions=("attached", "cabled"),
    binding_failure_conditions=("broken",),
)


def row(*conditions: Condition, node: str = "", **more: Any) -> ClaimRow:
    status = DeviceStatus(DRIVER, "node-1", "gpu-0", conditions, **more)
    user = pod("train", "gpu", node=node)
    subject = claim("gpu", DEVICE, pods=[user], device_status=(status,))
    found = claim_row(store(subject, user, slice_("node-1", "gpu-0")), subject.key)
    assert found is not None
    return found


ATTACHED = Condition("attached", "True")
BROKEN = Condition("broken", "True", "Cable", "no link")


@pytest.mark.parametrize(
    ("conditions", "waits", "failures", "reason"),
    [
        ([], ("attached", "cabled"), (), "device gpu-0 is not ready to bind: waits for attached, cabled"),
        ([ATTACHED], ("cabled",), (), "device gpu-0 is not ready to bind: waits for cabled"),
        ([ATTACHED, Condition("cabled", "True")], (), (), ""),
        (
            [ATTACHED, BROKEN],
            ("cabled",),
            ("broken",),
            "device gpu-0 failed to bind: broken: no link",
        ),
        (
            [Condition("broken", "False")],
            ("attached", "cabled"),
            (),
            "device gpu-0 is not ready to bind: waits for attached, cabled",
        ),
    ],
)
def test_what_keeps_a_device_from_being_bound(
    conditions: list[Condition], waits: tuple[str, ...], failures: tuple[str, ...], reason: str
) -> None:
    found = row(*conditions)
    (device,) = found.devices
    assert (device.binding_pending, device.binding_failed, found.reason) == (waits, failures, reason)


def test_once_the_pod_is_on_its_node_binding_is_past() -> None:
    assert row(node="node-1").reason == ""


def test_what_is_said_of_another_share_is_not_of_this() -> None:
    assert row(ATTACHED, share_id="other").devices[0].conditions == ()
