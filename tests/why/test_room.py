"""Cpu, memory and number of pods: what a node lacks, in the scheduler's words, and beside the real scheduler."""

from typing import Any

import pytest

from dratui.api.model import Claim, Node, Pod
from dratui.api.streams import codec
from dratui.why.answer import answer, by_node
from dratui.why.question import about_pod
from dratui.why.room import Room
from tests.cluster.build import claim, pod, result, slice_, store
from tests.realparts.controlplane import ControlPlane
from tests.why.test_answer import CLASS, VERSION, waits

GI = 1 << 30


def node(cpu: int = 8000, memory: int = 16 * GI, pods: int = 110) -> Node:
    native = (("cpu", cpu), ("memory", memory), ("pods", pods))
    return Node(name="node-1", ready="True", native=native)


def taking(name: str, cpu: int, memory: int = 0, **more: Any) -> Pod:
    return pod(name, native=(("cpu", cpu), ("memory", memory)), node="node-1", **more)


def short(wanted: tuple[tuple[str, int], ...], *there: Pod, of: Node | None = None) -> list[str]:
    known = store(*there, of or node())
    return [each.text for each in Room(known).short(pod("train", native=wanted), of or node())]


def test_what_is_left_is_what_pods_that_are_not_over_leave() -> None:
    there = (taking("a", 6500), taking("b", 1000, phase="Running"), taking("c", 4000, phase="Succeeded"))
    assert short((("cpu", 500),), *there) == []
    assert short((("cpu", 501),), *there) == ["Insufficient cpu: 0.501 wanted, 0.5 of 8 left"]


def test_all_that_is_short_is_told() -> None:
    there = taking("a", 0, 6 * GI)
    wanted = (("cpu", 9000), ("ephemeral-storage", 2 * GI), ("memory", 12 * GI))
    assert short(wanted, there) == [
        "Insufficient cpu: 9 wanted, 8 of 8 left",
        "Insufficient ephemeral-storage: 2Gi wanted, 0 of 0 left",
        "Insufficient memory: 12Gi wanted, 10Gi of 16Gi left",
    ]
    assert short((), taking("a", 0), of=node(pods=1)) == ["Too many pods: 1 of 1"]
    assert short((("memory", 16 * GI + 1),)) == [
        "Insufficient memory: 17179869185 wanted, 17179869184 of 16Gi left"
    ]


def test_a_node_of_which_it_is_not_known_what_it_has_lacks_nothing() -> None:
    assert short((("cpu", 9000),), of=Node(name="node-1")) == []


def test_who_came_since_counts() -> None:
    known = store(node())
    room = Room(known)
    train = pod("train", native=(("cpu", 5000),))
    assert not list(room.short(train, node()))
    room.add(taking("first", 5000))
    assert [each.said for each in room.short(train, node())] == ["Insufficient cpu"]


WANTS = (("cpu", 9000), ("memory", GI))


def told(*rows: Claim | Pod | Node, says: str = "", unknown: tuple[str, ...] = ()) -> Any:
    about = waits(native=WANTS, says=says)
    known = store(CLASS, claim("gpu"), slice_("node-1", "gpu-0"), about, *rows, unknown=unknown)
    question = about_pod(known, about, VERSION)
    return answer(known, question, list(by_node(known, question)))


def test_a_node_that_is_short_says_whether_the_claims_would_fit() -> None:
    found = told(node())
    assert (found.verdict, found.nodes[0].cause) == ("does not fit", "resources")
    assert found.nodes[0].detail == "Insufficient cpu: 9 wanted, 8 of 8 left; its claims would fit"
    held = told(node(), claim("other", result("gpu-0")))
    assert "left; nor do its claims fit: 0 of 1 wanted" in held.nodes[0].detail


@pytest.mark.parametrize(
    ("says", "agrees"),
    [
        ("0/1 nodes are available: 1 Insufficient cpu.", True),
        ("0/1 nodes are available: 1 Insufficient memory.", False),
        ("0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.", False),
        ("0/1 nodes are available: 1 node(s) didn't have free ports.", True),
        ("0/1 nodes are available: 1 cannot allocate all claims.", True),
    ],
)
def test_the_schedulers_words_about_room_are_compared_with_ours(says: str, agrees: bool) -> None:
    """Devices: when it looked there may have been room."""
    assert told(node(), says=says).agrees is agrees


