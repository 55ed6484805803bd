"""The chart's DaemonSet on a real kubelet: its few rights are enough, and its probes pass."""

from pathlib import Path
from typing import Any

import pytest

from tests.agent.driver import gpu
from tests.lab import chart, image, node
from tests.lab.agents import NAMESPACE
from tests.lab.cluster import Lab

PATIENCE = 60.0
TLS = "agent-tls"
DRIVER = "gpu.chart.dev"
POD = f"""
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {{name: by-chart, namespace: {NAMESPACE}}}
spec: {{devices: {{requests: [{{name: gpu, exactly: {{deviceClassName: {DRIVER}}}}}]}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: by-chart, namespace: {NAMESPACE}}}
spec:
  terminationGracePeriodSeconds: 1
  resourceClaims: [{{name: gpu, resourceClaimName: by-chart}}]
  containers: [{{name: main, image: {image.NAME}, resources: {{claims: [{{name: gpu}}]}}}}]
"""


@pytest.mark.parametrize(
    ("release", "values"),
    [
        ("plain", {}),
        ("secure", {"web": {"tls": {"secretName": TLS}}, "attribution": {"processes": True}}),
    ],
)
def test_a_real_kubelet_runs_it_as_the_chart_says(
    lab: Lab, helm: Path, release: str, values: dict[str, Any]
) -> None:
    if why := node.impossible():
        pytest.skip(why)
    lab.real_node()
    driver = lab.driver(release)
    driver.set({"count": "1", **gpu(0)})
    keys = lab.plane.path / "keys"
    secret = ("create", "secret", "tls", TLS, "-n", NAMESPACE, "--dry-run=client", "-o", "yaml")
    lab.plane.apply(lab.plane.kubectl(*secret, f"--cert={keys}/server.crt", f"--key={keys}/server.key"))
    with chart.installed(lab.plane, helm, release, driver, values) as agent:

        def told() -> bool:
            status, text = agent.get("/metrics")
            assert status == 200
            assert f'dratui_gpu_power_watts{{node="{node.NAME}"' in text
            return "dratui_agent_attribution_ok 1.0\n" in text

        lab.plane.wait(told, PATIENCE, "the agent to be told by kubelet who holds what")


def test_as_dra_driver_its_few_rights_are_enough_for_a_pod_to_get_a_gpu(lab: Lab, helm: Path) -> None:
    """Published, scheduled by the chart's class, prepared, told in the claim, given back."""
    if why := node.impossible():
        pytest.skip(why)
    real = lab.real_node()
    driver = lab.driver("dra")
    driver.set({"count": "1", **gpu(0)})
    values = {"kubeletPlugin": {"enabled": True, "driverName": DRIVER}}
    plane = lab.plane
    with chart.installed(plane, helm, "dra", driver, values) as agent:

        def given() -> str:
            log = plane.kubectl("logs", "-n", NAMESPACE, agent.name)
            (pod,) = plane.objects("pods", "-n", NAMESPACE, "--field-selector=metadata.name=by-chart")
            assert pod["status"]["phase"] == "Running", (pod["status"], log[-2000:])
            return plane.kubectl("exec", "-n", NAMESPACE, "by-chart", "--", "/bin/busybox", "env")

        plane.apply(POD)
        assert f"NVIDIA_VISIBLE_DEVICES={gpu(0)['gpu0.uuid']}" in plane.wait(
            given, PATIENCE, "the pod to run"
        )

        def told() -> list[str]:
            (claim,) = plane.objects(
                "resourceclaims", "-n", NAMESPACE, "--field-selector=metadata.name=by-chart"
            )
            (device,) = claim["status"]["devices"]
            assert (device["driver"], device["pool"]) == (DRIVER, node.NAME)
            return [f"{each['type']}={each['status']}" for each in device["conditions"]]

        assert plane.wait(told, PATIENCE, "the claim to say so") == ["Ready=True"]
        specs = [path.name for path in real.path("/run/cdi").iterdir() if DRIVER in path.name]
        assert len(specs) == 1
        plane.kubectl("delete", "pod", "by-chart", "-n", NAMESPACE)
        plane.kubectl("delete", "resourceclaim", "by-chart", "-n", NAMESPACE)
        assert not [path for path in real.path("/run/cdi").iterdir() if DRIVER in path.name]
