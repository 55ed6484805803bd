"""Connections: so many and no more, and none that only sits there.

aiohttp waits for ever for the first request of a connection, and for who does not read what he asked for. Here one has
ten seconds to say what he wants and half a minute to take it; where the house is full, whoever has waited longest
without a wish makes room for who comes. So a scrape is answered whatever else there is.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import web

MOST: Final = 256
ASK_SECONDS: Final = 10.0  # for the first request, all of its head
TAKE_SECONDS: Final = 30.0  # for an answer of which nothing is taken
SWEEP_SECONDS: Final = 1.0


@dataclass(slots=True)
class _Guest:
    """One connection. Times are seconds of the clock."""

    since: float  # it came, or its last request ended
    asked: bool = False
    busy: int = 0  # requests under way
    waiting: int = 0  # bytes of an answer that were not taken when we last looked,
    stuck: float = 0.0  # and since when they have not become fewer


class Guests:
    """All connections of a server. Who answers tells by `served` which have a wish."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._guests: dict[asyncio.BaseTransport, _Guest] = {}

    def __len__(self) -> int:
        return len(self._guests)

    def door(self, server: web.Server) -> Callable[[], asyncio.Protocol]:
        """What makes a protocol for each connection that is accepted."""
        return lambda: _Door(self, server)

    @contextmanager
    def served(self, transport: asyncio.BaseTransport | None) -> Iterator[None]:
        """While a request of a connection is answered."""
        guest = (self._guests.get(transport) if transport else None) or _Guest(0.0)
        guest.asked = True
        guest.busy += 1
        try:
            yield
        finally:
            guest.busy -= 1
            guest.since = self._clock()

    def come(self, transport: asyncio.Transport) -> None:
        """A connection, that has room now."""
        if len(self._guests) >= MOST:
            self.sweep()
        if len(self._guests) >= MOST:
            idle = [(g.asked, g.since, t) for t, g in self._guests.items() if not g.busy]
            out = min(idle, key=lambda each: each[:2])[2] if idle else transport
            self._send_away(out)
            if out is transport:
                return
        self._guests[transport] = _Guest(self._clock())

    async def look_after(self) -> None:
        """Send away who only sits there, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self.sweep()

    def sweep(self) -> None:
        """Once."""
        now = self._clock()
        for transport, guest in list(self._guests.items()):
            if transport.is_closing():
                del self._guests[transport]
            elif not guest.busy and (
                (not guest.asked and now - guest.since >= ASK_SECONDS)
                or self._takes_nothing(transport, guest, now)
            ):
                self._send_away(transport)

    def _takes_nothing(self, transport: asyncio.BaseTransport, guest: _Guest, now: float) -> bool:
        assert isinstance(transport, asyncio.Transport)
        waiting = transport.get_write_buffer_size()
        if not waiting or waiting < guest.waiting or not guest.waiting:
            guest.stuck = now
        guest.waiting = waiting
        return bool(waiting) and now - guest.stuck >= TAKE_SECONDS

    def _send_away(self, transport: asyncio.BaseTransport) -> None:
        self._guests.pop(transport, None)
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


class _Door(asyncio.Protocol):
    """Hands a connection that is let in to the server's own protocol, and is gone then."""

    def __init__(self, guests: Guests, server: web.Server) -> None:
        self._guests = guests
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._guests.come(transport)
        if not transport.is_closing():
            protocol = self._server()
            transport.set_protocol(protocol)
            protocol.connection_made(transport)
