"""The real agent in a lab, read as a person reads it: through the API server's pod proxy, as a user."""

import ssl
import urllib.error
import urllib.request
from contextlib import closing
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, Final

from tests.agent import process
from tests.agent.driver import FakeDriver
from tests.lab import image
from tests.realparts.controlplane import ControlPlane
from tests.realparts.users import TOKEN_USERS

NAMESPACE: Final = "gpu-monitoring"
LABELS: Final = {"app.kubernetes.io/name": "dratui-agent"}
PORT: Final = 9402
PATIENCE: Final = 30.0


class Proxied:
    """An agent's pod, read through the API server."""

    def __init__(self, plane: ControlPlane, node: str, name: str, *, https: bool = False) -> None:
        self.node = node
        self.name = name
        self._plane = plane
        self._https = https

    def get(self, path: str, *, user: str = "viewer") -> tuple[int, str]:
        """Status and body of a GET through the pod proxy."""
        try:
            with closing(self.open(path, user=user)) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def open(self, path: str, *, user: str = "viewer") -> HTTPResponse:
        """A GET through the pod proxy, to be read as it comes. Raises HTTPError."""
        (token,) = [known.token for known in TOKEN_USERS if known.login == user]
        target = f"{'https:' if self._https else ''}{self.name}:{PORT}"
        url = f"{self._plane.server}/api/v1/namespaces/{NAMESPACE}/pods/{target}/proxy{path}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        context = ssl.create_default_context(cafile=str(self._plane.path / "keys" / "ca.crt"))
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        answer: HTTPResponse = opener.open(request, timeout=PATIENCE)
        return answer

    def pod(self, container: dict[str, Any], **spec: Any) -> dict[str, Any]:
        """Its object."""
        port = {"name": "https" if self._https else "metrics", "containerPort": PORT}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"namespace": NAMESPACE, "name": self.name, "labels": LABELS},
            "spec": {
                "nodeName": self.node,
                "containers": [{"name": "agent", "image": image.NAME, "ports": [port], **container}],
                "tolerations": [{"operator": "Exists"}],
                **spec,
            },
        }


class Agent(Proxied):
    """An agent as a process at `address`, for a node where nobody runs pods."""

    def __init__(
        self,
        plane: ControlPlane,
        node: str,
        address: str,
        driver: FakeDriver,
        interval: str,
        https: bool,
        kubelet: Path | None,
    ) -> None:
        super().__init__(plane, node, f"dratui-agent-{node}", https=https)
        self.address, self.driver = address, driver
        self._log = plane.path / f"{self.name}.log"
        self._flags = [
            f"--web.listen-address={address}:{PORT}",
            f"--interval={interval}",
            f"--kubelet-socket={kubelet or ''}",
        ]
        if https:
            self._flags.append(f"--web.config.file={self._web_config()}")
        self._process: process.Agent | None = None

    def start(self, *flags: str) -> None:
        """Until it has read the driver."""
        self._process = process.Agent(self.driver, self._log, *self._flags, *flags, node=self.node)
        self._process.until(lambda: self.get("/-/ready", user="admin")[0] == 200)

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
