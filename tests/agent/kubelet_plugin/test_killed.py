"""SIGKILL at every step of prepare and unprepare, then an agent that starts anew."""

from typing import Any

import pytest

from tests.agent.kubelet_plugin.killed import killed
from tests.agent.kubelet_plugin.node import PluginNode

WHOLE = ("gpu-0", "gpu-0")
MADE = ("gpu-0-mig-1g10gb-19-3", "gpu-0")
PREPARING = {
    "prepare", "checkpoint written", "checkpoint on disk", "checkpoint renamed", "started", "brought",
    "spec written", "spec renamed", "completed",
}  # fmt: skip


def consistent(state: dict[str, Any]) -> bool:
    """No claim is begun, each has its spec, and each MIG device its claim."""
    return (
        {*state["claims"].values()} <= {"completed"}
        and state["specs"] == sorted(state["claims"])
        and state["instances"] == state["made"]
    )


@pytest.mark.parametrize(("device", "overlapping"), [WHOLE, MADE])
def test_an_agent_that_is_killed_while_preparing(node: PluginNode, device: str, overlapping: str) -> None:
    claim = node.cluster.claim("train", {"gpu": device})
    other = node.cluster.claim("other", {"gpu": overlapping})
    found = killed("prepare", node.place(partitionable=device != overlapping), claim, other)
    made = {"driver changed"} if device != overlapping else set()
    assert {each["killed"] for each in found} == PREPARING | made
    for each in found:
        before = each["restored"]["claims"]
        if before:
            assert "is in use" in each["other"][0] or "is there" in each["other"][0], each
        else:
            assert each["other"] == [[overlapping]], each
        assert each["both"] <= 1, each
        assert consistent(each["swept"]), each
        assert each["again"] == [[device]], each
        assert consistent(each["after"]), each
        assert each["given back"] == [""], each
        assert each["nothing"], each


@pytest.mark.parametrize(("device", "overlapping"), [WHOLE, MADE])
def test_an_agent_that_is_killed_while_unpreparing(node: PluginNode, device: str, overlapping: str) -> None:
    claim = node.cluster.claim("train", {"gpu": device})
    other = node.cluster.claim("other", {"gpu": overlapping})
    found = killed("unprepare", node.place(partitionable=device != overlapping), claim, other)
    steps = {each["killed"] for each in found}
    assert {"unprepare", "spec removed", "forgotten"} <= steps
    assert ("device removed" in steps) is (device != overlapping)
    for each in found:
        assert each["both"] <= 1, each
        assert consistent(each["swept"]), each
        assert each["again"] == [""], each
        assert each["nothing"], each
