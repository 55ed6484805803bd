"""What drivers and kubelets say in the scenarios: there are none here."""

import json
from collections.abc import Sequence
from typing import Any

import yaml

from tests.realparts.controlplane import ControlPlane

TIMEOUT = 60.0

Document = dict[str, Any]

HOSTILE_DATA = {
    "firmware": "24.1",
    "ports": [{"name": "p0", "speed": 400}],
    "note": "\x1b[31mred\u202eder\x07",
}


def report(plane: ControlPlane, its_pods: Sequence[Document]) -> None:
    """The driver tells data of one device, kubelet that the other is ill, by the names that it has for devices."""
    plane.apply(yaml.safe_dump_all(its_pods))

    def allocated() -> Document | None:
        claims = plane.objects("resourceclaims", "-n", "reported")
        return next((claim for claim in claims if claim.get("status", {}).get("allocation")), None)

    claim = plane.wait(allocated, TIMEOUT, "the claim of namespace reported to be allocated")
    assert claim is not None
    plane.kubectl("wait", "--for=condition=Ready", "--timeout=60s", "pod/ill", "-n", "reported")
    first, second = claim["status"]["allocation"]["devices"]["results"]
    device = {key: first[key] for key in ("driver", "pool", "device")} | {"data": HOSTILE_DATA}
    _patch_status(plane, "resourceclaim", "reported", claim["metadata"]["name"], {"devices": [device]})
    by_cdi_id = f"k8s.report.example.com/claim={claim['metadata']['uid']}-{second['device']}"
    by_name = f"{first['driver']}/{first['pool']}/{first['device']}"
    health = [
        {"resourceID": by_name, "health": "Healthy"},
        {"resourceID": by_cdi_id, "health": "Unhealthy", "message": "ECC error count exceeded"},
    ]
    (pod,) = plane.objects("pods", "-n", "reported")
    statuses: list[Document] = pod["status"]["containerStatuses"]
    for status, name in zip(statuses, ("claim:both", "claim:both/device"), strict=True):
        status["allocatedResourcesStatus"] = [{"name": name, "resources": health}]
    _patch_status(plane, "pod", "reported", "ill", {"containerStatuses": statuses})


def newest(plane: ControlPlane, its_pods: Sequence[Document]) -> None:
    """NVIDIA's controller tells how far a compute domain is: one of two nodes is ready. An administrator asks what
    a taint would evict."""
    nodes = [
        {"name": f"newest-{i}", "ipAddress": f"10.0.0.{i}", "cliqueID": "c.0", "index": i, "status": status}
        for i, status in enumerate(("Ready", "NotReady"), start=1)
    ]
    _patch_status(plane, "computedomain", "newest", "domain", {"status": "NotReady", "nodes": nodes})
    plane.apply(yaml.safe_dump_all(its_pods))
    plane.kubectl("wait", "--for=condition=Ready", "--timeout=60s", "pod/lists", "-n", "newest")
    rule = {
        "apiVersion": "resource.k8s.io/v1beta2",
        "kind": "DeviceTaintRule",
        "metadata": {"name": "newest-dry-run"},
        "spec": {
            "deviceSelector": {"driver": "list.newest.example.com"},
            "taint": {"key": "example.com/firmware", "value": "old", "effect": "None"},
        },
    }
    plane.apply(yaml.safe_dump(rule))


def _patch_status(plane: ControlPlane, kind: str, namespace: str, name: str, status: Document) -> None:
    patch = json.dumps({"status": status})
    plane.kubectl("patch", kind, name, "-n", namespace, "--subresource=status", "--type=merge", "-p", patch)
