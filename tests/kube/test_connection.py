"""Who we are on every request, and what is said when nobody answers or nobody knows us."""

import asyncio
import contextlib
import json
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from yarl import URL

from dratui.events import Phase
from dratui.kube import connection as http
from dratui.kube.connection import Connection
from dratui.kube.failure import KubeFailure
from dratui.kube.options import Options
from dratui.kube.proxy import proxy_for
from tests.kube.conftest import Follow, write_kubeconfig
from tests.kube.scripted import ScriptedServer, answer, pods, refuse, stream
from tests.realparts.controlplane import ControlPlane


@contextlib.asynccontextmanager
async def connected(
    path: Path, server: str, user: dict[str, Any] | None = None, *, now: float = 1000.0, **options: Any
) -> AsyncIterator[Connection]:
    cluster = options.pop("cluster_fields", {})
    write_kubeconfig(path / "config", server, user, **cluster)
    made = await http.connect(
        Options(kubeconfig=str(path / "config"), **options), now=lambda: now, environ={}
    )
    try:
        yield made
    finally:
        await made.close()


async def failure_of(path: Path, server: str, **options: Any) -> KubeFailure:
    with pytest.raises(KubeFailure) as raised:
        async with connected(path, server, **options) as connection:
            await connection.get("/version", to="talk to the API server")
    assert "secret-of-jane" not in str(raised.value)
    assert "Traceback" not in str(raised.value)
    return raised.value


# --- nobody answers


async def test_a_refused_connection(tmp_path: Path, unused_tcp_port: int) -> None:
    failure = await failure_of(tmp_path, f"http://127.0.0.1:{unused_tcp_port}")
    said = f"cannot talk to the API server: nobody answers at http://127.0.0.1:{unused_tcp_port}"
    assert failure.what.startswith(said)
    assert "(connection refused)" in failure.what
    assert "VPN" in failure.hint


async def test_a_name_that_does_not_exist(tmp_path: Path) -> None:
    failure = await failure_of(tmp_path, "https://no-such-host.invalid")
    assert "the name of https://no-such-host.invalid cannot be resolved" in failure.what


async def test_a_server_that_accepts_and_says_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        failure = await failure_of(
            tmp_path, f"http://127.0.0.1:{listening.getsockname()[1]}", request_timeout=0.1
        )
    assert "was silent for 0.1 seconds" in failure.what


async def test_an_answer_that_drips_takes_as_long_as_it_takes(tmp_path: Path, server: ScriptedServer) -> None:
    """The timeout is for silence, not for the whole."""
    import asyncio

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(6):
            await response.write(b"x")
            await asyncio.sleep(0.1)
        return response

    server.version_handler = drip
    async with connected(tmp_path, server.url, request_timeout=0.4) as connection:
        assert await connection.get("/version", to="wait") == b"xxxxxx"


async def test_after_streams_were_dropped_no_connection_is_used_again(
    tmp_path: Path, server: ScriptedServer
) -> None:
    """Idle ones are as dead as the streams'; who asks over them waits until it is too much for him."""
    ways: list[object] = []

    async def remember(request: web.Request) -> web.StreamResponse:
        ways.append(request.transport)
        return await pods()(request)

    server.on("/api/v1/pods", lists=[remember, remember, remember])
    async with connected(tmp_path, server.url) as connection:
        for _ in range(2):
            await connection.get("/api/v1/pods", to="list pods")
        await connection.drop_streams(KubeFailure("cannot reach the API server"))
        await connection.get("/api/v1/pods", to="list pods")
    assert ways[0] is ways[1]
    assert ways[2] is not ways[0]


async def test_a_server_without_tls(tmp_path: Path, server: ScriptedServer) -> None:
    failure = await failure_of(tmp_path, server.url.replace("http:", "https:"))
    assert "no TLS with https://127.0.0.1" in failure.what


async def test_something_that_is_no_http_server(tmp_path: Path) -> None:
    import asyncio

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as ssh:
        port = ssh.sockets[0].getsockname()[1]
        failure = await failure_of(tmp_path, f"http://127.0.0.1:{port}")
    assert "not HTTP" in failure.what


@pytest.mark.parametrize(
    ("server", "said"),
    [("", "has no server"), ("ftp://x", "no http or https address"), ("https://x:port", "is no address")],
)
async def test_a_server_that_is_no_address(server: str, said: str, tmp_path: Path) -> None:
    assert said in (await failure_of(tmp_path, server)).what


