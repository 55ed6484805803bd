"""What kubelet, users and Prometheus are told."""

import json
from typing import Any

import grpc
import pytest
from dratui_agent.kubelet.health import AGAIN_SECONDS, Health, How, judged
from dratui_agent.kubelet.offers import Offer, Taint
from dratui_agent.kubelet.plugin import BOOT
from prometheus_client.parser import text_string_to_metric_families as parsed

from tests.agent.driver import gpu
from tests.agent.kubelet_plugin.calling import probe
from tests.agent.kubelet_plugin.cluster import DRIVER, OTHER
from tests.agent.kubelet_plugin.inside import inside
from tests.agent.kubelet_plugin.node import PluginNode

UUID = gpu(0)["gpu0.uuid"]
MIG = "gpu-0-mig-1g10gb-19-3"


# Health


def offer(name: str, *taints: Taint) -> Offer:
    return Offer(name, "gpu", UUID, 0, UUID, taints=taints)


def test_devices_are_as_their_taints_say() -> None:
    xid, program = Taint(f"{DRIVER}/xid", "79", "NoSchedule", 1.0), Taint(f"{DRIVER}/xid", "31", "None", 1.0)
    lost = Taint(f"{DRIVER}/gpu-lost", "", "NoSchedule", 1.0)
    offers = {o.name: o for o in (offer("well"), offer("xid", xid, lost), offer("program", program))}
    assert judged(offers, ["well", "gone"], "") == {
        "well": (How.HEALTHY, ""),
        "xid": (How.UNHEALTHY, "xid 79; gpu-lost"),
        "program": (How.HEALTHY, "xid 31"),
        "gone": (How.UNHEALTHY, "the device is not there any more"),
    }
    unknown = (How.UNKNOWN, "the driver does not answer")
    assert judged(offers, ["gone"], unknown[1]) == dict.fromkeys(["well", "xid", "program", "gone"], unknown)


@pytest.mark.parametrize("version", ["v1", "v1alpha1"])
def test_a_gpu_that_is_lost_is_told_and_when_it_is_back(node: PluginNode, version: str) -> None:
    node.start()
    well, lost = ("healthy", ""), ("unhealthy", "gpu-lost")
    with node.kubelet.health(version) as told:
        for key, gpu_0 in ((None, well), ("!15", lost), (None, well)):
            node.driver.set({"gpu0": key})
            assert next(each for each in told if each["gpu-0"] == gpu_0)["gpu-1"] == well


def test_streams_end_with_the_plugin_and_more_than_a_few_are_refused(node: PluginNode) -> None:
    agent = node.start()
    with node.kubelet.health() as first:
        assert next(first)
        streams = [node.kubelet.health() for _ in range(8)]
        for each in streams[:7]:
            assert next(each.__enter__())
        with pytest.raises(grpc.RpcError) as refused, streams[7] as last:
            next(last)
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        for each in streams[:7]:
            each.__exit__(None, None, None)
        agent.until(lambda: bool(_one_more(node)))
        agent.process.terminate()
        assert [*first] == []
    assert agent.process.wait(10) == 0


def _one_more(node: PluginNode) -> Any:
    try:
        with node.kubelet.health() as told:
            return next(told)
    except grpc.RpcError:
        return None


class Context:
    """Of a call that goes on."""

    def add_callback(self, call: Any) -> bool:
        return True

    def is_active(self) -> bool:
        return True


def test_the_same_is_told_again_well_before_kubelet_forgets_it() -> None:
    seconds = iter(range(0, 1000, 6))
    health = Health("node-1", clock=lambda: float(next(seconds)), now=lambda: 1700000000.0)
    health.take({"gpu-0": (How.HEALTHY, "")})
    told = health._watch(None, Context())  # type: ignore[arg-type]  # what is used of it
    first, second = next(told), next(told)
    assert first == second
    (device,) = first.devices
    assert (device.last_updated_time, device.health_check_timeout_seconds) == (1700000000, 30)
    assert device.health_check_timeout_seconds > AGAIN_SECONDS * 2


