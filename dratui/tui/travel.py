"""When one looks: now, or at a time before, to which keys go change by change or at once.

The past is a copy of the store, brought to a time by what `Past.at` says. The screens look at it through the World
through which they look at the present one, which goes on behind it. Keys never wait: moves queue, and those that are
typed during one become one.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from math import inf, nextafter
from typing import Final, Literal

from dratui.cluster.store import Changes, Store
from dratui.events import Event, Page, Source
from dratui.failure import Failure
from dratui.past import Past
from dratui.samples import STREAM as SAMPLES
from dratui.tui.replay import Replay
from dratui.tui.screens.face import World
from dratui.tui.work import Tell, Work
from dratui.views import words
from dratui.views.happened import happened
from dratui.views.table import Style

SLICE_SECONDS: Final = 0.008  # how long filling the store may keep keys waiting
PLAY_SECONDS: Final = 0.25  # between two pictures: no faster than a person reads

Move = Callable[[float], Awaitable[float | None]]
"""From one time to another; None is now."""


class Travel:
    """Points `world` at a time; `work` is for moving alone.

    `arrived` is told what differs from what showed, or None for another store: when one has left the present, as it
    is then, and when one is back. `say` is told what one should know.
    """

    def __init__(
        self,
        world: World,
        source: Source,
        past: Past,
        work: Work,
        arrived: Callable[[Changes | None], None],
        say: Callable[[str, Style], None],
    ) -> None:
        self._world = world
        self._source = source
        self._work = work
        self._arrived = arrived
        self._say = say
        self._present = world.store, world.now
        self._held: float | None = None  # the time that the past's store is exactly at
        self._moves: deque[Move] = deque()
        self._moving = False
        self._holds = False  # a replay that played
        self._plays = False
        self._reading: float | None = None  # how much of a recording, for its bar
        self._awake = asyncio.Event()
        self.past = past
        self.replays = isinstance(source, Past)  # a recording is its own past
        self.at: float | None = None  # unix seconds; None: now
        self.happened = ""  # at that very time

    @property
    def position(self) -> float:
        """Where one is, in unix seconds."""
        return self._source.now() if self.at is None else self.at

    def step(self, direction: Literal[-1, 1]) -> None:
        """To the change before, or after; after the last one is now."""

        async def move(t: float) -> float | None:
            found = await self.past.step(t, direction)
            if found is None and (direction < 0 or self.replays):
                raise _End(self._limit(direction))
            return found

        self._go(move)

    def to(self, t: float) -> None:
        """To a time. What is not remembered any more, or has not come yet, is said."""

        async def move(_: float) -> float | None:
            if not self.replays and t >= self.past.ends:
                return None
            reached = min(max(t, self.past.begins), self.past.ends)
            if reached != t:
                self._say(self._limit(-1 if t < reached else 1), Style.WAITING)
            return reached

        self._go(move)

    def play(self) -> None:
        """Let time go on from there, as fast as it does or a recording is played; again: hold it."""
        self._plays = self.at is not None and not self._plays
        self._run()

    def now(self) -> None:
        """Back to the present."""
        self._held = None
        self.stop()

    async def get_ready(self) -> None:
        """Prepare before anyone moves, for the sake of the bar. What fails is told to who moves."""
        with suppress(Failure):
            await self.past.prepare(self._note)
        self._reading = None

    def _note(self, progress: float) -> None:
        self._reading = progress

    def stop(self) -> str:
        """Go no further; says what was stopped, if anything was."""
        stopped = self._work.stop()
        self._rest()
        return stopped

    def _go(self, move: Move) -> None:
        if isinstance(self._source, Replay) and not self._source.paused:
            self._source.toggle_pause()
            self._holds = True
        self._moves.append(move)
        self._plays = False
        self._run()

    def _run(self) -> None:
        self._awake.set()
        if not self._moving and (self._moves or self._plays):
            self._moving = True
            self._work.start("playing" if self._plays else "going through time", self._travel)

    async def _travel(self, tell: Tell) -> str:
        """Make the moves that were asked for, and those that are while they are made."""
        said = ""
        try:
            await self.past.prepare(lambda progress: tell(f"{progress:.0%}".replace("%", " %")))
            while self._moves or self._plays:
                if self._plays:
                    said = await self._play()
                    continue
                here = nextafter(self._source.now(), inf) if self.at is None else self.at
                t: float | None = here
                while self._moves and t is not None:
                    try:
                        t = await self._moves.popleft()(t)
                    except _End as end:
                        said = end.what
                        self._moves.clear()
                if t is None:
                    said = "this is now" if self.at is None else ""
                    self._return()
                elif t != here:
                    await self._fill(t)
        except Failure:
            self._rest()
            raise
        self._rest()
        return said

    def _rest(self) -> None:
        """No move is left. Who was left half way is back in the present."""
        self._moves.clear()
        self._moving = self._plays = False
        if self._held is None:
            self._return()

    def _return(self) -> None:
        """To the present. A replay that was held for the sake of looking goes on."""
        if self._holds and isinstance(self._source, Replay) and self._source.paused:
            self._source.toggle_pause()
        self._holds = False
        if self.at is not None:
            self.at = self._held = None
            self._world.store, self._world.now = self._present
            self._arrived(None)

    async def _play(self) -> str:
        """Until it is held, or comes to the end: in a live session that is the present."""
        speed = self._source.speed if isinstance(self._source, Replay) else 1.0
        begin, since = self.position, time.monotonic()
        while self._plays:
            t = begin + (time.monotonic() - since) * speed
            ended = t >= self.past.ends
            if ended and not self.replays:
                self._plays = False
                self._return()
                return ""
            await self._fill(min(t, self.past.ends))
            if ended:
                self._plays = False
                return self._limit(1)
            self._awake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(PLAY_SECONDS):
                    await self._awake.wait()
        return ""

    def _depart(self) -> None:
        """The past begins as a copy of the present, of which what differs is changed then."""
        present = self._present[0]
        store = present.copy()
        store.seen = lambda stream, key: (
            change for change in present.seen(stream, key) if change[0] <= self.position
        )
        now = self._source.now()
        if not self.replays:  # a replay may have played no further than to the middle of a list
            self._held = self.past.ends
        self._arrive(store, now, None)

    async def _fill(self, t: float) -> None:
        """Make the store what it was at `t`, then show it."""
        if self.at is None:
            self._depart()
        store = self._world.store
        since, self._held = self._held, None
        changes = Changes()
        end = time.monotonic() + SLICE_SECONDS
        async for piece in self.past.at(t, since=since):
            changes |= store.apply(piece)
            if time.monotonic() >= end:
                await asyncio.sleep(0)
                end = time.monotonic() + SLICE_SECONDS
        before = nextafter(t, -inf)
        done = await self._difference(t, before)
        undone = await self._difference(before, t) if done else ()
        self.happened = happened(undone, done)
        self._held = t
        self._arrive(store, t, changes)

    async def _difference(self, t: float, since: float) -> Sequence[Event]:
        """What leads there; nothing where only whole lists do, which may be long."""
        events: list[Event] = []
        async for piece in self.past.at(t, since=since):
            if any(isinstance(event, Page) and event.stream != SAMPLES for event in piece):
                return ()
            events += piece
        return events

    def _arrive(self, store: Store, t: float, changes: Changes | None) -> None:
        self.at = t
        self._world.store, self._world.now = store, lambda: _time(t)
        self._arrived(changes)

    # --- words -----------------------------------------------------------------------------------------------------

    def words(self) -> tuple[str, Style]:
        """`◀ 14:03:11, 3m12s ago`; in a recording, how far in it."""
        t, now = _time(self.position), _time(self._source.now())
        if self.replays:
            length = self.past.ends - self.past.begins
            far = f"{words.duration(self.position - self.past.begins)} of {words.duration(length)}"
        else:
            far = f"{words.age(t, now)} ago"
        return f"{'▶' if self._plays else '◀'} {words.clock(t, now)}, {far}", Style.WAITING

    def span(self) -> tuple[str, str, float]:
        """For a bar: when the past begins and ends, and where between, 0 to 1, one is."""
        begins, ends, now = self.past.begins, self.past.ends, _time(self._source.now())
        first, last = words.clock(_time(begins), now), words.clock(_time(ends), now)
        at = (self.position - begins) / (ends - begins) if ends > begins else 0.0
        dropped = "older dropped … " if self.past.dropped_before is not None else ""
        if self._reading is not None:
            last = f"{last}, {self._reading:.0%} read"
        return f"{dropped}{first}", last if self.replays else f"{last} now", min(max(at, 0.0), 1.0)

    def _limit(self, direction: Literal[-1, 1]) -> str:
        """What there is to know about the end that one came to."""
        when = words.clock(
            _time(self.past.begins if direction < 0 else self.past.ends), _time(self._source.now())
        )
        if direction > 0:
            return f"the recording ends at {when}"
        if self.past.dropped_before is not None:
            return f"what was before {when} was dropped (setting history)"
        return (
            f"nothing changed before: {'the recording' if self.replays else 'this session'} began at {when}"
        )


class _End(Failure):
    """There is nothing in that direction."""


def _time(t: float) -> datetime:
    return datetime.fromtimestamp(t, UTC)
