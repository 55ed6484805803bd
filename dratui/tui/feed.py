"""From the source to the screen at the pace of a reader.

What a source emits is queued; it is applied to the store in short slices, between which keys are answered, and what
changed is shown at most four times a second. When showing is expensive, it is done less often.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from dratui.cluster.store import Changes, Store
from dratui.events import Event, Page
from dratui.tui.turns import let_keys_through

SLICE_SECONDS: Final = 0.004  # how long applying may keep keys waiting
SHOW_SECONDS: Final = 0.25  # between two paints: no faster than a person reads
SHARE: Final = 4  # showing may take one part in this many of the time
PIECE: Final = 100  # rows of a page applied at once
BATCH: Final = 20  # events of a watch applied at once


class Feed:
    """Takes events with `emit`; `follow` applies them and tells `show` what changed."""

    def __init__(self, store: Store, show: Callable[[Changes], None], pace: float = SHOW_SECONDS) -> None:
        self._store = store
        self._show = show
        self._pace = pace
        self._queue: deque[Event] = deque()
        self._unshown = Changes()
        self._arrived = asyncio.Event()

    @property
    def busy(self) -> bool:
        """Whether anything that came is not shown yet."""
        return bool(self._queue or self._unshown)

    def emit(self, events: Sequence[Event]) -> None:
        """Take events from a source; returns at once."""
        for event in events:
            self._queue.extend(_pieces(event) if isinstance(event, Page) else (event,))
        if self._queue:
            self._arrived.set()

    async def follow(self) -> None:
        """Apply and show, until cancelled."""
        show_at = 0.0
        while True:
            if self._unshown:
                await self._arrival(until=show_at)
            else:
                await self._arrived.wait()
            self._unshown |= self._apply_slice()
            if self._unshown and (now := time.monotonic()) >= show_at:
                self._show(self._unshown)
                self._unshown = Changes()
                shown = time.monotonic()
                show_at = shown + max(self._pace, SHARE * (shown - now))
            await let_keys_through()

    async def _arrival(self, until: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                await self._arrived.wait()
        except TimeoutError:
            pass

    def _apply_slice(self) -> Changes:
        changes = Changes()
        end = time.monotonic() + SLICE_SECONDS
        while self._queue:
            changes |= self._store.apply(self._next())
            if time.monotonic() >= end:
                break
        if not self._queue:
            self._arrived.clear()
        return changes

    def _next(self) -> Sequence[Event]:
        """What to apply at once: a piece of a page, or some events up to the next page."""
        events = [self._queue.popleft()]
        while not isinstance(events[-1], Page) and self._queue and len(events) < BATCH:
            if isinstance(self._queue[0], Page):
                break
            events.append(self._queue.popleft())
        return events


def _pieces(page: Page) -> Sequence[Page]:
    """A long page as several, so that applying one stays short."""
    count = max(1, -(-len(page.rows) // PIECE))
    return [
        Page(
            page.stream,
            page.rows[n * PIECE : (n + 1) * PIECE],
            first=page.first and n == 0,
            last=page.last and n == count - 1,
        )
        for n in range(count)
    ]
