"""`dratui get` beside the real kubectl, on the real control plane with every scenario."""

import json
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.commands import PROGRAM, Done, dratui, environment
from tests.realparts import scenarios, stand_ins
from tests.realparts.controlplane import ControlPlane
from tests.realparts.polling import wait
from tests.realparts.users import ONE_NAMESPACE

# Kind by kubectl's full name: the columns that kubectl prints, without the ages, which move on.
KUBECTL_COLUMNS = {
    "resourceclaims": ("NAMESPACE", "NAME", "STATE"),
    "resourceslices": ("NAME", "NODE", "DRIVER", "POOL"),
    "deviceclasses": ("NAME",),
    "resourceclaimtemplates": ("NAMESPACE", "NAME"),
    "namespaces": ("NAME", "STATUS"),
    "nodes": ("NAME", "STATUS"),
    "pods": ("NAMESPACE", "NAME", "READY", "STATUS"),
}


def get(plane: ControlPlane, *arguments: str, user: str = "viewer") -> Done:
    return dratui("--kubeconfig", str(plane.kubeconfig(user)), "get", *arguments, home=plane.path)


def items(plane: ControlPlane, *arguments: str, user: str = "viewer") -> list[dict[str, Any]]:
    done = get(plane, *arguments, "-o", "json", user=user)
    assert done.status == 0, done.err
    found: list[dict[str, Any]] = json.loads(done.out)["items"]
    return found


def columns(text: str, wanted: Sequence[str]) -> set[tuple[str, ...]]:
    """The wanted columns of a table, whose cells are two or more spaces apart; kubectl leaves some cells empty."""
    head, *rest = text.splitlines()
    title = re.split(r" {2,}", head)
    starts = [found.start() for found in re.finditer(r"\S+(?: \S+)*", head)]

    def cells(line: str) -> list[str]:
        found = re.split(r" {2,}", line)
        if len(found) == len(title):
            return found
        return [
            line[start:end].strip() or "–" for start, end in zip(starts, [*starts[1:], None], strict=True)
        ]

    lines = [cells(line) for line in rest]
    places = [title.index(name) for name in wanted]
    nothing = {"<none>": "–", "<unset>": "–"}
    return {tuple(nothing.get(line[place], line[place]) for place in places) for line in lines}


def one_sentence(done: Done) -> str:
    """An error as a person can bear it."""
    assert done.status == 1
    assert done.out == ""
    assert "Traceback" not in done.err
    error, *more = done.err.splitlines()
    assert error.startswith("error: ")
    assert len(more) <= 2
    return error


# --- as kubectl ---------------------------------------------------------------------------------------


def test_the_state_of_every_claim_is_what_kubectl_prints(all_scenarios: ControlPlane) -> None:
    wanted = KUBECTL_COLUMNS["resourceclaims"]
    ours = columns(get(all_scenarios, "claims", "-A").out, wanted)
    theirs = columns(all_scenarios.kubectl("get", "resourceclaims", "-A"), wanted)
    assert ours == theirs
    assert {state for _, _, state in theirs} >= {"pending", "allocated,reserved", "deleted"}


@pytest.mark.parametrize("kind", KUBECTL_COLUMNS)
def test_kubectls_names_and_columns(all_scenarios: ControlPlane, kind: str) -> None:
    wanted = KUBECTL_COLUMNS[kind]
    everywhere = ("-A",) if "NAMESPACE" in wanted else ()
    # Other tests come and go beside this one: what both saw is compared, and that nothing is missing from ours.
    before = columns(all_scenarios.kubectl("get", kind, *everywhere), wanted)
    ours = columns(get(all_scenarios, kind, *everywhere, "-o", "wide").out, wanted)
    after = columns(all_scenarios.kubectl("get", kind, *everywhere), wanted)
    assert before & after <= ours <= before | after


