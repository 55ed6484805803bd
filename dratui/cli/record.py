"""`dratui record`: write what the API server says into a file, until ctrl-c or for a time."""

import asyncio
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dratui.api.streams import STREAMS
from dratui.events import Event, Health, HealthChanged, Phase
from dratui.kube.options import Options
from dratui.kube.source import ClusterSource
from dratui.recording.file import FORMAT, Header, RecordingFailure, Writer
from dratui.recording.raw import raw
from dratui.terminal import clean
from dratui.views.words import duration as duration_words

FLUSH_SECONDS = 1.0


def run(path: Path, duration: float | None, options: Options) -> int:
    """Record. Raises Failure if the cluster cannot be reached or the file cannot be written."""
    return asyncio.run(_record(path, duration, options))


class _Tape:
    """Writes what a source says. The file begins once the source knows whom it talks to: the header says so."""

    def __init__(self, path: Path, source: ClusterSource) -> None:
        self._path = path
        self._source = source
        self._early: list[Event] = []
        self._writer: Writer | None = None
        self.health: dict[str, Health] = {}
        self.failed = asyncio.get_running_loop().create_future()

    def emit(self, events: Sequence[Event]) -> None:
        """Take in what the source says. A file that cannot be written ends the recording, not the source."""
        self.health.update({e.stream: e.health for e in events if isinstance(e, HealthChanged)})
        now = self._source.now()
        if self.failed.done():
            return
        try:
            if self._source.about.server_version:
                self._open(now).write([*self._early, *events], now)
                self._early.clear()
            else:
                self._early.extend(events)
        except RecordingFailure as failure:
            self.failed.set_exception(failure)

    def flush(self) -> int:
        """Bytes in the file, which can be read up to here from now on."""
        return self._writer.flush() if self._writer else 0

    def close(self) -> None:
        """Complete the file."""
        if self._writer is not None:
            self._writer.close()

    def _open(self, now: float) -> Writer:
        if self._writer is None:
            header = Header(started=now, about=self._source.about, dratui="recording", format=FORMAT)
            self._writer = Writer(self._path, header)
        return self._writer


async def _record(path: Path, duration: float | None, options: Options) -> int:
    source = ClusterSource(options, [raw(stream) for stream in STREAMS.values()])
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tape = _Tape(path, source)
    following = asyncio.create_task(source.run(tape.emit))
    stopping = asyncio.create_task(stop.wait())
    ends: set[asyncio.Future[Any]] = {following, stopping, tape.failed}
    started = time.monotonic()
    try:
        while not any(end.done() for end in ends):
            left = (
                FLUSH_SECONDS
                if duration is None
                else min(FLUSH_SECONDS, started + duration - time.monotonic())
            )
            if left <= 0:
                break
            await asyncio.wait(ends, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            _progress(path, tape.flush(), time.monotonic() - started, tape.health)
        for end in (following, tape.failed):
            if end.done():
                end.result()
    finally:
        for end in ends:
            end.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
        tape.close()
        if sys.stderr.isatty():
            print(file=sys.stderr)
    return 0


def _progress(path: Path, size: int, seconds: float, health: Mapping[str, Health]) -> None:
    """One line that a terminal shows over and over; nothing in a log."""
    if not sys.stderr.isatty():
        return
    live = sum(h.phase is Phase.LIVE for h in health.values())
    line = f"recording {path.name}: {duration_words(seconds)}, {size / 1e6:.1f} MB, {live} of {len(health)} kinds live"
    print(f"\r{clean(line)}\x1b[K (ctrl-c ends)", end="", file=sys.stderr, flush=True)
