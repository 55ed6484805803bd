"""The chart's DaemonSet on a real kubelet: its few rights are enough, and its probes pass."""

from pathlib import Path
from typing import Any

import pytest

from tests.agent.driver import gpu
from tests.lab import chart, node
from tests.lab.agents import NAMESPACE
from tests.lab.cluster import Lab

PATIENCE = 60.0
TLS = "agent-tls"


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
