"""Who measures: found out, or as `--metrics-from` says."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from dratui.settings.metrics import HTTP_CONFIG, is_exporter, is_prometheus, parts, prometheus_at, service
from dratui.telemetry import scrape
from dratui.telemetry.agent import AGENT
from dratui.telemetry.direct import NODE, OneAgent, OneOfEach
from dratui.telemetry.discovery import Exporter, Pods
from dratui.telemetry.endpoint import service_proxy
from dratui.telemetry.following import Following
from dratui.telemetry.promapi import Proxied, Way
from dratui.telemetry.prometheus import MEMORY, Prometheus
from dratui.telemetry.promhttp import Direct
from dratui.telemetry.protocol import Finder, Telemetry
from dratui.telemetry.remembering import Remembering

if TYPE_CHECKING:
    from dratui.kube.connection import Connection

EXPORTERS: Final[Sequence[Exporter]] = (AGENT, *scrape.EXPORTERS)
"""Those that are looked for, the best first."""


def telemetry(
    metrics_from: str,
    connection: "Connection",
    now: Callable[[], float],
    environ: Mapping[str, str] = os.environ,
) -> Telemetry:
    """`metrics_from` as `dratui.settings.metrics` has checked it, not NOBODY."""
    who, memory = parts(metrics_from)
    if memory:
        measuring = telemetry(who, connection, now, environ)
        return Remembering(measuring, Prometheus(_way(memory, connection, environ), now=now, pace=MEMORY))
    if is_prometheus(who):
        return Prometheus(_way(who, connection, environ), now=now)
    return Following(_finder(who, connection, now), now=now)


def _way(text: str, connection: "Connection", environ: Mapping[str, str]) -> Way:
    named = service(text)
    if named is not None:
        return Proxied(service_proxy(connection, "prometheus", named.namespace, named.name, named.path))
    return Direct(prometheus_at(text) or "", environ.get(HTTP_CONFIG, ""), environ)


def _finder(metrics_from: str, connection: "Connection", now: Callable[[], float]) -> Finder:
    match metrics_from:
        case "auto":
            return Pods(connection, EXPORTERS, now)
        case "agent":
            return Pods(connection, (AGENT,), now)
    if is_exporter(metrics_from):
        return OneOfEach(metrics_from.removesuffix(scrape.PATH), now, "exporter", scrape.Scraper)
    return OneOfEach(metrics_from, now) if NODE in metrics_from else OneAgent(metrics_from, now)
