"""Admin access in a namespace that lost its label: what we say beside what the real scheduler and API server do."""

import asyncio
from typing import Any

import yaml

from dratui.api.model import ObjectKey
from dratui.api.streams import STREAMS
from dratui.cli.reading import once
from dratui.kube.options import Options
from dratui.why.answer import Answer, answer, by_node
from dratui.why.question import ADMIN_ACCESS, about_pod
from tests.realparts.controlplane import ControlPlane
from tests.why.test_room import of, scheduled

DRIVER, NAME = "admin-room.example.com", "admin-room"

DEVICES = [
    {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "DeviceClass",
        "metadata": {"name": DRIVER},
        "spec": {"selectors": [{"cel": {"expression": f'device.driver == "{DRIVER}"'}}]},
    },
    {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceSlice",
        "metadata": {"name": f"{NAME}-gpus"},
        "spec": {
            "driver": DRIVER,
            "nodeName": NAME,
            "pool": {"name": NAME, "generation": 1, "resourceSliceCount": 1},
            "devices": [{"name": "gpu-0"}],
        },
    },
    {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaim",
        "metadata": {"namespace": NAME, "name": "watches"},
        "spec": {
            "devices": {
                "requests": [{"name": "all", "exactly": {"deviceClassName": DRIVER, "adminAccess": True}}]
            }
        },
    },
]
POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"namespace": NAME, "name": "monitor"},
    "spec": {
        "nodeSelector": {"room": NAME},
        "containers": [{"name": "main", "image": "work:1", "resources": {"claims": [{"name": "all"}]}}],
        "resourceClaims": [{"name": "all", "resourceClaimName": "watches"}],
    },
}


def explained(plane: ControlPlane) -> Answer:
    options = Options(kubeconfig=str(plane.kubeconfig("viewer")))
    store, about, _ = asyncio.run(once(tuple(STREAMS), options, None, ""))
    question = about_pod(store, store.pods[ObjectKey(NAME, "monitor")], about.server_version)
    return answer(store, question, list(by_node(store, question)))


def test_the_label_that_is_missing_is_named_and_the_scheduler_fails_for_it(
    control_plane: ControlPlane,
) -> None:
    control_plane.apply(yaml.safe_dump(of(NAME, 8000)))
    control_plane.create_namespace(NAME)
    control_plane.kubectl("label", "namespace", NAME, f"{ADMIN_ACCESS}=true")
    control_plane.apply(yaml.safe_dump_all(DEVICES))
    control_plane.kubectl("label", "namespace", NAME, f"{ADMIN_ACCESS}-")
    look = control_plane.create_pod(POD)
    control_plane.wait(lambda: scheduled(look()), 60, "the pod to be tried")
    said = scheduled(look())
    assert "admin access to devices requires" in said["message"], said
    found = explained(control_plane)
    assert (found.verdict, found.agrees) == ("does not fit", True)
    (cause,) = {node.cause for node in found.nodes if node.node == NAME}
    assert cause == "admin access"
    control_plane.kubectl("label", "namespace", NAME, f"{ADMIN_ACCESS}=true")
    control_plane.wait(lambda: look()["spec"].get("nodeName") == NAME, 90, "the pod to be placed")
