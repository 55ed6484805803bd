"""A node whose own agent is its DRA driver: a GPU that is cut when a claim wants a part of it.

The agent is the real one, with the chart's rights, on the driver of tests. What kubelet does for its pods is done here
in its name, by kubelet's own API: it sees a pod, has its claims prepared, runs it; has them unprepared, and lets it go.
"""

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self
from unittest import mock
from urllib.parse import urlsplit

import yaml
from dratui_agent.attribution.podresources_pb2 import (
    CDIDevice,
    ClaimResource,
    ContainerResources,
    DynamicResource,
    PodResources,
)

from tests.agent import service_accounts
from tests.agent.driver import GIB, cuttable, gpu
from tests.agent.kubelet import Kubelet as Told
from tests.agent.kubelet_plugin.calling import Claim, Kubelet
from tests.deploy import CHART
from tests.lab.agents import NAMESPACE
from tests.lab.cluster import Lab
from tests.realparts import binaries
from tests.realparts.kubectl import KubectlError
from tests.realparts.releases import USUAL

NODE: Final = "lab-1"
DRIVER: Final = "gpu.dratui.dev"
OURS: Final = {"dratui.test/kubelet": "ours"}  # annotations of pods that kwok leaves to us
PERIOD: Final = 0.5  # seconds
_KINDS: Final = frozenset(
    {
        *("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "DeviceClass"),
        *("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
    }
)
_PROFILES: Final = (
    "0",
    "2",
    "4",
)  # of an H100's: 1g.10gb, 3g.40gb, and 7g.80gb, which says what all of it is
_SIZE: Final = {"cpu": "64", "memory": "512Gi", "pods": "110"}


class PluginNode(threading.Thread):
    """From `with` on there is a node with its agent; the thread is its kubelet."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(name="kubelet", daemon=True)
        self._lab = lab
        self._plane = lab.plane
        self._folder = Path(tempfile.mkdtemp(prefix="dratui-"))  # sockets' paths are short
        self.cdi = self._folder / "cdi"
        self._kubelet = Kubelet(self._folder)
        self._told = Told(self._folder / "pod-resources.sock", ())
        self._prepared: dict[str, tuple[Claim, Mapping[str, Any]]] = {}  # by the pod's UID
        self._stopping = threading.Event()
        self._objects = yaml.safe_dump_all([_node(), *_chart()])

    def __enter__(self) -> Self:
        self._plane.apply(self._objects)
        driver = self._lab.driver(NODE)
        driver.set({"driver_version": "595.58.03", "count": "1", **_gpu()})
        server = urlsplit(self._plane.server)
        pod = {
            "KUBERNETES_SERVICE_HOST": str(server.hostname),
            "KUBERNETES_SERVICE_PORT": str(server.port or 443),
        }
        with mock.patch.dict(os.environ, pod):
            self._agent = self._lab.agent(
                NODE, driver, kubelet=self._told.socket, account="dratui-agent", flags=self._flags
            )
        self._kubelet.notify()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.join()
        self._agent.kill()
        self._told.stop()
        self._plane.kubectl("delete", "pod", "-n", NAMESPACE, self._agent.name, "--force")
        self._plane.kubectl("delete", "--wait=false", "--ignore-not-found", "-f", "-", input=self._objects)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _flags(self, pod: str) -> Sequence[str]:
        """What plugin mode wants to know. The token is bound to the agent's pod, which is on the node."""
        bound = ("--bound-object-kind=Pod", f"--bound-object-name={pod}")
        token = self._plane.kubectl("create", "token", "dratui-agent", "-n", NAMESPACE, *bound).strip()
        account = service_accounts.folder(self._plane, self._folder / "account", token)
        return (
            *("--kubelet-plugin", "--partitionable", f"--service-account={account}"),
            *(f"--kubelet-folder={self._folder}", f"--cdi-folder={self.cdi}"),
        )

    def run(self) -> None:
        while not self._stopping.wait(PERIOD):
            try:
                self._look()
            except KubectlError:  # an API server that restarts is a part of the story
                continue

    def _look(self) -> None:
        for pod in self._plane.objects("pods", "-A", f"--field-selector=spec.nodeName={NODE}"):
            if OURS.items() <= pod["metadata"].get("annotations", {}).items():
                self._see(pod)
        self._told.pods = [_resources(claim, given) for claim, given in self._prepared.values()]

    def _see(self, pod: dict[str, Any]) -> None:
        metadata, uid = pod["metadata"], pod["metadata"]["uid"]
        if "deletionTimestamp" in metadata:
            if uid in self._prepared:
                claim, _ = self._prepared[uid]
                if any(self._kubelet.unprepare(claim).values()):
                    return
                del self._prepared[uid]
            self._plane.kubectl("delete", "pod", "-n", metadata["namespace"], metadata["name"], "--force")
        elif "startTime" not in pod["status"]:
            self._status(pod, "Pending", ready=False)
        elif pod["status"]["phase"] == "Pending":
            claim = self._claim(pod)
            answer = self._kubelet.prepare(claim)[claim[2]]
            if not answer.error:
                self._prepared[uid] = claim, {"pod": metadata["name"], "devices": answer.devices}
                self._status(pod, "Running", ready=True)

    def _claim(self, pod: dict[str, Any]) -> Claim:
        namespace = pod["metadata"]["namespace"]
        name = pod["status"]["resourceClaimStatuses"][0]["resourceClaimName"]
        found = next(
            c for c in self._plane.objects("resourceclaims", "-n", namespace) if c["metadata"]["name"] == name
        )
        return namespace, name, found["metadata"]["uid"]

    def _status(self, pod: dict[str, Any], phase: str, *, ready: bool) -> None:
        """As kubelet tells it: the time at which it saw the pod stays."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        status: dict[str, Any] = {"phase": phase, "startTime": pod["status"].get("startTime", now)}
        begun = {"running": {"startedAt": now}} if ready else {"waiting": {"reason": "ContainerCreating"}}
        container = {"name": "main", "image": "notebook:1", "imageID": "", "restartCount": 0, "state": begun}
        status["containerStatuses"] = [{**container, "ready": ready, "started": ready}]
        status["conditions"] = [
            *(c for c in pod["status"].get("conditions", ()) if c["type"] == "PodScheduled"),
            *(
                {"type": name, "status": str(ready), "lastTransitionTime": now}
                for name in ("PodReadyToStartContainers", "Ready", "ContainersReady")
            ),
        ]
        metadata = pod["metadata"]
        self._lab.patch("pod", metadata["name"], status, "-n", metadata["namespace"])


def template(namespace: str, profile: str) -> dict[str, Any]:
    """A claim template for one part of a GPU."""
    wanted = f"device.attributes['{DRIVER}'].profile == '{profile}'"
    exactly = {"deviceClassName": "mig.dratui.dev", "selectors": [{"cel": {"expression": wanted}}]}
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaimTemplate",
        "metadata": {"namespace": namespace, "name": f"part-{profile.replace('.', '')}"},
        "spec": {"spec": {"devices": {"requests": [{"name": "part", "exactly": exactly}]}}},
    }


def _node() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": NODE,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {"kubernetes.io/hostname": NODE, "estate": "lab"},
        },
        "status": {"capacity": _SIZE, "allocatable": _SIZE},
    }


def _gpu() -> Mapping[str, str]:
    """One H100 that does nothing, and what it can be cut into."""
    kept = {
        key: value
        for key, value in cuttable(0).items()
        if not key.startswith("gpu0.profile.") or key.rpartition(".")[2] in _PROFILES
    }
    idle = {
        "utilization": "0,0",
        "power": "72000",
        "processes": "",
        "memory": f"{80 * GIB},{GIB},{79 * GIB},0",
        "gpm.1": "0",
        "gpm.2": "0",
        "temperature.0": "34",
    }
    return gpu(0, **idle, mig_mode="1,1") | kept


def _chart() -> Sequence[dict[str, Any]]:
    """What the chart gives to agents in plugin mode, but not the agents."""
    helm = binaries.built([binaries.HELM], print)
    values = {"image": {"repository": "dratui-agent"}, "kubeletPlugin": {"enabled": True}}
    done = subprocess.run(
        [
            *(str(helm["helm"]), "template", "dratui", str(CHART), "--namespace", NAMESPACE),
            *("--kube-version", USUAL.version, "--values", "-"),
        ],
        input=yaml.safe_dump(values),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found = [each for each in yaml.safe_load_all(done.stdout) if each]
    return [each for each in found if each["kind"] in _KINDS and "viewer" not in each["metadata"]["name"]]


def _resources(claim: Claim, given: Mapping[str, Any]) -> PodResources:
    """As kubelet tells of a container what was prepared for it."""
    namespace, name, _ = claim
    resources = [
        ClaimResource(
            cdi_devices=[CDIDevice(name=cdi) for cdi in device.cdi_device_ids],
            driver_name=DRIVER,
            pool_name=device.pool_name,
            device_name=device.device_name,
        )
        for device in given["devices"]
    ]
    dynamic = DynamicResource(claim_name=name, claim_namespace=namespace, claim_resources=resources)
    main = ContainerResources(name="main", dynamic_resources=[dynamic])
    return PodResources(namespace=namespace, name=given["pod"], containers=[main])
