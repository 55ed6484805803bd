"""Devices that must be attached first: what is waited for, what failed, and when that is past."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dratui.api.model import Allocation, Condition, DeviceStatus, Result
from dratui.cluster.claims import ClaimRow, claim_row
from tests.cluster.build import DRIVER, ago, claim, pod, slice_, store

DEVICE = Result(
    "gpu",
    DRIVER,
    "node-1",
    "gpu-0",
    binding_conditions=("attached", "cabled"),
    binding_failure_conditions=("broken",),
)


@pytest.mark.parametrize(
    ("conditions", "node", "at", "ends"),
    [
        ((), "", ago(minutes=4), ago(minutes=4) + timedelta(minutes=10)),
        ((), "", None, None),  # nobody tells when it was allocated
        ((), "", datetime.max.replace(tzinfo=UTC), None),
        ((Condition("broken", "True"),), "", ago(minutes=4), None),
        ((Condition("attached", "True"), Condition("cabled", "True")), "", ago(minutes=4), None),
        ((), "node-1", ago(minutes=4), None),  # its pod is bound: that is past
    ],
)
def test_the_scheduler_gives_up_after_ten_minutes_as_far_as_is_known(
    conditions: tuple[Condition, ...], node: str, at: datetime | None, ends: datetime | None
) -> None:
    assert row(*conditions, node=node, at=at).binding_ends == ends


def row(*conditions: Condition, node: str = "", at: datetime | None = None, **more: Any) -> ClaimRow:
    status = DeviceStatus(DRIVER, "node-1", "gpu-0", conditions, **more)
    user = pod("train", "gpu", node=node)
    subject = claim("gpu", pods=[user], device_status=(status,), allocation=Allocation((DEVICE,), at=at))
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
