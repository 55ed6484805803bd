"""What an agent publishes of its node, from the driver's answer to the API server's slices."""

from typing import Any

from tests.agent.driver import cuttable
from tests.agent.kubelet_plugin.cluster import DRIVER
from tests.agent.kubelet_plugin.node import PluginNode
from tests.agent.process import PATIENCE
from tests.agent.publishing import Pool
from tests.realparts.polling import wait

WHOLE = ("gpu-0", "gpu-1")


def pool(node: PluginNode) -> Pool:
    return Pool(node.cluster.plane, node.cluster.node)


def taints(node: PluginNode) -> dict[str, list[str]]:
    """By device, as `key=value:effect`."""
    devices: list[dict[str, Any]] = [
        d for each in pool(node).slices() for d in each["spec"].get("devices", ())
    ]
    return {
        device["name"]: [f"{t['key']}={t.get('value', '')}:{t['effect']}" for t in device["taints"]]
        for device in devices
        if device.get("taints")
    }


def versions(node: PluginNode) -> list[str]:
    return [each["metadata"]["resourceVersion"] for each in pool(node).slices()]


def test_a_node_publishes_its_gpus_and_they_stay_when_the_agent_is_killed(node: PluginNode) -> None:
    agent = node.start()
    (published,) = pool(node).until_it_has(*WHOLE)
    assert published["spec"]["driver"] == DRIVER
    attributes = published["spec"]["devices"][0]["attributes"]
    assert attributes["driverVersion"] == {"version": "595.58.3"}
    assert attributes["resource.kubernetes.io/pciBusID"] == {"string": "0000:1b:00.0"}
    told = f'nvidia_dra_resourceslices_published{{driver="{DRIVER}",node="{node.cluster.node}"}} 1.0'
    agent.until(lambda: told in agent.get("/metrics")[1])
    before = versions(node)
    agent.kill()
    again = node.start()
    again.until(lambda: "serving driver" in again.said)
    node.driver.set({"event": "1,gpu1,8,79,4294967295"})
    pool(node).until_it_has(*WHOLE)
    again.until(lambda: bool(taints(node)))
    assert "published: pool" in again.said
    assert again.said.count("published: pool") == 1, "nothing but the taint was written"
    assert versions(node) != before


def test_a_partitionable_node_publishes_every_place_of_every_profile(node: PluginNode) -> None:
    node.driver.set({**cuttable(0), **cuttable(1)})
    node.start("--partitionable")
    wait(lambda: len(pool(node).devices()) == 52, PATIENCE, "26 devices a GPU")
    shared, *_ = pool(node).slices()
    assert [each["name"] for each in shared["spec"]["sharedCounters"]] == [
        "gpu-0-counter-set",
        "gpu-1-counter-set",
    ]


def test_an_xid_taints_its_gpu_and_a_lost_one_is_tainted_until_it_is_back(node: PluginNode) -> None:
    agent = node.start()
    pool(node).until_it_has(*WHOLE)
    node.driver.set({"gpu1.field.230": "2", "event": "1,gpu1,8,79,4294967295"})
    xid = {"gpu-1": [f"{DRIVER}/xid=79:NoSchedule", f"{DRIVER}/recovery-action=reboot:NoSchedule"]}
    agent.until(lambda: taints(node) == xid)
    node.driver.set({"gpu0": "!15"})
    agent.until(lambda: taints(node) == {**xid, "gpu-0": [f"{DRIVER}/gpu-lost=:NoSchedule"]})
    node.driver.set({"gpu0": None, "gpu1.field.230": "0"})
    node.driver.set({"gpu1": "!15"})
    agent.until(lambda: "gpu-0" not in taints(node))
    node.driver.set({"gpu1": None})
    agent.until(lambda: taints(node) == {})


def test_slices_that_kubelet_deletes_at_its_start_come_back(node: PluginNode) -> None:
    node.start()
    before = {each["metadata"]["uid"] for each in pool(node).until_it_has(*WHOLE)}
    node.cluster.plane.kubectl(
        "delete", "resourceslices", "--field-selector", f"spec.nodeName={node.cluster.node}"
    )
    after = {each["metadata"]["uid"] for each in pool(node).until_it_has(*WHOLE)}
    assert not before & after


def test_without_a_driver_the_pool_is_published_and_empty(node: PluginNode) -> None:
    node.driver.set({"init": "9"})
    node.start()
    pool(node).until_it_has()
