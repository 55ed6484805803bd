"""A node on which the agent is a kubelet plugin: its folders, its processes, its kubelet."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from dratui_agent.kubelet import checkpoint
from dratui_agent.kubelet.prepared import PreparedClaim

from tests.agent.driver import FakeDriver
from tests.agent.kubelet_plugin.calling import Kubelet
from tests.agent.kubelet_plugin.cluster import DRIVER, Cluster
from tests.agent.kubelet_plugin.inside import Place
from tests.agent.process import Agent


class PluginNode:
    """`folder` is kubelet's."""

    def __init__(self, driver: FakeDriver, cluster: Cluster, logs: Path, short: Path) -> None:
        self.driver = driver
        self.cluster = cluster
        self.folder = short / "kubelet"
        self.cdi = short / "cdi"
        self.kubelet = Kubelet(self.folder)
        self._logs = logs
        self._agents: list[subprocess.Popen[bytes]] = []

    def start(self, *flags: str) -> Agent:
        """An agent, once it serves."""
        agent = Agent(self.driver, self._log(), *self._flags, *flags, node=self.cluster.node)
        self._agents.append(agent.process)
        return agent

    def begin(self, *flags: str) -> "subprocess.Popen[bytes]":
        """An agent that may end before it serves; `said` is what it says."""
        environ = os.environ | {"NODE_NAME": self.cluster.node}
        argv = [sys.executable, "-m", "dratui_agent.cli", "--web.listen-address=127.0.0.1:0", *self._flags]
        with self._log().open("wb") as told:
            agent = subprocess.Popen([*argv, *flags], env=environ, stderr=told)
        self._agents.append(agent)
        return agent

    def said(self) -> str:
        """By the last agent."""
        return self._log(len(self._agents) - 1).read_text()

    def _log(self, number: int | None = None) -> Path:
        return self._logs / f"agent-{len(self._agents) if number is None else number}.log"

    @property
    def _flags(self) -> tuple[str, ...]:
        return (
            "--kubelet-plugin",
            f"--kubelet-folder={self.folder}",
            f"--cdi-folder={self.cdi}",
            f"--service-account={self.cluster.account}",
            "--kubelet-socket=",
            "--proc=",
        )

    def place(self, *, partitionable: bool = False, boot: str = "one") -> Place:
        """For an agent inside of a test."""
        return Place(
            self.cluster.plane.server,
            self.cluster.account,
            self.cluster.node,
            self.plugin,
            self.cdi,
            partitionable,
            boot,
        )

    def stop(self) -> None:
        for agent in self._agents:
            agent.kill()
            agent.wait()

    @property
    def plugin(self) -> Path:
        return self.folder / "plugins" / DRIVER

    @property
    def checkpoint(self) -> dict[str, PreparedClaim]:
        """What the file says, by UID."""
        path = self.plugin / "checkpoint.json"
        return dict(checkpoint.read(path)[1]) if path.exists() else {}

    @property
    def specs(self) -> dict[str, Any]:
        """CDI specs by their file's name."""
        return (
            {path.name: json.loads(path.read_text()) for path in self.cdi.iterdir()}
            if self.cdi.exists()
            else {}
        )

    def given(self, uid: str) -> list[dict[str, Any]]:
        """The devices of a claim's CDI spec."""
        devices: list[dict[str, Any]] = self.specs[f"k8s.{DRIVER}-claim_{uid}.json"]["devices"]
        return devices
