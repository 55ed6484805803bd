"""The steps of claims on the real control plane: the server's own times, and where a claim is stuck."""

from typing import Any

from tests.cli.test_real_cluster import items
from tests.realparts.controlplane import ControlPlane


def claims(plane: ControlPlane, namespace: str) -> dict[str, list[dict[str, Any]]]:
    return {c["name"]: c["steps"] for c in items(plane, "claims", "-n", namespace)}


def test_a_running_pods_claim_has_every_step_and_the_times_of_its_objects(
    all_scenarios: ControlPlane,
) -> None:
    theirs = {c["metadata"]["name"]: c for c in all_scenarios.objects("resourceclaims", "-n", "leaving")}
    pod = next(
        p for p in all_scenarios.objects("pods", "-n", "leaving") if p["metadata"]["name"] == "tolerates"
    )
    (container,) = pod["status"]["containerStatuses"]
    conditions = {c["type"]: c for c in pod["status"]["conditions"]}
    claim = theirs["tolerates"]
    told = claims(all_scenarios, "leaving")["tolerates"]
    assert [s["step"] for s in told] == [
        "created",
        "allocated",
        "reserved",
        "pod scheduled",
        "prepared",
        "running",
    ]
    assert {s["state"] for s in told} == {"done"}
    at = {s["step"]: s["at"] for s in told}
    scheduled = conditions["PodScheduled"]["lastTransitionTime"]
    assert at["created"] == claim["metadata"]["creationTimestamp"]
    assert at["allocated"] == claim["status"]["allocation"]["allocationTimestamp"]
    assert at["pod scheduled"] == scheduled
    assert at["running"] == container["state"]["running"]["startedAt"]
    reserved, prepared = told[2], told[4]
    assert (reserved["after"], reserved["before"]) == (at["allocated"], scheduled)
    assert prepared["before"] == conditions["PodReadyToStartContainers"]["lastTransitionTime"]


def test_a_claim_that_is_not_released_says_why(all_scenarios: ControlPlane) -> None:
    last = claims(all_scenarios, "leaving")["kept"][-1]
    assert (last["step"], last["pod"], last["state"]) == ("released", "stays", "waiting")
    assert "driver left.example.com publishes nothing" in last["reason"]


def test_a_claim_that_kubelet_cannot_prepare_says_why(all_scenarios: ControlPlane) -> None:
    stuck = [s for its in claims(all_scenarios, "waiting").values() for s in its if s["step"] == "prepared"]
    (last,) = [s for s in stuck if s["pod"] == "driver-not-registered"]
    assert last["state"] == "waiting"
    assert "DRA driver unregistered.example.com is not registered" in last["reason"]


def test_every_claim_that_is_not_allocated_is_stuck_there_for_a_reason(all_scenarios: ControlPlane) -> None:
    for name, told in claims(all_scenarios, "waiting").items():
        for step in told:
            if step["step"] == "allocated" and step["state"] == "waiting":
                assert step["reason"], name
