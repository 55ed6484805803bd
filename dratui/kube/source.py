"""An API server as a source of events: connect, discover, and follow every stream at once."""

import asyncio
import gc
import os
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from itertools import groupby
from operator import attrgetter
from random import Random
from typing import TYPE_CHECKING

from dratui.events import About, Event, Health, HealthChanged, Phase
from dratui.kube import clock
from dratui.kube.clock import Clock
from dratui.kube.discovery import Discovery, refuse_classic_dra, resource_path, server_version
from dratui.kube.failure import KubeFailure
from dratui.kube.heartbeat import check_forever
from dratui.kube.options import Options
from dratui.kube.pace import DEFAULT_PACE, Pace
from dratui.kube.reflector import Reflector
from dratui.wire import Stream

if TYPE_CHECKING:
    from dratui.kube.connection import Connection

_LONGEST_WITHOUT_GC = (
    120.0  # seconds; a first list that takes longer is bound by the network, not by the collector
)

_LOOK_AT_CLOCK = 1.0  # seconds; the grain of ages


class ClusterSource:
    """Implements `dratui.events.Source` with the API server that `options` name.

    `about` says what the kubeconfig says once `run` has read it, and the server's version once it has answered.
    """

    def __init__(
        self,
        options: Options,
        streams: Sequence[Stream],
        *,
        now: Callable[[], float] = time.time,
        passing: Callable[[], float] = clock.passing,
        random: Random | None = None,
        pace: Pace = DEFAULT_PACE,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._options = options
        self._streams = {stream.name: stream for stream in streams}
        self._clock = Clock(now, passing)
        self._random = random or Random()  # noqa: S311 (spreads load; guards nothing)
        self._pace = pace
        self._environ = environ
        self._about = About(cluster=options.context or options.cluster)
        self._connection: Connection | None = None
        self._connected = asyncio.Event()
        self._discovery: Discovery | None = None

    @property
    def about(self) -> About:
        return self._about

    def now(self) -> float:
        return self._clock.now()

    async def run(self, emit: Callable[[Sequence[Event]], None]) -> None:
        """Follow until cancelled.

        Raises KubeFailure if there is nobody to follow: no usable kubeconfig, an API server that does not answer or
        does not know us, or one that has only the classic DRA. Later troubles are the streams' health.
        """
        waiting = Health(phase=Phase.WAITING, since=self.now())
        emit([HealthChanged(name, waiting) for name in self._streams])
        # aiohttp takes as long to import as Textual to paint: so after the first paint, and not on the event loop.
        http = await asyncio.to_thread(import_module, "dratui.kube.connection")
        connection: Connection = await http.connect(self._options, now=self.now, environ=self._environ)
        try:
            self._about = connection.about()
            self._about = connection.about(await server_version(connection))
            discovery = Discovery(connection, now=time.monotonic, fresh=self._pace.slow_retry / 2)
            await refuse_classic_dra(discovery, self._streams.values())
            self._connection, self._discovery = connection, discovery
            self._connected.set()
            await self._follow(connection, discovery, emit)
        finally:
            self._connection = self._discovery = None
            self._connected.clear()
            await connection.close()

    async def connected(self) -> "Connection":
        """Wait until the server has answered: what else there is to read through it needs no second log-in."""
        while self._connection is None:
            await self._connected.wait()
        return self._connection

    async def fetch(self, stream: str, namespace: str, name: str) -> bytes:
        """The full object as JSON. Raises KubeFailure, with status 404 if it is gone."""
        if self._connection is None or self._discovery is None:
            raise KubeFailure(f"cannot get {stream} {name}: not connected")
        wanted = self._streams[stream]
        to = f"get {wanted.plural} {name}{f' -n {namespace}' if namespace else ''}"
        version = await self._discovery.find(wanted)
        if not version:
            raise KubeFailure(f"cannot {to}: the server has no such kind", status=404)
        return await self._connection.get(resource_path(wanted, version, namespace, name), to=to)

    async def _follow(
        self, connection: "Connection", discovery: Discovery, emit: Callable[[Sequence[Event]], None]
    ) -> None:
        reflectors = [
            Reflector(
                stream,
                connection,
                discovery,
                emit,
                namespace=self._about.namespace,
                clock=self._clock,
                random=self._random,
                pace=self._pace,
            )
            for stream in self._streams.values()
        ]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_without_garbage_collection(reflectors))
            tasks.create_task(check_forever(connection, self._pace, self._clock.passing))
            tasks.create_task(self._follow_clock(reflectors))
            by_priority = attrgetter("stream.priority")
            for _, group in groupby(sorted(reflectors, key=by_priority), key=by_priority):
                started = list(group)
                for reflector in started:
                    tasks.create_task(reflector.run(), name=f"follow {reflector.stream.name}")
                for reflector in started:
                    await reflector.settled.wait()

    async def _follow_clock(self, reflectors: Sequence[Reflector]) -> None:
        """When the machine's clock is set, ages follow; how long a stream has been as it is does not change by it."""
        while True:
            await asyncio.sleep(_LOOK_AT_CLOCK)
            if jump := self._clock.follow():
                for reflector in reflectors:
                    reflector.clock_was_set(jump)


async def _without_garbage_collection(reflectors: Sequence[Reflector]) -> None:
    """Keep the collector from looking again and again at rows that only become more, while the first lists are read.

    It would stop the event loop for 132 ms where without it the longest stop is 13. What is there at the end stays,
    so it is frozen: never looked at again. Once a source; a second list later is not worth it.
    """
    if not gc.isenabled():
        return  # somebody else takes care
    gc.disable()
    try:
        async with asyncio.timeout(_LONGEST_WITHOUT_GC):
            for reflector in reflectors:
                await reflector.settled.wait()
    except TimeoutError:
        pass
    finally:
        gc.freeze()
        gc.enable()
