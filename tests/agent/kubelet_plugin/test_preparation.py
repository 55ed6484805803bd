"""What a claim gets, and what it is refused."""

import json
import threading
import uuid
from typing import Any

import pytest
from dratui_agent.kubelet.hardware import Brought, CannotBring
from dratui_agent.kubelet.nvidia import Nvidia
from dratui_agent.kubelet.offers import Offer

from tests.agent.driver import cuttable, gpu
from tests.agent.kubelet_plugin.cluster import DRIVER
from tests.agent.kubelet_plugin.inside import inside, offers
from tests.agent.kubelet_plugin.node import PluginNode

CONFIG = "gpu.dratui.dev/v1alpha1"


def opaque(parameters: Any, source: str = "FromClaim", **more: Any) -> dict[str, Any]:
    return {"source": source, "opaque": {"driver": DRIVER, "parameters": parameters}} | more


def test_kubelet_may_ask_again(node: PluginNode) -> None:
    claim = node.cluster.claim("train", {"a": "gpu-0", "b/sub": "gpu-1"})
    with inside(node.place()) as agent:
        assert agent.prepare(claim) == [["gpu-0", "gpu-1"]]
        before = agent.claims[claim[2]]
        assert [device.requests for device in before.devices] == [("a",), ("b",)]
        (node.cdi / f"k8s.{DRIVER}-claim_{claim[2]}.json").unlink()
        node.cluster.plane.kubectl("delete", "resourceclaim", "train", "-n", node.cluster.ns)
        assert agent.prepare(claim) == [["gpu-0", "gpu-1"]], "what is prepared is known here"
        assert agent.claims[claim[2]] == before
        assert agent.specs == [claim[2]], "what was lost is written again"
        assert agent.unprepare(claim) == [""]
        assert agent.unprepare(claim) == [""], "what is not known needs nothing"
        assert agent.nothing


def test_a_claim_that_was_allocated_anew_gets_what_it_is_to_have_now(node: PluginNode) -> None:
    """Nobody told the plugin that it gave back what it had."""
    claim = node.cluster.claim("train", {"gpu": "gpu-0"})
    with inside(node.place()) as agent:
        assert agent.prepare(claim) == [["gpu-0"]]
        anew = json.dumps([{"op": "remove", "path": "/status/allocation"}])
        allocation = node.cluster.get("train")["status"]["allocation"]
        allocation["devices"]["results"][0]["device"] = "gpu-1"
        patched = json.dumps({"status": {"allocation": allocation}})
        node.cluster.patch("train", "json", anew)
        node.cluster.patch("train", "merge", patched)
        assert agent.prepare(claim) == [["gpu-1"]]
        other = node.cluster.claim("other", {"gpu": "gpu-0"})
        assert agent.prepare(other) == [["gpu-0"]]
        assert agent.unprepare(claim, other) == ["", ""]
        assert agent.nothing


def test_the_same_calls_at_once_are_one(node: PluginNode) -> None:
    claim = node.cluster.claim("train", {"gpu": "gpu-0"})
    with inside(node.place()) as agent:
        found: list[Any] = []
        calls = [threading.Thread(target=lambda: found.append(agent.prepare(claim))) for _ in range(8)]
        for each in calls:
            each.start()
        for each in calls:
            each.join()
        assert found == [[["gpu-0"]]] * 8
        assert len(agent.claims) == 1


def test_an_answer_for_every_claim_and_for_no_other(node: PluginNode) -> None:
    good, bad = node.cluster.claim("good", {"gpu": "gpu-0"}), node.cluster.claim("bad", {"gpu": "gpu-7"})
    gone = (node.cluster.ns, "gone", str(uuid.uuid4()))
    with inside(node.place()) as agent:
        given, refused, missing = agent.prepare(good, bad, gone)
        assert given == ["gpu-0"]
        assert refused == "gpu-7 is no device of this node now"
        assert 'resourceclaims.resource.k8s.io "gone" not found' in missing
        assert agent.preparation.prepare([]) == {}
        assert agent.failures.counted.count(("prepare", "claim")) == 1
        assert agent.specs == [good[2]]


