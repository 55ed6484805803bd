"""What the scheduler counts for a pod beside devices, and what a node has to give of it."""

import json
from typing import Any

import pytest

from dratui.api.streams import codec

Json = dict[str, Any]


def asks(cpu: str = "", memory: str = "", **more: Any) -> Json:
    requests = {name: text for name, text in (("cpu", cpu), ("memory", memory)) if text}
    return {"name": more.pop("name", "main"), "resources": {"requests": requests}, **more}


def sidecar(cpu: str) -> Json:
    return asks(cpu, restartPolicy="Always")


def counted(status: Json | None = None, **spec: Any) -> dict[str, int]:
    pod = {"metadata": {"name": "p", "namespace": "n"}, "spec": spec, "status": status or {}}
    return dict(codec("pods", "v1").row(json.dumps(pod).encode()).native)  # type: ignore[attr-defined]  # a pod's row


@pytest.mark.parametrize(
    ("spec", "cpu"),
    [
        ({"containers": [asks("1"), asks("500m")]}, 1500),
        ({"containers": [asks("0.0001")]}, 1),
        ({"containers": [asks("1")], "initContainers": [asks("3"), asks("2")]}, 3000),
        ({"containers": [asks("4")], "initContainers": [asks("3")]}, 4000),
        ({"containers": [asks("1")], "initContainers": [sidecar("1"), asks("3"), sidecar("2")]}, 4000),
        ({"containers": [asks("1")], "initContainers": [asks("3"), sidecar("1"), sidecar("2")]}, 4000),
        ({"containers": [asks("1")], "initContainers": [asks("6"), sidecar("1"), sidecar("2")]}, 6000),
        ({"containers": [asks("1")], "resources": {"requests": {"cpu": "3"}}}, 3000),
        ({"containers": [asks("1")], "resources": {"limits": {"cpu": "5"}}, "overhead": {"cpu": "1"}}, 6000),
        ({"containers": [asks("1")], "overhead": {"cpu": "250m"}}, 1250),
        ({"containers": [{"name": "main", "resources": {"limits": {"cpu": "2"}}}]}, 2000),
        ({"containers": [asks("no quantity"), asks("1")]}, 1000),
    ],
)
def test_what_counts_for_a_pod(spec: Json, cpu: int) -> None:
    assert counted(**spec)["cpu"] == cpu


RESIZED = {
    "name": "main",
    "resources": {"requests": {"cpu": "3", "memory": "1Gi"}},
    "allocatedResources": {"cpu": "2", "memory": "2Gi"},
}


@pytest.mark.parametrize(
    ("conditions", "cpu"),
    [([], 4000), ([{"type": "PodResizePending", "reason": "Infeasible", "status": "True"}], 3000)],
)
def test_while_a_pod_is_resized_the_most_of_it_counts_but_for_what_cannot_be(
    conditions: list[Json], cpu: int
) -> None:
    status = {"containerStatuses": [RESIZED], "conditions": conditions}
    found = counted(status, containers=[asks("4", "1Gi")])
    assert found == {"cpu": cpu, "memory": 2 << 30}


def test_devices_of_plugins_and_of_classes_are_counted_elsewhere() -> None:
    requests = {
        "nvidia.com/gpu": "1",
        "deviceclass.resource.kubernetes.io/gpu": "1",
        "hugepages-2Mi": "4Mi",
        "example.kubernetes.io/native": "2",
    }
    found = counted(containers=[{"name": "main", "resources": {"requests": requests}}])
    assert found == {"hugepages-2Mi": 4 << 20, "example.kubernetes.io/native": 2}


def test_what_a_node_has_to_give() -> None:
    allocatable = {"cpu": "15890m", "memory": "62Gi", "pods": "110", "nvidia.com/gpu": "4", "odd": "1"}
    node = {"metadata": {"name": "node-1"}, "status": {"allocatable": allocatable}}
    row: Any = codec("nodes", "v1").row(json.dumps(node).encode())
    assert dict(row.native) == {"cpu": 15890, "memory": 62 << 30, "pods": 110}
