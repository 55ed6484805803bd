"""An agent that is told to end does so soon and in order, whatever hangs around it."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import pytest
from dratui_agent.kubelet.lock import Turn

from tests.agent.kubelet_plugin.node import PluginNode
from tests.agent.process import Agent

PATIENCE = 20.0
READER = """
import pathlib, sys
from tests.agent.kubelet_plugin.calling import Kubelet

with Kubelet(pathlib.Path(sys.argv[1])).health() as told:
    print(next(told), flush=True)
    [*told]
"""

Hanging = Callable[[PluginNode, Agent], AbstractContextManager[None]]


@contextmanager
def the_driver(node: PluginNode, agent: Agent) -> Iterator[None]:
    node.driver.set({"hang": "1"})
    agent.until(lambda: agent.get("/-/ready")[0] == 503)
    yield
    node.driver.set({"hang": None})


@contextmanager
def kubelet(node: PluginNode, agent: Agent) -> Iterator[None]:
    """It has the health stream."""
    argv = [sys.executable, "-c", READER, str(node.folder)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as reader:
        try:
            assert reader.stdout is not None
            assert "gpu-0" in reader.stdout.readline()
            reader.send_signal(signal.SIGSTOP)
            yield
        finally:
            reader.kill()  # it is waited for, and would never end by itself


@contextmanager
def a_dashboard(node: PluginNode, agent: Agent) -> Iterator[None]:
    host, _, port = agent.authority.rpartition(":")
    with socket.create_connection((host, int(port)), PATIENCE) as dashboard:
        dashboard.sendall(b"GET /v1/stream HTTP/1.1\r\nHost: agent\r\n\r\n")
        assert dashboard.recv(12) == b"HTTP/1.1 200"
        yield


@contextmanager
def the_api_server(node: PluginNode, agent: Agent) -> Iterator[None]:
    """It is to be told what a claim has, and that a GPU is lost."""
    claim = node.cluster.claim("told", {"gpu": "gpu-1"})
    assert node.kubelet.prepare(claim)[claim[2]].error == ""
    node.cluster.plane.freeze()
    try:
        node.driver.set({"gpu1": "!15"})
        yield
    finally:
        node.cluster.plane.thaw()


@contextmanager
def silent(node: PluginNode) -> Iterator[str]:
    """kubelet's other socket: it takes connections, and says nothing."""
    path = node.folder.parent / "pods.sock"
    with socket.socket(socket.AF_UNIX) as taking:
        taking.bind(str(path))
        taking.listen()
        yield str(path)


ALL: tuple[Hanging, ...] = (the_api_server, a_dashboard, kubelet, the_driver)


@pytest.mark.parametrize(
    "hanging", [*((each,) for each in ALL), ALL], ids=[*(each.__name__ for each in ALL), "all"]
)
def test_an_agent_ends_when_it_is_told_to(node: PluginNode, hanging: tuple[Hanging, ...]) -> None:
    with ExitStack() as stack:
        agent = node.start(f"--kubelet-socket={stack.enter_context(silent(node))}", "--plugin-health-port=0")
        agent.until(lambda: "published: " in agent.said)
        for hangs in hanging:
            stack.enter_context(hangs(node, agent))
        agent.process.terminate()
        assert agent.process.wait(PATIENCE) == 0, agent.said
    assert node.kubelet.sockets() == []
    assert "Traceback" not in agent.said


def test_a_call_that_waits_for_the_driver_hears_that_the_agent_ends(node: PluginNode) -> None:
    agent = node.start()
    claim = node.cluster.claim("train", {"gpu": "gpu-0"})
    agent.until(lambda: agent.get("/-/ready")[0] == 200)
    node.driver.set({"hang": "1"})
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(node.kubelet.prepare(claim)))
    asking.start()
    agent.until(lambda: claim[2] in node.checkpoint)
    agent.process.terminate()
    assert agent.process.wait(PATIENCE) == 0
    asking.join()
    error = answers[0][claim[2]].error
    assert "the driver has not answered" in error
    assert "the agent ends" in error
    node.driver.set({"hang": None})
    node.start()
    assert node.kubelet.prepare(claim)[claim[2]].error == ""


def test_an_agent_that_waits_for_its_turn_with_another_one_ends(node: PluginNode) -> None:
    node.plugin.mkdir(parents=True)
    with Turn(node.plugin / "lock")(lambda: None):
        agent = node.begin()
        lock = node.plugin / "agent.lock"

        def come_so_far() -> bool:
            return lock.exists() and str(agent.pid) in lock.read_text()

        node.cluster.plane.wait(come_so_far, PATIENCE, "the agent to wait for its turn")
        agent.terminate()
        assert agent.wait(PATIENCE) == 0, node.said()
    assert "Traceback" not in node.said()
