"""The agent's process as kubelet has it: found, asked, told, and gone."""

import signal

from tests.agent.driver import gpu
from tests.agent.kubelet_plugin.calling import V1BETA1
from tests.agent.kubelet_plugin.cluster import DRIVER
from tests.agent.kubelet_plugin.node import PluginNode

UUID = gpu(0)["gpu0.uuid"]


def test_a_claim_gets_its_gpu_and_gives_it_back(node: PluginNode) -> None:
    agent = node.start()
    info = node.kubelet.info()
    assert (info.type, info.name) == ("DRAPlugin", DRIVER)
    assert info.endpoint == str(node.plugin / "dra.sock")
    assert [*info.supported_versions] == [
        "v1.DRAPlugin",
        "v1beta1.DRAPlugin",
        "v1.DRAResourceHealth",
        "v1alpha1.DRAResourceHealth",
    ]
    node.kubelet.notify()
    agent.until(lambda: f"kubelet has registered driver {DRIVER}" in agent.said)

    claim = node.cluster.claim("train", {"big": "gpu-0"})
    (uid,) = answers = node.kubelet.prepare(claim)
    assert uid == claim[2]
    assert answers[uid].error == ""
    (device,) = answers[uid].devices
    assert [*device.request_names] == ["big"]
    assert (device.pool_name, device.device_name) == (node.cluster.node, "gpu-0")
    assert [*device.cdi_device_ids] == [f"k8s.{DRIVER}/claim={uid}-gpu-0"]
    spec = node.specs[f"k8s.{DRIVER}-claim_{uid}.json"]
    assert (spec["cdiVersion"], spec["kind"]) == ("0.5.0", f"k8s.{DRIVER}/claim")
    (given,) = spec["devices"]
    assert given["name"] == f"{uid}-gpu-0"
    assert given["containerEdits"]["env"] == [f"NVIDIA_VISIBLE_DEVICES={UUID}", f"DRA_DEVICE_GPU_0={UUID}"]
    assert node.checkpoint[uid].state == "completed"

    assert node.kubelet.unprepare(claim) == {uid: ""}
    assert (node.specs, node.checkpoint) == ({}, {})
    agent.process.send_signal(signal.SIGTERM)
    assert agent.process.wait(10) == 0
    assert node.kubelet.sockets() == []


def test_kubelets_before_1_34_are_served_too(node: PluginNode) -> None:
    node.start()
    claim = node.cluster.claim("train", {"big": "gpu-1"})
    assert node.kubelet.prepare(claim, version=V1BETA1)[claim[2]].devices[0].device_name == "gpu-1"
    assert node.kubelet.unprepare(claim, version=V1BETA1) == {claim[2]: ""}
