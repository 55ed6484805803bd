"""The chart in plugin mode: its classes find the devices, and no agent can do more than its node needs.

All on a real API server, with tokens as pods have them.
"""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from dratui_agent.kubelet.apiclient import client
from dratui_agent.kubelet.inventory import Inventory
from dratui_agent.kubelet.offers import Offer
from dratui_agent.kubelet.publisher import Publisher
from dratui_agent.nvml.node import Node

from tests.agent import service_accounts
from tests.agent.driver import FakeDriver, cuttable, gpu
from tests.agent.publishing import PATIENCE, Pool, offer
from tests.deploy.test_chart import asked
from tests.realparts.controlplane import ControlPlane
from tests.realparts.kubectl import KubectlError

NODE = """
apiVersion: v1
kind: Node
metadata: {name: NODE, annotations: {kwok.x-k8s.io/node: fake}, labels: {type: kwok}}
status:
  allocatable: {cpu: "8", memory: 64Gi, pods: "110"}
  capacity: {cpu: "8", memory: 64Gi, pods: "110"}
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: NAME, namespace: NAMESPACE}
spec:
  nodeName: NAME
  serviceAccountName: ACCOUNT
  containers: [{name: agent, image: agent}]
  tolerations: [{operator: Exists}]
"""
PART = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: NAME, namespace: NAMESPACE}
spec:
  devices:
    requests:
    - name: part
      exactly:
        deviceClassName: CLASS
        selectors: [{cel: {expression: "device.attributes['DRIVER'].profile == 'PROFILE'"}}]
---
apiVersion: v1
kind: Pod
metadata: {name: NAME, namespace: NAMESPACE}
spec:
  resourceClaims: [{name: part, resourceClaimName: NAME}]
  containers: [{name: it, image: it, resources: {claims: [{name: part}]}}]
---
"""
ENGINES = ("multiprocessors", "copy-engines", "decoders", "memory")
WHOLE = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: whole, namespace: NAMESPACE}
spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: DRIVER}}]}}
---
apiVersion: v1
kind: Pod
metadata: {name: asks, namespace: NAMESPACE}
spec:
  resourceClaims: [{name: gpu, resourceClaimName: whole}]
  containers: [{name: it, image: it, resources: {claims: [{name: gpu}]}}]
"""


class Installed:
    """A release in a namespace of its own, with two nodes on which its agent has a pod."""

    def __init__(self, plane: ControlPlane, namespace: str, helm: Path, folder: Path) -> None:
        self.plane = plane
        self.namespace = namespace
        self.folder = folder
        self.driver = f"gpu.{namespace}.dev"
        self.release = f"dratui-{namespace}"
        self.nodes = (f"{namespace}-a", f"{namespace}-b")
        values = {"kubeletPlugin": {"enabled": True, "driverName": self.driver}}
        done = asked(helm, "template", self.release, "-n", namespace, values=values)
        documents = [d for d in yaml.safe_load_all(done.stdout) if d and d["kind"] != "DaemonSet"]
        self.objects = yaml.safe_dump_all(documents)
        plane.apply(self.objects)
        for node in self.nodes:
            plane.apply(NODE.replace("NODE", node))
            pod = POD.replace("NAMESPACE", namespace).replace("ACCOUNT", self.account)
            plane.apply(pod.replace("NAME", node))
        plane.wait(self._bound, PATIENCE, "the API server to follow the policy")

    def _bound(self) -> bool:
        """A policy is followed a moment after it was made."""
        try:
            self.as_agent(
                self.nodes[0], "create", "--dry-run=server", "-f", "-", said=self.slice(allNodes=True)
            )
        except KubectlError as error:
            return "that node only" in str(error)
        return False

    def slice(self, **where: object) -> object:
        """A ResourceSlice, for one node or for all."""
        pool = {"name": "pool", "generation": 1, "resourceSliceCount": 1}
        return {
            "apiVersion": "resource.k8s.io/v1",
            "kind": "ResourceSlice",
            "metadata": {"generateName": "test-"},
            "spec": {"driver": self.driver, "pool": pool, "devices": [{"name": "gpu-0"}], **where},
        }

    @property
    def account(self) -> str:
        return f"{self.release}-agent"

    def token(self, node: str = "") -> str:
        """Of the agent's pod on a node; without one, of its service account alone."""
        bound = ["--bound-object-kind=Pod", f"--bound-object-name={node}"] if node else []
        return self.plane.kubectl("create", "token", self.account, "-n", self.namespace, *bound).strip()

    def publisher(self, token: str, node: str, driver: str = "") -> Publisher:
        """Of an agent that has a token, and says that it is on a node."""
        name = uuid.uuid4().hex
        folder = service_accounts.folder(self.plane, self.folder / name, token)
        return Publisher(
            client(self.plane.server, folder),
            driver=driver or self.driver,
            node=node,
            pause=lambda failures: 0.1,
        )

    def refused(self, token: str, node: str, driver: str = "") -> str:
        """Why it cannot publish that."""
        publisher = self.publisher(token, node, driver)
        publisher.start()
        try:
            publisher.publish([offer(0)])
            return self.plane.wait(lambda: publisher.problem, PATIENCE, "it to be refused")
        finally:
            publisher.stop(PATIENCE)

    def publish(self, node: str, offers: list[Offer]) -> Pool:
        """As the node's own agent does it."""
        publisher = self.publisher(self.token(node), node)
        publisher.start()
        publisher.publish(offers)
        pool = Pool(self.plane, node)
        try:
            pool.until_it_has(*(each.name for each in offers))
        finally:
            publisher.stop(PATIENCE)
        return pool

    def as_agent(self, node: str, *arguments: str, said: object = None) -> str:
        """What kubectl does with the token of a node's agent. Raises KubectlError."""
        told = None if said is None else json.dumps(said)
        return self.plane.kubectl(*arguments, f"--token={self.token(node)}", input=told)


