"""An API server that answers oddly: a sentence each, and never more memory than is meant for it. The real one is asked
in `test_bearer` and `test_cluster`."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import trustme
from aiohttp import web
from dratui_agent import apiserver
from dratui_agent.apiserver import ApiServer, NoAnswer


async def nonsense(_: web.Request) -> web.StreamResponse:
    return web.Response(text="{]")


async def listed(_: web.Request) -> web.StreamResponse:
    return web.json_response([1, 2])


async def elsewhere(_: web.Request) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"})


async def refused(_: web.Request) -> web.StreamResponse:
    return web.json_response({"kind": "Status", "message": "you may not"}, status=403)


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"x" * 4096)


async def silent(_: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError("nobody wakes it")


ODD: dict[str, tuple[Callable[[web.Request], Awaitable[web.StreamResponse]], str]] = {
    "/nonsense": (nonsense, "cannot be read"),
    "/listed": (listed, "cannot be read"),
    "/elsewhere": (elsewhere, r"refuses \(302\)"),
    "/refused": (refused, r"refuses \(403\): you may not"),
    "/endless": (endless, "answers more than"),
    "/silent": (silent, "took longer than"),
}


@pytest.fixture
async def odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ApiServer]:
    monkeypatch.setattr(apiserver, "PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(apiserver, "LARGEST_ANSWER", 1 << 16)
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.crt"))
    (tmp_path / "token").write_text("a token\n")
    app = web.Application()
    for path, (handler, _) in ODD.items():
        app.router.add_get(path, handler)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    asked = ApiServer(f"http://{host}:{port}", tmp_path)
    yield asked
    await asked.close()
    await runner.cleanup()


@pytest.mark.parametrize("path", ODD)
async def test_odd_answers_are_one_sentence(odd: ApiServer, path: str) -> None:
    with pytest.raises(NoAnswer, match=ODD[path][1]):
        await odd.ask(path)


async def test_a_token_that_is_gone_is_said(odd: ApiServer, tmp_path: Path) -> None:
    (tmp_path / "token").unlink()
    with pytest.raises(NoAnswer, match="cannot be asked"):
        await odd.ask("/refused")


async def test_a_server_that_does_not_listen_is_said(odd: ApiServer, tmp_path: Path) -> None:
    nobody = ApiServer("http://127.0.0.1:1", tmp_path)
    with pytest.raises(NoAnswer, match="cannot be asked"):
        await nobody.ask("/")
    await nobody.close()
    shutil.rmtree(tmp_path)
    with pytest.raises(NoAnswer, match="no service account"):
        ApiServer("http://127.0.0.1:1", tmp_path)
