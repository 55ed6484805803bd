"""MIG devices that no claim has go, where that was asked for."""

import pytest
from dratui_agent.cli import main
from dratui_agent.kubelet.nvidia import Nvidia

from tests.agent.driver import cut, cuttable, gpu
from tests.agent.kubelet_plugin.node import PluginNode

DESTROY = "--destroy-unclaimed-mig"


def there() -> set[tuple[int, int]]:
    """Profile and first memory slice of each."""
    return {(each.placement.profile, each.placement.start) for each in Nvidia().instances()}


def test_those_go_that_nobody_uses_and_no_claim_was_given(node: PluginNode) -> None:
    node.driver.set({**gpu(0, mig_mode="1,1", processes=""), **cuttable(0)})
    node.start("--partitionable")
    prepared = node.cluster.claim("train", {"gpu": "gpu-0-mig-1g10gb-19-6"})
    assert [each.error for each in node.kubelet.prepare(prepared).values()] == [""]
    node.stop()
    node.cluster.claim("next", {"gpu": "gpu-0-mig-1g10gb-19-5"})  # nobody has prepared it yet
    node.driver.set(cut(0, 1, gi=8, profile=19, start=5, size=1, **{"mig1.processes": ""}))
    node.driver.set(cut(0, 2, gi=3, profile=14, start=2, size=2))  # a process uses it
    node.driver.set(cut(0, 3, gi=4, profile=14, start=0, size=2, **{"mig3.processes": ""}))
    node.driver.set({"gpu0.gi9.placement": "19,4,1"})  # half made
    assert there() == {(19, 6), (19, 5), (14, 2), (14, 0), (19, 4)}
    agent = node.start("--partitionable", DESTROY)
    agent.until(lambda: there() == {(19, 6), (19, 5), (14, 2)})
    agent.until(lambda: "cannot destroy MIG-03000000" in agent.said)
    assert "in use by another client" in agent.said
    assert [each.state for each in node.checkpoint.values()] == ["completed"]


def test_it_is_for_parts_that_are_made_as_claims_want_them(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--kubelet-plugin", "--node=n", DESTROY])
    assert "--destroy-unclaimed-mig is for --partitionable" in capsys.readouterr().err
