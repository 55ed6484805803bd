"""`dratui record`: write what the API server says into a file, until ctrl-c or for a time."""

import asyncio
import math
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dratui.api.streams import STREAMS
from dratui.events import Event, Health, HealthChanged, Phase, Source
from dratui.failure import Failure
from dratui.kube.options import Options
from dratui.kube.source import ClusterSource
from dratui.recording.format import RecordingFailure
from dratui.recording.publishing import Publishing
from dratui.recording.raw import raw
from dratui.recording.samples import Thinning
from dratui.recording.scrub import Scrubber
from dratui.recording.writer import Writer
from dratui.samples import STREAM as SAMPLES
from dratui.samples import OnDemand
from dratui.settings.metrics import NOBODY
from dratui.telemetry.source import MeasuredSource
from dratui.terminal import clean
from dratui.views.words import duration as duration_words

FLUSH_SECONDS = 1.0  # what a killed recorder may lose

SAMPLES_EVERY = 10.0
"""Seconds between two samples of a node: an hour of a node with 8 GPUs takes about a megabyte."""


def run(
    path: Path,
    duration: float | None,
    options: Options,
    *,
    scrub: bool = False,
    metrics_from: str = NOBODY,
    every: float = SAMPLES_EVERY,
) -> int:
    """Record, with a sample of each measured node in `every` seconds.

    Raises Failure if the cluster cannot be reached or the file cannot be written.
    """
    cluster = ClusterSource(options, [raw(stream) for stream in STREAMS.values()])
    source = cluster if metrics_from == NOBODY else MeasuredSource(cluster, metrics_from)
    scrubber = Scrubber(os.urandom(32)) if scrub else None
    return asyncio.run(_record(path, duration, source, scrubber, every))


class _Tape:
    """Writes what a source says. The recording begins once the source knows whom it talks to: the header says so."""

    def __init__(self, path: Path, source: Source, scrubber: Scrubber | None, every: float) -> None:
        self._scrubber = scrubber
        self._source = source
        self._early: list[Event] = []
        self._thinning = Thinning(every)
        self._publishing = Publishing()
        self._writer = Writer(path)
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.health: dict[str, Health] = {}

    @property
    def failure(self) -> "asyncio.Future[None]":
        """Done, with the exception, when the file cannot be written any more."""
        return self._failure

    def emit(self, events: Sequence[Event]) -> None:
        """Take in what the source says. A file that cannot be written ends the recording, not the source."""
        self.health.update({e.stream: e.health for e in events if isinstance(e, HealthChanged)})
        if self._failure.done():
            return
        if isinstance(self._source, OnDemand) and self._publishing.take(events):
            self._source.want(self._publishing.nodes)
        events = list(self._thinning.events(events))
        if not self._source.about.server_version:
            self._early.extend(events)
            return
        now = self._source.now()
        try:
            if not self._writer.begun:
                about = self._source.about
                self._writer.begin(self._scrubber.about(about) if self._scrubber else about, now)
            said = [*self._early, *events]
            self._writer.write(self._scrubber.events(said) if self._scrubber else said, now)
            self._early.clear()
        except RecordingFailure as failure:
            self._failure.set_exception(failure)

    def flush(self) -> int:
        """Bytes in the file, which can be read up to here from now on. Raises RecordingFailure."""
        return self._writer.flush()

    def close(self) -> bool:
        """Complete the file. Returns whether there is one. Raises RecordingFailure."""
        begun = self._writer.begun
        self._writer.close(self._source.now())
        return begun


async def _record(
    path: Path, duration: float | None, source: Source, scrubber: Scrubber | None, every: float
) -> int:
    tape = _Tape(path, source, scrubber, every)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    following = asyncio.create_task(source.run(tape.emit))
    stopping = asyncio.create_task(stop.wait())
    ends: set[asyncio.Future[Any]] = {following, stopping, tape.failure}
    started = time.monotonic()
    deadline = started + (duration or math.inf)
    try:
        while not any(end.done() for end in ends) and (left := deadline - time.monotonic()) > 0:
            await asyncio.wait(ends, timeout=min(FLUSH_SECONDS, left), return_when=asyncio.FIRST_COMPLETED)
            _progress(path, tape.flush(), time.monotonic() - started, tape.health)
        for end in (following, tape.failure):
            if end.done():
                end.result()
    finally:
        for end in ends:
            end.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
        if sys.stderr.isatty():
            print(file=sys.stderr)
        begun = tape.close()
    if not begun:
        raise Failure("nothing was recorded: stopped before the server had answered")
    return 0


def _progress(path: Path, size: int, seconds: float, health: Mapping[str, Health]) -> None:
    """One line that a terminal shows over and over; nothing in a log."""
    if not sys.stderr.isatty():
        return
    kinds = [h.phase for stream, h in health.items() if stream != SAMPLES]
    live = f"{sum(phase is Phase.LIVE for phase in kinds)} of {len(kinds)} kinds live"
    line = f"recording {path.name}: {duration_words(seconds)}, {size / 1e6:.1f} MB, {live}"
    print(f"\r{clean(line)}\x1b[K (ctrl-c ends)", end="", file=sys.stderr, flush=True)
