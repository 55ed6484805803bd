"""A real Kubernetes control plane on loopback, without a kubelet: kwok plays the nodes."""

import json
import ssl
import subprocess
import tempfile
import urllib.request
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import yaml

from tests.realparts import flags, users
from tests.realparts.kubectl import Kubectl
from tests.realparts.polling import wait
from tests.realparts.processes import Process, free_ports
from tests.realparts.releases import USUAL, Release
from tests.realparts.unavailable import PartsUnavailable

T = TypeVar("T")

START_TIMEOUT = 60.0


class ControlPlane:
    """etcd, API server, controllers, scheduler and kwok, from `start` to `stop`.

    It serves all versions of resource.k8s.io that its release knows, has RBAC and people of different rights
    (`users.PEOPLE`), and leaves neither process nor file behind, even if this interpreter is killed (the files then
    stay in the temporary folder). `host`, `port`: the API server's (0: a free one); the lab's is reached from nodes.
    """

    def __init__(
        self,
        binaries: Mapping[str, Path],
        release: Release = USUAL,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.binaries = binaries
        self.release = release
        self._folder = tempfile.TemporaryDirectory(prefix="dratui-realparts-")
        self.path = Path(self._folder.name)
        self._processes: dict[str, Process] = {}
        self._kubectls: dict[str, Kubectl] = {}
        free, self._etcd_port, etcd_peer = free_ports(3)
        api = port or free
        self.etcd = f"http://127.0.0.1:{self._etcd_port}"
        self.server = f"https://{host}:{api}"
        self._commands = flags.commands(
            self.path, release, host=host, api_port=api, etcd_ports=(self._etcd_port, etcd_peer)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # Life

    def start(self, *, bare: bool = False) -> None:
        """Up to the point where a pod can be created. Raises PartsUnavailable with the last words of a dead part.

        `bare`: only etcd and the API server. Nothing acts on objects, and a pod needs a service account made by hand.
        """
        try:
            self._write_files()
            self._run("etcd")
            self.start_apiserver()
            self.apply(users.RBAC)
            if bare:
                return
            for name in ("kube-controller-manager", "kube-scheduler", "kwok"):
                self._run(name)
            self.wait_for_namespace("default")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        for process in reversed(self._processes.values()):
            process.kill()
        self._processes.clear()
        self._folder.cleanup()

    def restart_apiserver(self) -> None:
        self.kill_apiserver()
        self.start_apiserver()

    def kill_apiserver(self) -> None:
        """Every connection breaks and new ones are refused."""
        self._processes["kube-apiserver"].kill()

    def start_apiserver(self) -> None:
        """At the same port as before, with the same data."""
        self._run("kube-apiserver")
        self.wait(lambda: self._ready(self.server), START_TIMEOUT, "the API server to be ready")

    @contextmanager
    def apiserver_with_only(
        self, *versions: str, off: Collection[str] = (), user: str = "viewer"
    ) -> Iterator[Path]:
        """A user's kubeconfig for one more API server of this cluster, as long as the context lasts.

        It serves no other versions of resource.k8s.io than these; feature gates that are `off` are on elsewhere.
        """
        (port,) = free_ports(1)
        name, server = f"kube-apiserver-{'-'.join(versions)}", f"https://127.0.0.1:{port}"
        arguments = flags.apiserver(self.path, self.release, port, self._etcd_port, only=versions, off=off)
        self._start(name, [self.binaries["kube-apiserver"], *arguments])
        kubeconfig = self.path / f"{name}.kubeconfig"
        kubeconfig.write_text(self.kubeconfig(user).read_text().replace(self.server, server))
        try:
            self.wait(lambda: self._ready(server), START_TIMEOUT, f"an API server with only {versions}")
            yield kubeconfig
        finally:
            self._processes.pop(name).kill()
            # It took what it does not serve out of the APIServices, which the first one only registers when it starts.
            self.restart_apiserver()

    def freeze(self, component: str = "kube-apiserver") -> None:
        """It keeps its connections and says no more."""
        self._processes[component].freeze()

    def thaw(self, component: str = "kube-apiserver") -> None:
        self._processes[component].thaw()

    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self._processes.items()}

    def renew_certificate(self, client: str = "", *, seconds: int) -> None:
        """Write a new certificate of the API server, or of a client (NAME=GROUP), that is good for so long.

        Below 0 it ran out so long ago. A running API server takes up its own by itself.
        """
        which = [client] if client else []
        command: list[str | Path] = [self.binaries["certificates"], "-seconds", str(seconds)]
        command += [self.path / "keys", *which]
        subprocess.run(command, check=True)

    # Use

    def kubeconfig(self, user: str = "admin") -> Path:
        """The kubeconfig of one of users.PEOPLE or of users.CERTIFICATE_USER."""
        return self.path / f"{user}.kubeconfig"

    def kubectl(self, *arguments: str, input: str | None = None, user: str = "admin") -> str:  # noqa: A002
        return self._kubectl(user).run(*arguments, input=input)

    def objects(self, kind: str, *arguments: str) -> list[dict[str, Any]]:
        """The items of `kubectl get KIND … -o json`, as admin."""
        return self._kubectl("admin").objects(kind, *arguments)

    def apply(self, what: Path | str) -> None:
        """Apply a YAML file or text."""
        self.kubectl("apply", "-f", "-", input=what.read_text() if isinstance(what, Path) else what)

    def create_pod(self, pod: Mapping[str, Any]) -> Callable[[], dict[str, Any]]:
        """Create a pod; call what is returned for what has become of it. Quicker than kubectl by far."""
        pods = f"{self.server}/api/v1/namespaces/{pod['metadata']['namespace']}/pods"
        self._ask(pods, pod)

        def look() -> dict[str, Any]:
            found: dict[str, Any] = json.loads(self._ask(f"{pods}/{pod['metadata']['name']}"))
            return found

        return look

    def create_namespace(self, name: str) -> None:
        self.kubectl("create", "namespace", name)
        self.wait_for_namespace(name)

    def wait_for_namespace(self, name: str) -> None:
        """Until pods are admitted: before the default service account exists they are forbidden."""
        self.wait(
            lambda: self.kubectl("get", "serviceaccount", "default", "-n", name),
            START_TIMEOUT,
            f"the service account of namespace {name}",
        )

    def wait(self, condition: Callable[[], T], timeout: float, what: str) -> T:
        """Poll until the condition holds; fails at once where a component has died meanwhile."""

        def alive_and_true() -> T:
            self._check_alive()
            return condition()

        return wait(alive_and_true, timeout, what)

    # Within

    def _kubectl(self, user: str) -> Kubectl:
        if user not in self._kubectls:
            cache = self.path / "kubectl-cache" / user
            self._kubectls[user] = Kubectl(self.binaries["kubectl"], self.kubeconfig(user), cache)
        return self._kubectls[user]

    def _write_files(self) -> None:
        keys = self.path / "keys"
        keys.mkdir()
        client = f"{users.CERTIFICATE_USER}={users.VIEWERS_GROUP}"
        subprocess.run([self.binaries["certificates"], keys, client], check=True)
        ca = keys / "ca.crt"
        for user in users.TOKEN_USERS:
            text = users.kubeconfig(self.server, ca, user.login, {"token": user.token})
            self.kubeconfig(user.login).write_text(text)
        certificate = {
            "client-certificate": str(keys / f"{users.CERTIFICATE_USER}.crt"),
            "client-key": str(keys / f"{users.CERTIFICATE_USER}.key"),
        }
        text = users.kubeconfig(self.server, ca, users.CERTIFICATE_USER, certificate)
        self.kubeconfig(users.CERTIFICATE_USER).write_text(text)
        (self.path / "tokens.csv").write_text(users.token_file(users.TOKEN_USERS))
        scheduler = flags.scheduler_configuration(self.release, self.kubeconfig("kube-scheduler"))
        (self.path / "scheduler.yaml").write_text(yaml.safe_dump(scheduler))

    def _run(self, name: str) -> None:
        self._start(name, [self.binaries[name], *self._commands[name]])

    def _start(self, name: str, argv: Sequence[str | Path]) -> None:
        # kwok reads a configuration in the home folder, and proxies are not for loopback: a clean environment.
        environment = {"HOME": str(self.path), "PATH": ""}
        self._processes[name] = Process(argv, self.path / f"{name}.log", environment)

    def _check_alive(self) -> None:
        for name, process in self._processes.items():
            if not process.running():
                raise PartsUnavailable(f"{name} ended: {process.last_words()}")

    def _ready(self, server: str) -> bool:
        try:
            self._ask(f"{server}/readyz")
        except OSError:  # refused while it starts; URLError and HTTPError are OSErrors
            return False
        return True

    def _ask(self, url: str, document: Mapping[str, Any] | None = None) -> bytes:
        """GET, or POST a document, as admin. Raises OSError."""
        context = ssl._create_unverified_context()  # the certificate may have run out
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        headers = {"Authorization": "Bearer token-of-admin", "Content-Type": "application/json"}
        body = None if document is None else json.dumps(document).encode()
        with opener.open(urllib.request.Request(url, body, headers), timeout=5) as answer:
            said: bytes = answer.read()
        return said
