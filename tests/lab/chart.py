"""The agent as an administrator installs it: the chart, by the real helm, on the real node.

All is the chart's but the image, as there is no registry to have one from: the pod mounts the machine's Python.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import yaml

from tests.agent.driver import FakeDriver
from tests.deploy import CHART
from tests.lab import image, node
from tests.lab.agents import LABELS, NAMESPACE, PATIENCE, Proxied
from tests.realparts.controlplane import ControlPlane
from tests.realparts.releases import NEWEST

REPOSITORY: Final = Path(__file__).parents[2]
HOST_PROC: Final = "/host/proc"

_REPOSITORY, _, _TAG = image.NAME.partition(":")
VALUES: Final = {
    "image": {"repository": _REPOSITORY, "tag": _TAG},
    "interval": "100ms",
    "attribution": {"apiServer": True, "processes": True},
    # Process ids of a node in namespaces mean nothing to a driver, so the agent does not believe in its /proc unasked.
    "extraArgs": [f"--proc={HOST_PROC}"],
    "runtimeClassName": "",
    "affinity": None,
    "nodeSelector": {"kubernetes.io/hostname": node.NAME},
}


def install(plane: ControlPlane, helm: Path, driver: FakeDriver) -> Proxied:
    """The agent of the real node, once it is ready."""
    command = [helm, "template", "dratui", CHART, "--namespace", NAMESPACE, "--kube-version", NEWEST.version]
    rendered = subprocess.run(
        [*command, "--values", "-"],
        input=yaml.safe_dump(VALUES),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    documents = [document for document in yaml.safe_load_all(rendered) if document]
    for document in documents:
        if document["kind"] == "DaemonSet":
            _mount_python(document["spec"]["template"]["spec"], driver)
    plane.apply(yaml.safe_dump_all(documents))
    selector = ",".join(f"{key}={value}" for key, value in LABELS.items())

    def ready() -> str:
        (pod,) = plane.objects(
            "pods", "-n", NAMESPACE, "-l", selector, f"--field-selector=spec.nodeName={node.NAME}"
        )
        conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions", ())}
        assert conditions.get("Ready") == "True", pod["status"]
        name: str = pod["metadata"]["name"]
        return name

    return Proxied(plane, node.NAME, plane.wait(ready, 2 * PATIENCE, "the agent's pod to be ready"))


def _mount_python(spec: dict[str, Any], driver: FakeDriver) -> None:
    read = {Path(sys.base_prefix), Path(sys.prefix), REPOSITORY, driver.library.parent, driver.path.parent}
    read |= {Path(each) for each in ("/usr", "/lib", "/lib64")}
    folders = {**{str(folder): str(folder) for folder in sorted(read)}, HOST_PROC: "/proc"}
    (container,) = spec["containers"]
    container["command"] = [sys.executable, "-m", "dratui_agent.cli"]
    container["env"] += [
        {"name": "LD_LIBRARY_PATH", "value": str(driver.library.parent)},
        {"name": "FAKE_NVML", "value": str(driver.path)},
    ]
    for n, (inside, outside) in enumerate(folders.items()):
        container["volumeMounts"].append({"name": f"lab-{n}", "mountPath": inside, "readOnly": True})
        spec["volumes"].append({"name": f"lab-{n}", "hostPath": {"path": outside}})
