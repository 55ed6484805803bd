"""The real agent as a process, and how it is read: through the API server's pod proxy, as a user."""

import os
import ssl
import sys
import urllib.error
import urllib.request
from contextlib import closing
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, Final

from tests.agent.driver import FakeDriver
from tests.realparts.controlplane import ControlPlane
from tests.realparts.processes import Process
from tests.realparts.users import TOKEN_USERS

PORT: Final = 9402
LABELS: Final = {"app.kubernetes.io/name": "dratui-agent"}
PATIENCE: Final = 30.0


class Agent:
    """One agent at `address`; `name` is its pod's."""

    def __init__(
        self,
        plane: ControlPlane,
        namespace: str,
        name: str,
        node: str,
        address: str,
        driver: FakeDriver,
        interval: str,
        https: bool,
    ) -> None:
        self.name, self.node, self.namespace, self.address, self.driver = (
            name,
            node,
            namespace,
            address,
            driver,
        )
        self._plane = plane
        self._interval = interval
        self._https = https
        self._log = plane.path / f"{name}.log"
        self._process: Process | None = None

    # The process

    def start(self) -> None:
        """Until it listens and has read the driver."""
        flags = [
            f"--web.listen-address={self.address}:{PORT}",
            f"--interval={self._interval}",
            "--kubelet-socket=",
        ]
        if self._https:
            flags.append(f"--web.config.file={self._web_config()}")
        environment = {
            "PATH": os.environ["PATH"],
            "LD_LIBRARY_PATH": str(self.driver.library.parent),
            "FAKE_NVML": str(self.driver.path),
            "NODE_NAME": self.node,
        }
        python = [sys.executable, "-m", "dratui_agent.cli"]
        process = self._process = Process([*python, *flags], self._log, environment)

        def ready() -> bool:
            assert process.running(), process.last_words()
            return self.get("/-/ready", user="admin")[0] == 200

        self._plane.wait(ready, PATIENCE, f"{self.name} to be ready")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def _web_config(self) -> Path:
        keys = self._plane.path / "keys"
        config = self._plane.path / "web.config.yml"
        config.write_text(
            f"tls_server_config: {{cert_file: {keys / 'server.crt'}, key_file: {keys / 'server.key'}}}\n"
        )
        return config

    # The pod

    def pod(self) -> dict[str, Any]:
        """The object that stands for it."""
        port = {"name": "https" if self._https else "metrics", "containerPort": PORT}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"namespace": self.namespace, "name": self.name, "labels": LABELS},
            "spec": {
                "nodeName": self.node,
                "containers": [{"name": "agent", "image": "dratui-agent:1", "ports": [port]}],
                "tolerations": [{"operator": "Exists"}],
            },
        }

    def status(self) -> dict[str, Any]:
        """What kubelet would say of it."""
        return {
            "phase": "Running",
            "podIP": self.address,
            "podIPs": [{"ip": self.address}],
            "conditions": [{"type": "Ready", "status": "True"}],
        }

    # Reading

    def get(self, path: str, *, user: str) -> tuple[int, str]:
        """Status and body of a GET through the pod proxy."""
        try:
            with closing(self.open(path, user=user)) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def open(self, path: str, *, user: str) -> HTTPResponse:
        """A GET through the pod proxy, to be read as it comes. Raises HTTPError."""
        (token,) = [known.token for known in TOKEN_USERS if known.login == user]
        target = f"{'https:' if self._https else ''}{self.name}:{PORT}"
        url = f"{self._plane.server}/api/v1/namespaces/{self.namespace}/pods/{target}/proxy{path}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        context = ssl.create_default_context(cafile=str(self._plane.path / "keys" / "ca.crt"))
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        answer: HTTPResponse = opener.open(request, timeout=PATIENCE)
        return answer
