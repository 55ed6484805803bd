"""SOCKS 5 proxies, such as `ssh -D` makes, which aiohttp does not speak."""

import asyncio
from ssl import SSLContext

import aiohttp
import python_socks
from aiohttp.client_proto import ResponseHandler
from aiohttp_socks import ProxyConnector
from yarl import URL

from dratui.kube.answers import ProxyTrouble


def connector(proxy: URL, *, keepalive_timeout: float) -> aiohttp.TCPConnector:
    """Connections by way of `proxy`. It also looks names up: they may be known there only."""
    return _Connector(
        proxy.host or "",
        proxy.port or 1080,
        username=proxy.user,
        password=proxy.password,
        rdns=True,
        limit=0,
        keepalive_timeout=keepalive_timeout,
    )


class _Connector(ProxyConnector):
    """Its errors are aiohttp's, as everybody expects them."""

    async def _connect_via_proxy(
        self,
        host: str,
        port: int,
        ssl: SSLContext | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 (theirs)
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        try:
            return await super()._connect_via_proxy(host, port, ssl, timeout)
        except (python_socks.ProxyConnectionError, python_socks.ProxyTimeoutError) as error:
            raise ProxyTrouble("does not answer") from error
        except python_socks.ProxyError as error:
            raise ProxyTrouble(f"refused the way ({error})") from error
