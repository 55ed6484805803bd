"""A recording as it was at any of its times: implements `dratui.past.Past`."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from dratui.api.streams import STREAMS
from dratui.events import Event, Gone, HealthChanged, Page, Put
from dratui.history import History
from dratui.recording.decode import Decoder
from dratui.recording.format import Line, RecordingFailure
from dratui.recording.lookup import last_state
from dratui.recording.mirror import Mirror
from dratui.recording.reader import Reader
from dratui.recording.seeking import Marks, marks_of

_SECTIONS = 2  # kept: on both sides of a mark one steps to and fro
_LARGEST = 1 << 30  # bytes that the changes of one may take
_PROGRESS_SECONDS = 0.1


class Recorded:
    """What a file remembers. Raises RecordingFailure for what is no recording.

    Between two marks the rows and their changes are in memory, as those of a live session are; where one looks
    elsewhere, that section of the file is read instead.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with Reader(path) as reader:
            self._started = reader.header.started
            self._duration = reader.duration
            self._about = reader.header.about
        self._marks: Marks | None = None
        self._reading = asyncio.Lock()  # one at a time: others want the same
        self._sections: OrderedDict[int, History] = OrderedDict()

    async def prepare(self, progress: Callable[[float], None]) -> None:
        """Read the index, or the file."""
        async with self._reading:
            if self._marks is None:
                self._marks = await self._find(progress)
        progress(1.0)

    async def _find(self, progress: Callable[[float], None]) -> Marks:
        done, stop = 0.0, False

        def note(share: float) -> None:
            nonlocal done
            done = share

        finding = asyncio.create_task(asyncio.to_thread(marks_of, self._path, note, lambda: stop))
        try:
            while not finding.done():
                await asyncio.wait({finding}, timeout=_PROGRESS_SECONDS)
                progress(done)
        finally:
            stop = True
        return finding.result()

    @property
    def begins(self) -> float:
        """When it was begun."""
        return self._started

    @property
    def ends(self) -> float:
        """When it ended."""
        return self._started + (self._marks.duration if self._marks else self._duration or 0.0)

    @property
    def dropped_before(self) -> float | None:
        """A file has it all."""
        return None

    def density(self, count: int) -> Sequence[int]:
        """Changes in each of `count` equal pieces of the time."""
        return self._marks.density(count) if self._marks else [0] * count

    async def step(self, t: float, direction: Literal[-1, 1]) -> float | None:
        """The nearest step before or after `t`."""
        marks = await self._ready()
        number = marks.before(t)
        while 0 <= number < len(marks.marks):
            found = (await self._section(number)).nearest(t, direction)
            if found is not None:
                return found
            number += direction
        return None

    async def at(self, t: float, *, since: float | None = None) -> AsyncIterator[Sequence[Event]]:
        """Events that make a store what it was at `t`."""
        marks = await self._ready()
        number = marks.before(t)
        if since is not None and marks.before(since) != number:
            since = None
        async for piece in (await self._section(number)).at(t, since=since):
            yield piece

    async def fetch_at(self, t: float, stream: str, namespace: str, name: str) -> bytes:
        """The object as it was at `t`."""
        marks = await self._ready()
        found = await asyncio.to_thread(last_state, self._path, marks, stream, namespace, name, t)
        if found is None:
            path = f"{namespace}/{name}" if namespace else name
            raise RecordingFailure(f"{stream} {path} is not in the recording at this time")
        return found

    async def _ready(self) -> Marks:
        if self._marks is None:
            await self.prepare(lambda _: None)
        assert self._marks is not None
        return self._marks

    async def _section(self, number: int) -> History:
        """What happened between a mark and the next one."""
        async with self._reading:
            if number not in self._sections:
                self._sections[number] = await asyncio.to_thread(self._read, number)
        found = self._sections[number]
        self._sections.move_to_end(number)
        while len(self._sections) > _SECTIONS:
            self._sections.popitem(last=False)
        return found

    def _read(self, number: int) -> History:
        assert self._marks is not None
        section = _Section(self._started)
        with Reader(self._path) as reader:
            states, lines = self._marks.lines(reader, number)
            return section.read(self._marks.marks[number].t, states, lines)


class _Section:
    """Rows and their changes, on the clock of the lines."""

    def __init__(self, started: float) -> None:
        self._started = started
        self._now = started
        self._mirror: Mirror[Any] = Mirror()
        self._decoder = Decoder()

    def read(self, t: float, states: Iterable[Line], lines: Iterable[Line]) -> History:
        """The state at `t`, and then what changes."""
        for line in states:
            self._restore(line)
        self._now += t
        history = History(self._mirror, lambda: self._now, limit=_LARGEST, begins=self._now)
        self._mirror.journal = history
        for line in lines:
            self._now = max(self._now, self._started + line.t)
            for event in self._decoder.events(line):
                self._apply(event)
        return history

    def _restore(self, line: Line) -> None:
        state, stream, mirror = line.state, line.stream, self._mirror
        if state is None or stream not in STREAMS:
            return
        if state.health is not None:
            mirror.health[stream] = self._decoder.health[stream] = state.health
        if state.listed is not None:
            mirror.listed[stream] = set(state.listed)
        for row in self._decoder.rows(line, state.rows):
            mirror.tables[stream][row.key] = row

    def _apply(self, event: Event) -> None:
        match event:
            case Page(stream, rows, first, last):
                self._mirror.page(stream, ((row.key, row) for row in rows), first=first, last=last)
            case Put(stream, row):
                self._mirror.put(stream, row.key, row)
            case Gone(stream, row):
                self._mirror.gone(stream, row.key)
            case HealthChanged(stream, health):
                self._mirror.became(stream, health)