def seconds(age: str) -> int:
    """The least that an age of kubectl's can mean."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400, "y": 365 * 86400}
    assert re.fullmatch(r"(\d+[smhdy])+", age), age
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([smhdy])", age))


@pytest.mark.parametrize("kind", KUBECTL_COLUMNS)
def test_ages_are_kubectls(all_scenarios: ControlPlane, kind: str) -> None:
    name = ("NAMESPACE", "NAME") if "NAMESPACE" in KUBECTL_COLUMNS[kind] else ("NAME",)
    everywhere = ("-A",) if len(name) == 2 else ()
    texts = (
        all_scenarios.kubectl("get", kind, *everywhere),
        get(all_scenarios, kind, *everywhere).out,
        all_scenarios.kubectl("get", kind, *everywhere),
    )
    before, ours, after = ({row[:-1]: row[-1] for row in columns(t, (*name, "AGE"))} for t in texts)
    both = before.keys() & after.keys()
    assert both
    for each in both:
        assert seconds(before[each]) <= seconds(ours[each]) <= seconds(after[each]), each


AGES = (0, 59, 118, 121, 598, 601, 3601, 10_700, 10_900, 28_700, 28_900, 172_000, 173_000, 600_000, 700_000)
YEARS = (63_000_000, 63_200_000, 94_700_000, 252_000_000, 253_000_000)


def test_times_of_every_size_read_as_kubectl_prints_them(all_scenarios: ControlPlane) -> None:
    """The API server prints how long ago a rule was added, and lets one say when that was."""
    names = [f"added-{ago}" for ago in (*AGES, *YEARS)]
    now = datetime.now(UTC).replace(microsecond=0)
    rules = [
        {
            "apiVersion": "resource.k8s.io/v1beta2",
            "kind": "DeviceTaintRule",
            "metadata": {"name": f"added-{ago}"},
            "spec": {
                "deviceSelector": {"driver": "nobody.example.com"},
                "taint": {
                    "key": "example.com/test",
                    "value": "x",  # an empty cell would be none
                    "effect": "None",
                    "timeAdded": (now - timedelta(seconds=ago)).isoformat(),
                },
            },
        }
        for ago in (*AGES, *YEARS)
    ]
    all_scenarios.apply(yaml.safe_dump_all(rules))
    try:
        texts = (
            all_scenarios.kubectl("get", "devicetaintrules"),
            get(all_scenarios, "taintrules").out,
            all_scenarios.kubectl("get", "devicetaintrules"),
        )
    finally:
        all_scenarios.kubectl("delete", "devicetaintrules", *names)
    before, ours, after = (
        {name: ago for name, ago in columns(text, ("NAME", "TIMEADDED")) if name in names} for text in texts
    )
    for name in names:
        assert seconds(before[name]) <= seconds(ours[name]) <= seconds(after[name])
    # Others may have had a third form in between: 1m59s, 2m, 2m1s.
    still = [name for name in names if before[name] == after[name]]
    assert still
    assert [ours[name] for name in still] == [before[name] for name in still]


# --- why pods wait ------------------------------------------------------------------------------------


def test_every_pending_pod_with_claims_has_a_reason(all_scenarios: ControlPlane) -> None:
    pending = [pod for pod in items(all_scenarios, "pods", "-A") if pod["phase"] == "Pending"]
    assert any(pod["claims"] for pod in pending)
    for pod in pending:
        assert pod["waiting"]["source"] in ("scheduler", "event", "derived")
        assert pod["waiting"]["reason"]


@pytest.mark.parametrize("name", scenarios.NAMES)
def test_a_pod_waits_for_the_reason_of_its_scenario(all_scenarios: ControlPlane, name: str) -> None:
    waiting: Mapping[tuple[str, str], Any] = {
        (pod["namespace"], pod["name"]): pod["waiting"] for pod in items(all_scenarios, "pods", "-A")
    }
    for pod in scenarios.pods(name):
        told = waiting[pod.namespace, pod.name]
        if pod.source is None:
            assert told is None, pod
        else:
            assert told["source"] == pod.source, (pod, told)
            assert pod.reason.search(told["reason"]), (pod, told)


def test_the_nodes_that_reasons_count_are_all_there_are(all_scenarios: ControlPlane) -> None:
    counted = [
        (pod["waiting"]["reason"], pod["waiting"]["nodes"])
        for pod in items(all_scenarios, "pods", "-A")
        if pod["waiting"] and "nodes are available" in pod["waiting"]["reason"]
    ]
    assert counted
    for reason, nodes in counted:
        assert sum(nodes.values()) == int(reason.split()[0].partition("/")[2]), reason


# --- forms and scopes ---------------------------------------------------------------------------------


def test_namespaces_narrow_as_for_kubectl(all_scenarios: ControlPlane) -> None:
    assert {c["namespace"] for c in items(all_scenarios, "claims", "-n", "waiting")} == {"waiting"}
    empty = get(all_scenarios, "claims")
    assert (empty.status, empty.out) == (0, "")
    assert "Looked in namespace default; -A looks in all." in empty.err


def test_one_object_by_name(all_scenarios: ControlPlane) -> None:
    done = get(all_scenarios, "resourceclaim", "busy-holder", "-n", "waiting", "-o", "yaml")
    claim = yaml.safe_load(done.out)
    assert (claim["name"], claim["state"], claim["node"]) == (
        "busy-holder",
        "allocated,reserved",
        "waiting-1",
    )
    assert claim["consumers"][0]["present"] is True
    assert one_sentence(get(all_scenarios, "claims", "absent", "-n", "waiting")) == (
        "error: claim 'absent' not found in namespace waiting"
    )


def test_devices_are_held_by_the_claims_that_name_them(all_scenarios: ControlPlane) -> None:
    devices = items(all_scenarios, "devices")
    held = {
        (d["driver"], d["pool"], d["device"], c["namespace"], c["name"]) for d in devices for c in d["claims"]
    }
    assert held == {
        (d["driver"], d["pool"], d["device"], c["namespace"], c["name"])
        for c in items(all_scenarios, "claims", "-A")
        for d in c["devices"]
    }
    states = {d["driver"]: d["state"] for d in devices}
    assert states["sick.example.com"] == "tainted"
    assert states["ruled.example.com"] == "tainted"
    assert states["broken.example.com"] == "invalid"
    assert states["rollout.example.com"] == "incomplete"
    assert states["share.example.com"] == "shared"


def test_partitions_are_blocked_while_others_of_their_card_are_held(all_scenarios: ControlPlane) -> None:
    pool = json.loads(get(all_scenarios, "pools", "cut.example.com/partitions-1", "-o", "json").out)
    (counters,) = pool["counterSets"]
    left = {counter["name"]: counter["left"] for counter in counters["counters"]}
    assert (left["memory"], left["multiprocessors"]) == ("72192Mi", "116")
    (consumer,) = counters["consumers"]
    assert consumer["claims"] == ["partitions/small"]
    assert (pool["free"], pool["blocked"]) == (2, 2)
    devices = {d["device"]: d for d in items(all_scenarios, "devices") if d["driver"] == "cut.example.com"}
    assert {name for name, d in devices.items() if d["state"] == "blocked"} == {"gpu-0", "gpu-0-mig-3g40gb-0"}
    assert "taken by partitions/small" in devices["gpu-0"]["why"]


def test_shares_add_up_and_a_lesser_choice_is_told(all_scenarios: ControlPlane) -> None:
    (device,) = [d for d in items(all_scenarios, "devices") if d["driver"] == "slot.example.com"]
    assert device["state"] == "shared"
    assert device["sharedCapacity"] == [
        {"name": "memory", "total": "80Gi", "consumed": "30Gi", "left": "50Gi"}
    ]
    shares = {c["name"]: d for c in items(all_scenarios, "claims", "-n", "shares") for d in c["devices"]}
    assert shares["rounded"]["consumedCapacity"] == {"memory": "20Gi"}
    assert shares["rounded"]["roundingWaste"] == {"memory": "5Gi"}
    assert shares["rounded"]["choice"] is None
    assert shares["listed"]["consumedCapacity"] == {"memory": "10Gi"}
    assert shares["listed"]["choice"] == {"name": "slot", "number": 2, "of": 2}


def test_what_a_driver_reports_about_a_device_and_that_it_failed_to_bind(
    all_scenarios: ControlPlane,
) -> None:
    (device,) = [
        d for c in items(all_scenarios, "claims", "-n", "shares") for d in c["devices"] if d["networkData"]
    ]
    assert device["device"] == "slot-0"
    assert device["networkData"]["ips"] == ["10.0.0.7/24"]
    (condition,) = device["conditions"]
    assert (condition["type"], condition["status"], condition["message"]) == ("Ready", "False", "no link")
    (waits,) = [c for c in items(all_scenarios, "claims", "-n", "waiting") if c["name"] == "binding"]
    assert waits["devices"][0]["bindingPending"] == ["attach.example.com/ready"]
    assert "waits for attach.example.com/ready" in waits["reason"]


def test_a_pod_whose_driver_is_gone_says_why_it_cannot_leave(all_scenarios: ControlPlane) -> None:
    (pod,) = [p for p in items(all_scenarios, "pods", "-n", "leaving") if p["name"] == "stays"]
    assert (pod["status"], pod["claims"]) == ("Terminating", ["kept"])
    assert pod["leaving"] == (
        "driver left.example.com publishes nothing for node leaving-1 any more: "
        "claim kept cannot be unprepared"
    )
    assert "publishes nothing for node leaving-1" in get(all_scenarios, "pods", "-n", "leaving").out


def test_a_pod_that_a_device_taint_evicts_says_so(all_scenarios: ControlPlane) -> None:
    def evicted() -> list[dict[str, Any]]:
        pods = items(all_scenarios, "pods", "-n", "leaving")
        return [p for p in pods if p["eviction"] and p["status"] == "Terminating"]

    (pod,) = wait(evicted, 30, "the pod to be evicted")
    assert (pod["name"], pod["leaving"]) == ("evicted", "")
    assert pod["eviction"].startswith("DeletionByDeviceTaintManager: ")


def test_a_toleration_puts_off_the_eviction(all_scenarios: ControlPlane) -> None:
    devices = [d for d in items(all_scenarios, "devices") if d["driver"] == "evicted.example.com"]
    times = {
        claim["name"]: (
            datetime.fromisoformat(claim["evictedAt"])
            - datetime.fromisoformat(device["taints"][0]["timeAdded"])
        )
        for device in devices
        for claim in device["claims"]
    }
    assert times == {"evicted": timedelta(0), "tolerates": timedelta(hours=1)}


def one(plane: ControlPlane, kind: str, name: str, namespace: str = "") -> dict[str, Any]:
    """A row by its name."""
    where = ("-n", namespace) if namespace else ()
    found: dict[str, Any] = json.loads(get(plane, kind, name, *where, "-o", "json").out)
    return found


def test_a_claim_tells_when_it_is_evicted_and_a_rule_whom_it_evicts(all_scenarios: ControlPlane) -> None:
    claim = one(all_scenarios, "claims", "tolerates", "leaving")
    rule = one(all_scenarios, "taintrules", "evicts")
    added = datetime.fromisoformat(rule["timeAdded"])
    assert datetime.fromisoformat(claim["evictedAt"]) == added + timedelta(hours=1)
    assert one(all_scenarios, "pods", "tolerates", "leaving")["evictedAt"] == claim["evictedAt"]
    assert (rule["devices"], rule["held"], rule["pods"]) == (2, 2, 2)
    wide = get(all_scenarios, "claims", "-n", "leaving", "-o", "wide").out
    assert "evicted in 5" in wide


def test_a_rule_tells_how_far_its_eviction_is(all_scenarios: ControlPlane) -> None:
    def told() -> dict[str, Any]:
        (condition,) = one(all_scenarios, "taintrules", "evicts")["conditions"]
        assert condition["status"] == "True"
        return dict(condition)

    assert wait(told, 30, "the controller to tell")["type"] == "EvictionInProgress"

    def dry() -> str:
        (condition,) = one(all_scenarios, "taintrules", "newest-dry-run")["conditions"]
        return str(condition["message"])

    assert "1 pod would be evicted" in wait(dry, 30, "the controller to tell what would happen")
    (device,) = [d for d in items(all_scenarios, "devices") if d["driver"] == "list.newest.example.com"]
    assert (device["state"], device["taints"][0]["effect"]) == ("held", "None")


def test_a_binding_tells_when_the_scheduler_gives_up(all_scenarios: ControlPlane) -> None:
    claim = one(all_scenarios, "claims", "binding", "waiting")
    began, ends = (datetime.fromisoformat(claim[name]) for name in ("allocated", "bindingEnds"))
    assert ends - began == timedelta(minutes=10)
    assert "gives up (by default) in" in get(all_scenarios, "claims", "-n", "waiting", "-o", "wide").out


def test_what_kubelet_reports_of_devices_is_told_by_pod_claim_and_device(all_scenarios: ControlPlane) -> None:
    pod = one(all_scenarios, "pods", "ill", "reported")
    (ill,) = [report for report in pod["health"] if report["health"] == "Unhealthy"]
    assert ill["message"] == "ECC error count exceeded"
    (claim,) = items(all_scenarios, "claims", "-n", "reported")
    health = {d["device"]: [report["health"] for report in d["health"]] for d in claim["devices"]}
    assert health == {"dev-0": ["Healthy"], "dev-1": ["Unhealthy"]}
    assert f"device {ill['device']} is Unhealthy: ECC error count exceeded (pod ill)" in claim["reason"]
    devices = {d["device"]: d for d in items(all_scenarios, "devices") if d["driver"] == "report.example.com"}
    assert devices["dev-1"]["claims"][0]["health"][0]["health"] == "Unhealthy"
    assert "dev-1 is Unhealthy" in get(all_scenarios, "pods", "-n", "reported").out


def test_a_drivers_own_data_come_as_it_wrote_them(all_scenarios: ControlPlane) -> None:
    (claim,) = items(all_scenarios, "claims", "-n", "reported")
    data = {d["device"]: d["data"] for d in claim["devices"]}
    assert data == {"dev-0": stand_ins.HOSTILE_DATA, "dev-1": None}


def test_admin_access_watches_and_holds_nothing(all_scenarios: ControlPlane) -> None:
    devices = {d["device"]: d for d in items(all_scenarios, "devices") if d["driver"] == "plain.example.com"}
    assert {name: d["state"] for name, d in devices.items()} == {"dev-0": "held", "dev-1": "free"}
    for device in devices.values():
        (watcher,) = [c for c in device["claims"] if c.get("adminAccess")]
        assert watcher["namespace"] == "overlaid-admin"
    monitor = one(all_scenarios, "claims", "monitor", "overlaid-admin")
    assert [d["adminAccess"] for d in monitor["devices"]] == [True, True]
    assert one(all_scenarios, "namespaces", "overlaid-admin")["devices"] == 0
    pool = one(all_scenarios, "pools", "plain.example.com/overlaid-1")
    assert (pool["devices"], pool["free"]) == (2, 1)
    assert "overlaid/holder, +1 admin" in get(all_scenarios, "devices").out


def test_the_claim_behind_an_extended_resource_is_its_pods(all_scenarios: ControlPlane) -> None:
    pod = one(all_scenarios, "pods", "by-name", "overlaid")
    (name,) = pod["claims"]
    assert (pod["devices"], pod["plugin"]) == (["dev-0", "dev-1"], {})
    claim = one(all_scenarios, "claims", name, "overlaid")
    assert claim["madeFor"] == "pod by-name, extended resources"
    assert [c["name"] for c in claim["consumers"]] == ["by-name"]


def test_pools_that_are_no_nodes_own_say_where_they_reach(all_scenarios: ControlPlane) -> None:
    devices = {(d["driver"], d["device"]): d for d in items(all_scenarios, "devices")}
    switch = devices["link.example.com", "switch-a"]
    assert (switch["node"], switch["where"]) == ("", "example.com/zone in (fabric-a)")
    assert switch["state"] == "held"
    assert devices["floating.example.com", "license-0"]["where"] == "all nodes"
    spread = {name: d for (driver, name), d in devices.items() if driver == "scattered.example.com"}
    assert {name: (d["node"], d["where"]) for name, d in spread.items()} == {
        "near": ("fabric-1", "fabric-1"),
        "far": ("", "all nodes"),
        "other": ("", "example.com/zone notin (fabric-a,fabric-b)"),
    }
    claim = one(all_scenarios, "claims", "switch", "fabric")
    assert {c["name"] for c in claim["consumers"]} == {"worker-1", "worker-2"}
    pool = one(all_scenarios, "pools", "link.example.com/zones")
    assert (pool["state"], pool["slices"]) == ("complete", 2)


def test_slices_of_an_older_generation_are_obsolete(all_scenarios: ControlPlane) -> None:
    states = {
        s["generation"]: s["state"]
        for s in items(all_scenarios, "slices")
        if s["driver"] == "newer.example.com"
    }
    assert states == {1: "obsolete", 2: "complete"}
    pool = one(all_scenarios, "pools", "newer.example.com/fabric-1")
    assert (pool["obsoleteSlices"], pool["devices"]) == (1, 1)


def test_attributes_may_be_lists(all_scenarios: ControlPlane) -> None:
    (device,) = [d for d in items(all_scenarios, "devices") if d["driver"] == "list.newest.example.com"]
    assert device["attributes"] == {
        "roots": ["pci0000:00", "pci0000:40"],
        "numa": [0, 1],
        "fabrics": [True, False],
        "firmware": [{"version": "1.2.0"}, {"version": "1.3.0"}],
    }


def test_a_compute_domain_tells_which_node_is_late(all_scenarios: ControlPlane) -> None:
    domain = one(all_scenarios, "computedomains", "domain", "newest")
    assert (domain["state"], domain["readyNodes"], domain["numNodes"], domain["pods"]) == (
        "NotReady",
        1,
        2,
        1,
    )
    assert "newest-2 is not ready" in get(all_scenarios, "cd", "-n", "newest").out


def test_a_reservation_for_what_is_gone_is_told(all_scenarios: ControlPlane, namespace: str) -> None:
    """The controller would clear it away, so that is stopped for a moment."""
    all_scenarios.apply(TENANT.split("---")[0].replace(ONE_NAMESPACE, namespace))
    device = {"driver": "gone.example.com", "pool": "gone", "device": "dev-0", "request": "gpu"}
    status = {
        "allocation": {"devices": {"results": [device]}},
        "reservedFor": [{"resource": "pods", "name": "left", "uid": "5b1b7c2e"}],
    }
    all_scenarios.freeze("kube-controller-manager")
    try:
        all_scenarios.kubectl(
            *("patch", "resourceclaim", "kept", "-n", namespace, "--subresource=status", "--type=merge"),
            *("-p", json.dumps({"status": status})),
        )
        claim = one(all_scenarios, "claims", "kept", namespace)
        assert claim["consumers"] == [{"kind": "Pod", "name": "left", "uid": "5b1b7c2e", "present": False}]
        assert "reserved for pods that are gone: left" in claim["reason"]
        assert "no longer published: dev-0" in claim["reason"]
        assert get(all_scenarios, "claims", "-n", namespace).out.splitlines()[1].startswith("kept")
    finally:
        all_scenarios.thaw("kube-controller-manager")


def test_a_device_that_moved_after_it_was_allocated_is_told(
    all_scenarios: ControlPlane, namespace: str
) -> None:
    all_scenarios.apply(MOVED.replace("NAMESPACE", namespace))

    def allocated() -> bool:
        return bool(one(all_scenarios, "claims", "device", namespace)["state"] == "allocated,reserved")

    wait(allocated, 30, "the claim to be allocated")
    all_scenarios.kubectl("delete", "resourceslice", f"{namespace}-slice")
    moved = MOVED.split("---")[1].replace("nodeName: waiting-1", "nodeName: waiting-2")
    all_scenarios.apply(moved.replace("NAMESPACE", namespace))
    try:
        claim = one(all_scenarios, "claims", "device", namespace)
        assert claim["devices"][0]["changed"] == ["is on node waiting-2, was allocated on waiting-1"]
        assert "changed since it was allocated: dev-0 is on node waiting-2" in claim["reason"]
    finally:
        all_scenarios.kubectl("delete", "resourceslice", f"{namespace}-slice")
        all_scenarios.kubectl("delete", "deviceclass", f"{namespace}.example.com")


MOVED = """
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {name: NAMESPACE.example.com}
spec: {selectors: [{cel: {expression: 'device.driver == "NAMESPACE.example.com"'}}]}
---
apiVersion: resource.k8s.io/v1
kind: ResourceSlice
metadata: {name: NAMESPACE-slice}
spec:
  driver: NAMESPACE.example.com
  nodeName: waiting-1
  pool: {name: NAMESPACE, generation: 1, resourceSliceCount: 1}
  devices: [{name: dev-0}]
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {namespace: NAMESPACE, name: device}
spec: {devices: {requests: [{name: device, exactly: {deviceClassName: NAMESPACE.example.com}}]}}
---
apiVersion: v1
kind: Pod
metadata: {namespace: NAMESPACE, name: user}
spec:
  containers: [{name: main, image: "work:1", resources: {claims: [{name: device}]}}]
  resourceClaims: [{name: device, resourceClaimName: device}]
