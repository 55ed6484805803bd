"""From the driver through a real Prometheus, and the real API server's service proxy, to what `dratui get` prints."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.agent.driver import gpu
from tests.lab.agents import NAMESPACE, PORT
from tests.lab.cluster import Lab, own_address
from tests.realparts.polling import wait
from tests.realparts.prometheus import Prometheus, Tools
from tests.realparts.users import CERTIFICATE_USER

ADDRESS = "10.197.0.1"
NODE = "scraped"
PATIENCE = 60.0


def service(port: int) -> str:
    """Prometheus behind a Service, and the right to reach it, of the viewer only."""
    return f"""
apiVersion: v1
kind: Service
metadata: {{namespace: {NAMESPACE}, name: prometheus}}
spec:
  selector: {{app: prometheus}}
  ports: [{{name: web, port: 9090, targetPort: {port}}}]
---
apiVersion: v1
kind: Pod
metadata: {{namespace: {NAMESPACE}, name: prometheus, labels: {{app: prometheus}}}}
spec:
  nodeName: {NODE}
  containers: [{{name: prometheus, image: none}}]
  tolerations: [{{operator: Exists}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{namespace: {NAMESPACE}, name: prometheus-readers}}
rules:
- {{apiGroups: [""], resources: [services/proxy], resourceNames: ["prometheus:9090"], verbs: [get]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{namespace: {NAMESPACE}, name: prometheus-readers}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: prometheus-readers}}
subjects:
- {{apiGroup: rbac.authorization.k8s.io, kind: User, name: viewer}}
"""


@pytest.fixture(scope="module")
def prometheus(lab: Lab, prometheus_tools: Tools) -> Iterator[Prometheus]:
    """It scrapes the agent of a node with a GPU."""
    lab.node(NODE)
    driver = lab.driver(NODE)
    driver.set({"count": "1", **gpu(0)})
    lab.offer(NODE, driver)
    agent = lab.agent(NODE, driver, interval="100ms")
    own_address(ADDRESS)
    job = {"job_name": "agents", "static_configs": [{"targets": [f"{agent.address}:{PORT}"]}]}
    with Prometheus(prometheus_tools, [job], host=ADDRESS) as server:
        lab.plane.apply(service(server.port))
        lab.said_to_run("prometheus", ADDRESS)
        wait(lambda: server.query("dratui_gpu_power_watts"), PATIENCE, "the first scrape")
        yield server
    lab.withdraw(NODE)


def get(lab: Lab, user: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dratui", "get", "devices", "-o", "wide"]
    who = f"--metrics-from=svc/{NAMESPACE}/prometheus:9090"
    kubeconfig = f"--kubeconfig={lab.plane.kubeconfig(user)}"
    return subprocess.run([*command, who, kubeconfig], capture_output=True, text=True, check=False)


def test_what_the_driver_says_comes_through_prometheus(lab: Lab, prometheus: Prometheus) -> None:
    (row,) = [line for line in get(lab, "viewer").stdout.splitlines() if NODE in line]
    assert "93%" in row
    assert "612 W" in row


def test_who_may_not_reach_the_service_is_told_the_right_that_is_missing(
    lab: Lab, prometheus: Prometheus
) -> None:
    said = get(lab, CERTIFICATE_USER)
    assert f"needs get on services/proxy in {NAMESPACE}" in said.stdout + said.stderr
    assert f"kubectl auth can-i get services --subresource=proxy -n {NAMESPACE}" in said.stderr
