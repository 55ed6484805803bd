"""What kubelet reports about devices, joined to pods, claims and devices."""

from typing import Any

import pytest
from msgspec.structs import replace

from dratui.api.model import DeviceKey, Pod, PodClaim, ResourceHealth
from dratui.cluster.claims import claim_row
from dratui.cluster.devices import device_row
from dratui.cluster.health import Report
from dratui.cluster.pods import pod_row
from tests.cluster.build import DRIVER, claim, pod, result, slice_, store

FIRST, SECOND = result("gpu-1"), replace(result("gpu-11"), request="spare")
SUBJECT = claim("made", FIRST, SECOND)


def told(id_: str, resource: str = "claim:gpu", health: str = "Unhealthy", message: str = "") -> Pod:
    report = ResourceHealth(resource, id_, health, message)
    entry = PodClaim("gpu", template="t")
    return pod("train", entry, node="node-1", made={"gpu": "made"}, health=(report,))


def of_devices(user: Pod) -> dict[str, list[str]]:
    row = claim_row(store(SUBJECT, user, slice_("node-1", "gpu-1", "gpu-11")), SUBJECT.key)
    assert row is not None
    return {d.device: [report.text for report in d.health] for d in row.devices}


@pytest.mark.parametrize(
    ("user", "device"),
    [
        (told(f"{DRIVER}/node-1/gpu-1"), "gpu-1"),
        (told(f"{DRIVER}/node-1/gpu-11"), "gpu-11"),
        (told("k8s.example.com/claim=5b1b7c2e-gpu-11"), "gpu-11"),
        (told("k8s.example.com/device=gpu-1"), "gpu-1"),
        (told("what the driver likes", "claim:gpu/spare"), "gpu-11"),  # the request's only device
        (told("what the driver likes", "claim:gpu/gpu/sub"), "gpu-1"),
        (told("what the driver likes"), ""),
        (told("gpu-1", "claim:other"), ""),
        (told("GPU-0", "nvidia.com/gpu"), ""),
    ],
)
def test_which_device_a_report_is_about(user: Pod, device: str) -> None:
    assert of_devices(user) == {
        "gpu-1": ["Unhealthy"] if device == "gpu-1" else [],
        "gpu-11": ["Unhealthy"] if device == "gpu-11" else [],
    }


def test_an_id_that_two_devices_share_is_joined_to_neither() -> None:
    twin = replace(FIRST, pool="node-2")
    subject = claim("made", FIRST, twin)
    row = claim_row(store(subject, told("vendor/gpu=uid-gpu-1")), subject.key)
    assert row is not None
    assert [d.health for d in row.devices] == [(), ()]


def test_an_ill_device_is_told_by_its_claim_its_pod_and_itself() -> None:
    user = told(f"{DRIVER}/node-1/gpu-1", message="ECC errors")
    made: Any = store(SUBJECT, user, slice_("node-1", "gpu-1", "gpu-11"))
    claimed, device = claim_row(made, SUBJECT.key), device_row(made, DeviceKey(*FIRST.key))
    running = pod_row(made, user.key)
    assert claimed is not None
    assert device is not None
    assert running is not None
    assert "device gpu-1 is Unhealthy: ECC errors (pod train)" in claimed.reason
    assert claimed.faulty
    assert running.unhealthy == [Report("train", "gpu-1", "Unhealthy", "ECC errors")]
    assert device.unhealthy == running.unhealthy


def test_unknown_health_is_no_illness() -> None:
    user = told(f"{DRIVER}/node-1/gpu-1", health="Unknown")
    row = claim_row(store(SUBJECT, user, slice_("node-1", "gpu-1", "gpu-11")), SUBJECT.key)
    assert row is not None
    assert (row.faulty, row.reason) == (False, "allocated, used by no pod")
