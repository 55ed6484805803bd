"""`web.config.yml` as Prometheus exporters read it: TLS, client certificates, basic auth, response headers.

The file and the certificates that it names may be replaced while the agent runs: they are looked at again when somebody
connects. What is wrong at the start ends the agent; what is wrong later changes nothing, and is told in the log.

Source: github.com/prometheus/exporter-toolkit, docs/web-configuration.md.
"""

import asyncio
import base64
import hashlib
import hmac
import os
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import bcrypt
import yaml

LARGEST: Final = 64 << 10
LOOK_SECONDS: Final = 1.0  # between two looks at the files
REMEMBERED: Final = 100  # logins that were right: bcrypt is slow on purpose

_VERSIONS: Final = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_CLIENTS: Final = {
    "": ssl.CERT_NONE,
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_HEADERS: Final = (
    "Content-Security-Policy", "Strict-Transport-Security", "X-Content-Type-Options", "X-Frame-Options",
    "X-XSS-Protection",
)  # fmt: skip
_NOBODY: Final = b"$2b$10$abcdefghijklmnopqrstuuC5FNqRXLZ4NxXbWzC4sP3cPOQcbnz2m"  # is no password's


class WrongConfig(Exception):
    """The file is wrong: where, what, and what to do."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Files, absolute, and how clients show who they are."""

    certificate: Path
    key: Path
    clients: ssl.VerifyMode = ssl.CERT_NONE
    authority: Path | None = None
    least: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    most: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED
    names: frozenset[str] = frozenset()  # of which a client's certificate must have one; empty: any


@dataclass(frozen=True, slots=True)
class WebConfig:
    """What the file says. `users` maps names to bcrypt hashes; empty: everybody may read."""

    tls: Tls | None = None
    users: Mapping[str, bytes] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def read(path: Path) -> WebConfig:
    """Read the file. Raises WrongConfig."""
    try:
        data = path.read_bytes() if path.stat().st_size <= LARGEST else None
        if data is None:
            raise WrongConfig(f"{path}: is larger than {LARGEST >> 10} KiB: is this the file that was meant?")
        top = yaml.safe_load(data)
    except OSError as error:
        raise WrongConfig(f"{path}: cannot be read: {os.strerror(error.errno or 0).lower()}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark is not None else ""
        raise WrongConfig(
            f"{path}{where}: is no YAML: {getattr(error, 'problem', None) or 'see the file'}"
        ) from None
    reader = _Reader(path)
    fields = reader.mapping(top, "the file", ("tls_server_config", "http_server_config", "basic_auth_users"))
    tls = fields.get("tls_server_config")
    http = reader.mapping(fields.get("http_server_config"), "http_server_config", ("http2", "headers"))
    headers = reader.texts(http.get("headers"), "http_server_config.headers")
    for name in headers:
        if name not in _HEADERS:
            raise reader.wrong(f"http_server_config.headers: {name!r} is none of {', '.join(_HEADERS)}")
    users = reader.texts(fields.get("basic_auth_users"), "basic_auth_users")
    for name, hashed in users.items():
        if not hashed.startswith(("$2a$", "$2b$", "$2y$")) or len(hashed) != 60:
            raise reader.wrong(
                f"basic_auth_users: the value of {name!r} is no bcrypt hash: make one with htpasswd -nBC 10"
            )
    return WebConfig(
        None if tls is None else reader.tls(tls),
        {name: text.encode() for name, text in users.items()},
        headers,
    )


class _Reader:
    """Takes a parsed file apart; every error names the file and the key."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def wrong(self, what: str) -> WrongConfig:
        return WrongConfig(f"{self._path}: {what}")

    def mapping(self, value: Any, where: str, known: tuple[str, ...]) -> Mapping[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.wrong(f"{where}: is to be `key: value` lines")
        for key in value:
            if key not in known:
                raise self.wrong(f"{where}: there is no {key!r}: one of {', '.join(known)}")
        return value

    def texts(self, value: Any, where: str) -> Mapping[str, str]:
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(
            isinstance(k, str) and isinstance(v, str) for k, v in value.items()
        ):
            raise self.wrong(f"{where}: is to be `name: text` lines")
        return value

    def tls(self, value: Any) -> Tls:
        where = "tls_server_config"
        known = (
            "cert_file", "key_file", "client_auth_type", "client_ca_file", "client_allowed_sans", "min_version",
            "max_version",
        )  # fmt: skip
        fields = self.mapping(value, where, known)
        sans = fields.get("client_allowed_sans") or []
        for key in known:
            if key != "client_allowed_sans" and not isinstance(fields.get(key, ""), str):
                raise self.wrong(f"{where}.{key}: is to be text")
        if not isinstance(sans, list) or not all(isinstance(name, str) for name in sans):
            raise self.wrong(f"{where}.client_allowed_sans: is to be a list of names")
        for key in ("cert_file", "key_file"):
            if not fields.get(key):
                raise self.wrong(f"{where}.{key}: is missing")
        clients = fields.get("client_auth_type", "")
        if clients not in _CLIENTS:
            raise self.wrong(
                f"{where}.client_auth_type: {clients!r} is none of {', '.join(filter(None, _CLIENTS))}"
            )
        if sans and _CLIENTS[clients] is not ssl.CERT_REQUIRED:
            raise self.wrong(
                f"{where}.client_allowed_sans: wants client_auth_type: RequireAndVerifyClientCert"
            )
        authority = fields.get("client_ca_file", "")
        if (_CLIENTS[clients] is not ssl.CERT_NONE) != bool(authority):
            raise self.wrong(f"{where}: client_auth_type and client_ca_file go together")
        versions = {}
        for key in ("min_version", "max_version"):
            if text := fields.get(key, ""):
                if text not in _VERSIONS:
                    raise self.wrong(f"{where}.{key}: {text!r} is none of {', '.join(_VERSIONS)}")
                versions[key] = _VERSIONS[text]
        here = self._path.parent
        return Tls(
            here / fields["cert_file"],
            here / fields["key_file"],
            _CLIENTS[clients],
            here / authority if authority else None,
            versions.get("min_version", ssl.TLSVersion.TLSv1_2),
            versions.get("max_version", ssl.TLSVersion.MAXIMUM_SUPPORTED),
            frozenset(sans),
        )


def context(tls: Tls) -> ssl.SSLContext:
    """What to show and whom to believe. Raises WrongConfig."""
    built = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    built.minimum_version, built.maximum_version = tls.least, tls.most
    try:
        built.load_cert_chain(tls.certificate, tls.key, password="")
    except (OSError, ssl.SSLError) as error:
        raise WrongConfig(f"{tls.certificate} and {tls.key}: {_said(error)}") from error
    if tls.authority is not None:
        try:
            built.load_verify_locations(tls.authority)
        except (OSError, ssl.SSLError) as error:
            raise WrongConfig(f"{tls.authority}: {_said(error)}") from error
    built.verify_mode = tls.clients
    return built


def _said(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return f"are no certificate and its key ({(error.reason or 'unreadable').replace('_', ' ').lower()})"
    return f"cannot be read: {os.strerror(error.errno or 0).lower()}"


class Web:
    """The file as it is now. `told` is called with what is wrong with a new one."""

    def __init__(
        self, path: Path | None, told: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._told = told
        self._clock = clock
        self.config = read(path) if path is not None else WebConfig()
        self._marks = self._look()
        self._looked = clock()
        self.context = self._context()
        self._right: dict[bytes, None] = {}

    def refresh(self) -> None:
        """Look at the files, now and then."""
        now = self._clock()
        if self._path is None or now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        marks = self._look()
        if marks == self._marks:
            return
        self._marks = marks
        try:
            config = read(self._path)
            if config.tls != self.config.tls:
                raise WrongConfig(
                    f"{self._path}: another tls_server_config wants a restart; only its files may change"
                )
            fresh = context(config.tls) if config.tls is not None else None
            if self.context is not None and config.tls is not None and config.tls.authority is not None:
                self.context.load_verify_locations(config.tls.authority)  # beside the one before
        except WrongConfig as wrong:
            self._told(f"{wrong}; what was there before stays in force")
            return
        self.config = config
        self._right.clear()
        self._current = fresh

    async def admits(self, authorization: str) -> bool:
        """Whether somebody with this Authorization header may read."""
        if not self.config.users:
            return True
        kind, _, code = authorization.partition(" ")
        try:
            name, colon, password = base64.b64decode(code, validate=True).decode().partition(":")
        except ValueError:
            return False
        if kind.lower() != "basic" or not colon:
            return False
        known = self.config.users.get(name)
        seal = hashlib.sha256(repr((name, password, known)).encode()).digest()
        if seal in self._right:
            return True
        # As long for a name that nobody has.
        right = await asyncio.to_thread(_matches, password, known or _NOBODY)
        if right and known is not None:
            if len(self._right) >= REMEMBERED:
                self._right.pop(next(iter(self._right)))
            self._right[seal] = None
            return True
        return False

    def knows(self, certificate: Mapping[str, Any] | None) -> bool:
        """Whether a client's certificate has one of the names that may read."""
        wanted = self.config.tls.names if self.config.tls is not None else frozenset()
        if not wanted:
            return True
        return any(name in wanted for _, name in (certificate or {}).get("subjectAltName", ()))

    def _context(self) -> ssl.SSLContext | None:
        """The context that the server is started with. Each connection is shown the newest certificate."""
        tls = self.config.tls
        self._current = context(tls) if tls is not None else None
        if tls is None:
            return None
        front = context(tls)

        def hand_on(connection: ssl.SSLObject, name: str | None, front: ssl.SSLContext) -> None:
            self.refresh()
            if self._current is not None:
                connection.context = self._current

        front.sni_callback = hand_on
        return front

    def _look(self) -> tuple[object, ...]:
        tls = self.config.tls if self._path is not None else None
        files = [self._path, *((tls.certificate, tls.key, tls.authority) if tls else ())]
        return tuple(_mark(file) for file in files if file is not None)


def _mark(path: Path) -> object:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _matches(password: str, hashed: bytes) -> bool:
    try:
        return hmac.compare_digest(bcrypt.hashpw(password.encode()[:72], hashed), hashed)
    except ValueError:
        return False
