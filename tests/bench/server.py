"""The corpus behind a loopback server, in a process of its own: its work is not ours."""

import argparse
import asyncio
import json
import ssl
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from aiohttp import web

from tests.bench.corpus import DRA, Size, lists

_GROUP = DRA.rpartition("/")[0]


def application(pages: Mapping[str, Sequence[bytes]]) -> web.Application:
    """Discovery, lists in pages, and watches on which nothing happens."""
    kinds = [{"name": path.rpartition("/")[2]} for path in pages if path.startswith(DRA)]
    documents = {
        "/version": {"gitVersion": "v1.36.3"},
        _GROUP: {"versions": [{"version": "v1"}]},
        DRA: {"resources": kinds},
        "/livez": {},
    }

    async def serve(request: web.Request) -> web.StreamResponse:
        if (document := documents.get(request.path)) is not None:
            return web.json_response(document)
        if request.path not in pages:
            raise web.HTTPNotFound(text="{}")
        if "watch" in request.query:
            return await _silence(request)
        page = pages[request.path][int(request.query.get("continue") or 0)]
        return web.Response(body=page, content_type="application/json")

    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    return app


async def _silence(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await asyncio.Event().wait()
    return response


async def main() -> None:
    """Serve until stdin closes. Prints the port once the corpus is there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("size", type=json.loads)
    parser.add_argument("keys", type=Path, help="a folder with server.crt and server.key")
    arguments = parser.parse_args()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(arguments.keys / "server.crt", arguments.keys / "server.key")
    runner = web.AppRunner(application(lists(Size(**arguments.size))), handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    # Watches are open for ever; there is nobody to wait for.
    sys.exit()


if __name__ == "__main__":
    asyncio.run(main())
