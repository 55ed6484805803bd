"""An API server that does as it is told: for what a real one cannot be made to do on command."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer

from dratui.events import Event, Health, HealthChanged, Page, Phase, Put
from dratui.events import Gone as GoneEvent
from dratui.wire import ListPage, Stream, WatchEvent, WatchType

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Metadata(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    namespace: str = ""
    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")
    remaining_item_count: int | None = None


class Object(msgspec.Struct, frozen=True):
    """Also a list, whose metadata has other fields, and a Status."""

    metadata: Metadata = Metadata()
    items: list["Object"] = []
    code: int | None = None
    message: str = ""

    @property
    def key(self) -> str:
        return f"{self.metadata.namespace}/{self.metadata.name}"


class _Line(msgspec.Struct, frozen=True):
    type: WatchType
    object: Object = Object()


class MetadataCodec:
    """A row is an object's metadata."""

    def page(self, data: bytes) -> ListPage:
        page = msgspec.json.decode(data, type=Object)
        meta = page.metadata
        return ListPage(
            rows=page.items,
            resource_version=meta.resource_version,
            continue_token=meta.continue_,
            remaining=meta.remaining_item_count,
        )

    def event(self, line: bytes) -> WatchEvent:
        event = msgspec.json.decode(line, type=_Line)
        got = event.object
        return WatchEvent(
            type=event.type,
            row=got if event.type in ("ADDED", "MODIFIED", "DELETED") else None,
            resource_version=got.metadata.resource_version,
            code=got.code,
            message=got.message,
        )


def stream(
    name: str = "pods",
    *,
    group: str = "",
    versions: tuple[str, ...] = ("v1",),
    namespaced: bool = True,
    field_selector: str = "",
    priority: int = 0,
) -> Stream:
    return Stream(
        name=name,
        group=group,
        plural=name.partition(":")[0],
        versions=versions,
        namespaced=namespaced,
        codec=lambda _: MetadataCodec(),
        field_selector=field_selector,
        priority=priority,
    )


def pod(name: str, version: int, namespace: str = "default") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace, "resourceVersion": str(version)}}


def pods(
    *names: str, version: int = 100, token: str = "", remaining: int | None = None, namespace: str = "default"
) -> Handler:
    """Answer a LIST with a page of these pods."""
    meta: dict[str, Any] = {"resourceVersion": str(version), "continue": token}
    if remaining is not None:
        meta["remainingItemCount"] = remaining
    items = [pod(name, version, namespace) for name in names]
    return answer({"kind": "PodList", "metadata": meta, "items": items})


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers=headers)

    return handler


def refuse(code: int, message: str = "", headers: dict[str, str] | None = None) -> Handler:
    return answer({"kind": "Status", "code": code, "message": message}, code, headers)


def line(type_: str, obj: dict[str, Any]) -> bytes:
    return json.dumps({"type": type_, "object": obj}).encode() + b"\n"


def added(name: str, version: int) -> bytes:
    return line("ADDED", pod(name, version))


def bookmark(version: int) -> bytes:
    return line("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": str(version)}})


def error(code: int, message: str) -> bytes:
    return line("ERROR", {"kind": "Status", "code": code, "message": message})


def watch(*pieces: bytes, then: str = "end") -> Handler:
    """Answer a WATCH with these pieces, then `end` it in order, `break` it off or `hang`."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        if then == "hang":
            await asyncio.Event().wait()
        if then == "break" and request.transport:
            request.transport.abort()
        return response

    return handler


@dataclass(frozen=True)
class Asked:
    """One request that came."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]

    @property
    def watching(self) -> bool:
        return self.query.get("watch") == "1"


@dataclass
class Script:
    """What one path answers, one after the other; then empty lists, and watches that hang."""

    lists: deque[Handler] = field(default_factory=deque)
    watches: deque[Handler] = field(default_factory=deque)