@pytest.fixture
def installed(control_plane: ControlPlane, namespace: str, helm: Path, tmp_path: Path) -> Iterator[Installed]:
    made = Installed(control_plane, namespace, helm, tmp_path)
    try:
        yield made
    finally:
        control_plane.kubectl("delete", "node", *made.nodes, "--wait=false")
        control_plane.kubectl("delete", "--wait=false", "-f", "-", input=made.objects)


def test_an_agent_publishes_what_its_own_node_has(installed: Installed) -> None:
    node = installed.nodes[0]
    pool = installed.publish(node, [offer(0), offer(1)])
    assert pool.slices()[0]["spec"]["nodeName"] == node
    installed.publish(node, [offer(0)])


def test_the_token_of_another_nodes_agent_is_refused(installed: Installed) -> None:
    ours, other = installed.nodes
    why = installed.refused(installed.token(ours), other)
    assert "403" in why
    assert f"the agent of node {ours} may write the slices of that node only" in why
    assert not Pool(installed.plane, other).slices()


def test_slices_of_another_node_can_be_neither_changed_nor_deleted(installed: Installed) -> None:
    ours, other = installed.nodes
    pool = installed.publish(other, [offer(0), offer(1)])
    why = installed.refused(installed.token(ours), other)
    assert "may write the slices of that node only" in why
    (slice_,) = pool.slices()
    with pytest.raises(KubectlError, match="may write the slices of that node only"):
        installed.as_agent(ours, "delete", "resourceslice", slice_["metadata"]["name"])
    assert pool.devices() == ["gpu-0", "gpu-1"]


def test_a_slice_cannot_be_moved_to_ones_own_node(installed: Installed) -> None:
    ours, other = installed.nodes
    pool = installed.publish(other, [offer(0)])
    (slice_,) = pool.slices()
    slice_["spec"]["nodeName"] = ours
    with pytest.raises(KubectlError, match=r"that node only|immutable"):
        installed.as_agent(ours, "replace", "-f", "-", said=slice_)


def test_slices_of_all_nodes_are_refused(installed: Installed) -> None:
    with pytest.raises(KubectlError, match="may write the slices of that node only"):
        installed.as_agent(installed.nodes[0], "create", "-f", "-", said=installed.slice(allNodes=True))


def test_slices_of_another_driver_are_refused(installed: Installed) -> None:
    node = installed.nodes[0]
    why = installed.refused(installed.token(node), node, driver="gpu.nvidia.com")
    assert f"may write slices of the driver {installed.driver} only" in why


def test_a_token_that_is_of_no_pod_is_refused(installed: Installed) -> None:
    why = installed.refused(installed.token(), installed.nodes[0])
    assert "the token does not say on which node its pod runs" in why


