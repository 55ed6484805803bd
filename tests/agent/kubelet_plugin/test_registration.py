"""How kubelet finds the plugin, and that nobody else of its name is there."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from dratui_agent.kubelet.options import PluginOptions, driver_name
from dratui_agent.kubelet.sockets import LONGEST, CannotServe, Server

from tests.agent.kubelet_plugin.calling import serialised, stale
from tests.agent.kubelet_plugin.cluster import DRIVER
from tests.agent.kubelet_plugin.node import PluginNode
from tests.agent.process import Agent
from tests.lab.messages import REGISTRATION


@contextmanager
def another_driver(path: Path, name: str) -> Iterator[None]:
    """Registers itself there under a name."""
    info = REGISTRATION["PluginInfo"](type="DRAPlugin", name=name, endpoint="/dra.sock")
    method: grpc.RpcMethodHandler[bytes, object] = grpc.unary_unary_rpc_method_handler(
        lambda _, context: info, None, serialised
    )
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("pluginregistration.Registration", {"GetInfo": method}),)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    server.add_insecure_port(f"unix:{path}")
    server.start()
    try:
        yield
    finally:
        server.stop(None).wait()


def refusal(node: PluginNode, *flags: str) -> str:
    """What an agent says that does not begin."""
    agent = node.begin(*flags)
    assert agent.wait(30) == 1
    said = node.said()
    assert "Traceback" not in said
    return said.splitlines()[-1]


def test_a_name_that_another_driver_serves_is_not_taken(node: PluginNode) -> None:
    other = node.kubelet.registry / "somebody.sock"
    with another_driver(other, DRIVER):
        said = refusal(node)
        assert f"another driver serves {DRIVER} on this node ({other})" in said
        assert "--driver-name" in said
        assert node.kubelet.sockets() == [other], "nothing of the other's is touched"
        node.start("--driver-name=gpu.example.com")
        own = node.kubelet.registry / "gpu.example.com-reg.sock"
        assert node.kubelet.info(own).name == "gpu.example.com"
    with another_driver(other, "gpu.nvidia.com"):
        agent = node.start()
        for name in ("gpu.nvidia.com", "gpu.example.com"):
            assert f"driver {name} serves this node too" in agent.said
        assert node.kubelet.info(node.kubelet.registry / f"{DRIVER}-reg.sock").name == DRIVER


def test_of_two_agents_on_a_node_one_runs(node: PluginNode) -> None:
    first = node.start()
    said = refusal(node)
    assert f"another dratui-agent serves {DRIVER} on this node: process {first.process.pid}" in said
    assert f"another dratui-agent serves {DRIVER} on this node" in refusal(node, f"--pod-uid={uuid.uuid4()}")
    assert node.kubelet.info().name == DRIVER
    claim = node.cluster.claim("train", {"gpu": "gpu-0"})
    assert node.kubelet.prepare(claim)[claim[2]].error == ""


def test_a_new_version_runs_beside_the_old_one_until_that_ends(node: PluginNode) -> None:
    pods = [str(uuid.uuid4()) for _ in range(2)]
    claims = [node.cluster.claim(name, {"gpu": device}) for name, device in (("a", "gpu-0"), ("b", "gpu-1"))]
    old = node.start(f"--pod-uid={pods[0]}")
    (first,) = node.kubelet.sockets()
    assert first.name == f"{DRIVER}-{pods[0]}-reg.sock"
    assert node.kubelet.prepare(claims[0])[claims[0][2]].error == ""
    node.start(f"--pod-uid={pods[1]}")
    assert len(node.kubelet.sockets()) == 2
    second = node.kubelet.registry / f"{DRIVER}-{pods[1]}-reg.sock"
    assert node.kubelet.prepare(claims[1], by=second)[claims[1][2]].error == ""
    assert node.kubelet.unprepare(claims[0], by=second) == {claims[0][2]: ""}
    assert node.kubelet.unprepare(claims[1], by=first) == {claims[1][2]: ""}
    old.process.send_signal(signal.SIGTERM)
    assert old.process.wait(10) == 0
    assert node.kubelet.sockets() == [second]
    assert node.kubelet.info().endpoint == str(node.plugin / f"dra-{pods[1]}.sock")


def test_what_agents_left_behind_is_cleared_away(node: PluginNode) -> None:
    registry = node.kubelet.registry
    before, ours = str(uuid.uuid4()), registry / f"{DRIVER}-reg.sock"
    other = registry / "gpu.nvidia.com-reg.sock"
    for left in (ours, registry / f"{DRIVER}-{before}-reg.sock", other, node.plugin / f"dra-{before}.sock"):
        stale(left)
    node.start()
    assert node.kubelet.sockets() == sorted([ours, other]), "what is another driver's is its own"
    assert node.kubelet.info(ours).name == DRIVER
    assert [path.name for path in node.plugin.glob("*.sock")] == ["dra.sock"]


def test_an_agent_that_was_killed_is_replaced_in_its_place(node: PluginNode) -> None:
    claim = node.cluster.claim("train", {"gpu": "gpu-0"})
    agent = node.start()
    assert node.kubelet.prepare(claim)[claim[2]].error == ""
    agent.kill()
    next(node.cdi.iterdir()).unlink()
    node.start()
    assert len(node.specs) == 1, "it is there before kubelet asks"
    assert node.kubelet.prepare(claim)[claim[2]].devices[0].device_name == "gpu-0"
    assert node.kubelet.unprepare(claim) == {claim[2]: ""}


def test_sockets_that_somebody_removes_are_served_anew(node: PluginNode) -> None:
    agent = node.start()
    (registration,) = node.kubelet.sockets()
    endpoint = Path(node.kubelet.info().endpoint)
    registration.unlink()
    endpoint.unlink()
    agent.until(
        lambda: registration.exists() and endpoint.exists() and agent.said.count("serving it anew") == 2
    )
    assert node.kubelet.prepare() == {}


def test_what_kubelet_does_not_like_is_said(node: PluginNode) -> None:
    agent = node.start()
    node.kubelet.notify(registered=False, error="no such version")
    agent.until(lambda: "kubelet does not register the driver: no such version" in agent.said)
    node.kubelet.notify()
    agent.until(lambda: f"kubelet has registered driver {DRIVER}" in agent.said)


def test_a_socket_whose_path_is_too_long_is_refused_with_its_length(node: PluginNode, tmp_path: Path) -> None:
    folder = tmp_path / ("x" * LONGEST)
    said = refusal(node, f"--kubelet-folder={folder}")
    assert f"a socket's path may have {LONGEST}" in said
    assert str(folder) in said
    longest = Path(f"/tmp/{os.getpid()}".ljust(LONGEST, "x"))
    server = Server(longest, [], 1)
    server.stop(0)
    assert not longest.exists()
    with pytest.raises(CannotServe, match=f"is {LONGEST + 1} bytes long"):
        Server(Path(f"{longest}x"), [], 1)
    pod, kubelet = str(uuid.uuid4()), PluginOptions().kubelet
    assert len(f"{kubelet}/plugins_registry/{DRIVER}-{pod}-reg.sock") <= LONGEST


@pytest.mark.parametrize("name", ["", "Gpu.dratui.dev", "gpu..dev", "-gpu", "a" * 64, "gpu/dratui", "../gpu"])
def test_a_drivers_name_is_a_dns_name(name: str) -> None:
    assert driver_name(DRIVER) == DRIVER
    with pytest.raises(ValueError, match=r"DNS name such as gpu\.dratui\.dev"):
        driver_name(name)


def test_without_the_mode_neither_grpc_nor_the_kubernetes_client_is_loaded(
    node: PluginNode, tmp_path: Path
) -> None:
    def loaded(agent: Agent) -> bool:
        return "cygrpc" in Path(f"/proc/{agent.process.pid}/maps").read_text()

    plain = Agent(node.driver, tmp_path / "plain.log", "--kubelet-socket=", "--proc=")
    try:
        plain.until(lambda: plain.get("/-/ready")[0] == 200)
        assert not loaded(plain)
        assert "nvidia_dra_" not in plain.get("/metrics")[1]
    finally:
        plain.kill()
    assert loaded(node.start())


def test_the_modules_that_are_loaded_without_the_mode() -> None:
    program = "import sys, dratui_agent.run; print([m for m in ('grpc', 'kubernetes') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True, text=True)
    assert done.stdout == "[]\n"