def test_a_claim_that_got_replaced_is_refused(node: PluginNode) -> None:
    ns, name, _ = node.cluster.claim("train", {"gpu": "gpu-0"})
    with inside(node.place()) as agent:
        assert agent.prepare((ns, name, str(uuid.uuid4()))) == [
            "the claim got replaced: another one has its name now"
        ]
        assert agent.nothing


def test_a_claim_that_is_not_allocated_or_of_another_pool_is_refused(node: PluginNode) -> None:
    elsewhere = node.cluster.claim("elsewhere", {"gpu": "gpu-0"}, pool="another-node")
    idle = node.cluster.claim("idle", {"gpu": "gpu-0"})
    node.cluster.patch("idle", "json", '[{"op":"remove","path":"/status/allocation"}]')
    with inside(node.place()) as agent:
        assert agent.prepare(elsewhere, idle) == [
            f"gpu-0 is of pool another-node, not of {node.cluster.node}",
            "the claim is not allocated",
        ]


def test_devices_of_other_drivers_are_theirs(node: PluginNode) -> None:
    claim = node.cluster.claim("train", {"gpu": "gpu-0"}, driver="gpu.example.com")
    with inside(node.place()) as agent:
        assert agent.prepare(claim) == [[]]


def test_a_device_is_given_once(node: PluginNode) -> None:
    first, second = (node.cluster.claim(name, {"gpu": "gpu-0"}) for name in ("first", "second"))
    with inside(node.place()) as agent:
        assert agent.prepare(first) == [["gpu-0"]]
        (refused,) = agent.prepare(second)
        assert refused == f"gpu-0 is in use: claim {node.cluster.ns}/first ({first[2]}) has gpu-0"
        assert agent.unprepare(first) == [""]
        assert agent.prepare(second) == [["gpu-0"]]


def test_of_many_that_want_a_device_at_once_one_gets_it(node: PluginNode) -> None:
    claims = [node.cluster.claim(f"claim-{n}", {"gpu": "gpu-0"}) for n in range(8)]
    with inside(node.place()) as agent:
        answers = agent.prepare(*claims)
        assert answers.count(["gpu-0"]) == 1
        assert sum("gpu-0 is in use" in answer for answer in answers if isinstance(answer, str)) == 7
        assert len(agent.specs) == 1


def test_who_has_admin_access_is_in_nobodys_way(node: PluginNode) -> None:
    node.cluster.plane.kubectl(
        "label", "namespace", node.cluster.ns, "resource.kubernetes.io/admin-access=true"
    )
    watching = node.cluster.claim("watching", {"gpu": "gpu-0"}, admin=True)
    working = node.cluster.claim("working", {"gpu": "gpu-0"})
    with inside(node.place()) as agent:
        assert agent.prepare(watching) == [["gpu-0"]]
        assert agent.prepare(working) == [["gpu-0"]]
        assert [c.devices[0].admin for c in agent.claims.values()] == [True, False]


def test_parts_that_lie_over_each_other_are_given_to_one(node: PluginNode) -> None:
    names = ("gpu-0-mig-3g40gb-9-0", "gpu-0-mig-1g10gb-19-3", "gpu-0-mig-1g10gb-19-4", "gpu-0")
    big, inner, beside, whole = (
        node.cluster.claim(f"claim-{n}", {"gpu": name}) for n, name in enumerate(names)
    )
    with inside(node.place(partitionable=True)) as agent:
        assert agent.prepare(big, beside) == [[names[0]], [names[2]]]
        for refused in agent.prepare(inner, whole):
            assert "is in use" in refused
        assert {each.uuid for each in agent.instances} == {
            device.uuid for claim in agent.claims.values() for device in claim.devices
        }
        assert [step for step, _, _ in agent.steps].count("mig_created") == 2
        assert agent.unprepare(big, beside) == ["", ""]
        assert agent.prepare(whole) == [["gpu-0"]]