# --- it answers, but not with what we want


async def test_401_says_whose_credentials(tmp_path: Path, server: ScriptedServer) -> None:
    server.version_handler = refuse(401, "Unauthorized")
    failure = await failure_of(tmp_path, server.url)
    assert failure.status == 401
    assert "does not accept our credentials (401: Unauthorized)" in failure.what
    assert "'jane'" in failure.hint


async def test_403_quotes_the_server(tmp_path: Path, server: ScriptedServer) -> None:
    server.on("/api/v1/nodes", lists=[refuse(403, 'User "jane" cannot list resource "nodes"')])
    async with connected(tmp_path, server.url) as connection:
        with pytest.raises(KubeFailure) as raised:
            await connection.get("/api/v1/nodes", to="list nodes")
    said = 'cannot list nodes: the server refused (403: User "jane" cannot list resource "nodes")'
    assert raised.value.what == said
    assert raised.value.hint == "kubectl auth can-i list nodes"


async def test_a_log_in_page(tmp_path: Path, server: ScriptedServer) -> None:
    server.version_handler = answer("", 302, {"Location": "https://login.test"})
    assert "redirect" in (await failure_of(tmp_path, server.url)).what


async def test_a_gateways_page_is_quoted_in_one_line(tmp_path: Path, server: ScriptedServer) -> None:
    async def page(_: web.Request) -> web.StreamResponse:
        return web.Response(status=502, text="Bad Gateway\n" + "<p>" * 10_000)

    server.version_handler = page
    assert (await failure_of(tmp_path, server.url)).said == "502: Bad Gateway"


# --- who we are


