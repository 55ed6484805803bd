"""A pod's STATUS, READY and RESTARTS, beside those that the real API server makes for kubectl."""

import json
from random import Random
from typing import Any

import pytest

from dratui.api import streams
from dratui.api.model import Pod
from tests.realparts.controlplane import ControlPlane

Json = dict[str, Any]

RUNS: Json = {"running": {"startedAt": "2026-03-01T11:00:00Z"}}


def ended(code: int, reason: str = "", signal: int = 0) -> Json:
    return {"terminated": {"exitCode": code, "reason": reason, "signal": signal}}


def waits(reason: str) -> Json:
    return {"waiting": {"reason": reason}}


def pod(
    phase: str,
    *states: Json,
    init: tuple[Json, ...] = (),
    sidecars: tuple[Json, ...] = (),
    conditions: tuple[str, ...] = (),
    name: str = "pod",
    restarts: int = 0,
    reason: str = "",
    deleted: bool = False,
) -> Json:
    """A pod of containers in these states; of the conditions those that are True. Init containers come first."""

    def status(number: int, kind: str, state: Json) -> Json:
        runs = "running" in state
        told = {"name": f"{kind}-{number}", "image": "work:1", "imageID": "", "state": state}
        return told | {"ready": runs, "started": runs, "restartCount": restarts + number}

    begun = [("init", i, s) for i, s in enumerate(init)] + [("side", i, s) for i, s in enumerate(sidecars)]
    first: list[Json] = [{"name": f"{kind}-{i}", "image": "work:1"} for kind, i, _ in begun]
    for container in first:
        if container["name"].startswith("side"):
            container["restartPolicy"] = "Always"
    metadata: Json = {"name": name}
    if deleted:
        metadata |= {"deletionTimestamp": "2026-03-01T12:00:00Z", "finalizers": ["dratui.test/keep"]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {
            "schedulerName": "nobody",
            "initContainers": first,
            "containers": [{"name": f"main-{i}", "image": "work:1"} for i in range(len(states) or 1)],
        },
        "status": {
            "phase": phase,
            "reason": reason,
            "conditions": [{"type": kind, "status": "True"} for kind in conditions],
            "initContainerStatuses": [status(i, kind, s) for kind, i, s in begun],
            "containerStatuses": [status(i, "main", s) for i, s in enumerate(states)],
        },
    }


def row(wire: Json) -> Pod:
    found = streams.codec("pods", "v1").page(json.dumps({"items": [wire]}).encode()).rows[0]
    assert isinstance(found, Pod)
    return found


