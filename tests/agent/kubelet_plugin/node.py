"""A node on which the agent is a kubelet plugin: its folders, its processes, its kubelet."""

import json
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
        self._agents: list[Agent] = []

    def start(self, *flags: str) -> Agent:
        """An agent, once it serves."""
        log = self._logs / f"agent-{len(self._agents)}.log"
        agent = Agent(
            self.driver,
            log,
            "--kubelet-plugin",
            f"--kubelet-folder={self.folder}",
            f"--cdi-folder={self.cdi}",
            f"--service-account={self.cluster.account}",
            "--kubelet-socket=",
            "--proc=",
            *flags,
            node=self.cluster.node,
        )
        self._agents.append(agent)
        return agent

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
