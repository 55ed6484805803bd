"""The agent as a pod of a node with the real kubelet, containerd and runc: who has which device."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from dratui_agent.attribution import cgroups
from dratui_agent.attribution.podresources_pb2 import ListPodResourcesRequest, ListPodResourcesResponse
from prometheus_client.parser import text_string_to_metric_families as parsed
from prometheus_client.samples import Sample

from dratui.views.query import Query
from tests.agent.driver import GIB, FakeDriver, cut, gpu
from tests.lab import chart, image, node
from tests.lab.agents import Proxied
from tests.lab.cluster import Lab
from tests.lab.dashboard import watching
from tests.lab.node import Node
from tests.lab.plugins import DevicePlugin, DraDriver
from tests.tui.driving import shows

SPACE = "ml-team"
PATIENCE = 60.0
SOCKET = "/var/lib/kubelet/pod-resources/kubelet.sock"
UUIDS = [gpu(n)[f"gpu{n}.uuid"] for n in range(6)]
MIG = cut(3, 0, gi=7, profile=19, start=2, size=1)["gpu3.mig0.uuid"]
HELD = ("namespace", "pod", "container", "claim", "claim_uid", "request", "driver", "pool", "device")
NVIDIA = "gpu.nvidia.com"
OTHER = "gpu.example.com"
THIRD = "gpu.example.org"
PLUGIN = "nvidia.com/gpu"
VALUES = {
    "attribution": {"apiServer": True, "processes": True},
    # Process ids of a node in namespaces mean nothing to a driver, so the agent does not believe in its /proc unasked.
    "extraArgs": [f"--proc={chart.HOST_PROC}"],
}


@dataclass(frozen=True)
class World:
    """A node with an agent, a DRA driver as NVIDIA's, one of another vendor, and a device plugin."""

    lab: Lab
    node: Node
    driver: FakeDriver
    agent: Proxied
    pod: dict[str, Any]

    @property
    def claims(self) -> dict[str, dict[str, Any]]:
        """Those of the pod, by name."""
        return {
            each["metadata"]["name"]: each for each in self.lab.plane.objects("resourceclaims", "-n", SPACE)
        }

    def scraped(self, name: str, uuid: str = "") -> Sample:
        """A series of the agent's, of that device."""
        status, text = self.agent.get("/metrics")
        assert status == 200
        samples = [s for family in parsed(text) for s in family.samples]
        (found,) = [s for s in samples if s.name == name and s.labels.get("uuid", "") == uuid]
        return found

    def held(self, uuid: str) -> dict[str, str]:
        """Who holds a device, in the labels of its values."""
        labels = self.scraped("dratui_gpu_memory_used_bytes", uuid).labels
        return {name: labels[name] for name in HELD if labels.get(name)}

    def until(self, condition: Callable[[], bool], what: str) -> None:
        self.lab.plane.wait(condition, PATIENCE, what)


@pytest.fixture(scope="module")
def world(lab: Lab, helm: Path) -> Iterator[World]:
    if why := node.impossible():
        pytest.skip(why)
    real = lab.real_node()
    driver = lab.driver("real")
    driver.set({"count": "6", **gpu(0), **gpu(1), **gpu(2), **gpu(3, mig_mode="1,1")})
    driver.set({**gpu(4), **gpu(5)})
    driver.set(cut(3, 0, gi=7, profile=19, start=2, size=1))
    lab.plane.create_namespace(SPACE)
    by_name = {"gpu-0": {"env": ["HAS=gpu-0"]}, "gpu-3-mig-1g10gb-19-2": {"env": ["HAS=mig"]}}
    by_spec = {"accelerator-a": {"env": [f"NVIDIA_VISIBLE_DEVICES={UUIDS[1]}"]}}
    by_slice = {"gpu-b": {"env": ["HAS=gpu-b"]}}
    with (
        DraDriver(lab.plane, real, NVIDIA, by_name),
        DraDriver(lab.plane, real, OTHER, by_spec),
        DraDriver(lab.plane, real, THIRD, by_slice, {"gpu-b": UUIDS[5]}),
        DevicePlugin(real, PLUGIN, [UUIDS[2]]),
        chart.installed(lab.plane, helm, "all", driver, VALUES) as agent,
    ):
        lab.plane.apply(POD)

        def running() -> dict[str, Any]:
            (found,) = lab.plane.objects("pods", "-n", SPACE)
            assert found["status"]["phase"] == "Running", (found["status"], real.last_words())
            return found

        yield World(lab, real, driver, agent, lab.plane.wait(running, PATIENCE, "the pod to run"))