"""


# --- rights -------------------------------------------------------------------------------------------


def test_where_slices_are_forbidden_only_what_they_tell_is_unknown(all_scenarios: ControlPlane) -> None:
    done = get(all_scenarios, "claims", "-A", "-o", "json", user="no-slices")
    assert done.status == 0
    (note,) = done.err.splitlines()
    assert note.startswith("note: resourceslices forbidden: what depends on them is unknown.")
    claims = json.loads(done.out)["items"]
    devices = [device for claim in claims for device in claim["devices"]]
    assert devices
    assert {(d["vanished"], d["product"]) for d in devices} == {(None, None)}
    at_rest = {pod.namespace for name in scenarios.NAMES for pod in scenarios.pods(name)}
    told, full = (
        [(c["namespace"], c["name"], c["state"], c["node"]) for c in found if c["namespace"] in at_rest]
        for found in (claims, items(all_scenarios, "claims", "-A"))
    )
    assert told == full
    assert told
    nodes = items(all_scenarios, "nodes", user="no-slices")
    assert {(n["devices"], n["free"]) for n in nodes} == {(None, None)}


def test_what_is_forbidden_itself_is_one_sentence(all_scenarios: ControlPlane) -> None:
    done = get(all_scenarios, "slices", user="no-slices")
    assert "cannot list resourceslices: 403" in one_sentence(done)
    assert "hint: kubectl auth can-i list resourceslices" in done.err


def test_rights_in_one_namespace_are_enough_for_it(control_plane: ControlPlane) -> None:
    control_plane.apply(TENANT)
    wait(lambda: control_plane.objects("pods", "-n", ONE_NAMESPACE), 10, "the tenant's pod")
    (pod,) = items(control_plane, "pods", "-n", ONE_NAMESPACE, user="one-namespace")
    assert pod["waiting"] == {"source": "derived", "reason": "claim absent does not exist", "nodes": {}}
    done = get(control_plane, "claims", "-n", ONE_NAMESPACE, user="one-namespace")
    assert done.status == 0
    assert "kept" in done.out
    assert "cannot list resourceclaims" in one_sentence(get(control_plane, "claims", user="one-namespace"))


TENANT = f"""
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {{namespace: {ONE_NAMESPACE}, name: kept}}
spec: {{devices: {{requests: [{{name: gpu, exactly: {{deviceClassName: none.example.com}}}}]}}}}
---
apiVersion: v1
kind: Pod
metadata: {{namespace: {ONE_NAMESPACE}, name: waits}}
spec:
  containers: [{{name: main, image: "work:1", resources: {{claims: [{{name: gpu}}]}}}}]
  resourceClaims: [{{name: gpu, resourceClaimName: absent}}]
