"""What only the API server knows: requests by claim, UUIDs by slice. A real one is asked."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml
from dratui_agent.apiserver import ApiServer
from dratui_agent.attribution import cluster as cluster_module
from dratui_agent.attribution.cluster import Cluster, Facts
from dratui_agent.attribution.podresources import claims, holders
from dratui_agent.attribution.podresources_pb2 import (
    ClaimResource,
    ContainerResources,
    DynamicResource,
    ListPodResourcesResponse,
    PodResources,
)
from dratui_agent.sample import Device

from tests.agent import service_accounts
from tests.realparts.controlplane import ControlPlane

DRIVER = "gpu.example.com"
RIGHTS = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: attribution-{ns}}}
rules:
- {{apiGroups: [resource.k8s.io], resources: [resourceslices], verbs: [list]}}
- {{apiGroups: [resource.k8s.io], resources: [resourceclaims], verbs: [get]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: attribution-{ns}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: attribution-{ns}}}
subjects: [{{kind: ServiceAccount, name: agent, namespace: {ns}}}]
"""


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class World:
    """A namespace, a node with slices, and the agent's view of both."""

    def __init__(self, plane: ControlPlane, path: Path) -> None:
        self.plane = plane
        self.ns = self.node = f"agent-{uuid.uuid4().hex[:6]}"
        plane.kubectl("create", "namespace", self.ns)
        plane.apply(RIGHTS.format(ns=self.ns))
        token = service_accounts.token(plane, self.ns, "agent")
        self.account = service_accounts.folder(plane, path / "account", token)
        self.clock = Clock()
        self.api = ApiServer(plane.server, self.account)
        self.cluster = Cluster(self.api, self.node, self.clock)

    def slice(
        self, name: str, generation: int, uuids: dict[str, str], *, of: int = 1, node: str = ""
    ) -> None:
        devices = [{"name": d, "attributes": {"uuid": {"string": u}}} for d, u in uuids.items()]
        self.plane.apply(
            yaml.safe_dump(
                {
                    "apiVersion": "resource.k8s.io/v1",
                    "kind": "ResourceSlice",
                    "metadata": {"name": f"{self.ns}-{name}"},
                    "spec": {
                        "driver": DRIVER,
                        "nodeName": node or self.node,
                        "pool": {"name": "pool", "generation": generation, "resourceSliceCount": of},
                        "devices": devices,
                    },
                }
            )
        )

    def claim(self, name: str, results: dict[str, str]) -> str:
        """A claim whose requests were given devices; its UID."""
        requests = [{"name": r, "exactly": {"deviceClassName": "gpu"}} for r in results]
        claim = {
            "apiVersion": "resource.k8s.io/v1",
            "kind": "ResourceClaim",
            "metadata": {"name": name, "namespace": self.ns},
            "spec": {"devices": {"requests": requests}},
        }
        self.plane.apply(yaml.safe_dump(claim))
        given = [{"request": r, "driver": DRIVER, "pool": "pool", "device": d} for r, d in results.items()]
        status = {"status": {"allocation": {"devices": {"results": given}}}}
        self.plane.kubectl(
            "patch", "resourceclaim", name, "-n", self.ns, "--subresource=status", "--type=merge", "-p",
            yaml.safe_dump(status),
        )  # fmt: skip
        return self.plane.kubectl("get", "resourceclaim", name, "-n", self.ns, "-o=jsonpath={.metadata.uid}")

    def told(self, claim: str, *devices: str) -> ListPodResourcesResponse:
        """What kubelet says of a pod that has them."""
        resources = [ClaimResource(driver_name=DRIVER, pool_name="pool", device_name=d) for d in devices]
        dynamic = DynamicResource(claim_name=claim, claim_namespace=self.ns, claim_resources=resources)
        container = ContainerResources(name="main", dynamic_resources=[dynamic])
        return ListPodResourcesResponse(
            pod_resources=[PodResources(name="pod", namespace=self.ns, containers=[container])]
        )


@pytest.fixture
async def world(bare_control_plane: ControlPlane, tmp_path: Path) -> AsyncIterator[World]:
    made = World(bare_control_plane, tmp_path)
    yield made
    await made.api.close()


async def test_devices_that_only_their_slice_tells_have_holders_with_their_requests(world: World) -> None:
    world.slice("a", 1, {"left": "GPU-1", "right": "GPU-2"})
    world.claim("train", {"big": "left", "small": "right"})
    told = world.told("train", "left", "right")
    devices = [Device(u, "gpu", "H100", u, n, n) for n, u in enumerate(("GPU-1", "GPU-2"))]
    assert holders(told, devices, {}) == {}
    facts, trouble = await world.cluster.learn(claims(told))
    assert trouble == ""
    found = holders(told, devices, {}, facts)
    assert [(h.request, h.claim, h.device) for (h,) in found.values()] == [
        ("big", "train", "left"),
        ("small", "train", "right"),
    ]


async def test_slices_are_those_of_the_newest_complete_generation_of_this_node(world: World) -> None:
    world.slice("old", 1, {"left": "GPU-OLD"})
    world.slice("new", 2, {"left": "GPU-1"}, of=2)
    world.slice("elsewhere", 2, {"other": "GPU-9"}, of=2, node="another-node")
    assert (await world.cluster.learn([]))[0].uuids == {}, "half of the pool is not there"
    world.slice("newer", 2, {"right": "GPU-2"}, of=2)
    world.clock.seconds += cluster_module.SLICES_SECONDS
    assert (await world.cluster.learn([]))[0].uuids == {
        (DRIVER, "pool", "left"): "GPU-1",
        (DRIVER, "pool", "right"): "GPU-2",
    }


async def test_a_claim_is_got_once_and_forgotten_with_its_pod(world: World) -> None:
    uid = world.claim("train", {"big": "left"})
    key = (world.ns, "train", uid)
    facts, _ = await world.cluster.learn([key])
    assert [*facts.requests.values()] == ["big"]
    world.plane.kubectl("delete", "resourceclaim", "train", "-n", world.ns)
    assert [*(await world.cluster.learn([key]))[0].requests.values()] == ["big"]
    assert (await world.cluster.learn([]))[0].requests == {}
    assert await world.cluster.learn([key]) == (Facts(), ""), "it is gone"
    world.claim("train", {"other": "left"})
    await world.cluster.learn([])
    assert (await world.cluster.learn([key]))[0].requests == {}, "another claim of that name"
    assert [*(await world.cluster.learn([(world.ns, "train", "")]))[0].requests.values()] == ["other"]


async def test_without_the_right_it_is_said_and_attribution_goes_on(world: World) -> None:
    world.plane.kubectl("delete", "clusterrolebinding", f"attribution-{world.ns}")
    facts, trouble = await world.cluster.learn([(world.ns, "train", "")])
    assert facts == Facts()
    assert 'cannot list resource "resourceslices"' in trouble
