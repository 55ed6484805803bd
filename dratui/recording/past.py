"""A recording as it was at any of its times: implements `dratui.past.Past`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from dratui.events import About, Event
from dratui.recording.format import RecordingFailure
from dratui.recording.lookup import last_state
from dratui.recording.reader import Reader
from dratui.recording.section import LAST, Section, read_section
from dratui.recording.seeking import Marks, marks_of

_SECTIONS = 2  # kept: one steps to and fro where two meet
_PROGRESS_SECONDS = 0.1


class Recorded:
    """What a file remembers. Raises RecordingFailure for what is no recording.

    Of a section of the file the rows and their changes are in memory, as those of a live session are; where one looks
    elsewhere, another section is read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with Reader(path) as reader:
            self._started = reader.header.started
            self._duration = reader.duration
            self._about = replace(reader.header.about, recorded=True)
        self._marks: Marks | None = None
        self._reading = asyncio.Lock()  # one at a time: others want the same
        self._sections: list[Section] = []

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
    def about(self) -> About:
        """Whom this was recorded from."""
        return self._about

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
        section = await self._section(t)
        while (found := section.history.nearest(t, direction)) is None:
            following = await self._neighbour(section, direction)
            if following is None:
                return None
            section = following
        return found

    async def at(self, t: float, *, since: float | None = None) -> AsyncIterator[Sequence[Event]]:
        """Events that make a store what it was at `t`."""
        section = await self._section(t)
        if since is not None and not section.covers(since):
            since = None
        async for piece in section.history.at(t, since=since):
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

    async def _section(self, t: float) -> Section:
        """What happened around `t`."""
        marks = await self._ready()
        async with self._reading:
            for section in self._sections:
                if section.covers(t):
                    return self._keep(section)
            number = marks.before(t)
            found = await asyncio.to_thread(read_section, self._path, marks, number, t=t)
            assert found is not None  # every mark has a first one
            return self._keep(found)

    async def _neighbour(self, section: Section, direction: Literal[-1, 1]) -> Section | None:
        """The one before or after; None if there is none."""
        marks = await self._ready()
        async with self._reading:
            for other in self._sections:
                if section.adjoins(other, direction):
                    return self._keep(other)
            number, index = section.number, section.index + direction
            if index < 0:
                number, index = number - 1, LAST
            found: Section | None = None
            if number >= 0 and not (section.last and direction > 0):
                found = await asyncio.to_thread(read_section, self._path, marks, number, index=index)
            elif number + 1 < len(marks.marks) and direction > 0:
                found = await asyncio.to_thread(read_section, self._path, marks, number + 1, index=0)
            return found and self._keep(found)

    def _keep(self, section: Section) -> Section:
        """It was asked for last."""
        self._sections = [section, *(other for other in self._sections if other is not section)][:_SECTIONS]
        return section