def test_what_it_lacks_only_by_the_schedulers_words_is_a_conflict_unless_pods_are_unknown() -> None:
    says = "0/1 nodes are available: 1 Insufficient cpu."
    found = told(node(cpu=9000), says=says)
    assert (found.verdict, found.agrees) == ("fits", False)
    assert found.conflict == "we find that it fits on node-1"
    assert told(node(cpu=9000), says=says, unknown=("pods",)).agrees is True


# --- beside the real scheduler ------------------------------------------------------------------------------------

MAIN = {"name": "main", "image": "work:1"}


def asks(cpu: str, name: str = "main", **more: Any) -> dict[str, Any]:
    return {**MAIN, "name": name, "resources": {"requests": {"cpu": cpu}}, **more}


SHAPES: dict[str, dict[str, Any]] = {
    "sum": {"containers": [asks("1"), asks("500m", "other")]},
    "init": {"containers": [asks("1")], "initContainers": [asks("3", "first"), asks("2", "second")]},
    "sidecars": {
        "containers": [asks("1")],
        "initContainers": [
            asks("1", "side", restartPolicy="Always"),
            asks("3", "first"),
            asks("2", "late", restartPolicy="Always"),
        ],
    },
    "whole": {"containers": [asks("1")], "resources": {"requests": {"cpu": "3"}}},
    "limits": {"containers": [{**MAIN, "resources": {"limits": {"cpu": "1234m"}}}]},
    "overhead": {"containers": [asks("1")], "runtimeClassName": "room-heavy"},
    "fraction": {"containers": [asks("0.0011")]},
}


def of(name: str, cpu: int) -> dict[str, Any]:
    size = {"cpu": f"{cpu}m", "memory": "8Gi", "pods": "1"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"room": name}, "annotations": {"kwok.x-k8s.io/node": "fake"}},
        "status": {"capacity": size, "allocatable": size},
    }


def scheduled(document: dict[str, Any]) -> dict[str, Any]:
    conditions = document.get("status", {}).get("conditions", ())
    return next((each for each in conditions if each["type"] == "PodScheduled"), {})


@pytest.mark.realparts
def test_every_shape_of_a_pod_fits_where_the_real_scheduler_puts_it_and_not_with_a_thousandth_less(
    control_plane: ControlPlane,
) -> None:
    import json

    import yaml

    heavy = {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": "room-heavy"},
        "handler": "heavy",
        "overhead": {"podFixed": {"cpu": "250m"}},
    }
    control_plane.apply(yaml.safe_dump(heavy))
    control_plane.create_namespace("room")
    looks = {}
    for shape, spec in SHAPES.items():
        dry = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": shape, "namespace": "room"},
            "spec": spec,
        }
        sent = control_plane.kubectl(
            "create", "--dry-run=server", "-o", "json", "-f", "-", input=json.dumps(dry)
        )
        need = dict(codec("pods", "v1").row(sent.encode()).native)["cpu"]  # type: ignore[attr-defined]  # a pod
        for name, cpu in ((f"room-{shape}", need), (f"room-{shape}-less", need - 1)):
            control_plane.apply(yaml.safe_dump(of(name, cpu)))
            asked = {
                **dry,
                "metadata": {"name": name, "namespace": "room"},
                "spec": {**spec, "nodeSelector": {"room": name}},
            }
            looks[name] = control_plane.create_pod(asked)
    for name, look in looks.items():
        control_plane.wait(lambda look=look: scheduled(look()), 60, f"{name} to be tried")  # type: ignore[misc]
        said = scheduled(look())
        if name.endswith("-less"):
            assert "1 Insufficient cpu" in said["message"], (name, said)
        else:
            control_plane.wait(
                lambda look=look: look()["spec"].get("nodeName") == look()["metadata"]["name"],  # type: ignore[misc]
                60,
                f"{name} to be placed",
            )
