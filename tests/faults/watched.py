"""The dashboard through a fault: what it must show meanwhile, and what must be as before afterwards."""

import asyncio
import gc
import os
import tracemalloc
import warnings
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dratui.api.streams import STREAMS
from dratui.cluster.store import Store
from dratui.events import SETTLED, Event, Phase
from dratui.kube.options import Options
from dratui.kube.pace import DEFAULT_PACE, Pace
from dratui.kube.source import ClusterSource
from dratui.tui.app import DratuiApp
from dratui.views.query import Query
from tests.faults.between import Between
from tests.tui.driving import Driver, press, screen, text, type_in, until

SLACK = 1 << 20
"""Bytes. What is done for the first time fills caches of Textual's and ours; the world of a test takes 5 MB."""


@dataclass(frozen=True)
class Times:
    """`scale` is what of a fault's real duration is waited, `pace` the client's own patience."""

    scale: float
    pace: Pace
    patience: float  # seconds that a test waits for what must come

    def with_(self, **pace: Any) -> "Times":
        """The same, and where times are scaled down these too."""
        return self if self.scale else replace(self, pace=replace(self.pace, **pace))

    async def lasts(self, seconds: float) -> None:
        """The fault goes on for so long."""
        await asyncio.sleep(seconds * self.scale)


FULL = Times(1.0, DEFAULT_PACE, 900.0)
BRIEF = Times(
    0.0,
    Pace(
        first_delay=0.05,
        longest_delay=0.3,
        slow_retry=0.5,
        watch_shortest=1.0,
        watch_longest=2.0,
        check_every=0.3,
        check_silence=1.0,
        shortest_watch=0.0,
    ),
    60.0,
)


@dataclass(frozen=True)
class Kept:
    """What a process holds that a fault may leave behind: bytes that Python allocated, tasks, open files.

    Not its resident size: that is also what the allocator has not given back, and what else is in this process.
    """

    memory: int
    tasks: int
    files: int

    @classmethod
    def now(cls) -> "Kept":
        """After all garbage is collected, that which the source froze too."""
        gc.unfreeze()
        gc.collect()
        files = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
        return cls(tracemalloc.get_traced_memory()[0], len(asyncio.all_tasks()), files)

    def fits(self, before: "Kept") -> bool:
        """Whether this is no more than what was kept before, give or take the check of the moment."""
        return (
            self.memory < before.memory + SLACK
            and self.tasks <= before.tasks + 2
            and self.files <= before.files + 4
        )

    def beyond(self, before: "Kept") -> str:
        """What is kept now that was not before; of the memory only who has most."""
        most = tracemalloc.take_snapshot().statistics("lineno")[:10]
        return "\n".join(
            [
                f"{self.memory - before.memory:+,} bytes, {self.tasks - before.tasks:+} tasks,"
                f" {self.files - before.files:+} files; now:",
                *map(str, most),
            ]
        )


