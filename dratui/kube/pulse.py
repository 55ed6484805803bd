"""The health of one stream, told when it changes."""

from collections.abc import Callable

import msgspec

from dratui.events import Event, Health, HealthChanged, Phase
from dratui.wire import Stream


class Pulse:
    """Remembers the health of `stream` and since when it has its phase, on the clock `now`."""

    def __init__(self, stream: Stream, now: Callable[[], float]) -> None:
        self.health = Health(phase=Phase.WAITING, since=now())
        self._stream = stream.name
        self._now = now

    def become(
        self, phase: Phase, detail: str = "", *, version: str, namespace: str, since: float | None = None
    ) -> list[Event]:
        """What there is to tell: one event, or none if nothing changed. `since` is for what began before now."""
        return self._change(phase, detail, version, namespace, 0, None, since)

    def listing(
        self, seen: int, total: int | None, *, version: str, namespace: str, again: bool
    ) -> list[Event]:
        """A list gets on; `again` where there are rows of an earlier one."""
        phase, detail = (Phase.STALE, self.health.detail) if again else (Phase.SYNCING, "")
        return self._change(phase, detail, version, namespace, seen, total, None)

    def shift(self, seconds: float) -> list[Event]:
        """The clock was set: what began so long ago still began so long ago."""
        self.health = msgspec.structs.replace(self.health, since=self.health.since + seconds)
        return [HealthChanged(self._stream, self.health)]

    def _change(
        self,
        phase: Phase,
        detail: str,
        version: str,
        namespace: str,
        seen: int,
        total: int | None,
        since: float | None,
    ) -> list[Event]:
        if phase is self.health.phase:
            since = self.health.since
        health = Health(
            phase=phase,
            since=self._now() if since is None else since,
            detail=detail,
            seen=seen,
            total=total,
            version=version,
            namespace=namespace,
        )
        if health == self.health:
            return []
        self.health = health
        return [HealthChanged(self._stream, health)]
