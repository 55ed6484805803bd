"""Who measures: found out, or as `--metrics-from` says."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from dratui.telemetry.agent import AGENT
from dratui.telemetry.discovery import Exporter, Pods
from dratui.telemetry.following import Following
from dratui.telemetry.protocol import Telemetry

if TYPE_CHECKING:
    from dratui.kube.connection import Connection

EXPORTERS: Final[Sequence[Exporter]] = (AGENT,)
"""Those that are looked for, the best first."""


def telemetry(metrics_from: str, connection: "Connection", now: Callable[[], float]) -> Telemetry:
    """`metrics_from` as the setting of that name has checked it; empty: whoever is found."""
    if metrics_from == "agent":
        return Following(Pods(connection, (AGENT,), now), now=now)
    return Following(Pods(connection, EXPORTERS, now), now=now)
