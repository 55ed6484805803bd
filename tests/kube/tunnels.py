"""Proxies that a test can look into: HTTP CONNECT and SOCKS 5, both to one address, whatever name is asked for."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass
class Tunnel:
    """`asked`: the hosts that clients named; `refuse`: they get no way through; `brought`: bytes from the target."""

    port: int
    asked: list[str] = field(default_factory=list)
    refuse: bool = False
    brought: int = 0


@contextlib.asynccontextmanager
async def tunnel(kind: str, target: int) -> AsyncIterator[Tunnel]:
    """A proxy of `kind`, "http" or "socks5", that leads to a port of this machine."""
    talk = {"http": _http, "socks5": _socks}[kind]

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            if await talk(made, reader, writer):
                away, there = await asyncio.open_connection("127.0.0.1", target)
                with contextlib.closing(there):
                    await asyncio.gather(_pump(reader, there), _pump(away, writer, made))

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        leading.append(asyncio.create_task(lead(reader, writer)))

    leading: list[asyncio.Task[None]] = []
    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    made = Tunnel(server.sockets[0].getsockname()[1])
    try:
        yield made
    finally:
        server.close()
        for task in leading:
            task.cancel()
        await asyncio.gather(*leading, return_exceptions=True)


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Tunnel | None = None
) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            if count is not None:
                count.brought += len(data)
            writer.write(data)
            await writer.drain()
    writer.close()


async def _http(made: Tunnel, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    request = (await reader.readuntil(b"\r\n\r\n")).decode()
    made.asked.append(request.split()[1].rpartition(":")[0])
    writer.write(b"HTTP/1.1 403 Forbidden\r\n\r\n" if made.refuse else b"HTTP/1.1 200 OK\r\n\r\n")
    return not made.refuse


async def _socks(made: Tunnel, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """RFC 1928, without a log-in, for a host by its name."""
    _, methods = await reader.readexactly(2)
    await reader.readexactly(methods)
    writer.write(b"\x05\x00")
    assert await reader.readexactly(4) == b"\x05\x01\x00\x03"
    (length,) = await reader.readexactly(1)
    made.asked.append((await reader.readexactly(length)).decode())
    await reader.readexactly(2)
    answer = 2 if made.refuse else 0  # "connection not allowed by ruleset"
    writer.write(bytes([5, answer, 0, 1, 0, 0, 0, 0, 0, 0]))
    return not made.refuse
