"""IP addresses and networks, read as Go's net/netip reads them; URLs, as net/url does."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote

from dratui.allocation.cel.errors import NO_OVERLOAD, EvaluationError
from dratui.allocation.cel.values import Cidr, Ip, Map, Url

_LONGEST: Final = 64  # characters of an address with its network


class _NoAddress(ValueError):
    """Says why in Go's words."""


def _address(text: str) -> Ip:
    """Raises _NoAddress."""
    shown = _go_quoted(text)
    for character in text[:_LONGEST]:
        if character == ".":
            return _four(text, shown)
        if character == ":":
            return _six(text, shown)
        if character == "%":
            raise _NoAddress(f"ParseAddr({shown}): missing IPv6 address")
    raise _NoAddress(f"ParseAddr({shown}): unable to parse IP")


def _four(text: str, shown: str) -> ipaddress.IPv4Address:
    fields = text.split(".")
    for field in fields[:5]:
        if not (field.isascii() and field.isdigit()):
            why = "IPv4 field must have at least one digit" if not field else "unexpected character"
            raise _NoAddress(f"ParseAddr({shown}): {why}")
        if len(field) > 1 and field[0] == "0":
            raise _NoAddress(f"ParseAddr({shown}): IPv4 field has octet with leading zero")
        if len(field) > 3 or int(field) > 255:
            raise _NoAddress(f"ParseAddr({shown}): IPv4 field has value >255")
    if len(fields) != 4:
        raise _NoAddress(f"ParseAddr({shown}): IPv4 address too {'long' if len(fields) > 4 else 'short'}")
    return ipaddress.IPv4Address(text)


def _six(text: str, shown: str) -> ipaddress.IPv6Address:
    if (at := text.find(":::")) >= 0:
        rest = _go_quoted(text[at + 2 :])
        raise _NoAddress(
            f"ParseAddr({shown}): each colon-separated field must have at least one digit (at {rest})"
        )
    try:
        return ipaddress.IPv6Address(text)
    except ValueError as error:
        raise _NoAddress(f"ParseAddr({shown}): {error}") from None


def to_ip(text: str) -> Ip:
    """`ip`."""
    try:
        address = _address(text)
    except _NoAddress as wrong:
        raise EvaluationError(
            f"IP Address {_go_quoted(text)} parse error during conversion from string: {wrong}"
        ) from None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            raise EvaluationError(f"IP address {_go_quoted(text)} with zone value is not allowed")
        if address.ipv4_mapped is not None:
            raise EvaluationError(f"IPv4-mapped IPv6 address {_go_quoted(text)} is not allowed")
    return address


def to_cidr(text: str) -> Cidr:
    """`cidr`."""
    try:
        return _network(text)
    except _NoAddress as wrong:
        said = "network address parse error during conversion from string: "
        if not str(wrong).startswith("IPv4-mapped"):
            said += said
        raise EvaluationError(f"{said}{wrong}") from None


def _network(text: str) -> Cidr:
    shown = _go_quoted(text)
    address, slash, bits = text.rpartition("/")
    if not slash:
        raise _NoAddress(f"netip.ParsePrefix({shown}): no '/'")
    try:
        there = _address(address)
    except _NoAddress as wrong:
        raise _NoAddress(f"netip.ParsePrefix({shown}): {wrong}") from None
    if isinstance(there, ipaddress.IPv6Address) and there.scope_id is not None:
        raise _NoAddress(f"netip.ParsePrefix({shown}): IPv6 zones cannot be present in a prefix")
    if not re.fullmatch(r"0|[1-9][0-9]{0,8}", bits, re.ASCII):
        raise _NoAddress(f"netip.ParsePrefix({shown}): bad bits after slash: {_go_quoted(bits)}")
    if int(bits) > there.max_prefixlen:
        raise _NoAddress(f"netip.ParsePrefix({shown}): prefix length out of range")
    if isinstance(there, ipaddress.IPv6Address):
        if there.ipv4_mapped is not None:
            raise _NoAddress(f"IPv4-mapped IPv6 address {_go_quoted(address)} is not allowed")
        return ipaddress.IPv6Interface((there, int(bits)))
    return ipaddress.IPv4Interface((there, int(bits)))


def _go_quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _is(read: Callable[[str], Any]) -> Callable[[str], bool]:
    def is_one(text: str) -> bool:
        try:
            read(text)
        except EvaluationError:
            return False
        return True

    return is_one


def _within(network: Cidr, address: Ip) -> bool:
    return network.version == address.version and address in network.network


def _within_text(network: Cidr, text: str) -> bool:
    try:
        return _within(network, to_ip(text))
    except EvaluationError:
        raise EvaluationError(NO_OVERLOAD) from None  # the server forgets why


