"""Who measures what devices do, as a person says it."""

import re
from typing import Final, NamedTuple
from urllib.parse import urlsplit

FOUND: Final = "auto"
"""Whoever is found."""
NOBODY: Final = "none"
WORDS: Final = (FOUND, "agent", NOBODY)
HTTP_CONFIG: Final = "DRATUI_METRICS_HTTP_CONFIG"
"""The variable that names a file as promtool's `--http.config.file` has it: how to log in to Prometheus."""
_NODE: Final = "{node}"
_PROMETHEUS: Final = "prometheus+"
_SERVICE: Final = re.compile(
    r"svc/([a-z0-9][a-z0-9-]*)/((?:https:)?[a-z0-9][a-z0-9.-]*(?::[a-z0-9-]+)?)(/[^?#]*)?"
)


class Service(NamedTuple):
    """Prometheus behind a Service: `name` is `[https:]NAME[:PORT]`."""

    namespace: str
    name: str
    path: str


def metrics_from(text: str) -> str:
    """What `--metrics-from` takes: one of WORDS, or

        http(s)://HOST:PORT                       an agent, with `{node}` in it where each has its own
        http(s)://{node}:PORT/metrics             an exporter on each node
        prometheus+http(s)://HOST:PORT[/PATH]     Prometheus
        svc/NAMESPACE/[https:]NAME[:PORT][/PATH]  Prometheus, through the API server
        WHO,PROMETHEUS                            one of the first, and Prometheus for what was before

    Raises ValueError.
    """
    text = text.strip()
    who, memory = parts(text)
    if memory and who != NOBODY and not is_prometheus(who):
        return f"{metrics_from(who)},{memory}"
    if text in WORDS or is_prometheus(text) or _is_address(text):
        if is_exporter(text) and _NODE not in text:
            raise ValueError(f"{text!r} is one exporter's address: which node's? Write {{node}} for its name")
        return text
    raise ValueError(
        f"{text!r} is neither one of {', '.join(WORDS)} nor an address such as http://gpu-node-7:9402, "
        "prometheus+https://prometheus.example or svc/monitoring/prometheus-k8s:9090"
    )


def parts(text: str) -> tuple[str, str]:
    """Who measures, and the Prometheus that remembers; empty if none does."""
    who, _, memory = text.rpartition(",")
    return (who, memory) if who and is_prometheus(memory) else (text, "")


def is_prometheus(text: str) -> bool:
    """Whether Prometheus is meant."""
    address = prometheus_at(text)
    return service(text) is not None or (address is not None and _NODE not in text and _is_address(address))


def service(text: str) -> Service | None:
    """The Service that is meant, if one is."""
    found = _SERVICE.fullmatch(text)
    return Service(found[1], found[2], found[3] or "") if found else None


def prometheus_at(text: str) -> str | None:
    """Prometheus's address, if that is meant."""
    return text.removeprefix(_PROMETHEUS) if text.startswith(_PROMETHEUS) else None


def is_exporter(text: str) -> bool:
    """Whether the address is that of an exporter's metrics."""
    return _is_address(text) and urlsplit(text).path == "/metrics"


def _is_address(text: str) -> bool:
    try:
        url = urlsplit(text.replace(_NODE, "node"))
        return url.scheme in ("http", "https") and bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        return False
