"""What would be, told before, beside what the real controllers and the real scheduler make of the same manifest."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from dratui.allocation import manifests
from dratui.api.streams import PRIORITY_CLASSES, STREAMS
from dratui.cli.reading import once
from dratui.kube.options import Options
from dratui.why.applied import apply
from dratui.why.whatif import Outcome, Planner
from tests.realparts.controlplane import ControlPlane
from tests.realparts.kubectl import KubectlError

Json = dict[str, Any]
RACK = "whatif.example/rack"


def node(case: str, name: str, cpu: str = "16", taints: Sequence[Json] = ()) -> Json:
    size = {"cpu": cpu, "memory": "64Gi", "pods": "110"}
    labels = {"whatif": case, "kubernetes.io/hostname": name}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, "annotations": {"kwok.x-k8s.io/node": "fake"}},
        "spec": {"taints": list(taints)},
        "status": {"capacity": size, "allocatable": size},
    }


def slice_(driver: str, pool: str, devices: Sequence[Json], **where: Any) -> Json:
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceSlice",
        "metadata": {"name": f"{driver}-{pool}"},
        "spec": {
            "driver": driver,
            "pool": {"name": pool, "generation": 1, "resourceSliceCount": 1},
            **(where or {"nodeName": pool}),
            "devices": list(devices),
        },
    }


def gpu(name: str, driver: str, memory: str = "80Gi", rack: str = "a", **more: Any) -> Json:
    capacity = {"memory": {"value": memory}}
    return {"name": name, "attributes": {RACK: {"string": rack}}, "capacity": capacity, **more}


def gpus(driver: str, number: int, **more: Any) -> list[Json]:
    return [gpu(f"gpu-{n}", driver, **more) for n in range(number)]


SICK: Json = {"taints": [{"key": "whatif.example/xid", "value": "79", "effect": "NoSchedule"}]}
CORDON = ({"key": "whatif.example/drained", "effect": "NoSchedule"},)


def one_each(case: str, driver: str) -> list[Json]:
    """Nodes of different sizes; one device is tainted, one node, and one has cpu for two."""
    return [
        node(case, f"{case}-1"),
        slice_(driver, f"{case}-1", [*gpus(driver, 3), gpu("gpu-3", driver, **SICK)]),
        node(case, f"{case}-2"),
        slice_(
            driver, f"{case}-2", [gpu("gpu-0", driver), gpu("gpu-1", driver, "20Gi"), gpu("gpu-2", driver)]
        ),
        node(case, f"{case}-3", cpu="4"),
        slice_(driver, f"{case}-3", gpus(driver, 4)),
        node(case, f"{case}-4", taints=CORDON),
        slice_(driver, f"{case}-4", gpus(driver, 2)),
    ]


def racks(case: str, driver: str) -> list[Json]:
    """Two devices of one rack are to be had in some ways only."""
    mixed = [gpu(f"gpu-{n}", driver, rack=rack) for n, rack in enumerate("abacbc")]
    return [
        node(case, f"{case}-1"),
        slice_(driver, f"{case}-1", mixed),
        node(case, f"{case}-2"),
        slice_(driver, f"{case}-2", gpus(driver, 5)),
        node(case, f"{case}-3"),
        slice_(driver, f"{case}-3", [gpu("gpu-0", driver, rack="a"), gpu("gpu-1", driver, rack="b")]),
    ]


def network(case: str, driver: str) -> list[Json]:
    """Devices that both nodes reach."""
    return [
        node(case, f"{case}-1"),
        node(case, f"{case}-2"),
        slice_(driver, f"{case}-net", gpus(driver, 3), allNodes=True),
    ]


def partitions(case: str, driver: str) -> list[Json]:
    """A card of four parts on each node: a half takes two of them."""

    def takes(name: str, *parts: int) -> Json:
        counters = {f"part-{n}": {"value": "1"} for n in parts}
        return gpu(name, driver) | {"consumesCounters": [{"counterSet": "card", "counters": counters}]}

    def on(pool: str) -> list[Json]:
        card = {"name": "card", "counters": {f"part-{n}": {"value": "1"} for n in range(4)}}
        counted = slice_(driver, pool, [])
        counted["metadata"]["name"] += "-counters"
        counted["spec"] |= {"sharedCounters": [card]}
        del counted["spec"]["devices"]
        cut = slice_(
            driver,
            pool,
            [takes("quarter-0", 0), takes("half-0", 0, 1), takes("half-1", 2, 3), takes("quarter-1", 1)],
        )
        for each in (counted, cut):
            each["spec"]["pool"]["resourceSliceCount"] = 2
        return [node(case, pool), counted, cut]

    return [*on(f"{case}-1"), *on(f"{case}-2")]


def shares(case: str, driver: str) -> list[Json]:
    """Devices of 80Gi for who takes what."""
    policy = {"requestPolicy": {"default": "10Gi", "validRange": {"min": "10Gi", "step": "10Gi"}}}
    of = gpu("gpu-0", driver) | {
        "allowMultipleAllocations": True,
        "capacity": {"memory": {"value": "80Gi", **policy}},
    }
    return [
        *(node(case, f"{case}-1"), slice_(driver, f"{case}-1", [of])),
        *(node(case, f"{case}-2"), slice_(driver, f"{case}-2", [of, of | {"name": "gpu-1"}])),
    ]


def claim(driver: str, **asked: Any) -> Json:
    memory = f'device.capacity["{driver}"].memory.compareTo(quantity("40Gi")) >= 0'
    exactly = {"deviceClassName": driver, "selectors": [{"cel": {"expression": memory}}], **asked}
    return {"requests": [{"name": "gpu", "exactly": exactly}]}


def pod(case: str, **entry: str) -> Json:
    main = {
        "name": "main",
        "image": "work:1",
        "resources": {"claims": [{"name": "gpu"}], "requests": {"cpu": "2"}},
    }
    spec = {
        "nodeSelector": {"whatif": case},
        "containers": [main],
        "resourceClaims": [{"name": "gpu", **entry}],
    }
    return {"metadata": {"labels": {"app": "train"}}, "spec": spec}


def workload(kind: str, spec: Json) -> Json:
    version = "batch/v1" if kind == "Job" else "apps/v1"
    selector = {} if kind == "Job" else {"selector": {"matchLabels": {"app": "train"}}}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "train"}, "spec": {**selector, **spec}}


def template(devices: Json) -> Json:
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaimTemplate",
        "metadata": {"name": "gpu"},
        "spec": {"spec": {"devices": devices}},
    }


def deployment(case: str, driver: str) -> list[Json]:
    of = pod(case, resourceClaimTemplateName="gpu")
    return [template(claim(driver)), workload("Deployment", {"replicas": 12, "template": of})]


def some(case: str, driver: str) -> list[Json]:
    of = pod(case, resourceClaimTemplateName="gpu")
    return [
        template(claim(driver)),
        workload(
            "StatefulSet",
            {"replicas": 3, "serviceName": "x", "podManagementPolicy": "Parallel", "template": of},
        ),
    ]


def pairs(case: str, driver: str) -> list[Json]:
    of = pod(case, resourceClaimTemplateName="gpu")
    of["spec"]["restartPolicy"] = "Never"
    devices = {**claim(driver, count=2), "constraints": [{"matchAttribute": RACK}]}
    return [template(devices), workload("Job", {"parallelism": 8, "completions": 8, "template": of})]


def shared(case: str, driver: str) -> list[Json]:
    given = {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaim",
        "metadata": {"name": "gpu"},
        "spec": {"devices": claim(driver)},
    }
    of = pod(case, resourceClaimName="gpu")
    return [given, workload("Deployment", {"replicas": 3, "template": of})]


def thirds(case: str, driver: str) -> list[Json]:
    of = pod(case, resourceClaimTemplateName="gpu")
    devices = claim(driver, capacity={"requests": {"memory": "25Gi"}})
    return [template(devices), workload("Deployment", {"replicas": 9, "template": of})]


def extended(case: str, driver: str) -> list[Json]:
    of = pod(case)
    of["spec"].pop("resourceClaims")
    of["spec"]["containers"][0]["resources"] = {"limits": {f"{driver}/card": "2"}, "requests": {"cpu": "2"}}
    return [workload("ReplicaSet", {"replicas": 9, "template": of})]


def daemons(case: str, driver: str) -> list[Json]:
    of = pod(case, resourceClaimTemplateName="gpu")
    return [template(claim(driver, count=3)), workload("DaemonSet", {"template": of})]


def two_claims(case: str, driver: str) -> list[Json]:
    """One device for itself and, of a template of its own, two others of the same rack."""
    of = pod(case, resourceClaimTemplateName="gpu")
    of["spec"]["resourceClaims"].append({"name": "more", "resourceClaimTemplateName": "more"})
    of["spec"]["restartPolicy"] = "Never"
    devices = {**claim(driver, count=2), "constraints": [{"matchAttribute": RACK}]}
    more = template(devices) | {"metadata": {"name": "more"}}
    indexed = {"parallelism": 5, "completions": 9, "completionMode": "Indexed", "template": of}
    return [template(claim(driver)), more, workload("Job", indexed)]


def everything(case: str, driver: str) -> list[Json]:
    """All devices of a node that are big enough."""
    of = pod(case, resourceClaimTemplateName="gpu")
    return [
        template(claim(driver, allocationMode="All")),
        workload("ReplicaSet", {"replicas": 4, "template": of}),
    ]


def uneven(case: str, driver: str) -> list[Json]:
    """One pool lacks a slice, one has an old one beside the new, one node takes a pod only."""

    def spread(name: str, generation: int, slices: int, devices: Sequence[Json]) -> Json:
        of = slice_(driver, name, devices)
        of["metadata"]["name"] += f"-{generation}"
        of["spec"]["pool"] |= {"generation": generation, "resourceSliceCount": slices}
        return of

    crowded = node(case, f"{case}-4")
    for told in ("capacity", "allocatable"):
        crowded["status"][told] = crowded["status"]["capacity"] | {"pods": "1"}
    return [
        *(node(case, f"{case}-1"), slice_(driver, f"{case}-1", gpus(driver, 3))),
        *(node(case, f"{case}-2"), spread(f"{case}-2", 1, 2, gpus(driver, 3))),
        *(node(case, f"{case}-3"), spread(f"{case}-3", 1, 1, gpus(driver, 3))),
        spread(f"{case}-3", 2, 1, gpus(driver, 1)),
        *(crowded, slice_(driver, f"{case}-4", gpus(driver, 3))),
    ]


def mixed(case: str, driver: str) -> list[Json]:
    """A device plugin offers on the third node what on the others drivers do."""
    plugin = node(case, f"{case}-3")
    for told in ("capacity", "allocatable"):
        plugin["status"][told] = plugin["status"]["capacity"] | {f"{driver}/card": "3"}
    return [
        *(node(case, f"{case}-1"), slice_(driver, f"{case}-1", gpus(driver, 4))),
        *(node(case, f"{case}-2"), slice_(driver, f"{case}-2", gpus(driver, 2))),
        *(plugin, slice_(driver, f"{case}-3", gpus(driver, 4))),
    ]


def both_ways(case: str, driver: str) -> list[Json]:
    """A device by claim, and another as an extended resource."""
    of = pod(case, resourceClaimTemplateName="gpu")
    of["spec"]["containers"][0]["resources"]["limits"] = {f"{driver}/card": "1"}
    return [template(claim(driver)), workload("Deployment", {"replicas": 9, "template": of})]


Make = Callable[[str, str], list[Json]]

CASES: Mapping[str, tuple[Make, Make]] = {
    "more-than-fit": (one_each, deployment),
    "fewer-than-fit": (one_each, some),
    "pairs": (racks, pairs),
    "shared": (one_each, shared),
    "daemons": (one_each, daemons),
    "network": (network, deployment),
    "partitions": (partitions, deployment),
    "shares": (shares, thirds),
    "extended": (one_each, extended),
    "two-claims": (racks, two_claims),
    "everything": (one_each, everything),
    "uneven": (uneven, deployment),
    "mixed": (mixed, extended),
}
FIT = {
    "more-than-fit": 6,
    "fewer-than-fit": 3,
    "pairs": 4,
    "shared": 3,
    "daemons": 1,
    "network": 2,
    "partitions": 5,
    "shares": 6,
    "extended": 4,
    "two-claims": 2,
    "everything": 2,
    "uneven": 4,
    "mixed": 3,
}
"""As counted by hand: one device of each case is held before."""


class Case:
    """A cluster of its own on the control plane, with one device held by another pod."""

    def __init__(self, plane: ControlPlane, name: str, furnish: Make, ask: Make) -> None:
        self.plane, self.name = plane, f"whatif-{name}"
        self.driver = f"{name}.whatif.example"
        self._furnish, self._ask = furnish, ask

    def make(self) -> None:
        self.plane.create_namespace(self.name)
        selector = {"cel": {"expression": f'device.driver == "{self.driver}"'}}
        of_class = {
            "apiVersion": "resource.k8s.io/v1",
            "kind": "DeviceClass",
            "metadata": {"name": self.driver},
            "spec": {"selectors": [selector], "extendedResourceName": f"{self.driver}/card"},
        }
        self.apply([of_class, *self._furnish(self.name, self.driver)])
        self.hold()
        names = {each["metadata"]["name"] for each in self.plane.objects("pods", "-n", self.name)}
        self.plane.wait(lambda: self.running() == names, 60, "pods to run and devices to be held")

    def hold(self) -> None:
        """One device of the first node."""
        other = pod(self.name, resourceClaimTemplateName="other")
        held = template(claim(self.driver)) | {"metadata": {"name": "other"}}
        holding = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "other"}, "spec": other["spec"]}
        other["spec"]["nodeSelector"]["kubernetes.io/hostname"] = f"{self.name}-1"
        other["spec"]["containers"][0]["resources"].pop("requests")
        self.apply([held, holding])

    def running(self) -> set[str]:
        pods = self.plane.objects("pods", "-n", self.name)
        return {each["metadata"]["name"] for each in pods if each["spec"].get("nodeName")}

    @property
    def manifest(self) -> list[Json]:
        return self._ask(self.name, self.driver)

    def apply(self, documents: Sequence[Json]) -> None:
        items = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
        self.plane.kubectl("apply", "-n", self.name, "-f", "-", input=json.dumps(items))

    def forecast(self) -> Outcome:
        options = Options(kubeconfig=str(self.plane.kubeconfig("viewer")))
        store, about, _ = asyncio.run(once((*STREAMS, PRIORITY_CLASSES.name), options, None, ""))
        text = "\n".join(map(json.dumps, self.manifest)).encode()
        read = manifests.read([("manifest", text)], self.name)
        planned = store.copy()
        apply(planned, read, about.server_version)
        (of,) = read.workloads
        planner = Planner(planned, about.server_version, store)
        return planner.outcome(of, of.replicas)

    def pods(self) -> list[Json]:
        """Those of the manifest."""
        pods = self.plane.objects("pods", "-n", self.name)
        return [each for each in pods if each["metadata"]["name"].startswith("train")]

    def landed(self, of: str = "") -> Mapping[str, list[tuple[str, ...]]]:
        """The devices of each pod, by node."""
        claims = self.plane.objects("resourceclaims", "-n", self.name)
        of_pod: dict[str, list[str]] = defaultdict(list)
        nodes = {
            each["metadata"]["name"]: each["spec"]["nodeName"]
            for each in self.plane.objects("pods", "-n", self.name)
            if each["spec"].get("nodeName") and each["metadata"]["name"].startswith(of)
        }
        for each in claims:
            status = each.get("status", {})
            results = status.get("allocation", {}).get("devices", {}).get("results", ())
            for user in status.get("reservedFor", ()):
                if user["name"] in nodes:
                    of_pod[user["name"]] += (of["device"] for of in results)
        found: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        for name, where in nodes.items():
            found[where].append(tuple(sorted(of_pod[name])))
        return {name: sorted(devices) for name, devices in found.items()}

    def tried(self, number: int) -> bool:
        """Whether the scheduler has said something of each of so many pods."""
        pods = self.pods()
        return len(pods) == number and all(map(_settled, pods))

    def remove(self) -> None:
        quietly = ("--ignore-not-found", "--wait=false")
        self.plane.kubectl("delete", "namespace", self.name, *quietly)
        slices = [each["metadata"]["name"] for each in self.plane.objects("resourceslices")]
        mine = [name for name in slices if name.startswith(self.driver)]
        if mine:
            self.plane.kubectl("delete", "resourceslices", *mine, *quietly)
        self.plane.kubectl("delete", "nodes", "-l", f"whatif={self.name}", *quietly)
        self.plane.kubectl("delete", "deviceclass", self.driver, *quietly)


def _settled(pod: Json) -> bool:
    said = {each["type"]: each for each in pod["status"].get("conditions", ())}.get("PodScheduled")
    return bool(pod["spec"].get("nodeName")) or (said is not None and said["reason"] == "Unschedulable")


@pytest.fixture(params=CASES)
def case(control_plane: ControlPlane, request: pytest.FixtureRequest) -> Iterator[Case]:
    made = Case(control_plane, request.param, *CASES[request.param])
    try:
        made.make()
        yield made
    finally:
        made.remove()


def test_as_many_fit_and_get_the_devices_that_were_told(case: Case) -> None:
    told = case.forecast()
    assert len(told.landed) == FIT[case.name.removeprefix("whatif-")]
    case.apply(case.manifest)
    case.plane.wait(lambda: case.tried(told.wanted or 0), 90, "all pods to be tried")
    on_node: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    given: dict[str, tuple[str, ...]] = {}
    for each in told.landed:
        devices = tuple(sorted(taken.device for taken in each.devices))
        for name in each.shares:
            devices += given[name]
        given |= {taken.claim: devices for taken in each.devices}
        on_node[each.node].append(devices)
    real = case.landed("train")
    assert sum(map(len, real.values())) == len(told.landed)
    if told.rest is not None and told.anyhow:  # all that was there is taken, whoever came first
        assert real == {name: sorted(devices) for name, devices in on_node.items()}
    if told.rest is None and told.anyhow:
        assert len(real) <= told.landed[0].of
        for name, got in real.items():  # as the first, second, … on its node would get
            first = on_node[name][: len(got)]
            assert set(first) <= set(got)
            assert len(first) < len(got) or set(first) == set(got)


def test_where_a_device_plugin_has_the_extended_resource_no_pod_with_claims_is_bound(
    control_plane: ControlPlane,
) -> None:
    """It passes all filters there, and is tried for ever."""
    case = Case(control_plane, "both-ways", mixed, both_ways)
    try:
        case.make()
        told = case.forecast()
        assert {each.node for each in told.landed} == {f"{case.name}-1", f"{case.name}-2"}
        assert len(told.landed) == 2
        assert told.rest is not None
        details = {each.node: each.detail for each in told.rest.nodes}
        assert "nil or empty request mappings" in details[f"{case.name}-3"]
        case.apply(case.manifest)
        control_plane.wait(lambda: len(case.landed("train")) == 2, 90, "both to be full")
        control_plane.wait(
            lambda: any(
                "nil or empty request mappings" in json.dumps(each["status"]) for each in case.pods()
            ),
            60,
            "the scheduler to stop at it",
        )
        assert sum(map(len, case.landed("train").values())) == 2
    finally:
        case.remove()


def priority(name: str, value: int) -> Json:
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": value,
    }


LOW, LESS, HIGH = priority("whatif-low", 10), priority("whatif-less", 5), priority("whatif-high", 1000)


def small(name: str, of: Json, on: str, cpu: str, **more: Any) -> Json:
    main = {"name": "main", "image": "work:1", "resources": {"requests": {"cpu": cpu}}}
    spec = {"nodeName": "", "nodeSelector": {"kubernetes.io/hostname": on}, "containers": [main], **more}
    spec |= {"priorityClassName": of["metadata"]["name"], "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


# --- which node it takes ---------------------------------------------------------------------------


def better(case: str, driver: str) -> list[Json]:
    """The better alternative is to be had on the second node, where a bit less cpu is left."""
    return [
        *(LOW, node(case, f"{case}-1"), slice_(driver, f"{case}-1", gpus(driver, 4, memory="60Gi"))),
        *(node(case, f"{case}-2"), slice_(driver, f"{case}-2", gpus(driver, 4))),
        small("low-1", LOW, f"{case}-2", "1"),
    ]


def alternatives(case: str, driver: str) -> list[Json]:
    def of(name: str, memory: str) -> Json:
        big = f'device.capacity["{driver}"].memory.compareTo(quantity("{memory}")) >= 0'
        return {"name": name, "deviceClassName": driver, "selectors": [{"cel": {"expression": big}}]}

    asked = {"requests": [{"name": "gpu", "firstAvailable": [of("big", "80Gi"), of("small", "40Gi")]}]}
    given = pod(case, resourceClaimTemplateName="gpu")
    return [template(asked), workload("Deployment", {"replicas": 1, "template": given})]


def test_the_node_with_the_better_alternative_is_preferred(control_plane: ControlPlane) -> None:
    case = Case(control_plane, "better", better, alternatives)
    try:
        case.make()
        (told,) = case.forecast().landed
        assert (told.node, told.of, told.devices[0].request) == (f"{case.name}-2", 2, "gpu/big")
        case.apply(case.manifest)
        control_plane.wait(lambda: case.tried(1), 90, "the pod to be tried")
        assert case.landed("train") == {told.node: [(told.devices[0].device,)]}
    finally:
        case.remove()
        control_plane.kubectl("delete", "priorityclass", "whatif-low", "--ignore-not-found")


# --- whom the scheduler evicts ---------------------------------------------------------------------


def full(case: str, driver: str) -> list[Json]:
    """Cpu is short on two nodes, devices on a third: there one pod of low priority has the only one."""
    return [
        *(LOW, LESS, HIGH),
        *(node(case, f"{case}-1", cpu="4"), slice_(driver, f"{case}-1", gpus(driver, 4))),
        *(node(case, f"{case}-2", cpu="4"), slice_(driver, f"{case}-2", gpus(driver, 4))),
        *(node(case, f"{case}-3", cpu="16"), slice_(driver, f"{case}-3", gpus(driver, 1))),
        *(small("low-1", LOW, f"{case}-1", "2"), small("less-1", LESS, f"{case}-1", "1500m")),
        *(small("low-2", LOW, f"{case}-2", "2"), small("low-3", LOW, f"{case}-2", "2")),
        template(claim(driver)),
        small(
            *("holds", LESS, f"{case}-3", "1"),
            resourceClaims=[{"name": "gpu", "resourceClaimTemplateName": "gpu"}],
        ),
    ]


def urgent(case: str, driver: str) -> list[Json]:
    of = pod(case, resourceClaimTemplateName="gpu")
    of["spec"]["priorityClassName"] = "whatif-high"
    return [template(claim(driver)), workload("Deployment", {"replicas": 5, "template": of})]


def urgent_daemons(case: str, driver: str) -> list[Json]:
    of = pod(case, resourceClaimTemplateName="gpu")
    of["spec"]["priorityClassName"] = "whatif-high"
    return [template(claim(driver)), workload("DaemonSet", {"template": of})]


def test_whom_the_scheduler_evicts_and_that_it_evicts_nobody_for_devices(control_plane: ControlPlane) -> None:
    case = Case(control_plane, "full", full, urgent)
    try:
        case.make()
        told = case.forecast()
        gone = {name.partition("/")[2] for each in told.landed for name in each.evicts}
        assert (len(told.landed), gone) == (4, {"low-1", "less-1", "low-2", "low-3"})
        assert told.notes == ("for devices of claims the scheduler evicts nobody, whatever the priority",)
        case.apply(case.manifest)
        control_plane.wait(
            lambda: sum(map(len, case.landed("train").values())) == 4, 90, "four pods to be placed"
        )
        control_plane.wait(lambda: case.tried(5), 90, "the fifth to be tried")
        names = {each["metadata"]["name"] for each in case.plane.objects("pods", "-n", case.name)}
        assert names & {"low-1", "less-1", "low-2", "low-3", "holds"} == {"holds"}
        assert {name: len(devices) for name, devices in case.landed("train").items()} == {
            f"{case.name}-1": 2,
            f"{case.name}-2": 2,
        }
    finally:
        case.remove()
        control_plane.kubectl(
            "delete", "priorityclass", "whatif-low", "whatif-less", "whatif-high", "--ignore-not-found"
        )


def test_pods_of_a_daemon_set_evict_each_on_its_node(control_plane: ControlPlane) -> None:
    case = Case(control_plane, "full-daemons", full, urgent_daemons)
    try:
        case.make()
        told = case.forecast()
        gone = {name.partition("/")[2] for each in told.landed for name in each.evicts}
        assert (told.wanted, len(told.landed), len(gone)) == (3, 2, 2)
        case.apply(case.manifest)
        control_plane.wait(lambda: len(case.landed("train")) == 2, 90, "two pods to be placed")
        control_plane.wait(lambda: case.tried(3), 90, "the third to be tried")
        names = {each["metadata"]["name"] for each in case.plane.objects("pods", "-n", case.name)}
        evicted = {"low-1", "less-1", "low-2", "low-3", "holds"} - names
        assert len(evicted) == len(gone)
        assert evicted & gone >= {"less-1"}  # of two that are the same and as old either
        assert set(case.landed("train")) == {each.node for each in told.landed}
    finally:
        case.remove()
        control_plane.kubectl(
            "delete", "priorityclass", "whatif-low", "whatif-less", "whatif-high", "--ignore-not-found"
        )


def odd(case: str, driver: str) -> list[Json]:
    of = pod(case)["spec"]
    of["containers"][0].pop("resources")
    of |= {"priorityClassName": "whatif-odd"}
    of.pop("resourceClaims")
    return [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "train"}, "spec": of}]


def test_pods_of_a_priority_class_that_is_not_there_are_refused(control_plane: ControlPlane) -> None:
    case = Case(control_plane, "odd-priority", one_each, odd)
    assert (
        case.forecast().why
        == "priority class whatif-odd is not in the cluster: give its manifest, too, with -f"
    )
    text = json.dumps(case.manifest[0])
    with pytest.raises(KubectlError, match="no PriorityClass with name whatif-odd was found"):
        control_plane.kubectl("create", "-n", "default", "--dry-run=server", "-f", "-", input=text)


# --- what quotas let be made -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "ask", "resource", "hard", "most"),
    [
        ("quota-devices", deployment, "{}.deviceclass.resource.k8s.io/devices", 4, 3),
        ("quota-claims", deployment, "count/resourceclaims.resource.k8s.io", 3, 2),
        ("quota-extended", extended, "requests.{}/card", 6, 2),
        ("quota-of-claims-by-extended", deployment, "requests.{}/card", 3, 2),
    ],
)
def test_a_quota_lets_as_many_be_made_as_told(
    control_plane: ControlPlane, name: str, ask: Make, resource: str, hard: int, most: int
) -> None:
    case = Case(control_plane, name, one_each, ask)
    of = resource.format(case.driver)
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "few"},
        "spec": {"hard": {of: str(hard)}},
    }

    def used() -> bool:
        (found,) = control_plane.objects("resourcequotas", "-n", case.name)
        return bool(found.get("status", {}).get("used", {}).get(of) == "1")

    def made() -> int:
        kind = "pods" if ask is extended else "resourceclaims"
        there = control_plane.objects(kind, "-n", case.name)
        return sum(each["metadata"]["name"].startswith("train") for each in there)

    try:
        case.make()
        case.apply([quota])
        control_plane.wait(used, 60, "the quota to be counted")
        told = case.forecast()
        assert told.quota is not None
        assert (told.quota.resource, told.quota.hard, told.quota.used, told.quota.most) == (of, hard, 1, most)
        case.apply(case.manifest)
        control_plane.wait(lambda: made() == most, 60, "as many to be made as the quota lets")
        control_plane.wait(lambda: refused(control_plane, case.name), 60, "the next to be refused")
        assert made() == most
    finally:
        case.remove()


def refused(plane: ControlPlane, namespace: str) -> bool:
    return any("exceeded quota: few" in each["message"] for each in plane.objects("events", "-n", namespace))