def _contains(network: Cidr, other: Cidr) -> bool:
    return (
        network.version == other.version
        and network.network.prefixlen <= other.network.prefixlen
        and other.network.network_address in network.network
    )


def _global_unicast(address: Ip) -> bool:
    if isinstance(address, ipaddress.IPv4Address) and (address.is_unspecified or int(address) == 0xFFFFFFFF):
        return False
    return not (
        address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local
    )


def _link_local_multicast(address: Ip) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return address in ipaddress.IPv4Network("224.0.0.0/24")
    return address.packed[0] == 0xFF and address.packed[1] & 0x0F == 0x02


def _masked(network: Cidr) -> Cidr:
    first = network.network
    if isinstance(first, ipaddress.IPv4Network):
        return ipaddress.IPv4Interface((first.network_address, first.prefixlen))
    return ipaddress.IPv6Interface((first.network_address, first.prefixlen))


_URL: Final = re.compile(
    r"([a-zA-Z][a-zA-Z0-9+.-]*):(//([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL
)
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f]")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9a-fA-F]{2})")
_PATH: Final = "/%:@!$&'()*+,;=~-._"


def to_url(text: str) -> Url:
    """`url`: an absolute one, or a path."""
    why = _wrong_url(text)
    if why:
        raise EvaluationError(f"URL parse error during conversion from string: {why}")
    found = _URL.fullmatch(text)
    if found is None:
        path, _, query = text.partition("?")
        return Url("", "", quote(path, safe=_PATH), query, text)
    host = (found[3] or "").rpartition("@")[2]
    return Url(found[1].lower(), host, quote(found[4] or "", safe=_PATH), found[5] or "", text)


def _wrong_url(text: str) -> str:
    shown = f"parse {_go_quoted(text)}:"
    if not text:
        return f"{shown} empty url"
    if _UNSEEN.search(text):
        return f"{shown} net/url: invalid control character in URL"
    if text.startswith(":"):
        return f"{shown} missing protocol scheme"
    found = _URL.fullmatch(text)
    if found is None:
        return "" if text.startswith("/") else f"{shown} invalid URI for request"
    if found[2] is None and not (found[4] or "").startswith("/"):
        return f"{shown} invalid URI for request"
    if (bad := _BAD_ESCAPE.search((found[3] or "") + (found[4] or ""))) is not None:
        return f'{shown} invalid URL escape "{bad.string[bad.start() : bad.start() + 3]}"'
    host = (found[3] or "").rpartition("@")[2]
    if " " in host:
        return f'{shown} invalid character " " in host name'
    port = re.fullmatch(r"(?:\[[^\]]*\]|[^:]*)(?::([^:]*))?", host)
    if port is None or (port[1] and not (port[1].isascii() and port[1].isdigit())):
        return f'{shown} invalid port ":{host.rpartition(":")[2]}" after host'
    return ""


def _host_name(url: Url) -> str:
    if url.host.startswith("["):
        return url.host[1:].partition("]")[0]
    return url.host.partition(":")[0]


def _port(url: Url) -> str:
    return url.host.rpartition("]")[2].partition(":")[2]


def _query(url: Url) -> Map:
    found: dict[str, list[str]] = {}
    for key, value in parse_qsl(url.query, keep_blank_values=True, max_num_fields=1000):
        found.setdefault(key, []).append(value)
    return Map(found.items())


IMPLEMENTATIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "string_to_ip": to_ip,
    "ip_is_canonical": lambda text: str(to_ip(text)) == text,
    "is_ip": _is(to_ip),
    "ip_family": lambda address: address.version,
    "ip_is_unspecified": lambda address: address.is_unspecified,
    "ip_is_loopback": lambda address: address.is_loopback,
    "ip_is_link_local_multicast": _link_local_multicast,
    "ip_is_link_local_unicast": lambda address: address.is_link_local,
    "ip_is_global_unicast": _global_unicast,
    "ip_to_string": str,
    "string_to_cidr": to_cidr,
    "is_cidr": _is(to_cidr),
    "cidr_contains_ip_string": _within_text,
    "cidr_contains_ip_ip": _within,
    "cidr_contains_cidr_string": lambda network, text: _contains(network, to_cidr(text)),
    "cidr_contains_cidr": _contains,
    "cidr_ip": lambda network: network.ip,
    "cidr_prefix_length": lambda network: network.network.prefixlen,
    "cidr_masked": _masked,
    "cidr_to_string": lambda network: f"{network.ip}/{network.network.prefixlen}",
    "string_to_url": to_url,
    "is_url_string": _is(to_url),
    "url_get_scheme": lambda url: url.scheme,
    "url_get_host": lambda url: url.host,
    "url_get_hostname": _host_name,
    "url_get_port": _port,
    "url_get_escaped_path": lambda url: url.path,
    "url_get_query": _query,
}
