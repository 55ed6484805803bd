"""What a source says about a cluster: the one language between the sources (`kube`, `recording`) and the store.

A source follows *streams*. A stream is one list-and-watch of one kind, named by the kind's plural
(`resourceclaims`, `pods`), with a suffix where a kind is watched by field selector (`events:FailedX`).
Objects travel as rows that the stream's decoder made (`dratui.api`); a source does not look inside them.
"""

from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import Any, Protocol

import msgspec

Row = Any
"""An object as the stream's decoder made it: a frozen Struct of `dratui.api.model` with `key`."""


class Phase(StrEnum):
    """Where a stream is."""

    WAITING = "waiting"  # not started yet
    SYNCING = "syncing"  # the first list is being read
    LIVE = "live"
    STALE = "stale"  # was complete, the watch is down or listing again: rows are kept and age
    FORBIDDEN = "forbidden"
    NOT_SERVED = "not served"  # the server has no such kind: normal
    FAILED = "failed"  # never complete so far; being retried
    ENDED = "ended"  # a recording has no more to say


COMPLETE = frozenset({Phase.LIVE, Phase.STALE, Phase.ENDED})
"""The rows of a stream in these were complete once: absence means something."""

SETTLED = COMPLETE | {Phase.FORBIDDEN, Phase.NOT_SERVED, Phase.FAILED}
"""A stream in these has said what it can for now."""

ENDED_WELL = "end of the recording"
"""The detail of an ENDED stream of which nothing is missing."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How one stream does. `since` is when this phase began, unix seconds on the source's clock."""

    phase: Phase
    since: float
    detail: str = ""  # why, in the server's or the network's words
    seen: int = 0  # objects listed so far, while SYNCING
    total: int | None = None  # objects to list as far as the server says, while SYNCING
    version: str = ""  # the API version in use, such as `resource.k8s.io/v1`
    namespace: str = ""  # not empty: rights allow only this namespace, so rows are partial


class Page(msgspec.Struct, frozen=True):
    """A piece of a list. Until `last` nothing is deleted; with it, what the list did not name is gone."""

    stream: str
    rows: Sequence[Row]
    first: bool
    last: bool


class Put(msgspec.Struct, frozen=True):
    """An object was added or changed."""

    stream: str
    row: Row


class Gone(msgspec.Struct, frozen=True):
    """An object was deleted. `row` is its last state."""

    stream: str
    row: Row


class HealthChanged(msgspec.Struct, frozen=True):
    """A stream changed its phase, or got on with its first list."""

    stream: str
    health: Health


Event = Page | Put | Gone | HealthChanged


class About(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the source listens to; shown in the first line of the screen."""

    cluster: str  # the context's name, or the recording's
    user: str = ""
    namespace: str = ""  # the context's default namespace
    server_version: str = ""  # such as `v1.36.3`; empty until known
    recorded: bool = False


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Whom one could listen to: a context of the kubeconfig."""

    name: str
    cluster: str
    user: str
    namespace: str = ""


class Source(Protocol):
    """Anything that can tell the state of a cluster: an API server, or a recording of one."""

    @property
    def about(self) -> About:
        """Whom this listens to. May become more precise while the source runs."""

    def now(self) -> float:
        """The source's clock, unix seconds: ages are measured against it."""

    async def run(self, emit: Callable[[Sequence[Event]], None]) -> None:
        """Follow until cancelled, or until a recording ends. `emit` is called on the event loop, never concurrently.

        Raises Failure for what makes the whole source useless (no API server, no credentials); what concerns one
        stream is its health.
        """

    def fetch(self, stream: str, namespace: str, name: str) -> Awaitable[bytes]:
        """The full object as JSON bytes, as the server has it now. Raises Failure when it cannot be had."""
