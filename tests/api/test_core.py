"""Pods, nodes, quotas and events, as far as accelerators go."""

import json
from typing import Any

import pytest

from dratui.api import model
from dratui.api.streams import codec

IMPLICIT = "deviceclass.resource.kubernetes.io"


def row(plural: str, **fields: Any) -> Any:
    object_ = {"metadata": {"namespace": "ml-team", "name": "train"}} | fields
    return codec(plural, "v1").row(json.dumps(object_).encode())


def container(name: str = "main", **resources: Any) -> dict[str, Any]:
    return {"name": name, "image": "work:1", "resources": resources}


def test_a_pod_and_its_claims() -> None:
    pod: model.Pod = row(
        "pods",
        spec={
            "nodeName": "node-1",
            "resourceClaims": [
                {"name": "own", "resourceClaimTemplateName": "h100"},
                {"name": "shared", "resourceClaimName": "notebook"},
            ],
            "initContainers": [container("setup")],
            "containers": [container(claims=[{"name": "own"}, {"name": "shared", "request": "gpu"}])],
            "schedulingGates": [{"name": "example.com/quota"}],
        },
        status={
            "phase": "Running",
            "resourceClaimStatuses": [
                {"name": "own", "resourceClaimName": "train-own-x2k9f"},
                {"name": "none"},
            ],
            "containerStatuses": [
                {"name": "main", "ready": True, "restartCount": 3, "state": {"running": {}}}
            ],
        },
    )
    assert pod.claims == (model.PodClaim("own", "", "h100"), model.PodClaim("shared", "notebook"))
    assert pod.claim_statuses == (
        model.PodClaimStatus("own", "train-own-x2k9f"),
        model.PodClaimStatus("none"),
    )
    setup, main = pod.containers
    assert (setup.init, main.claims) == (True, (("own", ""), ("shared", "gpu")))
    assert (pod.ready, pod.restarts, pod.gates) == ("1/1", 3, ("example.com/quota",))


def times(phase: str, *states: dict[str, Any], claims: bool = True, ready: str = "True") -> tuple[Any, ...]:
    ready_since = {
        "type": "PodReadyToStartContainers",
        "status": ready,
        "lastTransitionTime": SECOND.format(1),
    }
    pod: model.Pod = row(
        "pods",
        spec={"resourceClaims": [{"name": "gpu", "resourceClaimName": "gpu"}] if claims else []},
        status={
            "phase": phase,
            "conditions": [ready_since],
            "containerStatuses": [{"name": f"c{n}", "state": s} for n, s in enumerate(states)],
        },
    )
    told = (pod.times.ready_to_start, pod.times.first_start, pod.times.ended)
    return tuple(t.second if t is not None else None for t in told)


SECOND = "2026-03-01T12:00:{:02}Z"
RUNS = {"running": {"startedAt": SECOND.format(3)}}
ENDED = {"terminated": {"startedAt": SECOND.format(2), "finishedAt": SECOND.format(9)}}


def test_when_a_pod_with_claims_was_ready_to_start_started_and_ended() -> None:
    assert times("Pending", {"waiting": {"reason": "ContainerCreating"}}, ready="False") == (None, None, None)
    assert times("Pending") == (1, None, None)
    assert times("Running", RUNS, ENDED) == (1, 2, None)
    assert times("Succeeded", ENDED) == (1, 2, 9)
    assert times("Running", RUNS, claims=False) == (None, None, None), (
        "kept only where a claim's steps tell it"
    )


def test_a_pod_whose_extended_resources_became_a_claim() -> None:
    hidden = {
        "resourceClaimName": "train-extended-resources-7g",
        "requestMappings": [
            {
                "containerName": "main",
                "resourceName": "example.com/h100",
                "requestName": "container-0-request-0",
            },
            {
                "containerName": "side",
                "resourceName": "example.com/h100",
                "requestName": "container-1-request-0",
            },
        ],
    }
    pod = row("pods", status={"extendedResourceClaimStatus": hidden})
    assert (pod.extended_claim, pod.claimed_resources) == (
        "train-extended-resources-7g",
        ("example.com/h100",),
    )