def test_what_was_prepared_is_in_the_container(world: World) -> None:
    """Without it all that follows would be of a kubelet that did nothing."""
    assert "HAS=" in world.lab.plane.kubectl("exec", "-n", SPACE, "train", "--", "env")


def test_kubelet_tells_claim_driver_pool_device_and_cdi(world: World) -> None:
    with grpc.insecure_channel(f"unix:{world.node.path(SOCKET)}") as channel:
        ask: Callable[..., ListPodResourcesResponse] = channel.unary_unary(
            "/v1.PodResourcesLister/List",
            request_serializer=ListPodResourcesRequest.SerializeToString,
            response_deserializer=ListPodResourcesResponse.FromString,
        )
        told = ask(ListPodResourcesRequest(), timeout=PATIENCE)
    (pod,) = [each for each in told.pod_resources if each.name == "train"]
    (container,) = pod.containers
    assert (pod.namespace, container.name) == (SPACE, "main")
    resources = {
        claim.claim_name: resource
        for claim in container.dynamic_resources
        for resource in claim.claim_resources
    }
    assert {*resources} == {*world.claims}
    for name, resource in resources.items():
        allocated = world.claims[name]["status"]["allocation"]["devices"]["results"][0]
        assert (resource.driver_name, resource.pool_name, resource.device_name) == (
            allocated["driver"],
            allocated["pool"],
            allocated["device"],
        )
        uid = world.claims[name]["metadata"]["uid"]
        assert [device.name for device in resource.cdi_devices] == [
            f"k8s.{allocated['driver']}/claim={uid}-{allocated['device']}"
        ]
    assert [(device.resource_name, [*device.device_ids]) for device in container.devices] == [
        (PLUGIN, [UUIDS[2]])
    ]


@pytest.mark.parametrize(
    ("uuid", "driver", "device"),
    [
        pytest.param(UUIDS[0], NVIDIA, "gpu-0", id="by its name"),
        pytest.param(MIG, NVIDIA, "gpu-3-mig-1g10gb-19-2", id="a MIG device by its name"),
        pytest.param(UUIDS[1], OTHER, "accelerator-a", id="by its CDI spec"),
        pytest.param(UUIDS[5], THIRD, "gpu-b", id="by its slice"),
        pytest.param(UUIDS[2], PLUGIN, UUIDS[2], id="of a device plugin"),
    ],
)
def test_the_agent_labels_values_with_who_holds_the_device(
    world: World, uuid: str, driver: str, device: str
) -> None:
    where = {"namespace": SPACE, "pod": "train", "container": "main", "driver": driver, "device": device}
    for name, claim in world.claims.items():
        (allocated,) = claim["status"]["allocation"]["devices"]["results"]
        if (allocated["driver"], allocated["device"]) == (driver, device):
            where |= {
                "claim": name,
                "claim_uid": claim["metadata"]["uid"],
                "request": "gpu",
                "pool": allocated["pool"],
            }
    assert ("claim" in where) is (driver != PLUGIN)
    world.until(lambda: world.held(uuid) == where, f"{uuid} to be held by {where}")


async def test_the_dashboard_shows_what_a_claims_device_does_beside_the_claim(world: World) -> None:
    """The slices tell no UUID: whose device it is, the agent was told by kubelet."""
    (claim,) = [
        name
        for name, claim in world.claims.items()
        if claim["status"]["allocation"]["devices"]["results"][0]["driver"] == OTHER
    ]
    world.driver.set({"gpu1.utilization": "27,1"})
    async with watching(world.lab, Query(kind="claims", filter=claim)) as pilot:
        await shows(pilot, claim, "27%")
        world.driver.set({"gpu1.utilization": "58,1"})
        await shows(pilot, "58%")


