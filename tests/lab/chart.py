"""The agent as an administrator installs it: the chart, by the real helm, on the real node.

All is the chart's but the image, as there is no registry to have one from: the pod mounts the machine's Python.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

from tests.agent.driver import FakeDriver
from tests.deploy import CHART
from tests.lab import image, node
from tests.lab.agents import NAMESPACE, PATIENCE, Proxied
from tests.realparts.controlplane import ControlPlane
from tests.realparts.releases import USUAL

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
    documents = _rendered(helm, release, values)
    _mount_python(_daemon_set(documents)["spec"]["template"]["spec"], driver)
    with _applied(plane, documents):
        name = plane.wait(lambda: _ready(plane, release), 2 * PATIENCE, "the agent's pod to be ready")
        yield Proxied(plane, node.NAME, name, https="tls" in values.get("web", {}))


@contextmanager
def granted(plane: ControlPlane, helm: Path, release: str, values: Mapping[str, Any]) -> Iterator[str]:
    """All of the chart but the agent itself; the name of its service account."""
    documents = _rendered(helm, release, values)
    agent = _daemon_set(documents)
    with _applied(plane, [document for document in documents if document is not agent]):
        yield agent["spec"]["template"]["spec"]["serviceAccountName"]


@contextmanager
def _applied(plane: ControlPlane, documents: Sequence[dict[str, Any]]) -> Iterator[None]:
    objects = yaml.safe_dump_all(documents)
    plane.apply(objects)
    try:
        yield
    finally:
        plane.kubectl("delete", "--ignore-not-found", "--wait=false", "-f", "-", input=objects)


def _daemon_set(documents: Sequence[dict[str, Any]]) -> dict[str, Any]:
    (found,) = [document for document in documents if document["kind"] == "DaemonSet"]
    return found


def _ready(plane: ControlPlane, release: str) -> str:
    """The name of the release's one pod."""
    pods = plane.objects("pods", "-n", NAMESPACE, "-l", f"app.kubernetes.io/instance={release}")
    assert len(pods) == 1, "the DaemonSet has no pod yet"
    (pod,) = pods
    conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions", ())}
    assert conditions.get("Ready") == "True", pod["status"]
    name: str = pod["metadata"]["name"]
    return name


def _rendered(helm: Path, release: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    command = [str(helm), "template", release, str(CHART), "--namespace", NAMESPACE]
    done = subprocess.run(
        [*command, "--kube-version", USUAL.version, "--values", "-"],
        input=yaml.safe_dump({**_VALUES, **values}),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def _mount_python(spec: dict[str, Any], driver: FakeDriver) -> None:
    written = driver.path.parent  # by who makes MIG devices
    read = {Path(sys.base_prefix), Path(sys.prefix), REPOSITORY, driver.library.parent, written}
    read |= {Path(each) for each in ("/usr", "/lib", "/lib64")}
    folders = {**{str(folder): str(folder) for folder in sorted(read)}, HOST_PROC: "/proc"}
    (container,) = spec["containers"]
    container["command"] = [sys.executable, "-m", "dratui_agent.cli"]
    container["env"] += [
        {"name": "LD_LIBRARY_PATH", "value": str(driver.library.parent)},
        {"name": "FAKE_NVML", "value": str(driver.path)},
    ]
    for n, (inside, outside) in enumerate(folders.items()):
        mount = {"name": f"lab-{n}", "mountPath": inside, "readOnly": inside != str(written)}
        container["volumeMounts"].append(mount)
        spec["volumes"].append({"name": f"lab-{n}", "hostPath": {"path": outside}})
