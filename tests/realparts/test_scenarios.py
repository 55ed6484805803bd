"""Every scenario does what its comments say, on the real control plane."""

import pytest

from tests.realparts import scenarios
from tests.realparts.controlplane import ControlPlane


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_pods_run_or_wait_for_the_reason_that_they_are_annotated_with(
    all_scenarios: ControlPlane, name: str
) -> None:
    assert scenarios.mismatch(all_scenarios, scenarios.pods(name)) == []


def test_no_device_is_allocated_twice(all_scenarios: ControlPlane) -> None:
    held = [
        (result["driver"], result["pool"], result["device"])
        for claim in all_scenarios.objects("resourceclaims", "-A")
        for result in claim.get("status", {}).get("allocation", {}).get("devices", {}).get("results", ())
        if "shareID" not in result and not result.get("adminAccess")
    ]
    assert len(held) == len(set(held))


def test_what_the_scheduler_says_is_also_an_event(all_scenarios: ControlPlane) -> None:
    said = {
        event["involvedObject"]["name"]
        for event in all_scenarios.objects("events", "-n", "waiting")
        if event["reason"] == "FailedScheduling"
    }
    waiting = {pod.name for pod in scenarios.pods("waiting") if pod.source == "scheduler"}
    assert waiting - said == {"gated"}


def test_a_deleted_pod_frees_its_device(all_scenarios: ControlPlane, namespace: str) -> None:
    """kwok ends the pod, the claim controller the claim: what an operator sees happen on a real cluster."""
    all_scenarios.apply(POD.replace("NAMESPACE", namespace))

    def states() -> list[bool]:
        claims = all_scenarios.objects("resourceclaims", "-n", namespace)
        return ["allocation" in claim.get("status", {}) for claim in claims]

    all_scenarios.wait(lambda: states() == [True], 30, "the claim to be allocated")
    all_scenarios.kubectl("delete", "pod", "one", "-n", namespace)
    all_scenarios.wait(lambda: states() == [], 30, "the claim to be gone with its pod")


POD = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {namespace: NAMESPACE, name: gpu}
spec: {spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: gpu.intel.com}}]}}}
---
apiVersion: v1
kind: Pod
metadata: {namespace: NAMESPACE, name: one}
spec:
  containers: [{name: main, image: "work:1", resources: {claims: [{name: gpu}]}}]
  resourceClaims: [{name: gpu, resourceClaimTemplateName: gpu}]
"""
