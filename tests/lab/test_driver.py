"""The agent as the DRA driver of a node with the real kubelet, containerd and runc: from the slice to the container."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.agent.driver import FakeDriver, cut, cuttable, gpu
from tests.lab import chart, image, node
from tests.lab.cluster import Lab
from tests.lab.driver import DRIVER, DriverAgent
from tests.lab.node import NAME, Node

SPACE = "evaluation"
PATIENCE = 60.0
UUIDS = [gpu(n)[f"gpu{n}.uuid"] for n in range(2)]
RELEASE = "driver"
VALUES = {"kubeletPlugin": {"enabled": True, "partitionable": True}}
WHOLE = (DRIVER, "true")
"""A device class of the chart's, and what else is asked of the device."""
FIRST = (DRIVER, f"device.attributes['{DRIVER}'].uuid == '{UUIDS[0]}'")
HALF = ("mig.dratui.dev", f"device.attributes['{DRIVER}'].profile == '3g.40gb'")
ALL = ("mig.dratui.dev", f"device.attributes['{DRIVER}'].profile == '7g.80gb'")
CHECKPOINT = f"/var/lib/kubelet/plugins/{DRIVER}/checkpoint.json"
Object = dict[str, Any]


@dataclass(frozen=True)
class World:
    """A node with a GPU that is given whole, and one that is cut as claims want it."""

    lab: Lab
    node: Node
    driver: FakeDriver
    agent: DriverAgent

    def until(self, condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
        return self.lab.plane.wait(condition, patience, what)

    # What the cluster says

    @property
    def slices(self) -> dict[str, Object]:
        found = self.lab.plane.objects("resourceslices", f"--field-selector=spec.driver={DRIVER}")
        return {each["metadata"]["uid"]: each for each in found}

    def pod(self, name: str) -> Object:
        found = self.lab.plane.objects("pods", "-n", SPACE, f"--field-selector=metadata.name={name}")
        return found[0] if found else {}

    def running(self, name: str) -> Object:
        def look() -> Object:
            pod = self.pod(name)
            assert pod["status"]["phase"] == "Running", (pod["status"], self.agent.said[-2000:])
            return pod

        found: Object = self.until(look, f"pod {name} to run")
        return found

    def claim(self, pod: str) -> Object:
        (found,) = [
            each
            for each in self.lab.plane.objects("resourceclaims", "-n", SPACE)
            if each["metadata"]["ownerReferences"][0]["name"] == pod
        ]
        return found

    def devices(self, pod: str) -> list[str]:
        """Those that its claim has."""
        return [each["device"] for each in self.claim(pod)["status"]["allocation"]["devices"]["results"]]

    def conditions(self, pod: str) -> list[tuple[str, str]]:
        """Of that device, as the claim's status has them."""
        devices = self.claim(pod)["status"].get("devices", ())
        return [(each["type"], each["status"]) for device in devices for each in device["conditions"]]

    @property
    def tainted(self) -> set[tuple[str, str]]:
        """Devices and the keys of their taints."""
        return {
            (device["name"], taint["key"])
            for each in self.slices.values()
            for device in each["spec"].get("devices", ())
            for taint in device.get("taints", ())
        }

    def events(self, pod: str) -> str:
        found = self.lab.plane.objects("events", "-n", SPACE, f"--field-selector=involvedObject.name={pod}")
        return "\n".join(f"{each['reason']}: {each['message']}" for each in found)

    def health(self, pod: str) -> tuple[str, str]:
        """Of its device, as the pod's status has it: the word and the message."""
        (status,) = self.pod(pod)["status"]["containerStatuses"]
        resources = [r for each in status.get("allocatedResourcesStatus", ()) for r in each["resources"]]
        assert resources, "kubelet does not tell yet"
        return resources[0]["health"], resources[0].get("message", "")

    # What they do

    def create(self, name: str, *wanted: tuple[str, str]) -> None:
        """A pod with a claim of these devices."""
        self.lab.plane.apply(yaml.safe_dump_all(pod(name, *wanted)))

    def delete(self, name: str, *, wait: bool = True) -> None:
        self.lab.plane.kubectl("delete", "pod", name, "-n", SPACE, f"--wait={str(wait).lower()}")

    def within(self, name: str, *command: str) -> str:
        return self.lab.plane.kubectl("exec", "-n", SPACE, name, "--", "/bin/busybox", *command)

    # What is left on the node

    @property
    def specs(self) -> list[str]:
        """CDI specs."""
        return sorted(each.name for each in self.node.path("/run/cdi").glob("*"))

    @property
    def made(self) -> list[str]:
        """MIG devices of the second GPU: profile, first memory slice and how many."""
        return sorted(
            value
            for key, value in self.driver.settings.items()
            if key.startswith("gpu1.gi") and key.endswith(".placement") and ".ci" not in key
        )

    def nothing_left(self) -> bool:
        assert (self.specs, self.made) == ([], [])
        return True


@pytest.fixture(scope="module")
def world(lab: Lab, helm: Path) -> Iterator[World]:
    if why := node.impossible():
        pytest.skip(why)
    real = lab.real_node()
    driver = lab.driver("gpus")
    driver.set({"count": "2", **gpu(0), **gpu(1, processes=""), **cuttable(1)})
    _as_nvidias_kernel_modules_do(lab, real)
    lab.plane.create_namespace(SPACE)
    with (
        chart.granted(lab.plane, helm, RELEASE, VALUES) as account,
        DriverAgent(lab.plane, real, driver, account) as agent,
    ):
        made = World(lab, real, driver, agent)
        made.until(lambda: made.slices, "the agent to publish")
        yield made


def test_what_the_driver_library_tells_is_offered_to_the_scheduler(world: World) -> None:
    (own,) = world.lab.plane.objects("nodes", f"--field-selector=metadata.name={NAME}")
    offered = set()
    for each in world.slices.values():
        assert (each["spec"]["nodeName"], each["spec"]["pool"]["name"]) == (NAME, NAME)
        assert [owner["uid"] for owner in each["metadata"]["ownerReferences"]] == [own["metadata"]["uid"]]
        offered |= {device["name"] for device in each["spec"].get("devices", ())}
    assert {"gpu-0", "gpu-1", "gpu-1-mig-1g10gb-19-6", "gpu-1-mig-3g40gb-9-4"} <= offered
    assert len(offered) == 27


def test_a_pod_gets_a_gpu_and_gives_it_back(world: World) -> None:
    world.create("whole", WHOLE)
    world.running("whole")
    (device,) = world.devices("whole")
    number = int(device.removeprefix("gpu-"))
    assert UUIDS[number] in world.within("whole", "env")
    assert world.within("whole", "ls", f"/dev/nvidia{number}", "/dev/nvidiactl").split() == [
        f"/dev/nvidia{number}",
        "/dev/nvidiactl",
    ]
    world.until(lambda: world.conditions("whole") == [("Ready", "True")], "the claim to tell")
    (spec,) = world.specs
    assert spec.startswith(f"k8s.{DRIVER}-claim_")
    world.delete("whole")
    world.until(world.nothing_left, "the claim to be unprepared")


def test_a_mig_device_is_made_for_a_pod_and_destroyed_after_it(world: World) -> None:
    """The pod has another GPU beside it."""
    world.create("both", HALF, FIRST)
    world.running("both")
    mig, whole = world.devices("both")
    assert whole == "gpu-0"
    assert world.made == [f"9,{mig.rpartition('-')[2]},4"]
    knows = world.within("both", "env").split()
    variable = "DRA_DEVICE_" + mig.replace("-", "_").upper()
    assert {f"{variable}={world.driver.settings['gpu1.mig0.uuid']}", f"DRA_DEVICE_GPU_0={UUIDS[0]}"} <= {
        *knows
    }
    assert world.within("both", "ls", "/dev/nvidia-caps").split() == ["nvidia-cap3", "nvidia-cap5"]
    world.within("both", "sh", "-c", "echo >/dev/nvidia-caps/nvidia-cap3")
    world.delete("both")
    world.until(world.nothing_left, "the MIG device to be destroyed")


def test_a_device_that_turns_bad_shows_in_the_pods_status_with_why(world: World) -> None:
    world.create("sick", FIRST)
    world.running("sick")
    world.until(lambda: world.health("sick")[0] == "Healthy", "the device to be healthy")
    world.driver.set({"gpu0": "!15"})
    try:

        def bad() -> bool:
            health, message = world.health("sick")
            assert (health, "lost" in message) == ("Unhealthy", True), (health, message)
            return True

        world.until(bad, "the device to be unhealthy")
        world.until(lambda: world.tainted == {("gpu-0", f"{DRIVER}/gpu-lost")}, "the taint")
    finally:
        world.driver.set({"gpu0": None})
    world.until(lambda: world.health("sick")[0] == "Healthy", "the device to be healthy again")
    world.until(lambda: not world.tainted, "the taint to go")


def test_a_pod_whose_prepare_fails_says_why_in_its_events(world: World) -> None:
    """What is in the way was made by somebody else, after the scheduler chose."""
    world.driver.set({"gpu1.mig_mode": "1,1", **cut(1, 0, gi=1, profile=9, start=0, size=4)})
    try:
        world.create("refused", ALL)
        world.until(
            lambda: "no room at memory slices 0-7: GPU instance 1 (profile 9" in world.events("refused"),
            "the event",
        )
        assert "destroy it" in world.events("refused")
        world.delete("refused")
        assert world.made == ["9,0,4"], "what is somebody else's stays"
    finally:
        world.driver.without("gpu1.mig0.")
        world.driver.without("gpu1.gi1.")


def test_what_runs_survives_a_restart_of_kubelet_which_deletes_the_slices(world: World) -> None:
    world.create("cut", HALF)
    before = world.running("cut")
    made, specs, known = world.made, world.specs, {*world.slices}
    world.node.stop_kubelet()
    world.node.start_kubelet()
    world.until(lambda: world.slices and not known & {*world.slices}, "new slices")
    world.create("next", HALF)  # kubelet has found the driver again
    world.running("next")
    after = world.pod("cut")["status"]["containerStatuses"][0]
    assert after["containerID"] == before["status"]["containerStatuses"][0]["containerID"]
    assert after["restartCount"] == 0
    assert {*made} < {*world.made}
    assert {*specs} < {*world.specs}
    world.delete("next")
    world.until(lambda: world.made == made, "only the first pod's device to be left")


def test_an_agent_that_is_back_soon_keeps_slices_and_devices(world: World) -> None:
    known, made, specs = {*world.slices}, world.made, world.specs
    world.agent.kill()
    world.node.run("/bin/sh", "-c", "rm /run/cdi/*")  # as a reboot of the runtime's folder would
    world.agent.start()
    assert {*world.slices} == known
    assert (world.made, world.specs) == (made, specs)
    assert world.driver.settings["gpu1.mig0.uuid"] in world.within("cut", "env")


def test_a_new_version_takes_over_before_the_old_one_has_ended(world: World) -> None:
    known, made, specs = {*world.slices}, world.made, world.specs
    world.agent.replace()
    world.create("upgraded", HALF)
    world.running("upgraded")
    assert {*world.slices} == known
    assert {*made} < {*world.made}
    assert {*specs} < {*world.specs}
    world.delete("upgraded")
    world.until(lambda: (world.made, world.specs) == (made, specs), "only the first pod's devices to be left")


def test_while_the_agent_is_away_a_pod_waits_to_be_unprepared_and_its_slices_go(world: World) -> None:
    world.agent.kill()
    world.delete("cut", wait=False)
    world.until(lambda: not world.slices, "kubelet to delete the slices", 2 * PATIENCE)
    assert world.pod("cut")["metadata"]["deletionTimestamp"]
    assert len(world.made) == 1
    world.agent.start()
    world.until(lambda: world.slices, "the slices to be back")
    world.until(lambda: not world.pod("cut"), "the pod to be gone")
    world.until(lambda: not world.made, "its MIG device to be destroyed")


def test_in_the_end_nothing_is_left(world: World) -> None:
    world.delete("sick")
    world.until(world.nothing_left, "all to be unprepared")
    assert json.loads(world.node.path(CHECKPOINT).read_text())["claims"] == []


def test_as_the_chart_installs_it_it_has_all_that_it_needs(world: World, helm: Path) -> None:
    """The last of these tests: from here on the agent is a pod, with the rights and mounts of one."""
    world.agent.kill()
    with chart.installed(world.lab.plane, helm, RELEASE, world.driver, VALUES):
        world.create("packed", HALF)
        world.running("packed")
        assert len(world.made) == 1
        assert world.within("packed", "ls", "/dev/nvidia1").split() == ["/dev/nvidia1"]
        world.delete("packed")
        world.until(world.nothing_left, "the MIG device to be destroyed")


def _as_nvidias_kernel_modules_do(lab: Lab, real: Node) -> None:
    """Device nodes, here /dev/null's and /dev/zero's, and what /proc tells of the capabilities of MIG devices."""
    for name in ("nvidia0", "nvidia1", "nvidiactl"):
        real.run("mknod", f"/dev/{name}", "c", "1", "3")
    classes = lab.plane.path / "classes"
    classes.write_text("Character devices:\n  1 nvidia-caps\n")
    real.run("mount", "--bind", str(classes), "/proc/devices")
    real.run("mount", "-t", "tmpfs", "tmpfs", "/proc/driver")
    for instance in (0, 1, 2):
        folder = real.path(f"/proc/driver/nvidia/capabilities/gpu1/mig/gi{instance}")
        (folder / "ci0").mkdir(parents=True)
        for place, minor in ((folder, 3), (folder / "ci0", 5)):
            (place / "access").write_text(f"DeviceFileMinor: {minor}\nDeviceFileMode: 438\n")


def pod(name: str, *wanted: tuple[str, str]) -> list[Object]:
    """Its claim's template, and itself."""
    requests = [
        {
            "name": f"device-{n}",
            "exactly": {"deviceClassName": device_class, "selectors": [{"cel": {"expression": selector}}]},
        }
        for n, (device_class, selector) in enumerate(wanted)
    ]
    return [
        {
            "apiVersion": "resource.k8s.io/v1",
            "kind": "ResourceClaimTemplate",
            "metadata": {"namespace": SPACE, "name": name},
            "spec": {"spec": {"devices": {"requests": requests}}},
        },
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"namespace": SPACE, "name": name},
            "spec": {
                "terminationGracePeriodSeconds": 1,
                "resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": name}],
                "containers": [
                    {"name": "main", "image": image.NAME, "resources": {"claims": [{"name": "gpu"}]}}
                ],
            },
        },
    ]