class Watch:
    """A dashboard that looks at the claims of a cluster."""

    def __init__(
        self, pilot: Driver, store: Store, times: Times, source: Callable[[], ClusterSource]
    ) -> None:
        self.pilot = pilot
        self.store = store
        self._times = times
        self._source = source
        self._before: Kept | None = None

    @property
    def first_line(self) -> str:
        return screen(self.pilot)[0]

    @property
    def lines(self) -> list[str]:
        return screen(self.pilot)

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        await until(self.pilot, condition, what, patience=self._times.patience)

    async def shows(self, *wanted: str) -> None:
        """Wherever lines are broken."""

        def shown() -> bool:
            words = " ".join(text(self.pilot).split())
            return all(w in words for w in wanted)

        await self.until(shown, " and ".join(wanted))

    async def is_live(self) -> None:
        await self.until(lambda: self.first_line.endswith("● live"), "the first line to say live")

    async def health_says(self, *wanted: str) -> None:
        """`:health` says it; then back to the table."""
        await self._look_at("health", *wanted)

    async def messages_say(self, *wanted: str) -> None:
        """`:messages` says it; then back to the table."""
        await self._look_at("messages", *wanted)

    async def _look_at(self, place: str, *wanted: str) -> None:
        await self.go(place)
        await self.shows(place.capitalize(), *wanted)
        await self.go("claims")

    async def press(self, *keys: str) -> None:
        await press(self.pilot, *keys)

    async def go(self, place: str) -> None:
        """As typed behind `:`."""
        await type_in(self.pilot, f":{place}")
        await press(self.pilot, "enter")

    async def remembers(self, through: Between | None = None) -> None:
        """What is kept now is what may be kept after the fault.

        What stands `through` has connections of its own in this process: all are to be open then.
        """
        await self.is_live()
        if through is not None:
            await self.until(lambda: through.watched >= self._live(), "every watch to be open")
        self._before = Kept.now()

    def _live(self) -> set[str]:
        """The kinds that are live and of which all objects are watched."""
        live = (STREAMS[name] for name, health in self.store.health.items() if health.phase is Phase.LIVE)
        return {stream.plural for stream in live if not stream.field_selector}

    async def recovers(self) -> None:
        """It is live again, its rows are those of a fresh list, and what it keeps is what it kept."""
        await self.is_live()
        await self.rows_equal_a_fresh_list()
        await self.keeps_no_more()

    async def rows_equal_a_fresh_list(self) -> None:
        """Every row of every kind."""
        fresh = await fresh_list(self._source())
        await self.until(lambda: rows(self.store) == fresh, "the rows to be those of a fresh list")

    async def keeps_no_more(self) -> None:
        """Than it kept when it was told to remember, once connections have ended."""
        before = self._before
        assert before is not None
        try:
            await self.until(lambda: Kept.now().fits(before), f"no more to be kept than {before}")
        except AssertionError as vain:
            vain.add_note(Kept.now().beyond(before))
            raise


def rows(store: Store) -> Mapping[str, Mapping[Any, Any]]:
    """All that a store has, by kind."""
    return {
        "slices": store.slices,
        "claims": store.claims,
        "templates": store.templates,
        "classes": store.classes,
        "taint rules": store.taint_rules,
        "pods": store.pods,
        "nodes": store.nodes,
        "namespaces": store.namespaces,
        "quotas": store.quotas,
        "warnings": store.warnings,
    }


async def fresh_list(source: ClusterSource) -> Mapping[str, Mapping[Any, Any]]:
    """What a source that has never seen this cluster finds in it."""
    store = Store()

    def take(events: Sequence[Event]) -> None:
        store.apply(events)

    following = asyncio.create_task(source.run(take))
    try:
        while not all((h := store.health.get(s)) and h.phase in SETTLED for s in STREAMS):
            if following.done():
                following.result()
            await asyncio.sleep(0.01)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    return rows(store)


@asynccontextmanager
async def watching(
    kubeconfig: Path,
    times: Times,
    *,
    fresh: Path | None = None,
    size: tuple[int, int] = (120, 30),
    **source: Any,
) -> AsyncIterator[Watch]:
    """The app on a cluster, live. `fresh`: the kubeconfig of the list that is compared, if it is another."""
    _sweep()
    tracemalloc.start()
    streams = list(STREAMS.values())
    app = DratuiApp(
        ClusterSource(Options(kubeconfig=str(kubeconfig)), streams, pace=times.pace, **source),
        query=Query(kind="claims"),
    )
    try:
        async with app.run_test(size=size) as pilot:
            watch = Watch(
                pilot,
                app._session.shell._world.store,
                times,
                lambda: ClusterSource(Options(kubeconfig=str(fresh or kubeconfig)), streams),
            )
            await watch.is_live()
            yield watch
    finally:
        tracemalloc.stop()
        _sweep()


def _sweep() -> None:
    """Have the garbage of an app that ended collected here, and not in the middle of a test.

    An app that ends leaves it to the system to close its sockets, which Python warns of.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.unfreeze()
        gc.collect()