"""


# --- what can go wrong on the way ---------------------------------------------------------------------


def test_no_kubeconfig(tmp_path: Path) -> None:
    assert "kubeconfig" in one_sentence(dratui("get", "claims", home=tmp_path))


def test_a_context_that_is_not_there(control_plane: ControlPlane) -> None:
    done = get(control_plane, "claims", "--context", "absent\x1b[31m")
    assert "absent\\x1b[31m" in one_sentence(done)


def test_an_unreachable_server(control_plane: ControlPlane, tmp_path: Path) -> None:
    config = yaml.safe_load(control_plane.kubeconfig("viewer").read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    done = dratui("--kubeconfig", str(tmp_path / "config"), "get", "claims", home=tmp_path)
    assert "127.0.0.1:1" in one_sentence(done)


def test_an_unknown_token(control_plane: ControlPlane, tmp_path: Path) -> None:
    config = yaml.safe_load(control_plane.kubeconfig("viewer").read_text())
    config["users"][0]["user"] = {"token": "nobody's"}
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    done = dratui("--kubeconfig", str(tmp_path / "config"), "get", "claims", home=tmp_path)
    assert "401" in one_sentence(done)


# --- watching -----------------------------------------------------------------------------------------


@pytest.fixture
def watching(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[tuple[Any, Path]]:
    """`dratui get claims -w` in a namespace of its own, and the file that it writes to."""
    out = tmp_path / "out"
    with out.open("wb") as file:
        process = subprocess.Popen(
            [
                *PROGRAM,
                "--kubeconfig",
                str(control_plane.kubeconfig("viewer")),
                *("get", "claims", "-n", namespace, "-w"),
            ],
            env=environment(tmp_path),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process, out
        finally:
            process.kill()
            process.wait()


def test_a_watch_prints_what_changes_and_ends_at_ctrl_c(
    control_plane: ControlPlane, namespace: str, watching: tuple[Any, Path]
) -> None:
    process, out = watching
    wait(lambda: "No ResourceClaims" in out.read_text(), 20, "the empty list")
    control_plane.apply(TENANT.split("---")[0].replace(ONE_NAMESPACE, namespace))
    wait(lambda: re.search(r"^kept +pending", out.read_text(), re.MULTILINE), 20, "the claim to be printed")
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == 130
    assert "Traceback" not in out.read_text()
