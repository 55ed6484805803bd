"""The agent as the real node's DRA driver: a process on the node, that can be killed and begun again."""

import os
import signal
import sys
import uuid
from typing import Final, Self

from tests.agent.driver import FakeDriver
from tests.lab.agents import NAMESPACE
from tests.lab.node import NAME, Node
from tests.realparts.controlplane import ControlPlane
from tests.realparts.processes import Process

DRIVER: Final = "gpu.dratui.dev"
REGISTRY: Final = "/var/lib/kubelet/plugins_registry"
PATIENCE: Final = 60.0


class DriverAgent:
    """From `start` to `kill`. `account`: the service account whose rights it has, on this node.

    At each start it has another pod's UID, as if a DaemonSet had made a new pod.
    """

    def __init__(self, plane: ControlPlane, node: Node, driver: FakeDriver, account: str) -> None:
        self._plane = plane
        self._node = node
        self._driver = driver
        self._account = account
        self._folder = plane.path / "driver-agent"
        self._log = self._folder / "agent.log"
        self._process: Process | None = None

    def __enter__(self) -> Self:
        self._write_account()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Until kubelet has registered it."""
        self.kill()
        known = self._registrations()
        environ = {
            **os.environ,
            "FAKE_NVML": str(self._driver.path),
            "LD_LIBRARY_PATH": str(self._driver.library.parent),
            "NODE_NAME": NAME,
            "POD_UID": str(uuid.uuid4()),
            "KUBERNETES_SERVICE_HOST": self._plane.server.removeprefix("https://").partition(":")[0],
            "KUBERNETES_SERVICE_PORT": self._plane.server.rpartition(":")[2],
        }
        flags = [
            "--kubelet-plugin",
            f"--driver-name={DRIVER}",
            "--partitionable",
            f"--service-account={self._folder}",
            "--web.listen-address=127.0.0.1:0",
            "--interval=100ms",
        ]
        argv = [*self._node.within(), sys.executable, "-m", "dratui_agent.cli", *flags]
        self._process = Process(argv, self._log, environ)
        self._plane.wait(lambda: self._registrations() > known, PATIENCE, "kubelet to register the agent")

    def replace(self) -> None:
        """As a new version comes: it is begun, and then the old one ends as it likes."""
        old, self._process = self._process, None
        assert old is not None
        self.start()
        os.killpg(old.pid, signal.SIGTERM)

        def ended() -> bool:
            assert (old.running(), len(self.sockets)) == (False, 1), (self.sockets, self.said[-1500:])
            return True

        try:
            self._plane.wait(ended, PATIENCE, "the old agent to end")
        finally:
            old.kill()

    @property
    def sockets(self) -> list[str]:
        """Where kubelet finds it."""
        return [each.name for each in self._node.path(REGISTRY).glob(f"{DRIVER}-*")]

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    @property
    def said(self) -> str:
        """In its log, over all its lives."""
        return self._log.read_text() if self._log.exists() else ""

    def _registrations(self) -> int:
        if self._process is not None and not self._process.running():
            raise RuntimeError(f"the agent has ended: {self.said}")
        return self.said.count(f"kubelet has registered driver {DRIVER}")

    def _write_account(self) -> None:
        """As kubelet gives it to a pod: the token is bound to the node."""
        self._folder.mkdir()
        bound = ["--bound-object-kind=Node", f"--bound-object-name={NAME}"]
        token = self._plane.kubectl("create", "token", self._account, "-n", NAMESPACE, *bound)
        (self._folder / "token").write_text(token)
        authority = self._plane.path / "keys" / "ca.crt"
        (self._folder / "ca.crt").write_text(authority.read_text())
