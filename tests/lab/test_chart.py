"""The chart's DaemonSet on a real kubelet: its few rights are enough, and its probes pass."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.agent.driver import FakeDriver, gpu
from tests.deploy import CHART
from tests.lab import node
from tests.lab.agents import NAMESPACE, Proxied, real_pod
from tests.lab.cluster import Lab
from tests.realparts.releases import NEWEST

PATIENCE = 60.0
PORT = 9500  # on the node's network, where other agents have theirs
TLS = "agent-tls"


@pytest.mark.parametrize(
    ("release", "scheme", "values"),
    [
        ("dratui", "", {}),
        ("dratui-tls", "https:", {"web": {"tls": {"secretName": TLS}}, "attribution": {"processes": True}}),
    ],
    ids=["default", "tls"],
)
def test_a_real_kubelet_runs_it_as_the_chart_says(
    lab: Lab, helm: Path, release: str, scheme: str, values: dict[str, Any]
) -> None:
    if why := node.impossible():
        pytest.skip(why)
    driver = lab.driver(release)
    driver.set({"count": "1", **gpu(0)})
    keys = lab.plane.path / "keys"
    secret = ("create", "secret", "tls", TLS, "-n", NAMESPACE, "--dry-run=client", "-o", "yaml")
    lab.plane.apply(lab.plane.kubectl(*secret, f"--cert={keys}/server.crt", f"--key={keys}/server.key"))
    objects = yaml.safe_dump_all(rendered(lab, helm, release, driver, values))
    lab.plane.apply(objects)
    try:

        def ready() -> str:
            (pod,) = lab.plane.objects("pods", "-n", NAMESPACE, "-l", f"app.kubernetes.io/instance={release}")
            conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions", ())}
            assert conditions.get("Ready") == "True", (pod["status"], lab.real_node().last_words())
            name: str = pod["metadata"]["name"]
            return name

        name = lab.plane.wait(ready, PATIENCE, "kubelet to find the agent ready")
        page = f"/api/v1/namespaces/{NAMESPACE}/pods/{scheme}{name}:{PORT}/proxy/metrics"

        def told() -> str:
            text = lab.plane.kubectl("get", "--raw", page, user="viewer")
            assert "dratui_agent_attribution_ok 1.0\n" in text, "kubelet's socket"
            return text

        text = lab.plane.wait(told, PATIENCE, "the agent to be told by kubelet who holds what")
        assert f'dratui_gpu_power_watts{{node="{lab.real_node().name}"' in text
    finally:
        lab.plane.kubectl("delete", "--wait=false", "-f", "-", input=objects)


def rendered(lab: Lab, helm: Path, release: str, driver: FakeDriver, values: dict[str, Any]) -> list[Any]:
    """The chart's objects. Only what an image would have comes from the machine, as there is no registry."""
    values = {
        "image": {"repository": "dratui.test/agent"},
        "runtimeClassName": "",
        "affinity": None,
        "nodeSelector": {"kubernetes.io/hostname": lab.real_node().name},
        "tolerations": [{"operator": "Exists"}],
        "port": PORT,
        **values,
    }
    command = [
        helm,
        "template",
        release,
        CHART,
        "-n",
        NAMESPACE,
        "--kube-version",
        NEWEST.version,
        "--values",
        "-",
    ]
    done = subprocess.run(command, input=yaml.safe_dump(values), capture_output=True, text=True, check=True)
    objects = [each for each in yaml.safe_load_all(done.stdout) if each]
    (daemon_set,) = [each for each in objects if each["kind"] == "DaemonSet"]
    spec = daemon_set["spec"]["template"]["spec"]
    (agent,) = spec["containers"]
    like = real_pod(Proxied(lab.plane, lab.real_node().name), driver)["spec"]
    (machine,) = like["containers"]
    known = {mount["mountPath"] for mount in agent["volumeMounts"]}
    mounts = [mount for mount in machine["volumeMounts"] if mount["mountPath"] not in known]
    needed = {mount["name"] for mount in mounts}
    agent["image"], agent["command"] = machine["image"], machine["command"]
    agent["env"] += [each for each in machine["env"] if each["name"] != "NODE_NAME"]
    agent["volumeMounts"] += mounts
    spec["volumes"] += [volume for volume in like["volumes"] if volume["name"] in needed]
    spec["hostNetwork"] = True  # there is no other
    return objects
