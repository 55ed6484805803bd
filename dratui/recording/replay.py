"""A recording as a source of events, with a clock of its own."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from dratui.api.streams import STREAMS
from dratui.events import ENDED_WELL, Event, Health, HealthChanged, Phase
from dratui.recording.decode import Decoder
from dratui.recording.past import Recorded
from dratui.recording.playhead import Playhead
from dratui.recording.reader import Reader
from dratui.samples import STREAM as SAMPLES

BREATH = 0.01
"""Seconds that reading may keep others on the event loop waiting."""


class Replay(Recorded):
    """Implements `dratui.events.Source`, and `dratui.past.Past`. Raises RecordingFailure for what is no recording.

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
        super().__init__(path)
        self._clock = clock
        self._playhead = Playhead(speed, clock, sleep)
        self._about = replace(self._about, cluster=name or self._about.cluster)
        self._decoder = Decoder()
        self._played = self._started  # the time of the latest line
        self._read_share = 0.0  # how much of the file, 0 to 1
        self._ended = False

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
        return min(1.0, self._playhead.position / self._duration) if self._duration else self._read_share

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
        return await self.fetch_at(self._played, stream, namespace, name)

    async def _play(self, reader: Reader, emit: Callable[[Sequence[Event]], None]) -> None:
        breathed = self._clock()
        for line in reader.lines():
            await self._playhead.reach(line.t)
            if self._clock() - breathed > BREATH:
                await asyncio.sleep(0)
                breathed = self._clock()
            self._played = max(self._played, self._started + line.t)
            self._read_share = reader.read
            events = self._decoder.events(line)
            if self.speed == 0:
                events = [e for e in events if not isinstance(e, HealthChanged)]
            if events:
                emit(events)

    def _last_words(self, reader: Reader) -> Iterator[HealthChanged]:
        """What every stream ends with: what was complete stays as it is, what was not will not be."""
        last = f"the recording is torn: {reader.torn}" if reader.torn else ENDED_WELL
        if skipped := self._decoder.skipped + reader.skipped:
            last += f"; {skipped} lines in it could not be read"
        for stream in (*STREAMS, *({SAMPLES} & self._decoder.health.keys())):
            health = self._decoder.health.get(stream, self._unknown())
            match health.phase:
                case Phase.LIVE | Phase.STALE | Phase.ENDED:
                    change = {"phase": Phase.ENDED, "detail": last}
                case Phase.WAITING | Phase.SYNCING:
                    change = {"phase": Phase.FAILED, "detail": f"was never complete: {last}"}
                case _:  # forbidden, not served, failed: it says why
                    yield HealthChanged(stream, health)
                    continue
            yield HealthChanged(stream, replace(health, since=self.now(), **change))

    def _unknown(self) -> Health:
        return Health(phase=Phase.WAITING, since=self.now())
