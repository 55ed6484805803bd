"""The agent as an administrator installs it: the chart, by the real helm, on the real node.

All is the chart's but the image, as there is no registry to have one from: the pod mounts the machine's Python.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

from tests.agent.driver import FakeDriver
from tests.deploy import CHART
from tests.lab import image, node
from tests.lab.agents import NAMESPACE, PATIENCE, Proxied
from tests.realparts.controlplane import ControlPlane
from tests.realparts.releases import NEWEST

REPOSITORY: Final = Path(__file__).parents[2]
HOST_PROC: Final = "/host/proc"

_REPOSITORY, _, _TAG = image.NAME.partition(":")
_VALUES: Final = {
    "image": {"repository": _REPOSITORY, "tag": _TAG},
    "interval": "100ms",
    "runtimeClassName": "",
    "affinity": None,
    "nodeSelector": {"kubernetes.io/hostname": node.NAME},
}


@contextmanager
def installed(
    plane: ControlPlane, helm: Path, release: str, driver: FakeDriver, values: Mapping[str, Any]
) -> Iterator[Proxied]:
    """The agent of the real node, once kubelet finds it ready. `values`: the chart's.

    `release` is not `dratui`: the viewer of the tests' people has a role of that name.
    """
    objects = yaml.safe_dump_all(_rendered(helm, release, driver, values))
    plane.apply(objects)
    try:
        name = plane.wait(lambda: _ready(plane, release), 2 * PATIENCE, "the agent's pod to be ready")
        yield Proxied(plane, node.NAME, name, https="tls" in values.get("web", {}))
    finally:
        plane.kubectl("delete", "--wait=false", "-f", "-", input=objects)


def _ready(plane: ControlPlane, release: str) -> str:
    """The name of the release's one pod."""
    pods = plane.objects("pods", "-n", NAMESPACE, "-l", f"app.kubernetes.io/instance={release}")
    assert len(pods) == 1, "the DaemonSet has no pod yet"
    (pod,) = pods
    conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions", ())}
    assert conditions.get("Ready") == "True", pod["status"]
    name: str = pod["metadata"]["name"]
    return name


def _rendered(
    helm: Path, release: str, driver: FakeDriver, values: Mapping[str, Any]
) -> list[dict[str, Any]]:
    command = [str(helm), "template", release, str(CHART), "--namespace", NAMESPACE]
    done = subprocess.run(
        [*command, "--kube-version", NEWEST.version, "--values", "-"],
        input=yaml.safe_dump({**_VALUES, **values}),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    documents = [document for document in yaml.safe_load_all(done.stdout) if document]
    (daemon_set,) = [document for document in documents if document["kind"] == "DaemonSet"]
    _mount_python(daemon_set["spec"]["template"]["spec"], driver)
    return documents


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
