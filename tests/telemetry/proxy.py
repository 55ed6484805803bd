"""An API server as far as telemetry asks one: a list of pods, and the pod proxy in front of real agents."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
NAMESPACE = "dratui"


def pod(
    node: str, *, uid: str = "1", name: str = "", phase: str = "Running", waiting: str = "", **more: Any
) -> dict[str, Any]:
    """An agent's pod, as JSON; `more`: `labels`, `annotations`, `ports`, `deleted`."""
    state = {"waiting": {"reason": waiting}} if waiting else {"running": {}}
    return {
        "metadata": {
            "name": name or f"agent-{node}",
            "namespace": NAMESPACE,
            "uid": f"{node}-{uid}",
            "labels": more.get("labels", {"app.kubernetes.io/name": "dratui-agent"}),
            "annotations": more.get("annotations"),
            **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if more.get("deleted") else {}),
        },
        "spec": {
            "nodeName": node,
            "containers": [
                {"name": "agent", "ports": more.get("ports", [{"name": "metrics", "containerPort": 9402}])}
            ],
        },
        "status": {"phase": phase, "containerStatuses": [{"state": state}]},
    }


def status(code: int, reason: str, message: str) -> Handler:
    """What the API server says itself."""
    body = {"kind": "Status", "apiVersion": "v1", "code": code, "reason": reason, "message": message}

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=code)

    return handler


def text(code: int, said: str) -> Handler:
    """What somebody behind it says."""

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text=said)

    return handler


def stream(*pieces: bytes, then: str = "end") -> Handler:
    """A stream of these bytes, which then comes to its `end`, is `cut` off, or falls `silent`."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        if then == "silent":
            await asyncio.Event().wait()
        if then == "cut" and request.transport:
            request.transport.abort()
        return response

    return handler


class ApiServer:
    """`pods` are listed; `behind` is who answers for a proxied pod, by its part of the path (`agent-node-1:9402`)."""

    def __init__(self) -> None:
        self.url = ""
        self.pods: list[dict[str, Any]] = []
        self.refused: dict[str, Handler] = {}  # lists, by path
        self.behind: dict[str, Handler | str] = {}  # or the address of a real agent
        self.lists: Counter[str] = Counter()
        self.open: Counter[str] = Counter()  # streams, by pod
        self.asked: list[tuple[str, str]] = []  # pod, Last-Event-ID
        self.selectors: list[tuple[str, str]] = []  # of lists: of labels, of fields
        self.authorized: set[str] = set()
        self.heard: Callable[[], None] = lambda: None
        self._session: aiohttp.ClientSession

    async def handle(self, request: web.Request) -> web.StreamResponse:
        parts = request.path.strip("/").split("/")
        if parts[-1] == "pods":
            self.lists[request.path] += 1
            label, field = request.query["labelSelector"], request.query["fieldSelector"]
            self.selectors.append((label, field))
            self.heard()
            if request.path in self.refused:
                return await self.refused[request.path](request)
            key, values = re.fullmatch(r"(\S+) in \((.+)\)", label).groups()  # type: ignore[union-attr]
            there = [
                each
                for each in self.pods
                if f"spec.nodeName={each['spec']['nodeName']}" == field
                and each["metadata"]["labels"].get(key) in values.split(",")
            ]
            return web.json_response({"kind": "PodList", "metadata": {}, "items": there})
        if request.path in ("/version", "/livez"):
            self.authorized.add(request.headers.get("Authorization", ""))
            return web.json_response({"gitVersion": "v1.36.3"})
        name = parts[5]
        self.asked.append((name, request.headers.get("Last-Event-ID", "")))
        self.open[name] += 1
        self.heard()
        try:
            behind = self.behind.get(name, status(404, "NotFound", f'pods "{name}" not found'))
            return await (self._pass_on(request, behind) if isinstance(behind, str) else behind(request))
        finally:
            self.open[name] -= 1
            self.heard()

    async def _pass_on(self, request: web.Request, url: str) -> web.StreamResponse:
        path = request.path.partition("/proxy")[2]
        headers = {k: v for k, v in request.headers.items() if k == "Last-Event-ID"}
        async with self._session.get(url + path, headers=headers) as answer:
            response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            return response


@asynccontextmanager
async def api_server() -> AsyncIterator[ApiServer]:
    server = ApiServer()
    app = web.Application()
    app.router.add_get("/{path:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.05, handler_cancellation=True)
    await runner.setup()
    async with aiohttp.ClientSession(auto_decompress=False) as server._session:
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            server.url = "http://{}:{}".format(*runner.addresses[0][:2])
            yield server
        finally:
            await runner.cleanup()