class ScriptedServer:
    """Serves core v1 (pods, and what else is asked for) as scripted; other groups by `groups`."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.groups: dict[str, dict[str, tuple[str, ...]]] = {}
        self.version_handler: Handler = answer({"gitVersion": "v1.36.3"})
        self._scripts: dict[str, Script] = {}
        self._default_watch = watch(bookmark(1), then="hang")
        self.url = ""
        self.on_request: Callable[[], None] = lambda: None

    def on(self, path: str, *, lists: Iterable[Handler] = (), watches: Iterable[Handler] = ()) -> None:
        script = self._scripts.setdefault(path, Script())
        script.lists.extend(lists)
        script.watches.extend(watches)

    def requests(self, path: str, *, watching: bool) -> list[Asked]:
        return [asked for asked in self.asked if asked.path == path and asked.watching is watching]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        asked = Asked(request.path, dict(request.query), dict(request.headers))
        self.asked.append(asked)
        self.on_request()
        script = self._scripts.get(request.path)
        if script is not None:
            queue = script.watches if asked.watching else script.lists
            if queue:
                return await queue.popleft()(request)
        return await self._default(request, asked)

    async def _default(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        parts = request.path.strip("/").split("/")
        if request.path == "/version":
            return await self.version_handler(request)
        if parts[0] == "apis" and len(parts) == 2 and parts[1] in self.groups:
            versions = [{"groupVersion": f"{parts[1]}/{v}", "version": v} for v in self.groups[parts[1]]]
            return web.json_response({"kind": "APIGroup", "versions": versions})
        if parts[0] == "apis" and len(parts) == 3 and parts[2] in self.groups.get(parts[1], {}):
            kinds = [{"name": kind} for kind in self.groups[parts[1]][parts[2]]]
            return web.json_response({"kind": "APIResourceList", "resources": kinds})
        if parts[0] == "apis" and (len(parts) < 4 or parts[-1] not in self.groups[parts[1]][parts[2]]):
            return await refuse(404, "the server could not find the requested resource")(request)
        return await (self._default_watch if asked.watching else pods())(request)


@asynccontextmanager
async def serve(ssl: Any = None) -> AsyncIterator[ScriptedServer]:
    scripted = ScriptedServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", scripted.handle)
    server = TestServer(app, scheme="https" if ssl else "http", host="127.0.0.1")
    await server.start_server(ssl=ssl, shutdown_timeout=0.0)
    scripted.url = str(server.make_url("")).rstrip("/")
    try:
        yield scripted
    finally:
        await server.close()


class Heard:
    """Collects what a source emits, and keeps the rows as a store would."""

    def __init__(self) -> None:
        self.batches: list[list[Event]] = []
        self.rows: dict[str, dict[str, Object]] = {}
        self.health: dict[str, Health] = {}
        self.healths: dict[str, list[Health]] = {}
        self._listing: dict[str, set[str]] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def listening_to(self, run: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
        """Have a source run meanwhile. What it raises comes out of `until`, or at the end."""
        self._task = asyncio.create_task(run)
        self._task.add_done_callback(lambda _: self.wake())
        try:
            yield
        finally:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def __call__(self, events: Sequence[Event]) -> None:
        self.batches.append(list(events))
        for event in events:
            self._apply(event)
        self.wake()

    def wake(self) -> None:
        """Something else happened on which a condition may depend."""
        self._changed.set()

    def _apply(self, event: Event) -> None:
        rows = self.rows.setdefault(event.stream, {})
        match event:
            case HealthChanged():
                self.health[event.stream] = event.health
                self.healths.setdefault(event.stream, []).append(event.health)
            case Put():
                rows[event.row.key] = event.row
            case GoneEvent():
                rows.pop(event.row.key, None)
            case Page():
                if event.first:
                    self._listing[event.stream] = set()
                listed = self._listing[event.stream]
                for row in event.rows:
                    rows[row.key] = row
                    listed.add(row.key)
                if event.last:
                    for key in rows.keys() - listed:
                        del rows[key]

    def names(self, name: str = "pods") -> list[str]:
        return sorted(key.partition("/")[2] for key in self.rows.get(name, {}))

    def phases(self, name: str = "pods") -> list[Phase]:
        """The phases that the stream went through, each once in a row."""
        phases: list[Phase] = []
        for health in self.healths.get(name, []):
            if not phases or phases[-1] is not health.phase:
                phases.append(health.phase)
        return phases

    async def until(self, condition: Callable[[], object], seconds: float = 20.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                if self._task and self._task.done():
                    self._task.result()
                self._changed.clear()
                await self._changed.wait()

    async def until_phase(self, phase: Phase, name: str = "pods", seconds: float = 20.0) -> None:
        await self.until(lambda: name in self.health and self.health[name].phase is phase, seconds)
