"""`/v1/stream` and `/v1/snapshot`: Server-Sent Events, since plain GET passes the API server's pod proxy.

A subscriber has no queue: when it has taken what it was sent, it gets the sample that is the latest then, and is told
how many it missed. So one that reads slowly, or never, costs a buffer and nothing more.
"""

import asyncio
import re
from typing import Any, Final

from aiohttp import web

from dratui_agent.exporter import frames
from dratui_agent.exporter.state import State
from dratui_agent.interval import seconds

SUBSCRIBERS: Final = 64
HEARTBEAT_SECONDS: Final = 15.0  # a line that means nothing, so that proxies and readers know that it lives
PATIENCE_SECONDS: Final = 60.0  # for one that takes nothing
MOST_DEVICES: Final = 512  # that may be named
_HEADERS: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}


class Stream:
    """Both pages, and who listens."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.dropped = 0  # samples that were not sent, of all subscribers so far
        self._sending: set[asyncio.Task[Any]] = set()  # one for each subscriber

    @property
    def subscribers(self) -> int:
        """How many there are."""
        return len(self._sending)

    async def end(self, _: web.Application) -> None:
        """Nobody is sent anything any more: else the server would wait for those who listen."""
        for task in self._sending:
            task.cancel()

    async def snapshot(self, request: web.Request) -> web.Response:
        """The latest sample."""
        wanted = _devices(request)
        sample = self._state.sample
        if sample is None:
            return web.json_response({"problem": self._state.trouble}, status=503)
        return web.Response(body=frames.full(self._state, sample, wanted), content_type="application/json")

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Each sample, until the subscriber goes."""
        wanted, every = _devices(request), _interval(request, self._state.interval)
        if self.subscribers >= SUBSCRIBERS:
            return web.Response(
                text=f"there are {SUBSCRIBERS} subscribers already\n",
                status=503,
                headers={"Retry-After": "5"},
            )
        task = asyncio.current_task()
        assert task is not None
        self._sending.add(task)
        response = web.StreamResponse(headers=_HEADERS)
        try:
            await response.prepare(request)
            await self._send(response, wanted, every, request.headers.get("Last-Event-ID", ""))
        except (ConnectionError, TimeoutError):  # it has gone, or takes nothing: neither is an error here
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._sending.discard(task)
        return response

    async def _send(
        self, response: web.StreamResponse, wanted: frozenset[str], every: float, resumed: str
    ) -> None:
        state = self._state
        layout = int(found[1]) if (found := re.fullmatch(r"(\d{1,9})-\d{1,18}", resumed)) else -1
        last = 0
        due = 0.0
        while True:
            await self._write(response, await self._next(last, due))
            sample, number = state.sample, state.number
            if sample is None or number == last:
                continue  # that was a heartbeat
            loop_time = asyncio.get_running_loop().time()
            due = max(due + every, loop_time) if every > state.interval else 0.0
            missed = number - last - 1 if last and not due else 0
            if missed:
                self.dropped += missed
                await self._write(response, f'event: lag\ndata: {{"dropped":{missed}}}\n\n'.encode())
            if state.layout == layout:
                kind, data = "values", frames.values(state, sample, wanted)
            else:
                kind, data = "full", frames.full(state, sample, wanted)
            layout, last = state.layout, number
            head = f"event: {kind}\nid: {layout}-{number}\ndata: ".encode()
            await self._write(response, head + data + b"\n\n")

    async def _next(self, last: int, due: float) -> bytes:
        """Wait for a sample that is newer, not before it is due; what is to be sent if there is none for long."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await asyncio.sleep(max(0.0, due - loop.time()))
                await self._state.newer_than(last)
        except TimeoutError:
            return b": still here\n\n"
        return b""

    async def _write(self, response: web.StreamResponse, data: bytes) -> None:
        """Raises TimeoutError for a subscriber that takes nothing, ConnectionError for one that has gone."""
        if data:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await response.write(data)


def _devices(request: web.Request) -> frozenset[str]:
    named = [uuid for text in request.query.getall("devices", ()) for uuid in text.split(",") if uuid]
    if len(named) > MOST_DEVICES:
        raise web.HTTPBadRequest(
            text=f"devices: {len(named)} are too many to name; the most are {MOST_DEVICES}\n"
        )
    return frozenset(named)


def _interval(request: web.Request, least: float) -> float:
    text = request.query.get("interval", "")
    if not text:
        return least
    interval = seconds(text)
    if not 0 < interval <= 3600:
        raise web.HTTPBadRequest(text="interval: a time such as 2s, up to 1 h\n")
    return max(interval, least)
