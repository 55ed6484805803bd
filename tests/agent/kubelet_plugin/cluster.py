"""Claims on a real API server, allocated by hand: what a scheduler would have decided."""

import json
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tests.agent import service_accounts
from tests.agent.kubelet_plugin.calling import Claim
from tests.realparts.controlplane import ControlPlane

DRIVER = "gpu.dratui.dev"
OTHER = "gpu.example.com"
WORLD = """
apiVersion: v1
kind: Namespace
metadata: {{name: {ns}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: plugin-{ns}}}
rules:
- {{apiGroups: [resource.k8s.io], resources: [resourceclaims], verbs: [get, list, watch]}}
- {{apiGroups: [resource.k8s.io], resources: [resourceclaims/status], verbs: [get, patch, update]}}
- apiGroups: [resource.k8s.io]
  resources: [resourceclaims/driver]
  verbs: ["associated-node:patch", "associated-node:update"]
  resourceNames: [gpu.dratui.dev]
- {{apiGroups: [resource.k8s.io], resources: [resourceslices], verbs: ["*"]}}
- {{apiGroups: [""], resources: [nodes], verbs: [get]}}
- {{apiGroups: [""], resources: [events], verbs: [create, patch]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: plugin-{ns}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: plugin-{ns}}}
subjects: [{{kind: ServiceAccount, name: agent, namespace: {ns}}}]
---
apiVersion: v1
kind: Node
metadata: {{name: {ns}}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: agent, namespace: {ns}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: agent, namespace: {ns}}}
spec:
  nodeName: {ns}
  serviceAccountName: agent
  containers: [{{name: agent, image: "agent:1"}}]
"""


class Cluster:
    """A namespace and a node of the test's own, of the same name, and the plugin's service account."""

    def __init__(self, plane: ControlPlane, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.plane = plane
        self.ns = self.node = f"plugin-{uuid.uuid4().hex[:6]}"
        plane.apply(WORLD.format(ns=self.ns))
        bound = (
            "--bound-object-kind=Pod",
            "--bound-object-name=agent",
        )  # as kubelet asks for it: with the node
        token = plane.kubectl("create", "token", "agent", "-n", self.ns, *bound).strip()
        service_accounts.in_pod(plane, monkeypatch)
        self.account = service_accounts.folder(plane, folder / "account", token)

    def claim(
        self,
        name: str,
        devices: Mapping[str, str],
        *,
        config: Sequence[Mapping[str, Any]] = (),
        pool: str = "",
        admin: bool = False,
        driver: str = DRIVER,
        others: Mapping[str, str] = MappingProxyType({}),
    ) -> Claim:
        """One whose requests were given devices. `others`: of a driver that is not ours."""
        requests = [_request(*request.split("/")) for request in (*devices, *others)]
        claim = {
            "apiVersion": "resource.k8s.io/v1",
            "kind": "ResourceClaim",
            "metadata": {"name": name, "namespace": self.ns},
            "spec": {"devices": {"requests": requests}},
        }
        made = self.plane.kubectl("create", "-f", "-", "-o=jsonpath={.metadata.uid}", input=json.dumps(claim))
        results = [
            {"request": r, "driver": driver, "pool": pool or self.node, "device": d}
            | ({"adminAccess": True} if admin else {})
            for r, d in devices.items()
        ]
        results += [
            {"request": r, "driver": OTHER, "pool": self.node, "device": d} for r, d in others.items()
        ]
        here = {"key": "metadata.name", "operator": "In", "values": [self.node]}
        allocation: dict[str, Any] = {
            "devices": {"results": results},
            "nodeSelector": {"nodeSelectorTerms": [{"matchFields": [here]}]},
        }
        if config:
            allocation["devices"]["config"] = [*config]
        self.patch(name, "merge", json.dumps({"status": {"allocation": allocation}}))
        return (self.ns, name, made)

    def get(self, name: str) -> dict[str, Any]:
        """A claim."""
        found: dict[str, Any] = json.loads(
            self.plane.kubectl("get", "resourceclaim", name, "-n", self.ns, "-o", "json")
        )
        return found

    def patch(self, name: str, kind: str, patch: str) -> None:
        """A claim's status."""
        where = ("-n", self.ns, "--subresource=status")
        self.plane.kubectl("patch", "resourceclaim", name, *where, f"--type={kind}", "-p", patch)

    def delete(self, name: str) -> None:
        """A claim, with its finalizers."""
        patch = '{"metadata":{"finalizers":null}}'
        self.plane.kubectl("patch", "resourceclaim", name, "-n", self.ns, "--type=merge", "-p", patch)
        self.plane.kubectl("delete", "resourceclaim", name, "-n", self.ns)

    def clear(self) -> None:
        """Leave no claims and pods to whoever has the API server next: some tests make thousands."""
        self.plane.kubectl(
            *("delete", "resourceclaims,pods", "--all", "-n", self.ns),
            *("--grace-period=0", "--force", "--wait=false"),
        )

    def events(self) -> list[tuple[str, str, str]]:
        """Kind and reason and message of each."""
        return [
            (each["involvedObject"]["kind"], each["reason"], each["message"])
            for each in self.plane.objects("events", "-n", self.ns)
        ]

    def node_events(self) -> list[tuple[str, str, str]]:
        """The same of this node."""
        return [
            (each["involvedObject"]["kind"], each["reason"], each["message"])
            for each in self.plane.objects("events", "-n", "default")
            if each["involvedObject"]["name"] == self.node
        ]


def _request(name: str, alternative: str = "") -> dict[str, Any]:
    """Of one device; `alternative`: the first of several that would do."""
    if alternative:
        return {"name": name, "firstAvailable": [{"name": alternative, "deviceClassName": "gpu"}]}
    return {"name": name, "exactly": {"deviceClassName": "gpu"}}