CASES = {
    "running": (pod("Running", RUNS, RUNS, conditions=("Ready",)), "Running", "2/2"),
    "completed": (pod("Succeeded", ended(0, "Completed")), "Completed", "0/1"),
    "error": (pod("Failed", ended(1, "Error"), ended(0, "Completed")), "Error", "0/2"),
    "error-beside-completed": (pod("Failed", ended(0, "Completed"), ended(1, "Error")), "Error", "0/2"),
    "out-of-memory": (pod("Failed", ended(137, "OOMKilled")), "OOMKilled", "0/1"),
    "exit-code": (pod("Failed", ended(3)), "ExitCode:3", "0/1"),
    "signal": (pod("Failed", ended(137, signal=9)), "Signal:9", "0/1"),
    "evicted": (pod("Failed", reason="Evicted"), "Evicted", "0/1"),
    "crash-loop": (pod("Running", waits("CrashLoopBackOff"), RUNS), "CrashLoopBackOff", "1/2"),
    "one-completed-one-runs": (
        pod("Running", ended(0, "Completed"), RUNS, conditions=("Initialized", "Ready")),
        "Running",
        "1/2",
    ),
    "one-completed-not-ready": (pod("Running", ended(0, "Completed"), RUNS), "NotReady", "1/2"),
    "init-first": (
        pod("Pending", init=(waits("PodInitializing"), waits("PodInitializing"))),
        "Init:0/2",
        "0/1",
    ),
    "init-second": (pod("Pending", init=(ended(0, "Completed"), RUNS)), "Init:1/2", "0/1"),
    "init-error": (pod("Pending", init=(ended(1, "Error"),)), "Init:Error", "0/1"),
    "init-exit-code": (pod("Pending", init=(ended(2),)), "Init:ExitCode:2", "0/1"),
    "init-pull": (pod("Pending", init=(waits("ImagePullBackOff"),)), "Init:ImagePullBackOff", "0/1"),
    "init-loop": (pod("Pending", init=(waits("CrashLoopBackOff"),)), "Init:CrashLoopBackOff", "0/1"),
    "sidecar": (pod("Running", RUNS, sidecars=(RUNS,), conditions=("Initialized",)), "Running", "2/2"),
    "sidecar-starts": (pod("Pending", sidecars=(waits("PodInitializing"),)), "Init:0/1", "0/2"),
    "container-creating": (pod("Pending", waits("ContainerCreating")), "ContainerCreating", "0/1"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_cells_of_a_pod(name: str) -> None:
    wire, status, ready = CASES[name]
    assert (row(wire).status, row(wire).ready) == (status, ready)


def test_a_deleted_pod_is_terminating_unless_it_ended_or_its_node_is_lost() -> None:
    assert row(pod("Running", RUNS, deleted=True)).status == "Terminating"
    assert row(pod("Succeeded", ended(0, "Completed"), deleted=True)).status == "Completed"
    assert row(pod("Running", RUNS, reason="NodeLost", deleted=True)).status == "Unknown"


def test_restarts_are_those_of_the_containers_that_run_now() -> None:
    assert row(pod("Pending", init=(waits("CrashLoopBackOff"),), restarts=3)).restarts == 3
    assert row(pod("Running", RUNS, init=(ended(0, "Completed"),), restarts=3)).restarts == 3
    assert row(pod("Running", RUNS, sidecars=(RUNS,), restarts=3)).restarts == 6


def _any_pod(random: Random, name: str) -> Json:
    def states(most: int) -> tuple[Json, ...]:
        known: tuple[Json, ...] = (
            RUNS,
            waits("CrashLoopBackOff"),
            waits("PodInitializing"),
            {},
            ended(0, "Completed"),
        )
        failed = (ended(0), ended(1, "Error"), ended(4), ended(137, signal=9))
        return tuple(random.choice([*known, RUNS, *failed]) for _ in range(random.randint(0, most)))

    return pod(
        random.choice(["Pending", "Running", "Running", "Succeeded", "Failed"]),
        *states(3),
        init=states(2),
        sidecars=states(2),
        conditions=tuple(random.sample(["Initialized", "Ready", "PodScheduled"], random.randint(0, 3))),
        reason=random.choice(["", "", "", "Evicted", "NodeLost"]),
        restarts=random.randint(0, 4),
        name=name,
    )


def test_any_pod_reads_as_the_api_server_prints_it(control_plane: ControlPlane, namespace: str) -> None:
    random = Random(1)
    pods = [_any_pod(random, f"any-{i}") for i in range(120)]
    pods += [wire | {"metadata": {"name": name}} for name, (wire, _, _) in CASES.items()]
    for wire in pods[::4]:
        wire["metadata"] = {"name": wire["metadata"]["name"], "finalizers": ["dratui.test/keep"]}
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": pods})
    control_plane.kubectl("create", "-n", namespace, "-f", "-", input=text)
    control_plane.kubectl("replace", "-n", namespace, "--subresource=status", "-f", "-", input=text)
    names = [wire["metadata"]["name"] for wire in pods[::4]]
    control_plane.kubectl("delete", "pods", "-n", namespace, "--wait=false", "--now", *names)

    def compared() -> set[str]:
        listed = control_plane.kubectl("get", "pods", "-n", namespace, "--no-headers")
        # NAME READY STATUS RESTARTS, where RESTARTS may go on with a time, and AGE.
        theirs = {line.split()[0]: tuple(line.split()[1:4]) for line in listed.splitlines()}
        ours = {
            found.name: (found.ready, found.status, str(found.restarts))
            for found in map(row, control_plane.objects("pods", "-n", namespace))
        }
        assert len(theirs) == len(pods)
        assert ours == theirs
        return {status for _, status, _ in theirs.values()}

    # Two lists may be of two moments.
    printed = control_plane.wait(compared, 20, "both lists to be of one moment")
    assert printed >= {"Terminating", "Unknown", "NotReady", "Init:Error"}