# A driver that hangs


def test_while_the_driver_hangs_kubelet_hears_of_the_plugin_and_that_devices_are_unknown(
    node: PluginNode,
) -> None:
    agent = node.start("--plugin-health-port=0")
    port = int(agent.said.partition("health checks at port ")[2].split('"')[0].split()[0])
    assert probe(port) == 1
    with node.kubelet.health() as told:
        next(told)
        node.driver.set({"hang": "1"})
        for each in told:
            if each["gpu-0"][0] == "unknown":
                assert "the driver does not answer" in each["gpu-0"][1]
                break
    assert node.kubelet.info().name == DRIVER
    assert node.kubelet.prepare() == {}
    assert probe(port) == 1
    node.driver.set({"hang": None})


def test_kubelet_finds_an_agent_that_starts_while_the_driver_hangs(node: PluginNode) -> None:
    held, claim = node.cluster.claim("held", {"gpu": "gpu-0"}), node.cluster.claim("train", {"gpu": "gpu-1"})
    with inside(node.place(boot=BOOT.read_text().strip())) as before:
        assert before.prepare(held) == [["gpu-0"]]
    next(node.cdi.iterdir()).unlink()
    node.driver.set({"hang": "1"})
    node.start()
    assert node.kubelet.info().name == DRIVER
    assert len(node.specs) == 1, "who runs keeps what it has"
    assert node.kubelet.prepare(held)[held[2]].error == ""
    assert "the driver has not answered yet" in node.kubelet.prepare(claim)[claim[2]].error
    assert node.kubelet.unprepare(held) == {held[2]: ""}
    node.driver.set({"hang": None})


# Users


def until(node: PluginNode, name: str, holds: Any) -> Any:
    """Wait until a claim's status.devices is such."""
    return node.cluster.plane.wait(
        lambda: holds(node.cluster.get(name)["status"].get("devices", [])), 30, f"the status of claim {name}"
    )


def test_the_claim_says_what_it_has(node: PluginNode) -> None:
    claim = node.cluster.claim("train", {"a": MIG, "b": "gpu-1"})
    with inside(node.place(partitionable=True)) as agent:
        assert agent.prepare(claim) == [[MIG, "gpu-1"]]
        until(node, "train", lambda told: len(told) == 2)
        part, whole = node.cluster.get("train")["status"]["devices"]
        (made, _) = agent.claims[claim[2]].devices
        assert (part["driver"], part["pool"], part["device"]) == (DRIVER, node.cluster.node, MIG)
        assert part["data"] == {
            "uuid": made.uuid, "parentUUID": UUID, "gpuInstance": made.gi, "computeInstance": made.ci
        }  # fmt: skip
        (ready,) = part["conditions"]
        assert (ready["type"], ready["status"], ready["reason"]) == ("Ready", "True", "Prepared")
        assert ready["message"] == f"{made.uuid} is prepared on {node.cluster.node}"
        assert whole["data"] == {"uuid": gpu(1)["gpu1.uuid"]}
        assert agent.unprepare(claim) == [""]
        until(node, "train", lambda told: not told)


def test_what_other_drivers_say_in_the_claim_stays(node: PluginNode) -> None:
    claim = node.cluster.claim("train", {"gpu": "gpu-0"}, others={"nic": "eth1"})
    theirs = {"driver": OTHER, "pool": node.cluster.node, "device": "eth1", "data": {"mac": "00:00"}}
    patch = json.dumps({"status": {"devices": [theirs]}})
    node.cluster.patch("train", "merge", patch)
    with inside(node.place()) as agent:
        assert agent.prepare(claim) == [["gpu-0"]]
        until(node, "train", lambda told: [each["device"] for each in told] == ["eth1", "gpu-0"])
        assert agent.unprepare(claim) == [""]
        until(node, "train", lambda told: told == [theirs | {"conditions": None}])


