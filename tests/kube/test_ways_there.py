"""To the real API server by way of proxies, compressed, and with certificates that are replaced."""

import asyncio
import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from dratui.events import Phase
from dratui.kube import connection as http
from dratui.kube import kubeconfig
from dratui.kube.connection import Connection
from dratui.kube.failure import KubeFailure
from dratui.kube.options import Options
from dratui.kube.source import ClusterSource
from tests.kube.conftest import write_kubeconfig
from tests.kube.scripted import Heard, stream
from tests.kube.tunnels import Tunnel, tunnel
from tests.realparts.controlplane import ControlPlane
from tests.realparts.users import CERTIFICATE_USER

NAME = "kubernetes.default.svc"  # in the API server's certificate; only a proxy knows the way there
PROXIES = pytest.mark.parametrize("kind", ["http", "socks5"])


def port(plane: ControlPlane) -> int:
    found = URL(plane.server).port
    assert found is not None
    return found


def options(
    plane: ControlPlane, path: Path, kind: str, through: Tunnel, *, server: str = NAME, **cluster: str | bool
) -> Options:
    fields = {
        "certificate-authority": str(plane.path / "keys" / "ca.crt"),
        "proxy-url": f"{kind}://127.0.0.1:{through.port}",
        **cluster,
    }
    user = {"token": "token-of-admin"}
    return Options(kubeconfig=str(write_kubeconfig(path / "config", f"https://{server}", user, **fields)))


async def ask(wanted: Options, path: str = "/version") -> bytes:
    connection = await http.connect(wanted, environ={})
    try:
        return await connection.get(path, to="look")
    finally:
        await connection.close()


@PROXIES
async def test_a_proxy_that_alone_knows_the_servers_name(
    control_plane: ControlPlane, tmp_path: Path, kind: str
) -> None:
    async with tunnel(kind, port(control_plane)) as through:
        wanted = options(control_plane, tmp_path, kind, through)
        heard = Heard()
        namespaces = stream("namespaces", namespaced=False)
        async with heard.listening_to(ClusterSource(wanted, [namespaces], environ={}).run(heard)):
            await heard.until_phase(Phase.LIVE, "namespaces")
        assert set(through.asked) == {NAME}


@PROXIES
async def test_a_proxy_that_refuses(control_plane: ControlPlane, tmp_path: Path, kind: str) -> None:
    async with tunnel(kind, port(control_plane)) as through:
        through.refuse = True
        with pytest.raises(KubeFailure, match=r"the proxy.* refused the way") as raised:
            await ask(options(control_plane, tmp_path, kind, through))
    assert "proxy-url" in raised.value.hint


@PROXIES
async def test_a_proxy_that_is_not_there(
    control_plane: ControlPlane, tmp_path: Path, kind: str, unused_tcp_port: int
) -> None:
    with pytest.raises(KubeFailure, match=r"the proxy in front of .* does not answer"):
        await ask(options(control_plane, tmp_path, kind, Tunnel(unused_tcp_port)))


@PROXIES
async def test_behind_a_proxy_the_certificate_is_checked(
    control_plane: ControlPlane, tmp_path: Path, kind: str
) -> None:
    async with tunnel(kind, port(control_plane)) as through:
        with pytest.raises(KubeFailure, match=r"the certificate of .* cannot be trusted"):
            await ask(options(control_plane, tmp_path, kind, through, server="elsewhere.test"))


async def test_behind_a_proxy_another_name_can_be_expected_in_the_certificate(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    named = {"server": "elsewhere.test", "tls-server-name": NAME}
    async with tunnel("http", port(control_plane)) as through:
        assert b"gitVersion" in await ask(options(control_plane, tmp_path, "http", through, **named))
        assert through.asked == ["elsewhere.test"]


@pytest.mark.parametrize("disabled", [False, True])
async def test_a_large_list_comes_compressed_unless_the_kubeconfig_disables_that(
    control_plane: ControlPlane, namespace: str, tmp_path: Path, disabled: bool
) -> None:
    text = "x" * 400_000  # the API server compresses from 128 KiB on
    large = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "large"}, "data": {"text": text}}
    control_plane.kubectl("create", "-n", namespace, "-f", "-", input=json.dumps(large))
    async with tunnel("http", port(control_plane)) as through:
        more: dict[str, Any] = {"disable-compression": disabled}
        wanted = options(control_plane, tmp_path, "http", through, **more)
        body = await ask(wanted, f"/api/v1/namespaces/{namespace}/configmaps")
        assert text.encode() in body
        assert (through.brought > len(text)) is disabled


async def test_a_certificate_that_is_replaced_is_read_again(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    good, of_another_authority = control_plane.path / "keys", tmp_path / "keys"
    of_another_authority.mkdir()
    make = [str(control_plane.binaries["certificates"]), str(of_another_authority), f"{CERTIFICATE_USER}=x"]
    await asyncio.to_thread(subprocess.run, make, check=True)

    def put(folder: Path) -> None:
        for kind in ("crt", "key"):
            shutil.copy(folder / f"{CERTIFICATE_USER}.{kind}", tmp_path / f"mine.{kind}")

    put(of_another_authority)
    user = {"client-certificate": "mine.crt", "client-key": "mine.key"}
    ca = {"certificate-authority": str(good / "ca.crt")}
    path = write_kubeconfig(tmp_path / "config", control_plane.server, user, **ca)
    connection = await http.connect(Options(kubeconfig=str(path)), environ={})
    with pytest.raises(KubeFailure, match="does not accept our credentials"):
        await connection.get("/apis/resource.k8s.io/v1/resourceslices", to="look")
    put(good)
    assert b"ResourceSliceList" in await connection.get("/apis/resource.k8s.io/v1/resourceslices", to="look")
    await connection.close()


async def test_in_a_pod_we_are_its_service_account(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(control_plane.kubectl("create", "token", "default", "-n", namespace))
    (tmp_path / "namespace").write_text(namespace)
    shutil.copy(control_plane.path / "keys" / "ca.crt", tmp_path)
    environ = {
        "HOME": str(tmp_path),
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": str(port(control_plane)),
    }
    access = kubeconfig.load(Options(), environ, pod=tmp_path)
    connection = Connection(access, Options(), now=time.time, environ=environ)
    with pytest.raises(KubeFailure, match=f'User "system:serviceaccount:{namespace}:default" cannot list'):
        await connection.get(f"/api/v1/namespaces/{namespace}/pods", to="list pods")
    await connection.close()
