"""TLS and who may read, by a file as Prometheus exporters read it, and as it changes."""

import asyncio
import base64
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import bcrypt
import pytest
import trustme
from aiohttp import web
from dratui_agent.exporter import web_config
from dratui_agent.exporter.server import application
from dratui_agent.exporter.state import State
from dratui_agent.exporter.web_config import Web, WrongConfig, read
from dratui_agent.sample import Sample

HASH = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
TLS = "tls_server_config: {cert_file: tls.crt, key_file: tls.key}\n"


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def keys(folder: Path, authority: trustme.CA, name: str = "127.0.0.1") -> None:
    """A certificate and its key, replaced at once as a secret's volume does."""
    made = authority.issue_cert(name)
    made.cert_chain_pems[0].write_to_path(folder / "tls.crt.new")
    made.private_key_pem.write_to_path(folder / "tls.key.new")
    os.replace(folder / "tls.key.new", folder / "tls.key")
    os.replace(folder / "tls.crt.new", folder / "tls.crt")


class Served:
    """The server with a config, and who asks it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "web.yml"
        self.said: list[str] = []
        self.runner: web.AppRunner
        self.web: Web
        self.address = ""

    async def start(self, config: str) -> None:
        self.path.write_text(config)
        state = State(1.0)
        state.take(Sample(0.0, 0.0))
        self.web = Web(self.path, self.said.append)
        self.runner = web.AppRunner(application(state, self.web), shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0, ssl_context=self.web.context).start()
        scheme = "https" if self.web.context else "http"
        self.address = f"{scheme}://127.0.0.1:{self.runner.addresses[0][1]}"

    async def get(
        self, path: str = "/metrics", *, login: str = "", trust: ssl.SSLContext | None = None
    ) -> tuple[int, str]:
        async with (
            aiohttp.ClientSession(headers={"Authorization": login} if login else {}) as session,
            session.get(self.address + path, ssl=trust or True) as answer,
        ):
            await answer.read()
            return answer.status, answer.headers.get("X-Frame-Options", "")


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setattr(web_config, "LOOK_SECONDS", 0.0)
    made = Served(tmp_path)
    yield made
    if made.address:
        await made.runner.cleanup()


def trusting(*authorities: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for authority in authorities:
        authority.configure_trust(context)
    return context


async def test_passwords(served: Served) -> None:
    await served.start(
        f"basic_auth_users: {{jane: {HASH}}}\nhttp_server_config: {{headers: {{X-Frame-Options: deny}}}}\n"
    )
    assert await served.get() == (401, "deny")
    assert (await served.get(login=basic("jane", "wrong")))[0] == 401
    assert (await served.get(login=basic("nobody", "secret")))[0] == 401
    assert await served.get(login=basic("jane", "secret")) == (200, "deny")
    assert (await served.get(login=basic("jane", "secret")))[0] == 200
    for probe in ("/-/healthy", "/-/ready"):
        assert (await served.get(probe))[0] == 200, "a probe has no password"
    assert (await served.get("/v1/snapshot"))[0] == 401


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Basic amFuZQ==", "Bearer x", "Basic " + "A" * 5000]
)
async def test_odd_logins_are_refused(served: Served, header: str) -> None:
    await served.start(f"basic_auth_users: {{jane: {HASH}}}\n")
    async with (
        aiohttp.ClientSession(headers={"Authorization": header}) as session,
        session.get(served.address + "/metrics") as answer,
    ):
        assert answer.status == 401


async def test_users_change_while_it_runs_and_a_broken_file_changes_nothing(served: Served) -> None:
    await served.start(f"basic_auth_users: {{jane: {HASH}}}\n")
    jane = basic("jane", "secret")
    assert (await served.get(login=jane))[0] == 200
    served.path.write_text("basic_auth_users: [\n")
    assert (await served.get(login=jane))[0] == 200
    assert "is no YAML" in served.said[0]
    assert "stays in force" in served.said[0]
    served.path.write_text(f"basic_auth_users: {{joe: {HASH}}}\n")
    assert (await served.get(login=jane))[0] == 401
    assert (await served.get(login=basic("joe", "secret")))[0] == 200


async def test_a_certificate_is_renewed_while_it_runs(served: Served) -> None:
    old, new = trustme.CA(), trustme.CA()
    keys(served.folder, old)
    await served.start(TLS)
    assert (await served.get(trust=trusting(old)))[0] == 200
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await served.get(trust=trusting(new))
    keys(served.folder, new)
    await eventually(lambda: served.get(trust=trusting(new)))
    (served.folder / "tls.crt").write_text("junk")
    assert (await served.get(trust=trusting(new)))[0] == 200
    assert "are no certificate and its key" in served.said[-1]


async def eventually(ask: Callable[[], Awaitable[tuple[int, str]]]) -> None:
    """Until an answer comes: the key may be new a moment before its certificate is."""
    async with asyncio.timeout(30):
        while True:
            try:
                assert (await ask())[0] == 200
            except aiohttp.ClientError:
                await asyncio.sleep(0.01)
            else:
                return


async def test_clients_show_certificates(served: Served) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    keys(served.folder, authority)
    authority.cert_pem.write_to_path(served.folder / "ca.crt")
    await served.start(
        "tls_server_config: {cert_file: tls.crt, key_file: tls.key, client_ca_file: ca.crt, "
        "client_auth_type: RequireAndVerifyClientCert, client_allowed_sans: [prometheus.example]}\n"
    )

    async def status(issuer: trustme.CA | None, name: str = "prometheus.example") -> int:
        context = trusting(authority)
        if issuer is not None:
            issuer.issue_cert(name).configure_cert(context)
        return (await served.get(trust=context))[0]

    assert await status(authority) == 200
    assert await status(authority, "grafana.example") == 403
    for issuer in (None, stranger):
        with pytest.raises(aiohttp.ClientError):
            await status(issuer)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("[1]", "the file: is to be"),
        ("tls: {}", "there is no 'tls': one of tls_server_config"),
        ("a: [", "line 1: is no YAML"),
        ("a: &a [*a]", "there is no 'a'"),
        ("tls_server_config: {cert_file: x}", "key_file: is missing"),
        ("tls_server_config: {cert_file: x, key_file: y, cert: z}", "there is no 'cert'"),
        ("tls_server_config: {cert_file: [x], key_file: y}", "cert_file: is to be text"),
        (
            "tls_server_config: {cert_file: x, key_file: y, min_version: SSL3}",
            "'SSL3' is none of TLS12, TLS13",
        ),
        ("tls_server_config: {cert_file: x, key_file: y, client_auth_type: Please}", "'Please' is none of"),
        (
            "tls_server_config: {cert_file: x, key_file: y, client_auth_type: RequireAndVerifyClientCert}",
            "go together",
        ),
        (
            "tls_server_config: {cert_file: x, key_file: y, client_allowed_sans: [a]}",
            "wants client_auth_type",
        ),
        ("basic_auth_users: {jane: secret}", "'jane' is no bcrypt hash"),
        ("basic_auth_users: {jane: 3}", "is to be `name: text`"),
        ("http_server_config: {headers: {X-Evil: a}}", "'X-Evil' is none of"),
        ("\x00", "is no YAML"),
        ("#" * (64 << 10) + "\n", "larger than 64 KiB"),
    ],
)
def test_what_is_wrong_is_said_with_its_key(tmp_path: Path, config: str, said: str) -> None:
    path = tmp_path / "web.yml"
    path.write_text(config)
    with pytest.raises(WrongConfig) as wrong:
        read(path)
    assert str(wrong.value).startswith(str(path))
    assert said in str(wrong.value)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(WrongConfig, match="cannot be read: no such file"):
        read(tmp_path / "none.yml")
    path = tmp_path / "web.yml"
    path.write_text(TLS)
    with pytest.raises(WrongConfig, match=r"tls.key: cannot be read: no such file"):
        Web(path, lambda said: None)