async def headers_sent(
    tmp_path: Path, server: ScriptedServer, user: dict[str, Any], **options: Any
) -> web.Request:
    seen: list[web.Request] = []

    async def look(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        return web.json_response({})

    server.version_handler = look
    async with connected(tmp_path, server.url, user, **options) as connection:
        await connection.get("/version", to="look")
    return seen[0]


async def test_a_token_a_password_and_the_flag(tmp_path: Path, server: ScriptedServer) -> None:
    request = await headers_sent(tmp_path, server, {"token": "abc"})
    assert request.headers["Authorization"] == "Bearer abc"
    request = await headers_sent(tmp_path, server, {"username": "u", "password": "p"})
    assert request.headers["Authorization"] == "Basic dTpw"
    request = await headers_sent(tmp_path, server, {"token": "abc"}, token="flag")
    assert request.headers["Authorization"] == "Bearer flag"


async def test_impersonation(tmp_path: Path, server: ScriptedServer) -> None:
    request = await headers_sent(tmp_path, server, {"token": "t"}, as_user="bob", as_groups=("g1", "g2"))
    assert request.headers["Impersonate-User"] == "bob"
    assert request.headers.getall("Impersonate-Group") == ["g1", "g2"]
    named = {
        "token": "t",
        "as": "eve",
        "as-uid": "7",
        "as-groups": ["g"],
        "as-user-extra": {"scope": ["a", "b"]},
    }
    request = await headers_sent(tmp_path, server, named)
    assert request.headers["Impersonate-User"] == "eve"
    assert request.headers["Impersonate-Uid"] == "7"
    assert request.headers.getall("Impersonate-Extra-scope") == ["a", "b"]


async def test_a_group_without_a_user_cannot_be_impersonated(tmp_path: Path, server: ScriptedServer) -> None:
    assert "--as USER" in (await failure_of(tmp_path, server.url, as_groups=("g",))).hint


async def test_a_header_cannot_be_smuggled_in(tmp_path: Path, server: ScriptedServer) -> None:
    failure = await failure_of(tmp_path, server.url, as_user="bob\r\nImpersonate-Group: system:masters")
    assert "control character" in failure.what


async def test_a_token_file_is_read_again_when_the_server_says_no(
    tmp_path: Path, server: ScriptedServer
) -> None:
    token = tmp_path / "token"
    token.write_text("old\n")

    async def check(request: web.Request) -> web.StreamResponse:
        if request.headers["Authorization"] == "Bearer new":
            return web.json_response({"ok": True})
        return await refuse(401, "expired")(request)

    server.version_handler = check
    clock = [1000.0]
    write_kubeconfig(tmp_path / "config", server.url, {"tokenFile": "token"})
    options = Options(kubeconfig=str(tmp_path / "config"))
    connection = await http.connect(options, now=lambda: clock[0], environ={})
    with contextlib.suppress(KubeFailure):
        await connection.get("/version", to="look")
    token.write_text("new\n")
    clock[0] += 11  # not read again at once: it was looked at a moment ago
    assert json.loads(await connection.get("/version", to="look")) == {"ok": True}
    await connection.close()


async def test_what_is_under_way_goes_on_when_credentials_are_replaced(
    tmp_path: Path, server: ScriptedServer
) -> None:
    """A watch and a list that the server granted to the old ones; nothing is kept of their connections afterwards."""
    asked, replaced = asyncio.Event(), asyncio.Event()

    async def halves(request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            asked.set()
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b"before, ")
        await replaced.wait()
        await response.write(b"after")
        return response

    async def check(request: web.Request) -> web.StreamResponse:
        new = request.headers["Authorization"] == "Bearer new"
        return await (answer({}) if new else refuse(401, "expired"))(request)

    server.on("/api/v1/pods", lists=[halves], watches=[halves])
    server.version_handler = check
    async with connected(tmp_path, server.url, {"token": "old"}) as connection:
        old = connection._session
        watch = connection.stream("/api/v1/pods", [("watch", "1")], to="watch", silence=20.0)
        async with asyncio.timeout(20), watch as read:
            assert await read() == b"before, "
            listed = asyncio.create_task(connection.get("/api/v1/pods", to="list"))
            await asked.wait()
            write_kubeconfig(tmp_path / "config", server.url, {"token": "new"})
            assert await connection.get("/version", to="look") == b"{}"
            replaced.set()
            assert await read() == b"after"
            assert await listed == b"before, after"
            assert not old.closed
        assert old.closed


async def test_a_token_file_is_read_again_every_minute(tmp_path: Path, server: ScriptedServer) -> None:
    token = tmp_path / "token"
    sent: list[str] = []

    async def look(request: web.Request) -> web.StreamResponse:
        sent.append(request.headers["Authorization"])
        return web.json_response({})

    server.version_handler = look
    clock = [1000.0]
    write_kubeconfig(tmp_path / "config", server.url, {"tokenFile": "token"})
    options = Options(kubeconfig=str(tmp_path / "config"))
    connection = await http.connect(options, now=lambda: clock[0], environ={})
    for text, later in (("one", 0), ("two", 59), ("three", 2)):
        token.write_text(text)
        clock[0] += later
        await connection.get("/version", to="look")
    assert sent == ["Bearer one", "Bearer one", "Bearer three"]
    await connection.close()


def plugin(script: str, **more: Any) -> dict[str, Any]:
    version = "client.authentication.k8s.io/v1"
    return {"exec": {"command": sys.executable, "args": ["-c", script], "apiVersion": version, **more}}


CREDENTIAL = """
import json, os, sys
def give(**status):
    print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}))
"""


async def test_an_exec_plugin_has_neither_our_stdin_nor_our_terminal(
    tmp_path: Path, server: ScriptedServer
) -> None:
    script = CREDENTIAL + (
        "alone = os.getsid(0) == os.getpid()\n"
        "null = os.fstat(0).st_rdev == os.stat('/dev/null').st_rdev\n"
        "asked = json.loads(os.environ['KUBERNETES_EXEC_INFO'])['spec']['interactive']\n"
        "give(token=f'{alone}-{null}-{asked}-{sys.stdin.read()}-{os.environ[\"EXTRA\"]}')\n"
    )
    user = plugin(script, env=[{"name": "EXTRA", "value": "x"}])
    request = await headers_sent(tmp_path, server, user)
    assert request.headers["Authorization"] == "Bearer True-True-False--x"


async def test_an_exec_plugin_runs_once_for_all_and_again_before_it_expires(
    tmp_path: Path, server: ScriptedServer
) -> None:
    import asyncio

    runs = tmp_path / "runs"
    script = CREDENTIAL + (
        f"open({str(runs)!r}, 'a').write('x')\n"
        f"n = len(open({str(runs)!r}).read())\n"
        "give(token=f't{n}', expirationTimestamp='2030-01-01T00:00:00Z' if n == 1 else None)\n"
    )
    sent: list[str] = []

    async def look(request: web.Request) -> web.StreamResponse:
        sent.append(request.headers["Authorization"])
        return web.json_response({})

    server.version_handler = look
    clock = [1_893_456_000.0 - 3600]  # an hour before 2030
    write_kubeconfig(tmp_path / "config", server.url, plugin(script))
    options = Options(kubeconfig=str(tmp_path / "config"))
    connection = await http.connect(options, now=lambda: clock[0], environ={})
    await asyncio.gather(*(connection.get("/version", to="look") for _ in range(5)))
    assert sent == ["Bearer t1"] * 5
    clock[0] += 3600 - 10
    await connection.get("/version", to="look")
    assert sent[-1] == "Bearer t2"
    assert runs.read_text() == "xx"
    await connection.close()


async def test_401_renews_the_plugins_token_once_for_all_streams(
    tmp_path: Path, server: ScriptedServer, follow: Follow
) -> None:
    import asyncio

    runs = tmp_path / "runs"
    script = CREDENTIAL + (
        f"open({str(runs)!r}, 'a').write('x')\ngive(token='t' + str(len(open({str(runs)!r}).read())))\n"
    )
    good = ["Bearer t1"]

    async def check(request: web.Request) -> web.StreamResponse:
        if request.headers["Authorization"] in good:
            return web.json_response({"ok": True})
        return await refuse(401, "expired")(request)

    server.version_handler = check
    clock = [1000.0]
    write_kubeconfig(tmp_path / "config", server.url, plugin(script))
    options = Options(kubeconfig=str(tmp_path / "config"))
    connection = await http.connect(options, now=lambda: clock[0], environ={})
    await connection.get("/version", to="look")
    good[:] = ["Bearer t2"]
    clock[0] += 60
    await asyncio.gather(*(connection.get("/version", to="look") for _ in range(5)))
    assert runs.read_text() == "xx"
    await connection.close()


BAD_PLUGINS = {
    "fails": (plugin("import sys; sys.exit('please log in')"), "status 1: please log in"),
    "says nothing": (plugin(""), "no ExecCredential"),
    "says rubbish": (plugin("print('secret-of-jane')"), "no ExecCredential"),
    "is empty": (plugin(CREDENTIAL + "give()"), "neither a token nor a certificate"),
    "breaks lines": (plugin(CREDENTIAL + "give(token='a\\nb')"), "control character"),
    "is missing": ({"exec": {"command": "no-such-plugin", "apiVersion": "v1"}}, "cannot run"),
    "is interactive": (plugin("", interactiveMode="Always"), "insists on a terminal"),
    "speaks otherwise": (
        plugin(
            CREDENTIAL + "give(token='secret-of-jane')", apiVersion="client.authentication.k8s.io/v1beta1"
        ),
        "another version",
    ),
}


@pytest.mark.parametrize("case", BAD_PLUGINS)
async def test_an_exec_plugin_that(case: str, tmp_path: Path, server: ScriptedServer) -> None:
    user, said = BAD_PLUGINS[case]
    assert said in (await failure_of(tmp_path, server.url, user=user)).what


# --- TLS, against a real server


async def test_the_certificate_of_the_server_is_checked(control_plane: ControlPlane, tmp_path: Path) -> None:
    failure = await failure_of(tmp_path, control_plane.server)
    assert f"the certificate of {control_plane.server} cannot be trusted" in failure.what
    assert "certificate-authority" in failure.hint


async def test_another_name_can_be_expected_in_the_certificate(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    ca = str(control_plane.path / "keys" / "ca.crt")
    wrong = {"certificate-authority": ca, "tls-server-name": "elsewhere.test"}
    failure = await failure_of(tmp_path, control_plane.server, cluster_fields=wrong)
    assert "cannot be trusted" in failure.what


async def test_the_check_can_be_skipped(control_plane: ControlPlane, tmp_path: Path) -> None:
    lax = {"insecure-skip-tls-verify": True}
    user = {"token": "token-of-viewer"}
    async with connected(tmp_path, control_plane.server, user, cluster_fields=lax) as connection:
        assert b"gitVersion" in await connection.get("/version", to="look")


@pytest.mark.parametrize(
    ("user", "cluster", "said"),
    [
        ({}, {"certificate-authority-data": "bm90IGEgY2VydA=="}, "is no certificate"),
        ({}, {"certificate-authority-data": "***"}, "not valid base64"),
        ({}, {"certificate-authority": "missing.crt"}, "cannot read the certificate authority"),
        ({"client-certificate-data": "eA==", "client-key-data": "eA=="}, {}, "do not fit together"),
        ({"client-certificate": "missing.crt"}, {}, "cannot read the client certificate"),
        ({"tokenFile": "missing"}, {}, "cannot read the token file"),
    ],
)
async def test_a_certificate_or_file_that_is_none(
    user: dict[str, Any], cluster: dict[str, Any], said: str, tmp_path: Path
) -> None:
    failure = await failure_of(tmp_path, "https://127.0.0.1:1", user=user, cluster_fields=cluster)
    assert said in failure.what


# --- the way there


@pytest.mark.parametrize(
    ("server", "named", "environ", "proxy"),
    [
        ("https://k.test", "", {}, None),
        ("https://k.test", "http://p:1", {}, "http://p:1"),
        ("https://k.test", "", {"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ("https://k.test", "", {"https_proxy": "p:1"}, "http://p:1"),
        ("http://k.test", "", {"HTTPS_PROXY": "http://p:1"}, None),
        ("https://k.test", "", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "x, .test"}, None),
        ("https://k.test", "", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "k.test:443"}, None),
        ("https://k.test", "", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "k.test:6443"}, "http://p:1"),
        ("https://10.1.2.3", "", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, None),
        (
            "https://10.1.2.3",
            "",
            {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "192.168.0.0/16,bad/x"},
            "http://p:1",
        ),
        ("https://127.0.0.1", "", {"HTTPS_PROXY": "http://p:1"}, None),
        ("https://k.test", "http://p:1", {"NO_PROXY": "*"}, "http://p:1"),
        ("https://k.test", "socks5h://p:1", {}, "socks5://p:1"),
        ("https://k.test", "", {"HTTPS_PROXY": "socks5://p"}, "socks5://p"),
    ],
)
def test_which_proxy_is_taken(server: str, named: str, environ: dict[str, str], proxy: str | None) -> None:
    assert proxy_for(URL(server), named, environ) == (URL(proxy) if proxy else None)


def test_a_proxy_that_cannot_be_used_is_said_without_its_password() -> None:
    with pytest.raises(KubeFailure, match="only http, https and socks5 proxies") as raised:
        proxy_for(URL("https://k.test"), "socks4://jane:secret@p:1", {})
    assert "secret" not in str(raised.value)


async def test_the_proxy_of_the_kubeconfig_is_used(tmp_path: Path, server: ScriptedServer) -> None:
    server.version_handler = answer({"gitVersion": "v1.through-the-proxy"})
    through = {"proxy-url": server.url}
    async with connected(tmp_path, "http://k8s.invalid", cluster_fields=through) as connection:
        assert b"through-the-proxy" in await connection.get("/version", to="look")


async def test_a_socks_proxy_and_another_name_in_the_certificate_do_not_go_together(tmp_path: Path) -> None:
    both = {"proxy-url": "socks5://127.0.0.1:1", "tls-server-name": "k8s"}
    failure = await failure_of(tmp_path, "https://127.0.0.1:1", cluster_fields=both)
    assert "tls-server-name does not go together with a SOCKS proxy" in failure.what


async def test_a_server_behind_a_path_is_asked_there(tmp_path: Path, server: ScriptedServer) -> None:
    server.on("/k8s/clusters/c-1/api/v1/pods", lists=[pods("a")])
    async with connected(tmp_path, server.url + "/k8s/clusters/c-1") as connection:
        assert b'"a"' in await connection.get("/api/v1/pods", [("limit", "1")], to="list pods")


async def test_the_whole_source_says_it_in_one_failure(tmp_path: Path, unused_tcp_port: int) -> None:
    from dratui.kube.source import ClusterSource
    from tests.kube.scripted import Heard

    write_kubeconfig(tmp_path / "config", f"https://127.0.0.1:{unused_tcp_port}")
    heard = Heard()
    source = ClusterSource(Options(kubeconfig=str(tmp_path / "config")), [stream()], environ={})
    with pytest.raises(KubeFailure, match="nobody answers"):
        await source.run(heard)
    assert heard.health["pods"].phase is Phase.WAITING
    assert (source.about.cluster, source.about.user, source.about.namespace) == ("test", "jane", "mine")


def test_no_key_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dratui.kube import kubeconfig, tls

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    user = {"client-certificate-data": "eA==", "client-key-data": "eA=="}
    path = write_kubeconfig(tmp_path / "config", "https://127.0.0.1:1", user)
    access = kubeconfig.load(Options(kubeconfig=str(path)), {})
    with pytest.raises(KubeFailure):
        tls.context(access, tls.client_certificate(access))
    assert not list((tmp_path / "tmp").iterdir())
    assert ssl.OPENSSL_VERSION
