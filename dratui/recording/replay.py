"""A recording as a source of events, with a clock of its own."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from dratui.api.streams import STREAMS, codec
from dratui.api.wire import Decoding
from dratui.events import ENDED_WELL, About, Event, Gone, Health, HealthChanged, Page, Phase, Put
from dratui.recording.format import Line, RecordingFailure
from dratui.recording.lookup import last_state
from dratui.recording.playhead import Playhead
from dratui.recording.reader import Reader

BREATH = 0.01
"""Seconds that reading may keep others on the event loop waiting."""


class Replay:
    """Implements `dratui.events.Source`. Raises RecordingFailure for what is no recording.

    `speed` is how many times faster than recorded. 0 means that only the end is of interest: everything comes as fast
    as it can be read, and the streams' health once, when all was read.
    """

    def __init__(
        self,
        path: Path,
        *,
        speed: float = 1.0,
        name: str = "",
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._path = path
        self._clock = clock
        with Reader(path) as reader:
            self._started = reader.header.started
            self._duration = reader.duration
            about = reader.header.about
        self._playhead = Playhead(speed, clock, sleep)
        self._about = msgspec.structs.replace(about, cluster=name or about.cluster, recorded=True)
        self._health: dict[str, Health] = {}
        self._unread: dict[str, str] = {}  # why, by stream
        self._lines = 0  # played so far
        self._skipped = 0  # of these, those that say nothing to this dratui
        self._read = 0.0  # how much of the file, 0 to 1
        self._ended = False

    @property
    def about(self) -> About:
        """Whom this was recorded from."""
        return self._about

    @property
    def speed(self) -> float:
        """How many times faster than recorded."""
        return self._playhead.speed

    @property
    def paused(self) -> bool:
        """Whether it is held."""
        return self._playhead.paused

    @property
    def progress(self) -> float:
        """How much was played, 0 to 1: of the time, or of the bytes where the file does not know its duration."""
        if self._ended:
            return 1.0
        return min(1.0, self._playhead.position / self._duration) if self._duration else self._read

    def now(self) -> float:
        """The time in the recording, unix seconds."""
        return self._started + self._playhead.position

    def toggle_pause(self) -> None:
        """Hold it, or go on."""
        self._playhead.toggle()

    async def run(self, emit: Callable[[Sequence[Event]], None]) -> None:
        """Play to the end, then say that every stream has ended."""
        with Reader(self._path) as reader:
            await self._play(reader, emit)
            if self._duration is not None and not reader.torn:
                await self._playhead.reach(self._duration)
        self._playhead.stop()
        self._ended = True
        emit(list(self._last_words(reader)))

    async def fetch(self, stream: str, namespace: str, name: str) -> bytes:
        """The object as it was at this time of the recording."""
        found = await asyncio.to_thread(last_state, self._path, stream, namespace, name, self._lines)
        if found is None:
            path = f"{namespace}/{name}" if namespace else name
            raise RecordingFailure(f"{stream} {path} is not in the recording at this time")
        return found

    async def _play(self, reader: Reader, emit: Callable[[Sequence[Event]], None]) -> None:
        breathed = self._clock()
        for line in reader.lines():
            await self._playhead.reach(line.t)
            if self._clock() - breathed > BREATH:
                await asyncio.sleep(0)
                breathed = self._clock()
            self._lines += 1
            self._read = reader.read
            events = self._events(line)
            if self.speed == 0:
                events = [e for e in events if not isinstance(e, HealthChanged)]
            if events:
                emit(events)

    def _events(self, line: Line) -> list[Event]:
        """What a line says; nothing, and counted, for one that says nothing to this dratui."""
        if line.stream in STREAMS:
            if line.health is not None:
                return [self._became(line.stream, line.health)]
            try:
                return self._objects(line)
            except (ValueError, RecursionError):
                pass  # no Kubernetes object at all: not ours to guess at
        self._skipped += 1
        return []

    def _objects(self, line: Line) -> list[Event]:
        """Raises ValueError for a line without objects, or with something that is none."""
        if line.page == ():
            return [Page(line.stream, (), line.first, line.last)]
        if not (line.version and (line.page or line.put or line.gone)):
            raise ValueError("a line that says nothing")
        decoding = _decoding(line)
        if decoding is None:
            self._unread[line.stream] = f"recorded as {line.version!r}, which this dratui does not read"
            self._skipped += 1
            return [self._became(line.stream, self._health.get(line.stream, self._unknown()))]
        if line.page:
            return [Page(line.stream, self._rows(decoding, line.page), line.first, line.last)]
        if line.put:
            return [Put(line.stream, decoding.row(bytes(line.put)))]
        return [Gone(line.stream, decoding.row(bytes(line.gone)))]

    def _rows(self, decoding: Decoding[Any], page: Sequence[msgspec.Raw]) -> list[Any]:
        """An odd object costs itself, not the page."""
        rows = []
        for data in page:
            try:
                rows.append(decoding.row(bytes(data)))
            except (ValueError, RecursionError):
                self._skipped += 1
        return rows

    def _became(self, stream: str, health: Health) -> HealthChanged:
        """What was recorded, unless it says that rows are known which cannot be read here."""
        if stream in self._unread:
            health = msgspec.structs.replace(health, phase=Phase.FAILED, detail=self._unread[stream])
        self._health[stream] = health
        return HealthChanged(stream, health)

    def _last_words(self, reader: Reader) -> Iterator[HealthChanged]:
        """What every stream ends with: what was complete stays as it is, what was not will not be."""
        last = f"the recording is torn: {reader.torn}" if reader.torn else ENDED_WELL
        if skipped := self._skipped + reader.skipped:
            last += f"; {skipped} lines in it could not be read"
        for stream in STREAMS:
            health = self._health.get(stream, self._unknown())
            match health.phase:
                case Phase.LIVE | Phase.STALE | Phase.ENDED:
                    change = {"phase": Phase.ENDED, "detail": last}
                case Phase.WAITING | Phase.SYNCING:
                    change = {"phase": Phase.FAILED, "detail": f"was never complete: {last}"}
                case _:  # forbidden, not served, failed: it says why
                    yield HealthChanged(stream, health)
                    continue
            yield HealthChanged(stream, msgspec.structs.replace(health, since=self.now(), **change))

    def _unknown(self) -> Health:
        return Health(phase=Phase.WAITING, since=self.now())


def _decoding(line: Line) -> Decoding[Any] | None:
    try:
        return codec(line.stream.partition(":")[0], line.version)
    except KeyError:
        return None
