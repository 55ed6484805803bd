"""The HTTP server: what is read is served as it is, nobody who asks makes anything wait.

All is small and rendered before: a request costs its bytes. What does not end, or comes in crowds, is cut off.
"""

import asyncio
import html
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from prometheus_client.registry import Collector

from dratui_agent import __version__
from dratui_agent.exporter import own
from dratui_agent.exporter.admission import Admission
from dratui_agent.exporter.bearer import Reviews
from dratui_agent.exporter.guests import ASK_SECONDS, Guests
from dratui_agent.exporter.page import Page
from dratui_agent.exporter.state import State
from dratui_agent.exporter.stream import Stream
from dratui_agent.exporter.text import CONTENT_TYPES, Format
from dratui_agent.exporter.web_config import Web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LARGEST_BODY: Final = 64 << 10  # of a request; none that is answered has one
LARGEST_HEADER: Final = 16 << 10
KEEP_ALIVE_SECONDS: Final = 75.0
GRACE_SECONDS: Final = 2.0  # for requests under way at the end
REQUESTS: Final = 64  # at a time; more are told to come again

_PAGES: Final = (
    ("/metrics", "for Prometheus"),
    ("/v1/snapshot", "the same as JSON"),
    ("/v1/stream", "and as a live stream"),
    ("/-/healthy", "whether the agent runs"),
    ("/-/ready", "whether it has fresh values"),
)


_FORMATS: Final[Mapping[str, Format]] = {
    "application/openmetrics-text": "openmetrics",
    "text/plain": "text",
    "text/*": "text",
    "*/*": "text",
}


@asynccontextmanager
async def serving(
    app: web.Application, guests: Guests, host: str, port: int, tls: ssl.SSLContext | None
) -> AsyncIterator[Sequence[tuple[str, int]]]:
    """Serve as long as the context lasts; gives the addresses. `host`: empty for all. Raises OSError."""
    runner = web.AppRunner(
        app,
        access_log=None,
        keepalive_timeout=KEEP_ALIVE_SECONDS,
        max_line_size=LARGEST_HEADER,
        max_field_size=LARGEST_HEADER,
        shutdown_timeout=GRACE_SECONDS,
    )
    await runner.setup()
    try:
        assert runner.server is not None
        listening = await asyncio.get_running_loop().create_server(
            guests.door(runner.server),
            host or None,
            port,
            ssl=tls,
            ssl_handshake_timeout=ASK_SECONDS if tls else None,
        )
        sweeping = asyncio.create_task(guests.look_after())
        try:
            yield [each.getsockname()[:2] for each in listening.sockets]
        finally:
            sweeping.cancel()
            listening.close()
    finally:
        await runner.cleanup()


def application(
    state: State,
    config: Web | None = None,
    reviews: Reviews | None = None,
    guests: Guests | None = None,
    others: Iterable[Collector] = (),
) -> web.Application:
    """All pages. Whether one is alive and ready everybody may ask. `others`: what else is in `/metrics`."""
    config = config or Web(None, lambda wrong: None)
    guests = guests if guests is not None else Guests()
    admission = Admission(config, reviews)
    stream = Stream(state)
    page = Page(state, own.registry(state, stream, lambda: len(guests), others))
    busy = asyncio.Semaphore(REQUESTS)

    async def index(_: web.Request) -> web.Response:
        links = "".join(f'<li><a href="{path}">{path}</a> {html.escape(what)}' for path, what in _PAGES)
        title = f"<!doctype html><title>dratui-agent</title><h1>dratui-agent {__version__}</h1>"
        return web.Response(text=f"{title}<ul>{links}</ul>\n", content_type="text/html")

    async def metrics(request: web.Request) -> web.Response:
        form = negotiated(request.headers.get("Accept", ""))
        return web.Response(body=page.body(form), headers={"Content-Type": CONTENT_TYPES[form]})

    async def healthy(_: web.Request) -> web.Response:
        return web.Response(text="healthy\n")

    async def ready(_: web.Request) -> web.Response:
        trouble = state.trouble
        return web.Response(
            text=f"not ready: {trouble}\n" if trouble else "ready\n", status=503 if trouble else 200
        )

    @web.middleware
    async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
        with guests.served(request.transport):
            return await handler(request)

    @web.middleware
    async def admitted(request: web.Request, handler: Handler) -> web.StreamResponse:
        refused = await admission.refusal(request)
        return await handler(request) if refused is None else refused

    async def signed(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(config.config.headers)

    @web.middleware
    async def limited(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == "/v1/stream":  # these last, and are counted where they are served
            return await handler(request)
        if busy.locked():
            return web.Response(text="too many requests at once\n", status=503, headers={"Retry-After": "1"})
        async with busy:
            return await handler(request)

    app = web.Application(client_max_size=LARGEST_BODY, middlewares=[counted, admitted, limited])
    app.on_response_prepare.append(signed)
    app.on_shutdown.append(stream.end)
    app.router.add_get("/", index)
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/-/healthy", healthy)
    app.router.add_get("/-/ready", ready)
    app.router.add_get("/v1/snapshot", stream.snapshot)
    app.router.add_get("/v1/stream", stream.stream)
    return app


def negotiated(accept: str) -> Format:
    """The format that a scraper likes best of those that there are, by the quality that it gives each."""
    likes = dict.fromkeys(CONTENT_TYPES, 0.0)
    for offer in accept.split(","):
        kind, *parameters = (part.strip() for part in offer.split(";"))
        if (form := _FORMATS.get(kind)) is not None:
            likes[form] = max(likes[form], _quality(parameters))
    return "openmetrics" if likes["openmetrics"] > likes["text"] else "text"


def _quality(parameters: Sequence[str]) -> float:
    given = next((text[2:] for text in parameters if text.startswith("q=")), "1")
    try:
        return float(given)
    except ValueError:
        return 0.0
