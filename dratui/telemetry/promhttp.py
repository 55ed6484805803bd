"""Directly to Prometheus: who we are and whom we believe, as promtool's `--http.config.file` says it.

Source: prometheus.io/docs/prometheus/latest/configuration/promtool and github.com/prometheus/common/config,
HTTPClientConfig. Paths are relative to the file; what a file holds is read again before each question.
"""

import asyncio
import base64
import os
import ssl
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import yaml
from yarl import URL

from dratui.events import Phase
from dratui.kube.failure import KubeFailure
from dratui.kube.proxy import proxy_for
from dratui.telemetry import promapi
from dratui.telemetry.promapi import PATIENCE, Parameters
from dratui.telemetry.protocol import Broken

if TYPE_CHECKING:
    import httpx

_LARGEST_BODY: Final = 64 << 20  # bytes
_CONNECT: Final = 10.0  # seconds


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Part of the file. A field that is none is a mistake in writing, and is said."""


class BasicAuth(_Section, frozen=True):
    username: str = ""
    username_file: str = ""
    password: str = ""
    password_file: str = ""


class Authorization(_Section, frozen=True):
    type: str = "Bearer"
    credentials: str = ""
    credentials_file: str = ""


class Tls(_Section, frozen=True):
    ca: str = ""
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    server_name: str = ""
    insecure_skip_verify: bool = False


class HttpConfig(_Section, frozen=True):
    """What is there of HTTPClientConfig: no OAuth2, no SigV4."""

    basic_auth: BasicAuth | None = None
    authorization: Authorization | None = None
    bearer_token: str = ""
    bearer_token_file: str = ""
    tls_config: Tls = Tls()
    proxy_url: str = ""
    follow_redirects: bool | None = None  # never: a password would go along


def read_config(path: Path) -> HttpConfig:
    """Raises Broken, whose text has nothing of what is in the file."""
    try:
        return msgspec.convert(yaml.safe_load(path.read_text()) or {}, HttpConfig)
    except OSError as error:
        raise _of_the_file(path, error.strerror or "it cannot be read") from error
    except msgspec.ValidationError as error:
        raise _of_the_file(path, str(error)) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _of_the_file(path, "it is no YAML") from error


class Direct:
    """Implements `Way` to `http(s)://[user:password@]host[:port][/path]`; `config` names a file, or nothing."""

    def __init__(self, address: str, config: str = "", environ: Mapping[str, str] = os.environ) -> None:
        self._url = URL(address)
        self._path = Path(config).expanduser() if config else None
        self._environ = environ
        self._config: HttpConfig | None = None
        self._client: httpx.AsyncClient | None = None

    async def ask(self, path: str, parameters: Parameters) -> bytes:
        """See `Way`. POST, for the query may be longer than a server likes a URL to be; Prometheus only reads."""
        httpx = await asyncio.to_thread(import_module, "httpx")  # a third of a second on a slow machine
        client = await self._ready(httpx)
        url = str(self._url.with_user(None).joinpath(path.lstrip("/")))
        try:
            async with (
                asyncio.timeout(PATIENCE + 5),
                client.stream("POST", url, data=dict(parameters), headers=self._headers()) as response,
            ):
                pieces, size = [], 0
                async for piece in response.aiter_bytes():
                    pieces.append(piece)
                    size += len(piece)
                    if size > _LARGEST_BODY:
                        raise Broken(f"Prometheus answers more than {_LARGEST_BODY >> 20} MiB")
                body = b"".join(pieces)
                if response.status_code != 200:
                    raise self._refused(response.status_code, body)
                return body
        except TimeoutError as error:
            raise Broken(f"Prometheus takes longer than {PATIENCE + 5:g} s to answer") from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise self._unreachable(httpx, error) from error

    async def close(self) -> None:
        """See `Way`."""
        if self._client is not None:
            await self._client.aclose()

    async def _ready(self, httpx: Any) -> "httpx.AsyncClient":
        if self._client is None:
            self._config = read_config(self._path) if self._path else HttpConfig()
            verify = await asyncio.to_thread(self._context, self._config.tls_config)
            try:
                proxy = proxy_for(self._url, self._config.proxy_url, self._environ)
            except KubeFailure as failure:
                raise Broken("no way to Prometheus", hint=failure.said) from failure
            self._client = httpx.AsyncClient(
                verify=verify,
                proxy=str(proxy) if proxy else None,
                trust_env=False,  # ~/.netrc too
                follow_redirects=False,
                timeout=httpx.Timeout(PATIENCE + 5, connect=_CONNECT),
            )
        return self._client

    def _headers(self) -> Mapping[str, str]:
        config = self._config or HttpConfig()
        token = config.bearer_token or self._file(config.bearer_token_file)
        scheme = "Bearer"
        if config.authorization is not None:
            scheme = config.authorization.type
            token = config.authorization.credentials or self._file(config.authorization.credentials_file)
        user, password = self._url.user or "", self._url.password or ""
        if config.basic_auth is not None and not user:
            basic = config.basic_auth
            user = basic.username or self._file(basic.username_file)
            password = basic.password or self._file(basic.password_file)
        if user:
            scheme, token = "Basic", base64.b64encode(f"{user}:{password}".encode()).decode()
        if not token:
            return {}
        if not token.isprintable() or not token.isascii():
            raise Broken("the credentials for Prometheus hold what a header cannot", phase=Phase.FORBIDDEN)
        return {"Authorization": f"{scheme} {token}"}

    def _file(self, name: str) -> str:
        if not name:
            return ""
        try:
            return self._beside(name).read_text().strip()
        except (OSError, ValueError) as error:
            raise _of_the_file(self._beside(name), "it cannot be read") from error

    def _beside(self, name: str) -> Path:
        return (self._path.parent if self._path else Path()) / Path(name).expanduser()

    def _context(self, tls: Tls) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(
                cadata=tls.ca or None, cafile=str(self._beside(tls.ca_file)) if tls.ca_file else None
            )
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # as for API servers: own authorities lack much
            if tls.insecure_skip_verify:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            if tls.cert_file:
                key = str(self._beside(tls.key_file)) if tls.key_file else None
                context.load_cert_chain(str(self._beside(tls.cert_file)), key, password="")  # asks nobody
        except (OSError, ValueError) as error:
            raise _of_the_file(self._path or Path("tls_config"), f"tls_config: {error}") from error
        return context

    def _refused(self, status: int, body: bytes) -> Broken:
        said = promapi.error(body)
        match status:
            case 401:
                return Broken(
                    "Prometheus wants a log-in",
                    hint="put it into --metrics-from, or a token into the file of --metrics-http-config",
                    phase=Phase.FORBIDDEN,
                )
            case 403:
                return Broken(f"Prometheus refuses: {said or 403}", phase=Phase.FORBIDDEN)
            case 404:
                return Broken("no Prometheus there (404)", hint=f"{self._there} has no {promapi.QUERY}")
            case _ if 300 <= status < 400:
                return Broken("Prometheus's address redirects", hint="a log-in page in front of it?")
        return promapi.refused(said or f"status {status}")

    def _unreachable(self, httpx: Any, error: Exception) -> Broken:
        inner: BaseException | None = error
        while inner is not None and not isinstance(inner, ssl.SSLCertVerificationError):
            inner = inner.__cause__ or inner.__context__
        if isinstance(inner, ssl.SSLCertVerificationError):
            return Broken("Prometheus's certificate is not trusted", hint=inner.verify_message)
        if isinstance(error, httpx.TimeoutException):
            return Broken("Prometheus is silent", hint=self._there)
        return Broken("no connection to Prometheus", hint=f"{self._there}: {error}")

    @property
    def _there(self) -> str:
        return str(self._url.with_user(None))


def _of_the_file(path: Path, why: str) -> Broken:
    return Broken("cannot log in to Prometheus", hint=f"{path}: {why}", phase=Phase.FORBIDDEN)