@pytest.mark.parametrize(
    ("resources", "extended"),
    [
        ({"limits": {"nvidia.com/gpu": "2", "cpu": "4", "memory": "1Gi"}}, (("nvidia.com/gpu", 2),)),
        ({"requests": {"nvidia.com/gpu": 1}}, (("nvidia.com/gpu", 1),)),
        ({"limits": {"hugepages-2Mi": "4Mi", "example.com/n": "2k"}}, (("example.com/n", 2000),)),
        (
            {"limits": {"deviceclass.resource.kubernetes.io/h100": "1"}},
            (("deviceclass.resource.kubernetes.io/h100", 1),),
        ),
        ({"limits": {"kubernetes.io/own": "1", "attachable-volumes-x": "1"}}, ()),
        ({"limits": {"example.com/odd": "1.5"}}, ()),
        ({"limits": None}, ()),
    ],
)
def test_extended_resources_of_a_container(resources: Any, extended: tuple[tuple[str, int], ...]) -> None:
    pod = row("pods", spec={"containers": [container(**resources)]})
    assert pod.containers[0].extended == extended


def test_a_pod_that_is_evicted() -> None:
    conditions = [{"type": "DisruptionTarget", "status": "True", "reason": "DeletionByDeviceTaintManager"}]
    pod = row("pods", metadata={"name": "train", "finalizers": ["keep"]}, status={"conditions": conditions})
    assert pod.disruption == model.Condition("DisruptionTarget", "True", "DeletionByDeviceTaintManager")
    assert (pod.scheduled, pod.finalizers) == (None, ("keep",))


def test_why_a_container_does_not_run() -> None:
    waits = {"name": "main", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
    pod = row("pods", spec={"containers": [container()]}, status={"containerStatuses": [waits]})
    assert pod.containers[0].waiting == "ImagePullBackOff"


def test_what_kubelet_reports_of_devices_once_for_all_containers() -> None:
    ill = {"resourceID": "d/p/gpu-0", "health": "Unhealthy", "message": "ECC"}
    told = [
        {"name": "claim:gpu", "resources": [ill, {"resourceID": "d/p/gpu-1", "health": "Unknown"}]},
        {"name": "nvidia.com/gpu", "resources": None},
    ]
    statuses = [{"name": name, "allocatedResourcesStatus": told} for name in ("main", "side")]
    pod = row("pods", status={"containerStatuses": statuses})
    assert pod.health == (
        model.ResourceHealth("claim:gpu", "d/p/gpu-0", "Unhealthy", "ECC"),
        model.ResourceHealth("claim:gpu", "d/p/gpu-1", "Unknown"),
    )


def test_a_node() -> None:
    node: model.Node = row(
        "nodes",
        spec={"unschedulable": True, "taints": [{"key": "example.com/repair", "effect": "NoSchedule"}]},
        status={
            "allocatable": {"cpu": "16", "nvidia.com/gpu": "4", "pods": "110"},
            "conditions": [
                {"type": "MemoryPressure", "status": "False"},
                {"type": "Ready", "status": "True"},
            ],
            "nodeInfo": {"kubeletVersion": "v1.36.3"},
        },
    )
    assert (node.ready, node.unschedulable, node.kubelet) == ("True", True, "v1.36.3")
    assert node.allocatable == (("nvidia.com/gpu", 4),)
    assert node.taints[0].key == "example.com/repair"


def test_a_quota_shows_what_counts_devices_and_claims() -> None:
    hard = {
        "cpu": "10",
        "count/resourceclaims.resource.k8s.io": "5",
        "h100.deviceclass.resource.k8s.io/devices": "8",
        "requests.nvidia.com/gpu": "2",
        "requests.storage": "1Ti",
    }
    quota = row("resourcequotas", status={"hard": hard, "used": {"requests.nvidia.com/gpu": "1"}})
    assert quota.devices == (
        ("count/resourceclaims.resource.k8s.io", "5", "0"),
        ("h100.deviceclass.resource.k8s.io/devices", "8", "0"),
        ("requests.nvidia.com/gpu", "2", "1"),
    )


def test_an_event_that_stands_for_many_says_the_reason_alone() -> None:
    of_many = row("events", reason="FailedScheduling", message="(combined from similar events): no room")
    assert of_many.message == "no room"


def test_an_event_of_either_recorder() -> None:
    about = {"kind": "Pod", "namespace": "ml-team", "name": "train", "uid": "u"}
    old = row(
        "events",
        reason="FailedPrepareDynamicResources",
        message="no",
        count=4,
        firstTimestamp="2026-03-01T11:00:00Z",
        lastTimestamp="2026-03-01T11:30:00Z",
        eventTime=None,
        involvedObject=about,
    )
    new = row(
        "events",
        reason="FailedPrepareDynamicResources",
        message="no",
        firstTimestamp=None,
        lastTimestamp=None,
        eventTime="2026-03-01T11:00:00.000000Z",
        series={"count": 4, "lastObservedTime": "2026-03-01T11:30:00.000000Z"},
        involvedObject=about,
    )
    assert old == new
    assert (old.count, old.about_name, old.about_uid) == (4, "train", "u")
