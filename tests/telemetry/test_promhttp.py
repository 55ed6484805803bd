"""How one gets to Prometheus, and what is said where one does not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from dratui.events import Phase
from dratui.telemetry.promapi import Answer, query
from dratui.telemetry.promhttp import Direct, read_config
from dratui.telemetry.protocol import Broken

EMPTY = {"status": "success", "data": {"resultType": "vector", "result": []}}
Answers = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def server(answer: Answers, tls: Any = None) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/prefix/api/v1/query", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        yield "{}://{}:{}/prefix".format("https" if tls else "http", *runner.addresses[0][:2])
    finally:
        await runner.cleanup()


async def asked(address: str, config: Path | str = "") -> Answer:
    way = Direct(address, str(config), environ={})
    try:
        return await query(way, "up")
    finally:
        await way.close()


async def broken(address: str, config: Path | str = "") -> Broken:
    with pytest.raises(Broken) as caught:
        await asked(address, config)
    return caught.value


def says(status: int, body: str) -> Answers:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=body)

    return answer


@pytest.mark.parametrize(
    ("status", "body", "what", "phase"),
    [
        (
            400,
            '{"status":"error","errorType":"bad_data","error":"no, thanks"}',
            "Prometheus: no, thanks",
            Phase.STALE,
        ),
        (
            422,
            '{"status":"error","errorType":"execution","error":"too many"}',
            "Prometheus: too many",
            Phase.STALE,
        ),
        (
            503,
            '{"status":"error","errorType":"timeout","error":"timed out"}',
            "Prometheus: timed out",
            Phase.STALE,
        ),
        (200, '{"status":"error","error":"odd"}', "Prometheus: odd", Phase.STALE),
        (500, "<html>", "Prometheus: status 500", Phase.STALE),
        (401, "<html>", "Prometheus wants a log-in", Phase.FORBIDDEN),
        (403, "<html>", "Prometheus refuses: 403", Phase.FORBIDDEN),
        (404, "<html>", "no Prometheus there (404)", Phase.STALE),
        (302, "", "Prometheus's address redirects", Phase.STALE),
        (200, "<html>", "who answers is no Prometheus", Phase.STALE),
        (200, "[" * 5000, "who answers is no Prometheus", Phase.STALE),
        (200, '{"status":"success"}', "who answers is no Prometheus", Phase.STALE),
        (
            200,
            '{"status":"success","data":{"resultType":"scalar"}}',
            "who answers is no Prometheus",
            Phase.STALE,
        ),
        (
            200,
            '{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":1}}]}}',
            "who answers is no Prometheus",
            Phase.STALE,
        ),
    ],
)
async def test_what_is_not_an_answer_is_told_in_words(
    status: int, body: str, what: str, phase: Phase
) -> None:
    async with server(says(status, body)) as address:
        failure = await broken(address)
        assert (failure.what, failure.phase) == (what, phase)


async def test_warnings_come_with_the_answer() -> None:
    async with server(says(200, '{"warnings":["half of it"],' + str(EMPTY).replace("'", '"')[1:])) as address:
        assert (await asked(address)).warnings == ("half of it",)


async def test_nobody_there_is_said() -> None:
    async with server(says(200, "")) as address:
        pass
    assert (await broken(address)).what == "no connection to Prometheus"


async def test_an_answer_without_end_is_cut_off() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" " * (1 << 20))

    async with server(answer) as address:
        assert (await broken(address)).what == "Prometheus answers more than 64 MiB"


@pytest.fixture
async def authorized() -> AsyncIterator[tuple[str, list[str]]]:
    """An address, and the Authorization headers that come there."""
    headers: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        headers.append(request.headers.get("Authorization", ""))
        return web.json_response(EMPTY)

    async with server(answer) as address:
        yield address, headers


async def test_a_password_in_the_address_is_a_log_in(authorized: tuple[str, list[str]]) -> None:
    address, headers = authorized
    await asked(address)
    await asked(address.replace("://", "://jane:s%20cret@"))
    assert headers == ["", "Basic amFuZTpzIGNyZXQ="]


@pytest.mark.parametrize(
    ("config", "header"),
    [
        ("basic_auth: {username: jane, password_file: secret}", "Basic amFuZTpzIGNyZXQ="),
        ("authorization: {credentials_file: secret}", "Bearer s cret"),
        ("authorization: {type: Token, credentials: abc}", "Token abc"),
        ("bearer_token: abc", "Bearer abc"),
        ("bearer_token_file: ./secret\nfollow_redirects: true", "Bearer s cret"),
        ("", ""),
    ],
)
async def test_a_file_as_promtool_has_it_is_a_log_in(
    authorized: tuple[str, list[str]], tmp_path: Path, config: str, header: str
) -> None:
    address, headers = authorized
    (tmp_path / "secret").write_text("s cret\n")
    (tmp_path / "http.yml").write_text(config)
    await asked(address, tmp_path / "http.yml")
    assert headers == [header]


async def test_a_token_that_was_replaced_is_taken_up(
    authorized: tuple[str, list[str]], tmp_path: Path
) -> None:
    address, headers = authorized
    (tmp_path / "http.yml").write_text("bearer_token_file: token")
    way = Direct(address, str(tmp_path / "http.yml"), environ={})
    for token in ("one", "two"):
        (tmp_path / "token").write_text(token)
        await query(way, "up")
    await way.close()
    assert headers == ["Bearer one", "Bearer two"]


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ("basic_auth: {user: jane}", "unknown field `user`"),
        ("oauth2: {}", "unknown field `oauth2`"),
        ("a: [", "it is no YAML"),
        ("bearer_token_file: nowhere", "nowhere: it cannot be read"),
        ("tls_config: {ca_file: nowhere}", "tls_config: "),
    ],
)
async def test_a_file_that_is_wrong_is_named_with_the_reason(tmp_path: Path, config: str, why: str) -> None:
    (tmp_path / "http.yml").write_text(config)
    failure = await broken("http://127.0.0.1:1", tmp_path / "http.yml")
    assert (failure.what, failure.phase) == ("cannot log in to Prometheus", Phase.FORBIDDEN)
    assert why in failure.hint


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Broken) as caught:
        read_config(tmp_path / "http.yml")
    assert caught.value.hint == f"{tmp_path / 'http.yml'}: No such file or directory"


async def test_a_certificate_is_believed_by_the_files_authority_only(tmp_path: Path) -> None:
    import ssl

    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.crt")
    (tmp_path / "http.yml").write_text("tls_config: {ca_file: ca.crt}")
    async with server(says(200, str(EMPTY).replace("'", '"')), context) as address:
        assert (await broken(address)).what == "Prometheus's certificate is not trusted"
        assert await asked(address, tmp_path / "http.yml") == Answer([])


async def test_one_who_is_asked_and_goes_leaves_nothing_behind() -> None:
    began = asyncio.Event()

    async def answer(_: web.Request) -> web.StreamResponse:
        began.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with server(answer) as address:
        way = Direct(address, environ={})
        task = asyncio.create_task(query(way, "up"))
        await began.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await way.close()
