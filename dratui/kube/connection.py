"""One connection to one API server: GET, and nothing else.

The program cannot write to a cluster because there is no verb here that could.
"""

import asyncio
import contextlib
import os
import socket
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence

import aiohttp
from yarl import URL

from dratui.events import About
from dratui.kube import answers, kubeconfig, oversize, tls
from dratui.kube.credentials import Credentials
from dratui.kube.failure import KubeFailure, TooLarge
from dratui.kube.kubeconfig import Access
from dratui.kube.options import Options
from dratui.kube.proxy import proxy_for

Params = Sequence[tuple[str, str]]
Read = Callable[[], Awaitable[bytes]]

CONNECT_TIMEOUT = 15.0
"""Seconds for TCP and TLS together."""
IDLE_TIMEOUT = 75.0
"""Seconds without a byte. The API server itself gives up on a request after 60 (its --request-timeout)."""
LARGEST_BODY = 64 << 20
"""Bytes. A page of 500 pods takes 3 MiB; one whose objects are larger is asked for in smaller pieces."""
_LARGEST_REFUSAL = 64 << 10  # bytes of an error's body that are looked at
_KEPT = 75.0  # seconds that an idle connection is kept
_READ_BUFFER = 256 << 10  # bytes; aiohttp's 64 KiB costs twice the wake-ups on a big list


