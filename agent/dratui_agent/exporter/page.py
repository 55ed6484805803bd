"""`/metrics` as it is sent: the devices' series, then the agent's own.

It is put together once for all who scrape within a second: making the agent's own series costs as much as sending all,
and a megabyte is not copied for each of a crowd.
"""

import time
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest as generate_text
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from dratui_agent.exporter.state import State
from dratui_agent.exporter.text import Format

KEPT_SECONDS: Final = 1.0  # the agent's own series may be as old as that

_GENERATE: Final[Mapping[Format, Callable[[CollectorRegistry], bytes]]] = {
    "text": generate_text,
    "openmetrics": generate_openmetrics,
}


class _Made(NamedTuple):
    at: float  # on a clock that only passes
    devices: bytes  # what it was made of
    body: bytes


class Page:
    """Belongs to the event loop. `own`: the agent's own series."""

    def __init__(
        self, state: State, own: CollectorRegistry, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._state = state
        self._own = own
        self._clock = clock
        self._made: dict[Format, _Made] = {}

    def body(self, form: Format) -> bytes:
        """All of it."""
        devices, now = self._state.text(form), self._clock()
        made = self._made.get(form)
        if made is None or made.devices is not devices or not 0 <= now - made.at < KEPT_SECONDS:
            made = self._made[form] = _Made(now, devices, devices + _GENERATE[form](self._own))
        return made.body
