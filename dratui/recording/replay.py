"""A recording as a source of events, with a clock of its own."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from dratui.api.streams import STREAMS, codec
from dratui.api.wire import Decoding
from dratui.events import About, Event, Gone, Health, HealthChanged, Page, Phase, Put
from dratui.recording.file import Line, Reader, RecordingFailure

TICK = 0.1
"""Seconds between two looks at the clock while nothing is due."""


class Replay:
    """Implements `dratui.events.Source`.

    `speed` is how many times faster than recorded; 0 gives everything at once and ends. Raises RecordingFailure for
    what is no recording.
    """

    def __init__(
        self, path: Path, *, speed: float = 1.0, clock: Callable[[], float] = time.monotonic, name: str = ""
    ) -> None:
        self._path = path
        self._clock = clock
        self.speed = speed
        self.paused = False
        self._reader = Reader(path)
        self._about = msgspec.structs.replace(self._reader.header.about, recorded=True)
        if name:
            self._about = msgspec.structs.replace(self._about, cluster=name)
        self._position = 0.0  # seconds of the recording that were played
        self._objects: dict[tuple[str, str, str], bytes] = {}  # the last state of each, for `fetch`
        self._ended = False

    @property
    def about(self) -> About:
        """Whom this was recorded from."""
        return self._about

    @property
    def progress(self) -> float:
        """How much was played, 0 to 1."""
        return 1.0 if self._ended else self._reader.progress

    def now(self) -> float:
        """The time in the recording, unix seconds."""
        return self._reader.header.started + self._position

    def toggle_pause(self) -> None:
        """Hold it, or go on."""
        self.paused = not self.paused

    async def run(self, emit: Callable[[Sequence[Event]], None]) -> None:
        """Play to the end, then say that every stream has ended."""
        played: dict[str, Health] = {}
        last = self._clock()
        for line in self._reader.lines():
            while self.speed and line.t > self._position:
                await asyncio.sleep(min(TICK, (line.t - self._position) / self.speed))
                now = self._clock()
                if not self.paused:
                    self._position = min(line.t, self._position + (now - last) * self.speed)
                last = now
            self._position = max(self._position, line.t)
            events = list(self._events(line))
            for event in events:
                if isinstance(event, HealthChanged):
                    played[event.stream] = event.health
            emit(events)
        self._ended = True
        emit(list(self._end(played)))
        self._reader.close()

    async def fetch(self, stream: str, namespace: str, name: str) -> bytes:
        """The object as it was at this time of the recording."""
        try:
            return self._objects[stream.partition(":")[0], namespace, name]
        except KeyError:
            raise RecordingFailure(
                f"{stream} {namespace}/{name} is not in the recording at this time"
            ) from None

    def _end(self, played: Mapping[str, Health]) -> Iterator[Event]:
        torn = self._reader.torn
        for stream, health in played.items():
            if health.phase in (Phase.LIVE, Phase.STALE, Phase.SYNCING):
                phase = Phase.ENDED if health.phase is not Phase.SYNCING else Phase.FAILED
                detail = f"the recording is torn: {torn}" if torn else "end of the recording"
                yield HealthChanged(
                    stream,
                    msgspec.structs.replace(health, phase=phase, since=self.now(), detail=detail),
                )

    def _events(self, line: Line) -> Iterator[Event]:
        """What a line says; nothing for a stream or a version that this dratui does not know."""
        if line.stream not in STREAMS:
            return
        if line.health is not None:
            yield HealthChanged(line.stream, line.health)
            return
        plural = line.stream.partition(":")[0]
        try:
            decoding = codec(plural, line.version) if line.version else None
        except KeyError:
            return
        try:
            if line.page is not None:
                rows = [self._row(plural, decoding, data) for data in line.page if decoding]
                yield Page(line.stream, rows, line.first, line.last)
            elif line.put is not None and decoding:
                yield Put(line.stream, self._row(plural, decoding, line.put))
            elif line.gone is not None and decoding:
                row = self._row(plural, decoding, line.gone)
                self._objects.pop((plural, row.namespace, row.name), None)
                yield Gone(line.stream, row)
        except ValueError:  # something that is no Kubernetes object at all: not ours to guess at
            return

    def _row(self, plural: str, decoding: Decoding[Any], data: msgspec.Raw) -> Any:
        object_ = bytes(data)
        row = decoding.row(object_)
        self._objects[plural, row.namespace, row.name] = object_
        return row