class Connection:
    """Authenticated GETs. Every method raises KubeFailure, and nothing else, for what goes wrong outside."""

    def __init__(
        self, access: Access, options: Options, *, now: Callable[[], float], environ: Mapping[str, str]
    ) -> None:
        self._access = access
        self._options = options
        self._environ = environ
        self._now = now
        self._credentials = Credentials(access, options, now=now, environ=environ)
        self._server = _server(access)
        proxy = proxy_for(self._server, access.cluster.proxy_url, environ)
        self._socks = proxy if proxy and proxy.scheme == "socks5" else None
        self._proxy = None if self._socks else proxy
        self._silence = options.request_timeout or IDLE_TIMEOUT
        self._connect_timeout = min(options.request_timeout or CONNECT_TIMEOUT, CONNECT_TIMEOUT)
        self._leashes: dict[asyncio.Timeout, KubeFailure | None] = {}  # of open streams; why one was dropped
        self._tls: ssl.SSLContext | None = None
        self._tls_for: tls.Shown = ("", "")  # the plugin's certificate
        self._shown: tls.Shown = ("", "")  # the certificate in use
        # Compressing is the server's work and inflating ours: worth it on a line, not on loopback.
        local = self._server.host in ("localhost", "127.0.0.1", "::1")
        self._list_encoding = "identity" if local or access.cluster.disable_compression else "gzip"
        self._session = self._new_session()
        self._answers: Counter[aiohttp.ClientSession] = Counter()  # under way on each

    def _new_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=self._connector(),
            cookie_jar=aiohttp.DummyCookieJar(),
            read_bufsize=_READ_BUFFER,
            auto_decompress=True,
        )

    def _connector(self) -> aiohttp.TCPConnector:
        # No limit: each watch holds a connection for as long as it lives. Kept for the next check that the server
        # is alive, and less than the 90 seconds that Go's clients and servers keep theirs.
        if self._socks is None:
            return aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEPT, socket_factory=_socket)
        if self._access.cluster.tls_server_name:
            raise KubeFailure(
                "tls-server-name does not go together with a SOCKS proxy",
                hint="make `server` in the kubeconfig a name that is in its certificate: the proxy looks it up",
            )
        from dratui.kube import socks  # few need it

        return socks.connector(self._socks, keepalive_timeout=_KEPT)

    def about(self, server_version: str = "") -> About:
        """Whom we talk to, as far as the kubeconfig says."""
        user, acting_as = self._access.user_name, self._credentials.acting_as
        return About(
            cluster=self._access.context or self._access.cluster_name,
            user=f"{user} as {acting_as}" if acting_as else user,
            namespace=self._access.namespace,
            server_version=server_version,
        )

    @property
    def server(self) -> str:
        """The server's address, without anything secret."""
        return str(self._server)

    async def get(
        self,
        path: str,
        params: Params = (),
        *,
        to: str,
        silence: float | None = None,
        proxied: bool = False,
    ) -> bytes:
        """The body of a GET. `to` says in a message what was asked for: `list resourceslices`.

        `silence`: seconds without a byte after which to give up, if not those of the options. `proxied`: somebody
        behind the server may answer, whose 401 says nothing of our credentials: they are not renewed for it. Raises
        TooLarge for more than LARGEST_BODY.
        """
        silence = silence or self._silence
        pieces: list[bytes] = []
        size = 0
        async with self._answer(
            path, params, to, silence, encoding=self._list_encoding, proxied=proxied
        ) as response:
            with self._in_words(to, silence):
                while piece := await response.content.readany():
                    pieces.append(piece)
                    size += len(piece)
                    if size > LARGEST_BODY:
                        what = f"cannot {to}: the answer is larger than {LARGEST_BODY >> 20} MiB"
                        raise TooLarge(what, oversize.head(pieces))
        return b"".join(pieces)

    @contextlib.asynccontextmanager
    async def stream(
        self,
        path: str,
        params: Params,
        *,
        to: str,
        silence: float,
        headers: Params = (),
        proxied: bool = False,
    ) -> AsyncIterator[Read]:
        """A GET whose body has no end: gives a function for the next bytes, b"" being the end.

        `silence` seconds without a byte break it off. Entering waits until the server has accepted. Never
        compressed: Kubernetes 1.37 compresses watches, one gzip member a flush, and of those aiohttp before
        3.14.4 loses all but the first.
        """
        leash = asyncio.timeout(None)
        self._leashes[leash] = None
        try:
            async with (
                leash,
                self._answer(
                    path, params, to, silence, encoding="identity", headers=headers, proxied=proxied
                ) as response,
            ):

                async def read() -> bytes:
                    with self._in_words(to, silence):
                        return await response.content.readany()

                yield read
        except TimeoutError as error:  # the leash's: all others are in words already
            raise self._leashes[leash] or error from error
        finally:
            del self._leashes[leash]

    async def drop_streams(self, failure: KubeFailure) -> None:
        """End all streams with `failure`: there is reason to believe that they are dead without knowing it.

        So are the connections that are kept: what is asked from now on has new ones.
        """
        now = asyncio.get_running_loop().time()
        for leash, dropped in self._leashes.items():
            if dropped is None:
                self._leashes[leash] = failure
                leash.reschedule(now)
        await self._reconnect()

    async def close(self) -> None:
        for session in {self._session, *self._answers}:
            await session.close()
        await asyncio.sleep(0)  # a socket closes in the loop's next turn, and this may have been the last

    @contextlib.asynccontextmanager
    async def _answer(
        self,
        path: str,
        params: Params,
        to: str,
        silence: float,
        *,
        encoding: str,
        headers: Params = (),
        proxied: bool = False,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask, and once more with renewed credentials if the server does not accept those that we have."""
        url = self._server.joinpath(path.lstrip("/"), encoded=True).with_query(params)
        patience = min(self._connect_timeout, silence)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=patience, sock_read=silence)
        renewed = False
        while True:
            credentials = self._credentials
            ours = await credentials.headers()
            generation = credentials.generation
            async with self._in_session() as session:
                with self._in_words(to, silence):
                    response = await session.get(
                        url,
                        headers=[
                            ("Accept", "application/json"),
                            ("Accept-Encoding", encoding),
                            *headers,
                            *ours,
                        ],
                        ssl=self._context(),
                        server_hostname=self._access.cluster.tls_server_name or None,
                        proxy=self._proxy,
                        timeout=timeout,
                        allow_redirects=False,
                    )
                try:
                    if response.status == 200:
                        yield response
                        return
                    failure = await self._refusal(response, to, silence)
                finally:
                    # A body that was read to its end has given its connection back already. From any other one takes
                    # no leave: TLS waits for the server's, which may come when no loop runs any more, or never.
                    if (
                        response.connection is not None
                        and (there := response.connection.transport) is not None
                    ):
                        there.abort()
                    response.close()
            if failure.status != 401 or proxied or renewed or not await self._renew(credentials, generation):
                raise failure
            renewed = True

    @contextlib.asynccontextmanager
    async def _in_session(self) -> AsyncIterator[aiohttp.ClientSession]:
        """The session of the moment, which stays open meanwhile even if another takes its place."""
        session = self._session
        self._answers[session] += 1
        try:
            yield session
        finally:
            self._answers[session] -= 1
            await self._close_if_left(session)

    async def _close_if_left(self, session: aiohttp.ClientSession) -> None:
        """For another, and by all that was under way: in a closed session aiohttp lets a reader wait for ever."""
        if session is not self._session and not self._answers[session]:
            del self._answers[session]
            await session.close()

    async def _refusal(self, response: aiohttp.ClientResponse, to: str, silence: float) -> KubeFailure:
        with self._in_words(to, silence):
            body = b""
            while len(body) < _LARGEST_REFUSAL and (piece := await response.content.readany()):
                body += piece
        ran_out = None
        if response.status == 401:
            ran_out = tls.ran_out(self._shown, self._now())
        user = self._access.user_name
        return answers.refusal(to, response.status, response.headers, body, user=user, ran_out=ran_out)

    async def _renew(self, refused: Credentials, generation: int) -> bool:
        """Whether there is something newer to try than what was `refused`."""
        if self._credentials is not refused or await refused.renew(generation):
            return True
        access = kubeconfig.reload(self._access, self._options, self._environ)
        if access is not self._access:
            credentials = Credentials(access, self._options, now=self._now, environ=self._environ)
            self._access, self._credentials = access, credentials
            await self._begin_anew()
            return True
        # The file may hold a newer one by now. For the same again no connection is made anew.
        if not self._tls_for[0] and tls.client_certificate(access) != self._shown:
            await self._begin_anew()
            return True
        return False

    async def _begin_anew(self) -> None:
        """With other credentials. What the server granted to the old ones comes to its end on their connections."""
        self._tls = None
        self._context()  # at once: others are refused at the same time, and must see that it was done
        await self._reconnect()

    async def _reconnect(self) -> None:
        """Ask nothing more over the connections that there are."""
        old, self._session = self._session, self._new_session()
        await self._close_if_left(old)

    def _context(self) -> ssl.SSLContext:
        plugin = self._credentials.certificate
        if self._tls is None or plugin != self._tls_for:
            self._shown = plugin if plugin[0] else tls.client_certificate(self._access)
            self._tls, self._tls_for = tls.context(self._access, self._shown), plugin
        return self._tls

    @contextlib.contextmanager
    def _in_words(self, to: str, silence: float) -> Iterator[None]:
        try:
            yield
        except answers.Broken as error:
            raise answers.breakdown(to, self.server, error, silence=silence) from error


async def connect(
    options: Options, *, now: Callable[[], float] = time.time, environ: Mapping[str, str] = os.environ
) -> Connection:
    """Read the kubeconfig and be ready to ask; nothing is sent yet. Raises KubeFailure. Close it when done."""
    access = kubeconfig.load(options, environ)
    return Connection(access, options, now=now, environ=environ)


def _server(access: Access) -> URL:
    cluster = access.cluster
    text = cluster.server.rstrip("/")
    if not text:
        raise KubeFailure(f"cluster {access.cluster_name!r} has no server", hint="look at the kubeconfig")
    if "://" not in text:  # as client-go has it
        secure = (
            cluster.certificate_authority
            or cluster.certificate_authority_data
            or cluster.insecure_skip_tls_verify
        )
        text = f"{'https' if secure else 'http'}://{text}"
    try:
        url = URL(text).with_user(None)
    except ValueError as error:
        raise KubeFailure(f"the server of cluster {access.cluster_name!r} is no address: {text}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise KubeFailure(f"the server of cluster {access.cluster_name!r} is no http or https address: {url}")
    return url


def _socket(address: aiohttp.connector.AddrInfoType) -> socket.socket:
    """A socket that notices within a minute that the other machine is gone, even if nothing is to be said."""
    made = socket.socket(*address[:3])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):  # Linux; macOS has other names
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return made