def test_who_else_writes_slices_is_none_of_the_policys_business(installed: Installed) -> None:
    """Kubelet deletes them, administrators do what they want."""
    pool = installed.publish(installed.nodes[0], [offer(0)])
    pool.plane.kubectl("delete", "resourceslices", "--field-selector", f"spec.nodeName={installed.nodes[0]}")
    assert not pool.slices()


RIGHTS = {
    *(("resource.k8s.io/resourceslices", verb) for verb in ("list", "watch", "create", "update", "delete")),
    *(("resource.k8s.io/resourceclaims", verb) for verb in ("get", "list")),
    ("resource.k8s.io/resourceclaims/status", "patch"),
    ("resource.k8s.io/resourceclaims/driver", "associated-node:patch"),
    ("/nodes", "get"),
    ("/events", "create"),
}


def test_the_agent_has_no_other_rights(installed: Installed) -> None:
    """As the API server has them."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": installed.namespace},
    }
    said = installed.as_agent(
        installed.nodes[0], "create", "--validate=false", "-f", "-", "-o", "json", said=review
    )
    found = {
        (f"{group}/{resource}", verb)
        for rule in json.loads(said)["status"]["resourceRules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        if group
        not in ("authorization.k8s.io", "authentication.k8s.io")  # what everybody may: ask what one may
    }
    assert found == RIGHTS


def test_the_classes_find_what_is_published(installed: Installed) -> None:
    """The real scheduler gives a pod a GPU of a node, by the class that has the driver's name."""
    installed.publish(installed.nodes[0], [offer(0)])
    plane = installed.plane
    plane.apply(WHOLE.replace("NAMESPACE", installed.namespace).replace("DRIVER", installed.driver))

    def given() -> list[str]:
        (claim,) = plane.objects("resourceclaims", "-n", installed.namespace)
        results = claim.get("status", {}).get("allocation", {}).get("devices", {}).get("results", [])
        return [f"{each['pool']}/{each['device']}" for each in results]

    assert plane.wait(given, PATIENCE, "a GPU") == [f"{installed.nodes[0]}/gpu-0"]


def test_the_real_scheduler_never_gives_parts_that_overlap(installed: Installed, driver: FakeDriver) -> None:
    """By the counters of an H100's 26 devices. More is asked for than it has, so what is left over waits."""
    driver.set({"count": "1", **gpu(0), **cuttable(0)})
    offers = Inventory(partitionable=True).look(Node().sample())
    node, plane = installed.nodes[0], installed.plane
    installed.publish(node, list(offers.values()))
    kind = f"mig.{installed.namespace}.dev"
    wanted = {"three": "3g.40gb", "two": "2g.20gb"} | {f"one-{n}": "1g.10gb" for n in range(7)}
    parts = "".join(
        PART.replace("NAMESPACE", installed.namespace)
        .replace("NAME", name)
        .replace("CLASS", kind)
        .replace("DRIVER", installed.driver)
        .replace("PROFILE", profile)
        for name, profile in wanted.items()
    )
    plane.apply(parts)

    def given() -> dict[str, Offer]:
        """By pod, once every other pod was refused by the scheduler."""
        found: dict[str, Offer] = {}
        for claim in plane.objects("resourceclaims", "-n", installed.namespace):
            results = claim.get("status", {}).get("allocation", {}).get("devices", {}).get("results", [])
            for each in results:
                found[claim["metadata"]["name"]] = offers[each["device"]]
        for pod in plane.objects("pods", "-n", installed.namespace):
            if pod["metadata"]["name"] in wanted.keys() - found.keys():
                told = {each["type"]: each for each in pod["status"].get("conditions", ())}
                assert told["PodScheduled"]["reason"] == "Unschedulable", told
        return found

    found = plane.wait(given, PATIENCE, "the scheduler to have tried all")
    places = [offer.placement for offer in found.values()]
    slices = [n for place in places if place for n in range(place.start, place.start + place.size)]
    assert len(slices) == len({*slices}), "two lie in the same place"
    taken = {name: sum(o.consumes["gpu-0-counter-set"][name] for o in found.values()) for name in ENGINES}
    total = offers["gpu-0"].consumes["gpu-0-counter-set"]
    assert all(taken[name] <= total[name] for name in ENGINES)
    assert len(found) < len(wanted), "no GPU has that much"
    assert len({*range(8)} - {*slices}) <= 1, (
        "but all is given away that can be: the last slice is of no small part"
    )