def test_a_process_on_a_device_that_nobody_was_given_is_known_by_its_cgroup(world: World) -> None:
    (status,) = world.pod["status"]["containerStatuses"]
    container = cgroups.InPod(
        world.pod["metadata"]["uid"], status["containerID"].removeprefix("containerd://")
    )
    proc = world.node.path("/proc")
    processes = {int(each.name) for each in proc.glob("[0-9]*")}
    pid, *_ = [pid for pid in processes if cgroups.of_process(pid, proc) == container]
    world.driver.set({"gpu4.processes": f"1:0:0:0,{pid}:{GIB}:0:0"})
    where = {"namespace": SPACE, "pod": "train", "container": "main"}
    world.until(lambda: world.held(UUIDS[4]) == where, "the process to be found")


def test_while_kubelet_is_away_values_go_on_and_holders_stay_with_their_age(world: World) -> None:
    world.until(lambda: bool(world.held(UUIDS[0])), "the holder to be known")
    before = world.held(UUIDS[0])
    world.node.stop_kubelet()
    try:
        world.until(lambda: world.scraped("dratui_agent_attribution_ok").value == 0, "kubelet to be missed")
        since = world.scraped("dratui_agent_attribution_age_seconds").value
        world.driver.set({"gpu0.power": "123000"})
        world.until(
            lambda: world.scraped("dratui_gpu_power_watts", UUIDS[0]).value == 123, "the value to go on"
        )
        assert world.held(UUIDS[0]) == before
        assert world.scraped("dratui_agent_attribution_age_seconds").value > since
        snapshot = json.loads(world.agent.get("/v1/snapshot")[1])
        assert snapshot["attribution_problem"] == f"kubelet does not answer at {SOCKET}"
    finally:
        world.node.start_kubelet()
    world.until(lambda: world.scraped("dratui_agent_attribution_ok").value == 1, "kubelet to be back")
    assert world.held(UUIDS[0]) == before


def test_a_pod_that_has_gone_holds_nothing(world: World) -> None:
    """The last of these tests, as the others are of this pod."""
    world.until(lambda: bool(world.held(UUIDS[0])), "the holder to be known")
    world.lab.plane.kubectl("delete", "pod", "train", "-n", SPACE, "--ignore-not-found")
    world.driver.set(gpu(4))  # its process has ended
    world.until(lambda: not world.claims, "the claims to be gone")
    world.until(lambda: not [*world.node.path("/run/cdi").iterdir()], "the claims to be unprepared")

    def free() -> bool:
        held = {uuid: found for uuid in (*UUIDS, MIG) if (found := world.held(uuid))}
        assert not held, held
        return True

    world.until(free, "nobody to hold anything")


POD = yaml.safe_dump_all(
    [
        *(
            {
                "apiVersion": "resource.k8s.io/v1",
                "kind": "ResourceClaimTemplate",
                "metadata": {"namespace": SPACE, "name": name},
                "spec": {
                    "spec": {"devices": {"requests": [{"name": "gpu", "exactly": {"deviceClassName": name}}]}}
                },
            }
            for name in (NVIDIA, OTHER, THIRD)
        ),
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"namespace": SPACE, "name": "train"},
            "spec": {
                "terminationGracePeriodSeconds": 1,
                "resourceClaims": [
                    {"name": "a", "resourceClaimTemplateName": NVIDIA},
                    {"name": "b", "resourceClaimTemplateName": NVIDIA},
                    {"name": "c", "resourceClaimTemplateName": OTHER},
                    {"name": "d", "resourceClaimTemplateName": THIRD},
                ],
                "containers": [
                    {
                        "name": "main",
                        "image": image.NAME,
                        "resources": {
                            "claims": [{"name": name} for name in ("a", "b", "c", "d")],
                            "limits": {PLUGIN: "1"},
                        },
                    }
                ],
            },
        },
    ]
)
