"""One source, what is known of it now and earlier, and the screen that shows it.

To look at another cluster is to begin another.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from dratui.cluster.store import Changes, Store
from dratui.events import SETTLED, Event, HealthChanged, Phase, Source
from dratui.failure import Failure
from dratui.history import History
from dratui.past import Past
from dratui.tui.feed import Feed
from dratui.tui.shell import Shell
from dratui.views.table import Style

LONGEST: Final = 120.0  # seconds; a first list that takes longer is bound by the network


class Session:
    """`listen` to the source, and as soon as its screen is there, `follow`. `pace`: seconds between two paints;
    `memory`: bytes for what was."""

    def __init__(
        self,
        source: Source,
        shell: Callable[[Store, Callable[[], datetime], Past], Shell],
        pace: float,
        memory: float,
    ) -> None:
        self._store = store = Store()
        self._began = time.monotonic()
        history = store.journal = History(store, source.now, limit=memory)
        store.seen = history.seen
        past = source if isinstance(source, Past) else history  # a recording has also what was not played yet
        self._source = source
        self._feed = Feed(store, self._show, pace)
        self._answered = asyncio.Event()
        self._failure: Failure | None = None
        self.shell = shell(store, self._now, past)

    async def listen(self) -> None:
        """Take in what the source says, until cancelled."""
        try:
            await self._source.run(self._take)
        except Failure as failure:
            if self._answered.is_set():
                self.shell.say(str(failure), Style.FAULT)
            else:
                self._failure = failure
                self._answered.set()

    async def answered(self) -> None:
        """Wait until the source has anything to say of its cluster. Raises its Failure where it never has."""
        await self._answered.wait()
        if self._failure is not None:
            raise self._failure

    async def follow(self) -> None:
        """Show what was taken in, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._feed.follow())
            tasks.create_task(self.shell.turns.run())

    @property
    def settled(self) -> bool:
        """Whether the first lists are read and what is made of them is made, so that most of what is there stays.

        Before, the garbage collector would look again and again at what only becomes more, and stop all for 100 ms
        each time; at what is there then it need never look.
        """
        health = self._store.health
        read = bool(health) and all(h.phase in SETTLED for h in health.values()) and not self.shell.turns.busy
        return read or time.monotonic() - self._began > LONGEST

    def _take(self, events: Sequence[Event]) -> None:
        self._feed.emit(events)
        if any(_tells(event) for event in events):
            self._answered.set()

    def _show(self, changes: Changes) -> None:
        self.shell.changed(changes)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._source.now(), UTC)


def _tells(event: Event) -> bool:
    """Whether it is about the cluster, and not that one is on the way to it."""
    return not isinstance(event, HealthChanged) or event.health.phase is not Phase.WAITING
