"""What the plugin believes, told by the agent's process and read by the dashboard's own decoder."""

import time

from dratui.prepared import Plugin
from dratui.telemetry.frames import Frames
from tests.agent.driver import gpu
from tests.agent.kubelet_plugin.cluster import DRIVER
from tests.agent.kubelet_plugin.node import PluginNode
from tests.agent.process import Agent


def told(agent: Agent) -> Plugin:
    status, body = agent.get("/v1/snapshot")
    assert status == 200
    plugin = Frames("n").full(body.encode(), time.time()).plugin
    assert plugin is not None
    return plugin


def test_a_claim_is_told_with_its_spec_and_its_steps_from_prepared_to_gone(node: PluginNode) -> None:
    agent = node.start()
    agent.until(lambda: agent.get("/-/ready")[0] == 200)
    claim = node.cluster.claim("train", {"big": "gpu-0"})
    namespace, name, uid = claim
    node.kubelet.prepare(claim)
    agent.until(lambda: any(step.what == "prepare" for step in told(agent).steps))
    plugin = told(agent)
    assert (plugin.driver, plugin.problem, plugin.orphans) == (DRIVER, "", ())
    (prepared,) = plugin.claims
    assert (prepared.uid, prepared.namespace, prepared.name, prepared.state) == (
        uid,
        namespace,
        name,
        "completed",
    )
    assert [(d.pool, d.device, d.uuid) for d in prepared.devices] == [
        (node.cluster.node, "gpu-0", gpu(0)["gpu0.uuid"])
    ]
    assert [s.claim for s in plugin.specs] == [uid]
    step = plugin.steps[-1]
    assert (step.what, step.claim, step.name, step.error) == ("prepare", uid, name, "")
    assert 0 < step.took < 60
    assert (prepared.started or 0) <= step.at

    node.kubelet.unprepare(claim)
    agent.until(lambda: not told(agent).claims)
    plugin = told(agent)
    assert plugin.specs == ()
    assert plugin.steps[-1].what == "unprepare"


def test_an_error_is_told_with_how_often_it_came(node: PluginNode) -> None:
    agent = node.start()
    agent.until(lambda: agent.get("/-/ready")[0] == 200)
    claim = node.cluster.claim("train", {"big": "gpu-9"})
    for _ in range(2):
        assert node.kubelet.prepare(claim)[claim[2]].error
    agent.until(lambda: bool(told(agent).steps))
    agent.until(lambda: told(agent).steps[-1].times == 2)
    (step,) = told(agent).steps
    assert (step.what, step.claim) == ("prepare", claim[2])
    assert "gpu-9" in step.error
    assert step.first is not None
    assert step.first < step.at


def test_a_spec_that_somebody_left_is_an_orphan(node: PluginNode) -> None:
    agent = node.start()
    agent.until(lambda: agent.get("/-/ready")[0] == 200)
    node.cdi.mkdir(exist_ok=True)
    left = node.cdi / f"k8s.{DRIVER}-claim_left.json"
    left.write_text("{}")
    agent.until(lambda: any(o.what == "spec" for o in told(agent).orphans))
    (orphan,) = told(agent).orphans
    assert orphan.subject == left.name
