"""Bearer tokens: a real API server says whose one is, and who may read."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from dratui_agent.apiserver import ApiServer, NoAnswer
from dratui_agent.cli import main
from dratui_agent.exporter import bearer
from dratui_agent.exporter.bearer import Reviews
from dratui_agent.exporter.server import application
from dratui_agent.exporter.state import State
from dratui_agent.exporter.web_config import Web
from dratui_agent.sample import Sample

from tests.agent import service_accounts
from tests.realparts.controlplane import ControlPlane

RIGHTS = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: metrics-{ns}}}
rules: [{{nonResourceURLs: [/metrics, /v1/*], verbs: [get]}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: metrics-{ns}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: metrics-{ns}}}
subjects: [{{kind: ServiceAccount, name: prometheus, namespace: {ns}}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: delegator-{ns}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:auth-delegator"}}
subjects: [{{kind: ServiceAccount, name: agent, namespace: {ns}}}]
"""


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Counted(ApiServer):
    """How often it was asked."""

    asked = 0

    async def ask(self, path: str, body: Any = None, method: str = "", kind: str = "") -> Any:
        self.asked += 1
        return await super().ask(path, body)


class Served:
    """The agent's server in this process, and who may read it."""

    def __init__(self, plane: ControlPlane, path: Path, config: Web | None = None) -> None:
        ns = f"agent-{uuid.uuid4().hex[:6]}"
        plane.kubectl("create", "namespace", ns)
        plane.apply(RIGHTS.format(ns=ns))
        own = service_accounts.token(plane, ns, "agent")
        self.prometheus = service_accounts.token(plane, ns, "prometheus")
        self.nobody = service_accounts.token(plane, ns, "nobody")
        self.name = f"system:serviceaccount:{ns}:nobody"
        self.clock = Clock()
        self.api = Counted(plane.server, service_accounts.folder(plane, path / "account", own))
        state = State(1.0)
        state.take(Sample(0.0, 0.0, "1"))
        self.runner = web.AppRunner(application(state, config, Reviews(self.api, self.clock)))
        self.session: aiohttp.ClientSession

    async def start(self) -> None:
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        host, port = self.runner.addresses[0][:2]
        self.session = aiohttp.ClientSession(f"http://{host}:{port}")

    async def stop(self) -> None:
        await self.session.close()
        await self.runner.cleanup()
        await self.api.close()

    async def get(self, token: str, path: str = "/metrics", kind: str = "Bearer") -> tuple[int, str]:
        headers = {"Authorization": f"{kind} {token}"} if token else {}
        async with self.session.get(path, headers=headers) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def served(bare_control_plane: ControlPlane, tmp_path: Path) -> AsyncIterator[Served]:
    made = Served(bare_control_plane, tmp_path)
    await made.start()
    yield made
    await made.stop()


async def test_who_has_the_right_may_read_and_others_are_told_which_is_missing(served: Served) -> None:
    assert (await served.get(served.prometheus))[0] == 200
    assert (await served.get(served.prometheus, "/v1/snapshot"))[0] == 200
    status, said = await served.get(served.prometheus, "/")
    assert (status, "may not get /: a role with this nonResourceURL" in said) == (403, True)
    status, said = await served.get(served.nobody)
    assert (status, said.split(" may not get /metrics: ")[0]) == (403, served.name)
    assert await served.get("made.up.token") == (401, "the API server does not know this token\n")
    assert await served.get("") == (401, "log in\n")
    for page in ("/-/healthy", "/-/ready"):
        assert (await served.get("", page))[0] == 200, "a probe has no token"


async def test_an_answer_is_believed_for_a_while(served: Served) -> None:
    assert (await served.get(served.prometheus))[0] == 200
    asked = served.api.asked
    assert {(await served.get(served.prometheus))[0] for _ in range(5)} == {200}
    assert served.api.asked == asked
    served.clock.seconds += bearer.ALLOWED_SECONDS
    assert (await served.get(served.prometheus))[0] == 200
    assert served.api.asked == asked + 2
    assert (await served.get("made.up"))[0] == 401
    asked = served.api.asked
    assert (await served.get("made.up"))[0] == 401
    served.clock.seconds += bearer.DENIED_SECONDS
    assert (await served.get("made.up"))[0] == 401
    assert served.api.asked == asked + 1


async def test_many_tokens_at_once_are_asked_about_once_each_and_not_all_kept(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bearer, "REMEMBERED", 3)
    answers = await asyncio.gather(*(served.get(served.prometheus) for _ in range(10)))
    assert {status for status, _ in answers} == {200}
    assert served.api.asked == 2
    for n in range(5):
        await served.get(f"made.up.{n}")
    asked = served.api.asked
    assert (await served.get(served.prometheus))[0] == 200
    assert served.api.asked == asked + 2, "the oldest answer was let go"
    monkeypatch.setattr(bearer, "AT_ONCE", 0)
    assert await served.get("another") == (503, "too many tokens to ask about at once\n")


async def test_without_the_api_server_nobody_new_is_let_in(
    served: Served, bare_control_plane: ControlPlane
) -> None:
    assert (await served.get(served.prometheus))[0] == 200
    bare_control_plane.kill_apiserver()
    try:
        assert (await served.get(served.prometheus))[0] == 200, "known for a while"
        status, said = await served.get(served.nobody)
        assert (status, said) == (503, "the API server cannot be asked who may read\n")
        served.clock.seconds += bearer.ALLOWED_SECONDS
        assert (await served.get(served.prometheus))[0] == 503
    finally:
        bare_control_plane.start_apiserver()
    assert (await served.get(served.prometheus))[0] == 200, "what failed is not remembered"


async def test_an_agent_that_may_not_review_tells_its_log_why(
    served: Served, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "account" / "token").write_text(served.nobody)
    for _ in range(3):
        assert (await served.get(served.prometheus))[0] == 503
    assert caplog.text.count('cannot create resource "tokenreviews"') == 1


async def test_a_password_does_as_well_where_both_are_asked_for(
    bare_control_plane: ControlPlane, tmp_path: Path
) -> None:
    import base64

    import bcrypt

    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    (tmp_path / "web.yml").write_text(f"basic_auth_users: {{ann: '{hashed}'}}\n")
    served = Served(bare_control_plane, tmp_path, Web(tmp_path / "web.yml", print))
    await served.start()
    try:
        login = base64.b64encode(b"ann:secret").decode()
        assert (await served.get(login, kind="Basic"))[0] == 200
        assert (await served.get(served.prometheus))[0] == 200
        async with served.session.get("/metrics") as answer:
            assert answer.status == 401
            kinds = [each.split()[0] for each in answer.headers.getall("WWW-Authenticate")]
            assert kinds == ["Bearer", "Basic"]
    finally:
        await served.stop()


def test_outside_of_a_pod_it_is_one_sentence(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert main(["--web.auth=kubernetes", "--web.listen-address=127.0.0.1:0"]) == 1
    assert "KUBERNETES_SERVICE_HOST is not set: the agent does not run in a pod" in capfd.readouterr().err


def test_a_pod_without_a_service_account_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(NoAnswer, match="no service account in"):
        ApiServer.of_this_pod(tmp_path, {"KUBERNETES_SERVICE_HOST": "127.0.0.1"})
