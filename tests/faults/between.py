"""What stands between a dashboard and a real API server, and does to their talk what networks and servers do to it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from weakref import WeakSet

import aiohttp
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.realparts.controlplane import ControlPlane

Meddle = Callable[[bytes], Iterable[bytes]]


class Between:
    """Passes requests on, byte by byte, until it is told otherwise."""

    def __init__(self, session: aiohttp.ClientSession, server: str) -> None:
        self._session = session
        self._server = server
        self._transports: WeakSet[asyncio.BaseTransport] = WeakSet()
        self._dead: WeakSet[asyncio.BaseTransport] = WeakSet()  # neither closed nor of any use
        self._watches: dict[asyncio.BaseTransport, str] = {}  # what runs on a connection
        self._meddle: dict[str, tuple[Meddle, bool]] = {}  # and whether only once
        self._refusal: tuple[int, dict[str, str], bytes] | None = None
        self._cut = False
        self.refused = 0

    @property
    def watched(self) -> set[str]:
        """The kinds whose watches are open, from end to end."""
        return set(self._watches.values())

    # What may happen

    def cut(self) -> None:
        """No way through: every connection breaks, and so does every new one."""
        self._cut = True
        self.break_all()

    def mend(self) -> None:
        """All is well again."""
        self._cut = False
        self._refusal = None
        self._meddle.clear()

    def break_all(self) -> None:
        """Every connection breaks; new ones work."""
        for transport in list(self._transports):
            transport.abort()  # type: ignore[attr-defined]  # those of servers have it

    def forget_all(self) -> None:
        """Half-open: every connection stays, and nothing comes of it any more. New ones work."""
        self._dead |= self._transports

    def stall(self, plural: str) -> None:
        """The same to the watch of one kind only."""
        stalled = [transport for transport, watched in self._watches.items() if watched == plural]
        assert stalled, f"no watch of {plural}"
        self._dead.update(stalled)

    def refuse(self, status: int, message: str, **headers: str) -> None:
        """Every request, but for health checks, which servers exempt."""
        body = f'{{"kind":"Status","code":{status},"message":"{message}"}}'.encode()
        self._refusal = status, {name.replace("_", "-"): value for name, value in headers.items()}, body

    def meddle_once(self, plural: str, how: Meddle) -> None:
        """With the next bytes that a list or watch of this kind brings."""
        self._meddle[plural] = how, True

    def meddle(self, plural: str, how: Meddle) -> None:
        """With all of them, until it is mended."""
        self._meddle[plural] = how, False

    # How it is done

    async def handle(self, request: web.Request) -> web.StreamResponse:
        transport = request.transport
        assert transport is not None
        self._transports.add(transport)
        await self._passable(transport)
        if self._refusal is not None and request.path != "/livez":
            self.refused += 1
            status, headers, body = self._refusal
            return web.Response(status=status, headers=headers, body=body)
        passed = ("Authorization", "Accept", "Accept-Encoding")
        asked = {name: request.headers[name] for name in passed if name in request.headers}
        async with self._session.get(f"{self._server}{request.path_qs}", headers=asked) as answer:
            response = web.StreamResponse(status=answer.status, headers={"Content-Type": "application/json"})
            await response.prepare(request)
            plural = request.path.rpartition("/")[2]
            if request.query.get("watch") and not request.query.get("fieldSelector"):
                self._watches[transport] = plural
            try:
                async for piece in answer.content.iter_any():
                    how, once = self._meddle.get(plural, (None, False))
                    if once:
                        del self._meddle[plural]
                    await self._passable(transport)
                    for part in how(piece) if how else (piece,):
                        await response.write(part)
            finally:
                self._watches.pop(transport, None)
        await self._passable(transport)
        return response

    async def _passable(self, transport: asyncio.BaseTransport) -> None:
        if self._cut:
            transport.abort()  # type: ignore[attr-defined]
        if self._cut or transport in self._dead:
            await asyncio.Event().wait()


@asynccontextmanager
async def between(plane: ControlPlane, folder: Path) -> AsyncIterator[tuple[Between, Path]]:
    """It, and the viewer's kubeconfig that leads through it."""
    trust = ssl.create_default_context(cafile=plane.path / "keys" / "ca.crt")
    # What is open on this side is under way: idle connections would count as kept by the dashboard.
    connector = aiohttp.TCPConnector(ssl=trust, limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        middle = Between(session, plane.server)
        app = web.Application()
        app.router.add_route("GET", "/{path:.*}", middle.handle)
        server = TestServer(app, host="127.0.0.1")
        await server.start_server(shutdown_timeout=0.0)
        config = yaml.safe_load(plane.kubeconfig("viewer").read_text())
        config["clusters"][0]["cluster"] = {"server": str(server.make_url("")).rstrip("/")}
        kubeconfig = folder / "between.kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(config))
        try:
            yield middle, kubeconfig
        finally:
            await server.close()
