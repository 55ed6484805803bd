"""Who measures: found out, or as `--metrics-from` says."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from dratui.telemetry import scrape
from dratui.telemetry.agent import AGENT
from dratui.telemetry.direct import NODE, AgentOfEach, OneAgent
from dratui.telemetry.discovery import Exporter, Pods
from dratui.telemetry.following import Following
from dratui.telemetry.protocol import Finder, Telemetry

if TYPE_CHECKING:
    from dratui.kube.connection import Connection

EXPORTERS: Final[Sequence[Exporter]] = (AGENT, *scrape.EXPORTERS)
"""Those that are looked for, the best first."""


def telemetry(metrics_from: str, connection: "Connection", now: Callable[[], float]) -> Telemetry:
    """`metrics_from` as `dratui.settings.metrics` has checked it, not NOBODY."""
    return Following(_finder(metrics_from, connection, now), now=now)


def _finder(metrics_from: str, connection: "Connection", now: Callable[[], float]) -> Finder:
    match metrics_from:
        case "auto":
            return Pods(connection, EXPORTERS, now)
        case "agent":
            return Pods(connection, (AGENT,), now)
    return AgentOfEach(metrics_from, now) if NODE in metrics_from else OneAgent(metrics_from, now)
