"""From what came back, or did not, to a KubeFailure in words."""

import os
import ssl
from collections.abc import Mapping
from datetime import datetime

import aiohttp
import msgspec

from dratui.kube.failure import KubeFailure

Broken = (aiohttp.ClientError, TimeoutError, OSError, ValueError)
"""What aiohttp raises when a request cannot be made or an answer breaks off (ValueError: a torn chunk or URL)."""


class ProxyTrouble(aiohttp.ClientError):
    """What a proxy that aiohttp does not speak to has done, as the end of a sentence about it."""


_OUT_OF_TIME = {  # OpenSSL's X509_V_ERR_…
    9: "is not valid yet: is the clock of this machine right, or the server's?",
    10: "has run out: who runs the cluster has to renew it (kubeadm certs renew), or this machine's clock is wrong",
}


class _Details(msgspec.Struct, frozen=True, rename="camel"):
    retry_after_seconds: float | None = None


class _Status(msgspec.Struct, frozen=True):
    """metav1.Status, as far as people read it; `error` is Prometheus's word for it, behind a proxy."""

    message: str = ""
    error: str = ""
    reason: str = ""
    details: _Details | None = None


def refusal(
    to: str,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    user: str,
    ran_out: datetime | None = None,
) -> KubeFailure:
    """Put an HTTP status other than 2xx into words. `to` says what was asked for: `list resourceslices`.

    `ran_out`: since when the client certificate of `user` is no longer good.
    """
    try:
        told = msgspec.json.decode(body, type=_Status)
    except (ValueError, RecursionError):
        told = _Status()  # a proxy's or gateway's page
    message = told.message or told.error or told.reason or _first_line(body)
    said = f"{status}: {message}" if message else str(status)
    wait = told.details.retry_after_seconds if told.details else None
    asked = headers.get("Retry-After", "")
    if asked.isdigit():  # a date is allowed too, but no Kubernetes server sends one
        wait = float(asked)
    what, hint = f"the server answered {said}", ""
    if status == 401:
        what = f"the server does not accept our credentials ({said})"
        if ran_out:
            hint = (
                f"the client certificate of user {user!r} ran out at {ran_out:%Y-%m-%d %H:%M:%S} UTC: have it renewed; "
                "a new one in its place is taken up without a restart"
            )
        elif user:
            hint = f"the credentials of user {user!r} have run out or are wrong: kubectl auth whoami"
        said = f"{said}; {hint}" if hint else said
    elif status == 403:
        what, hint = f"the server refused ({said})", f"kubectl auth can-i {to}"
    elif status == 404:
        what = f"the server has no such thing ({said})"
    elif 300 <= status < 400:
        what = f"the server answered with a redirect ({status})"
        hint = "is this address an API server's? A log-in page in front of it?"
    elif status == 429:
        what = f"the server has too much to do ({said})"
    return KubeFailure(
        f"cannot {to}: {what}",
        hint=hint,
        status=status,
        status_reason=told.reason,
        said=said,
        retry_after=wait,
    )


def breakdown(to: str, server: str, error: BaseException, *, silence: float) -> KubeFailure:
    """Put an error of the network into words. `silence` is how many seconds we would have waited for a byte."""
    said, hint = _reason(error, server, silence)
    silent = isinstance(error, aiohttp.SocketTimeoutError)
    return KubeFailure(f"cannot {to}: {said}", hint=hint, said=said, silent=silent)


def _reason(error: BaseException, server: str, silence: float) -> tuple[str, str]:
    way = "is the server up, and is there a way to it from here (VPN, proxy, firewall)?"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        error = error.certificate_error
    elif isinstance(error, aiohttp.ClientOSError) and isinstance(error.__cause__, ssl.SSLError):
        error = error.__cause__  # of TLS behind a SOCKS proxy
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _OUT_OF_TIME:
            return f"the certificate of {server} {_OUT_OF_TIME[error.verify_code]}", ""
        return (
            f"the certificate of {server} cannot be trusted ({error.verify_message})",
            "is certificate-authority(-data), or tls-server-name, in the kubeconfig this server's?",
        )
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"the name of {server} cannot be resolved", way
    if isinstance(error, ProxyTrouble):
        return f"the proxy in front of {server} {error}", "look at proxy-url or $HTTPS_PROXY"
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return f"the proxy in front of {server} does not answer", "look at proxy-url or $HTTPS_PROXY"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy refused the way to {server} ({error.status})", "look at proxy-url or $HTTPS_PROXY"
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return f"{server} cannot be reached (time ran out while connecting)", way
    if isinstance(error, aiohttp.SocketTimeoutError):
        return f"{server} was silent for {silence:g} seconds", way
    tls = _tls_error(error)
    if tls is not None:
        return f"no TLS with {server} ({tls})", "does it speak https? Does it want a client certificate?"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"nobody answers at {server} ({_cause(error.os_error)})", way
    if isinstance(error, OSError) and not isinstance(error, ConnectionError):
        return f"the connection to {server} failed ({_cause(error)})", way
    if isinstance(error, aiohttp.ClientPayloadError | aiohttp.ClientConnectionError | ConnectionError):
        return f"{server} broke the connection off", way
    if isinstance(error, aiohttp.InvalidURL):
        return f"{server} is no address", "look at `server` in the kubeconfig"
    return f"what {server} answers is not HTTP", "is this address an API server's?"


def _tls_error(error: BaseException) -> str | None:
    inner = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if not isinstance(inner, ssl.SSLError):
        return None
    return (inner.reason or "it was broken off").replace("_", " ").lower()


def _cause(error: OSError) -> str:
    """The system's own words; asyncio's say only which call failed."""
    text = os.strerror(error.errno) if error.errno else error.strerror or type(error).__name__
    return text.lower()


def _first_line(body: bytes) -> str:
    text = body.decode(errors="replace").strip()
    return text.splitlines()[0][:200] if text else ""