def test_a_mig_device_that_was_there_stays(node: PluginNode) -> None:
    place = node.place(partitionable=True)
    offer = offers(place)["gpu-0-mig-1g10gb-19-0"]
    there = Nvidia().bring(offer)
    claim = node.cluster.claim("train", {"gpu": offer.name})
    with inside(place) as agent:
        assert agent.prepare(claim) == [[offer.name]]
        (device,) = agent.claims[claim[2]].devices
        assert (device.uuid, device.made) == (there.uuid, False)
        assert agent.unprepare(claim) == [""]
        assert [each.uuid for each in agent.instances] == [there.uuid]


@pytest.mark.parametrize(
    ("configs", "said"),
    [
        ([opaque({"apiVersion": CONFIG, "kind": "GpuConfig"})], ""),
        ([opaque({"apiVersion": CONFIG, "kind": "MigDeviceConfig"})], ""),
        (
            [opaque({"apiVersion": CONFIG, "kind": "MigDeviceConfig"}, requests=["gpu"])],
            "config of the claim: MigDeviceConfig does not fit gpu-0, which is a GPU",
        ),
        (
            [opaque({"apiVersion": CONFIG, "kind": "GpuConfig", "sharing": {"strategy": "TimeSlicing"}})],
            "config of the claim: sharing 'TimeSlicing' is not implemented: this driver has neither time-slicing nor "
            "MPS; leave `sharing` out",
        ),
        (
            [
                opaque({"apiVersion": CONFIG, "kind": "GpuConfig"}),
                opaque(
                    {"apiVersion": CONFIG, "kind": "GpuConfig", "sharing": {"strategy": "MPS"}}, "FromClass"
                ),
            ],
            "",
        ),
        (
            [opaque({"apiVersion": CONFIG, "kind": "GpuConfig", "clocks": 3}, "FromClass")],
            "config of the device class: GpuConfig has no field 'clocks'",
        ),
        (
            [opaque({"apiVersion": "resource.nvidia.com/v1beta1", "kind": "GpuConfig"})],
            f"config of the claim: apiVersion 'resource.nvidia.com/v1beta1' is not known, {CONFIG} is",
        ),
        (
            [opaque({"apiVersion": CONFIG, "kind": "Gpu"})],
            "config of the claim: kind 'Gpu' is not known, GpuConfig and MigDeviceConfig are",
        ),
        (
            [opaque({"kind": "Other"}, requests=["another"])],
            f"config of the claim: apiVersion without a name is not known, {CONFIG} is",
        ),
        ([{"source": "FromClaim", "opaque": {"driver": "gpu.example.com", "parameters": {"a": 1}}}], ""),
    ],
)
def test_config_is_taken_strictly_and_the_claims_goes_before_the_classs(
    node: PluginNode, configs: list[dict[str, Any]], said: str
) -> None:
    claim = node.cluster.claim("train", {"gpu": "gpu-0", "another": "gpu-1"}, config=configs)
    with inside(node.place()) as agent:
        assert agent.prepare(claim) == [said or ["gpu-0", "gpu-1"]]
        assert agent.nothing is bool(said)


