"""What hands and eyes feel, on a real pty: key press to paint, filter and sort; and what a terminal and a core pay."""

import json
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pexpect

from tests.bench.corpus import Size
from tests.bench.table import Result

SIZE = (50, 180)  # lines, columns
KEYS = 60
PACE = 0.05  # seconds between keys
WATCHED = 5.0  # seconds of CPU and bytes
RATE = 1000
ROWS = 100_000
NAMESPACES = 40  # of the corpus: the first has every 40th claim
CURSOR = (
    "48;2;95;67;160m team-00     claim-{claim:06}"  # the line under the cursor, as only one key paints it
)

# The least that a Textual program can do about a key.
_ECHO = """
from textual.app import App
from textual.widgets import Static
class Echo(App):
    n = 1
    def compose(self):
        yield Static(" 1/0 ready")
    def on_key(self, event):
        self.n += 1
        self.query_one(Static).update(f" {self.n}/0 ")
Echo().run()
"""


class Pty:
    """A program on a pty, of which only the bytes matter."""

    def __init__(self, argv: Sequence[str]) -> None:
        env = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        self._child = pexpect.spawn(
            argv[0], list(argv[1:]), dimensions=SIZE, env=env, timeout=120, maxread=1 << 20
        )
        self._child.delaybeforesend = None

    def until(self, word: str) -> None:
        """Read until these bytes come."""
        self._child.expect_exact(word.encode())

    def took(self, keys: str, word: str) -> float:
        """Seconds from these keys to these bytes."""
        self._child.buffer = self._child.string_type()  # without what came before
        began = time.perf_counter()
        self._child.send(keys)
        self.until(word)
        return time.perf_counter() - began

    def read(self, seconds: float) -> int:
        """How many bytes come in this time."""
        end, count = time.monotonic() + seconds, 0
        while (left := end - time.monotonic()) > 0:
            try:
                count += len(self._child.read_nonblocking(1 << 20, timeout=left))
            except pexpect.TIMEOUT:
                break
        return count

    def cpu(self) -> float:
        """Seconds of CPU so far. Linux's; elsewhere there is no such file."""
        stat = Path(f"/proc/{self._child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """Kill it."""
        self._child.close(force=True)


@contextmanager
def _running(*argv: str) -> Iterator[Pty]:
    pty = Pty([sys.executable, *argv])
    try:
        yield pty
    finally:
        pty.close()


@contextmanager
def _dashboard(size: Size, rate: int) -> Iterator[Pty]:
    wanted = json.dumps({"size": asdict(size), "rate": rate})
    with _running("-m", "tests.bench.busy", wanted) as pty:
        pty.until(f"[{size.claims}]")
        pty.read(3)
        while rate <= 1 and _watched(pty, 1)[0] > 0.1:
            pass  # what came is not yet all counted for the overview
        yield pty


def measure(size: Size) -> Iterator[Result]:
    """All of it. Filter and sort are of 100,000 claims, whatever the size."""
    with _running("-c", _ECHO) as pty:
        pty.until("ready")
        floor = _latencies(pty, " {n}/0 ")
    with _dashboard(size, RATE) as pty:
        keys = _latencies(pty, CURSOR)
        cpu, _ = _watched(pty)
    for name, at, goal in (("p50", 50, 15), ("p95", 95, 40)):
        yield Result(
            measure=f"key press to paint at {RATE} events/s, {name}",
            value=_percentile(keys, at) * 1000,
            goal=goal,
            unit="ms",
            floor=_percentile(floor, at) * 1000,
            note="a Textual app that counts keys",
        )
    yield Result(
        measure=f"CPU at {RATE} events/s", value=cpu * 100, goal=15, unit="%", note="decoding included"
    )
    with _dashboard(size, 0) as pty:
        idle, bytes_ = _watched(pty)
    yield Result(
        measure="CPU when idle", value=idle * 100, goal=1, unit="%", note=f"{bytes_:.0f} bytes/s: ages"
    )
    with _dashboard(size, 1) as pty:
        _, changing = _watched(pty)
    yield Result(
        measure="bytes on the pty for one changed cell a second",
        value=changing,
        goal=200,
        unit="B",
        note=f"{bytes_:.0f} when nothing changes",
    )
    yield from _finding()


def _finding() -> Iterator[Result]:
    with _dashboard(Size(nodes=5000, devices=8, claims=ROWS, pods=0), 0) as pty:
        first = pty.took("/claim-0012", f"[100 of {ROWS}]")
        pty.took("\x1b", f"[{ROWS}]")
        again = [_filtered(pty, text) for text in ("0034", "0056", "0078")]
        sorts = [pty.took("N", mark) for mark in ("↑", "↓", "↑")]
    note = f"{ROWS:,} claims"
    yield Result(measure="first filter to paint", value=first * 1000, goal=150, unit="ms", note=note)
    yield Result(
        measure="later filters to paint",
        value=statistics.median(again) * 1000,
        goal=150,
        unit="ms",
        note=note,
    )
    yield Result(
        measure="sort to paint", value=statistics.median(sorts) * 1000, goal=150, unit="ms", note=note
    )


def _filtered(pty: Pty, digits: str) -> float:
    took = pty.took(f"/claim-{digits}", f"[100 of {ROWS}]")
    pty.took("\x1b", f"[{ROWS}]")
    return took


def _latencies(pty: Pty, word: str) -> list[float]:
    took = []
    for n in range(2, KEYS + 2):
        took.append(pty.took("j", word.format(n=n, claim=NAMESPACES * (n - 1))))
        pty.read(PACE)
    return took


def _watched(pty: Pty, seconds: float = WATCHED) -> tuple[float, float]:
    """The share of a core, and bytes a second."""
    before, began = pty.cpu(), time.monotonic()
    count = pty.read(seconds)
    time.sleep(max(0.0, seconds - (time.monotonic() - began)))
    took = time.monotonic() - began
    return (pty.cpu() - before) / took, count / took


def _percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]
