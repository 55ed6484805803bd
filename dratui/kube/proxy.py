"""Which proxy leads to the API server: the kubeconfig's, else the environment's, by Go's rules.

Not aiohttp's `trust_env`: that also sends passwords out of ~/.netrc.
"""

import ipaddress
from collections.abc import Mapping

from yarl import URL

from dratui.kube.failure import KubeFailure


def proxy_for(server: URL, named: str, environ: Mapping[str, str]) -> URL | None:
    """The proxy to reach `server` through: http, https, socks5; `named` is the kubeconfig's `proxy-url`.

    Raises KubeFailure for a proxy that we cannot speak to. Source: golang.org/x/net/http/httpproxy.
    """
    text = named
    if not text:
        key = f"{server.scheme}_proxy"
        text = environ.get(key.upper()) or environ.get(key) or ""
        if not text or _direct(server, environ.get("NO_PROXY") or environ.get("no_proxy") or ""):
            return None
    try:
        proxy = URL(text if "://" in text else f"http://{text}")
    except ValueError as error:  # not quoted: a proxy's URL may hold its password
        raise KubeFailure(
            "the proxy's address is no URL", hint="look at proxy-url or $HTTPS_PROXY"
        ) from error
    if proxy.scheme == "socks5h":
        proxy = proxy.with_scheme("socks5")  # as for Go, names are looked up by the proxy either way
    if proxy.scheme not in ("http", "https", "socks5") or not proxy.host:
        raise KubeFailure(
            f"cannot use the proxy {proxy.scheme}://{proxy.host}: only http, https and socks5 proxies are supported",
            hint="look at proxy-url or $HTTPS_PROXY",
        )
    return proxy


def _direct(server: URL, exceptions: str) -> bool:
    host, port = server.host or "", server.port
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    for entry in (part.strip().lower() for part in exceptions.split(",")):
        if entry == "*":
            return True
        if address is not None and "/" in entry and _within(address, entry):
            return True
        name, _, only_port = entry.partition(":") if entry.count(":") == 1 else (entry, "", "")
        if only_port and only_port != str(port):
            continue
        if name and (host == name.lstrip(".") or host.endswith("." + name.removeprefix("*").lstrip("."))):
            return True
    return False


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _within(address: ipaddress.IPv4Address | ipaddress.IPv6Address, network: str) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False  # Go ignores what is no network, too
