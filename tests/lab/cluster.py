"""A cluster in namespaces of its own (`namespaces`): its API server reaches addresses that nobody else sees.

Inside, where `namespaces.entered` runs a command:

    with Lab() as lab:
        agent = lab.agent("node-1", lab.driver("node-1"))    # the real agent, reading a driver of ours
        agent.get("/metrics", user="viewer")                 # through the API server's pod proxy
"""

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Self

import yaml

from tests.agent.driver import FakeDriver, build
from tests.lab.agents import NAMESPACE, Agent
from tests.lab.node import Node
from tests.realparts import binaries
from tests.realparts.controlplane import ControlPlane

API: Final = "10.196.0.1"  # of the API server; the certificate names it
READERS: Final = "dratui-agent-readers"  # who may read them through the pod proxy


class Lab:
    """A control plane, and agents on nodes that nobody runs: for the pod proxy a Pod with an address is enough."""

    def __init__(self) -> None:
        self.plane = ControlPlane(binaries.ensure(print), host=API, port=443)
        self._agents: list[Agent] = []
        self._node: Node | None = None
        self._library: Path | None = None

    def __enter__(self) -> Self:
        own_address(API)
        self.plane.start()
        self.plane.create_namespace(NAMESPACE)
        self.plane.apply(RIGHTS)
        return self

    def __exit__(self, *_: object) -> None:
        for agent in self._agents:
            agent.kill()
        if self._node is not None:
            self._node.stop()
        self.plane.stop()

    def real_node(self) -> Node:
        """The one node with a kubelet, started when it is asked for first. Needs nothing that `impossible` names."""
        if self._node is None:
            self._node = Node(self.plane, binaries.built(binaries.NODE, print))
            self._node.start()
        return self._node

    def driver(self, name: str) -> FakeDriver:
        """A driver of ours without devices. Needs `tests.agent.driver.compiler`."""
        if self._library is None:
            self._library = build(self.plane.path)
        folder = self.plane.path / "drivers" / name
        folder.mkdir(parents=True)
        return FakeDriver(folder, self._library)

    def node(self, name: str) -> None:
        """A Node object. Nobody runs pods there."""
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
        self.plane.apply(yaml.safe_dump(node))
        self.patch("node", name, {"conditions": [{"type": "Ready", "status": "True"}]})

    def offer(self, node: str, driver: FakeDriver) -> None:
        """A slice with the driver's GPUs, each with its UUID, as NVIDIA's DRA driver tells it."""
        uuids = [text for key, text in driver.settings.items() if key.endswith(".uuid")]
        devices = [
            {"name": f"gpu-{n}", "attributes": {"uuid": {"string": uuid}}} for n, uuid in enumerate(uuids)
        ]
        offered = {
            "apiVersion": "resource.k8s.io/v1",
            "kind": "ResourceSlice",
            "metadata": {"name": node},
            "spec": {
                "driver": "gpu.nvidia.com",
                "nodeName": node,
                "pool": {"name": node, "generation": 1, "resourceSliceCount": 1},
                "devices": devices,
            },
        }
        self.plane.apply(yaml.safe_dump(offered))

    def withdraw(self, node: str) -> None:
        """What was offered, so that nothing of it is allocated."""
        self.plane.kubectl("delete", "resourceslice", node)

    def agent(
        self,
        node: str,
        driver: FakeDriver,
        *,
        interval: str = "1s",
        https: bool = False,
        kubelet: Path | None = None,
        account: str = "",
        flags: Callable[[str], Sequence[str]] = lambda pod: (),
    ) -> Agent:
        """A running agent, and a Pod object on `node` that stands for it. `https`: it serves TLS only.

        `kubelet`: the socket of who tells it what pods have. `account`: its service account. `flags`: more of them, by
        the pod's name, once that is there.
        """
        address = f"10.199.0.{len(self._agents) + 1}"
        own_address(address)
        agent = Agent(self.plane, node, address, driver, interval, https, kubelet)
        self._agents.append(agent)
        self.plane.apply(
            yaml.safe_dump(agent.pod({}, **({"serviceAccountName": account} if account else {})))
        )
        self.said_to_run(agent.name, address)
        agent.start(*flags(agent.name))
        return agent

    def said_to_run(self, pod: str, address: str) -> None:
        """What kubelet would say of it."""
        ready = [{"type": "Ready", "status": "True"}]
        status = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "conditions": ready}
        self.patch("pod", pod, status, "-n", NAMESPACE)

    def patch(self, kind: str, name: str, status: dict[str, Any], *where: str) -> None:
        """An object's status, as whoever it belongs to would write it."""
        patch = json.dumps({"status": status})
        self.plane.kubectl(
            "patch", kind, name, *where, "--subresource=status", "--type=merge", "--patch", patch
        )


def own_address(address: str) -> None:
    """From now on it is one of this machine's, as the lab sees it."""
    subprocess.run(["ip", "addr", "add", f"{address}/32", "dev", "lo"], check=True)


# What the chart gives to those who read agents. Of the people only the viewer may.
RIGHTS = f"""
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{namespace: {NAMESPACE}, name: {READERS}}}
rules:
- {{apiGroups: [""], resources: [pods/proxy], verbs: [get]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{namespace: {NAMESPACE}, name: {READERS}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {READERS}}}
subjects:
- {{apiGroup: rbac.authorization.k8s.io, kind: User, name: viewer}}
"""
