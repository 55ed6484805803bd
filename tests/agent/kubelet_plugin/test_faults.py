"""Disks that are full or read-only, and an API server that is away."""

import os
import shutil

import pytest
from dratui_agent.kubelet.plugin import BOOT

from tests.agent.kubelet_plugin.cluster import DRIVER
from tests.agent.kubelet_plugin.disks import harmed
from tests.agent.kubelet_plugin.inside import inside
from tests.agent.kubelet_plugin.node import PluginNode

WHY = {"full": "No space left on device", "read-only": "Read-only file system"}


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="mounting needs root and Linux's unshare"
)
@pytest.mark.parametrize("how", ["full", "read-only"])
@pytest.mark.parametrize("where", ["folder", "cdi"])
def test_a_disk_that_takes_nothing(node: PluginNode, where: str, how: str) -> None:
    claim = node.cluster.claim("train", {"gpu": "gpu-0"})
    found = harmed(node.place(), where, how, claim)
    assert WHY[how] in found["prepared"]
    assert str(node.plugin if where == "folder" else node.cdi) in found["prepared"]
    assert found["left"] == []
    assert found["again"] == ["gpu-0"]
    if (where, how) == ("cdi", "full"):  # to remove takes no room
        assert found["unprepared"] == ""
        assert found["restart"] == []
    else:
        assert WHY[how] in found["unprepared"]
        assert found["held"] == [claim[2]], "what could not be given back is still had"
        assert found["restart"] in ([claim[2]], WHY[how])
    assert found["unprepared again"] == ""
    assert found["nothing"]


def test_an_api_server_that_is_away_is_said_and_nothing_is_left(node: PluginNode) -> None:
    plane = node.cluster.plane
    claim = node.cluster.claim("train", {"gpu": "gpu-0"})
    held = node.cluster.claim("held", {"gpu": "gpu-1"})
    with inside(node.place()) as agent:
        assert agent.prepare(held) == [["gpu-1"]]
        plane.kill_apiserver()
        try:
            (said,) = agent.prepare(claim)
            assert "the API server cannot be asked" in said
            assert agent.failures.counted == [("prepare", "api_server")]
            assert agent.prepare(held) == [["gpu-1"]], "what is prepared is known here"
            assert agent.unprepare(held) == [""]
            assert agent.nothing
        finally:
            plane.start_apiserver()
        assert agent.prepare(claim) == [["gpu-0"]]


def test_an_api_server_that_hangs_is_not_waited_for_for_ever(node: PluginNode) -> None:
    plane = node.cluster.plane
    claim = node.cluster.claim("train", {"gpu": "gpu-0"})
    with inside(node.place()) as agent:
        plane.freeze()
        try:
            (said,) = agent.prepare(claim)
        finally:
            plane.thaw()
        assert "took longer than" in said
        assert agent.nothing
        assert agent.prepare(claim) == [["gpu-0"]]


def test_an_agent_that_starts_while_the_api_server_is_away_serves_kubelet(node: PluginNode) -> None:
    plane = node.cluster.plane
    claim, other = (
        node.cluster.claim(name, {"gpu": device}) for name, device in (("a", "gpu-0"), ("b", "gpu-1"))
    )
    with inside(node.place(boot=BOOT.read_text().strip())) as agent:
        assert agent.prepare(claim) == [["gpu-0"]]
    plane.kill_apiserver()
    try:
        node.start()
        assert node.kubelet.info().name == DRIVER
        assert node.kubelet.prepare(claim)[claim[2]].error == ""
        assert "the API server cannot be asked" in node.kubelet.prepare(other)[other[2]].error
        assert node.kubelet.unprepare(claim) == {claim[2]: ""}
    finally:
        plane.start_apiserver()
    assert node.kubelet.prepare(other)[other[2]].error == ""