class Hanging(Nvidia):
    """Answers when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def bring(self, offer: Offer) -> Brought:
        assert self.go.wait(60)
        return super().bring(offer)


def test_a_driver_that_hangs_is_told_of_and_what_comes_in_the_end_is_remembered(node: PluginNode) -> None:
    claim, other = (
        node.cluster.claim("train", {"gpu": "gpu-0"}),
        node.cluster.claim("other", {"gpu": "gpu-0"}),
    )
    hardware = Hanging()
    with inside(node.place(), hardware=hardware, patience=0.5) as agent:
        assert "the driver has not answered for 0.5" in str(agent.prepare(claim)[0])
        (busy,) = agent.unprepare(claim)
        assert "has not answered" in busy or "has not ended" in busy
        assert "is in use" in str(agent.prepare(other)[0]), "it still holds the device"
        agent.recovery.sweep()
        assert [each.state for each in agent.claims.values()] == ["started"], "somebody is at work on it"
        hardware.go.set()
        while agent.prepare(claim) != [["gpu-0"]]:
            assert claim[2] in agent.claims
        assert agent.unprepare(claim) == [""]
        assert agent.nothing


class Refusing(Nvidia):
    """Of a driver that cannot."""

    def bring(self, offer: Offer) -> Brought:
        if offer.name == "gpu-1":
            raise CannotBring("GPU-1: the GPU is lost")
        return super().bring(offer)


def test_a_claim_of_which_one_device_cannot_be_had_has_none(node: PluginNode) -> None:
    claim = node.cluster.claim("train", {"a": "gpu-0", "b": "gpu-1"})
    with inside(node.place(), hardware=Refusing()) as agent:
        assert agent.prepare(claim) == ["GPU-1: the GPU is lost"]
        assert agent.nothing
        assert agent.failures.counted == [("prepare", "driver")]
        (belief,) = [step for step in agent.means.steps.all() if step.error]
        assert (belief.claim, belief.name, belief.error) == (claim[2], "train", "GPU-1: the GPU is lost")


def test_a_gpu_that_is_lost_is_given_back(node: PluginNode) -> None:
    claim = node.cluster.claim("train", {"gpu": "gpu-0"})
    with inside(node.place()) as agent:
        assert agent.prepare(claim) == [["gpu-0"]]
        node.driver.set({"gpu0": "!15"})
        assert agent.prepare(claim) == [["gpu-0"]], "what it has it has"
        assert agent.unprepare(claim) == [""]
        (said,) = agent.prepare(claim)
        assert "the GPU is lost to the driver" in said
        node.driver.set({"gpu0": None})
        assert agent.prepare(claim) == [["gpu-0"]]


def test_no_pod_waits_for_a_lost_gpu_and_its_mig_device_goes_when_it_is_back(node: PluginNode) -> None:
    lost, fine = "gpu-0-mig-1g10gb-19-0", "gpu-1-mig-1g10gb-19-0"
    claim = node.cluster.claim("train", {"a": lost, "b": fine})
    with inside(node.place(partitionable=True)) as agent:
        assert agent.prepare(claim) == [[lost, fine]]
        made = {device.device: device.uuid for device in agent.claims[claim[2]].devices}
        node.driver.set({"gpu0": "!15"})
        assert agent.unprepare(claim) == [""]
        assert agent.specs == []
        assert agent.instances == [], "a lost GPU tells of none"
        agent.recovery.sweep()
        assert agent.claims[claim[2]].state == "started", "what is not known to be gone is not forgotten"
        node.driver.set({"gpu0": None})
        assert [each.uuid for each in agent.instances] == [made[lost]]
        agent.recovery.sweep()
        assert agent.nothing


def test_a_thousand_claims_eight_at_a_time_leave_nothing(node: PluginNode) -> None:
    names = [f"gpu-{n}" for n in range(2)] + [f"gpu-2-mig-1g10gb-19-{n}" for n in range(6)]
    node.driver.set({"count": "3", **gpu(2, processes=""), **cuttable(2)})
    claims = [node.cluster.claim(f"claim-{n}", {"gpu": name}) for n, name in enumerate(names)]
    wrong: list[Any] = []
    with inside(node.place(partitionable=True)) as agent:

        def pairs(claim: tuple[str, str, str], name: str) -> None:
            for _ in range(125):
                if (said := agent.prepare(claim)) != [[name]]:
                    wrong.append(said)
                if (back := agent.unprepare(claim)) != [""]:
                    wrong.append(back)

        workers = [threading.Thread(target=pairs, args=pair) for pair in zip(claims, names, strict=True)]
        for each in workers:
            each.start()
        for each in workers:
            each.join()
        assert wrong == []
        assert agent.nothing
        assert {each.name for each in threading.enumerate() if each.name.startswith("claim ")} == set()
    assert {path.name for path in node.plugin.iterdir()} == {"checkpoint.json", "lock"}