def test_a_status_that_could_not_be_written_is_written_when_the_api_server_is_back(
    node: PluginNode, caplog: pytest.LogCaptureFixture
) -> None:
    plane = node.cluster.plane
    kept = node.cluster.claim("kept", {"gpu": "gpu-0"})
    given_back = node.cluster.claim("given-back", {"gpu": "gpu-1"})

    def at(step: str) -> None:
        if step == "completed" and kept[2] in node.checkpoint:
            plane.freeze()

    with inside(node.place(), at=at) as agent:
        assert agent.prepare(given_back) == [["gpu-1"]]
        until(node, "given-back", bool)
        try:
            assert agent.prepare(kept) == [["gpu-0"]]
            assert agent.unprepare(given_back) == [""]
            plane.wait(lambda: "is written later" in caplog.text, 30, "the agent to have tried")
            assert len(agent.means.claims._telling) == 1
        finally:
            plane.thaw()
        until(node, "kept", lambda told: [each["device"] for each in told] == ["gpu-0"])
        until(node, "given-back", lambda told: not told)


def test_a_failure_is_an_event_of_the_claim_once(node: PluginNode) -> None:
    claim = node.cluster.claim("train", {"gpu": "gpu-9"})
    with inside(node.place()) as agent:
        for _ in range(3):
            agent.prepare(claim)
    events = [event for event in node.cluster.events() if event[0] == "ResourceClaim"]
    assert events == [("ResourceClaim", "FailedPrepare", "gpu-9 is no device of this node now")]


def test_who_may_not_tell_prepares_all_the_same(node: PluginNode, caplog: pytest.LogCaptureFixture) -> None:
    rights = f"plugin-{node.cluster.ns}"
    rule = {"apiGroups": ["resource.k8s.io"], "resources": ["resourceclaims"], "verbs": ["get", "list"]}
    rules = json.dumps([{"op": "replace", "path": "/rules", "value": [rule]}])
    node.cluster.plane.kubectl("patch", "clusterrole", rights, "--type=json", "-p", rules)
    good, bad = node.cluster.claim("good", {"gpu": "gpu-0"}), node.cluster.claim("bad", {"gpu": "gpu-9"})
    with inside(node.place()) as agent:
        assert agent.prepare(good, bad)[0] == ["gpu-0"]
        assert agent.unprepare(good) == [""]
    said = [record.getMessage() for record in caplog.records]
    assert sum("status.devices of claim" in line for line in said) == 1
    assert sum("cannot tell of it in an event" in line for line in said) == 1


# Prometheus


def test_metrics_are_named_as_nvidias_drivers(node: PluginNode) -> None:
    agent = node.start()
    good, bad = node.cluster.claim("good", {"gpu": "gpu-0"}), node.cluster.claim("bad", {"gpu": "gpu-9"})

    def value(name: str, **labels: str) -> float | None:
        families = parsed(agent.get("/metrics")[1])
        found = [
            s for f in families for s in f.samples if s.name == name and labels.items() <= s.labels.items()
        ]
        assert all(s.labels.get("driver") == DRIVER for s in found)
        return found[0].value if found else None

    assert value("nvidia_dra_requests_total", operation="prepare") == 0
    node.kubelet.prepare(good, bad)
    node.kubelet.prepare()
    agent.until(lambda: value("nvidia_dra_requests_total", operation="prepare") == 1)
    assert value("nvidia_dra_request_duration_seconds_count", operation="prepare") == 1
    assert value("nvidia_dra_requests_inflight", operation="prepare") == 0
    assert value("nvidia_dra_node_prepare_errors_total", error_type="claim") == 1
    assert value("nvidia_dra_prepared_devices", device_type="gpu", node=node.cluster.node) == 1
    assert value("nvidia_dra_prepared_devices", device_type="mig") == 0
    node.kubelet.unprepare(good)
    agent.until(lambda: value("nvidia_dra_prepared_devices", device_type="gpu") == 0)
    assert value("nvidia_dra_requests_created", operation="prepare") is None
