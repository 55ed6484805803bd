"""What hands and eyes feel, on a real pty: key press to paint, filter and sort; and what a terminal and a core pay."""

import json
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import profiling
from tests.bench.corpus import NAMESPACES, Size
from tests.bench.pty import Pty, python
from tests.bench.table import Result

KEYS = 60
PACE = 0.05  # seconds between keys
WATCHED = 5.0  # seconds of CPU and bytes
RATE = 1000
ROWS = 100_000
CURSOR = "5f43a0"  # behind the line under the cursor
TITLE = 1  # the line that says how many rows there are

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


@contextmanager
def _dashboard(size: Size, rate: int, profile: str = "") -> Iterator[Pty]:
    wanted = json.dumps({"size": asdict(size), "rate": rate, "profile": profile})
    with python("-m", "tests.bench.busy", wanted) as pty:
        pty.until(lambda: f"[{size.claims}]" in pty.line(TITLE))
        pty.read(3)
        while rate <= 1 and pty.watched(1)[0] > 0.1:
            pass  # what came is not yet all counted for the overview
        yield pty


def measure(size: Size) -> Iterator[Result]:
    """All of it. Filter and sort are of 100,000 claims, whatever the size."""
    with python("-c", _ECHO) as pty:
        pty.until(lambda: "ready" in pty.line(0))
        floor = _latencies(pty, lambda n: f" {n}/0 " in pty.line(0))
    with _dashboard(size, RATE) as pty:
        keys = _moves(pty, KEYS)
        cpu, _ = pty.watched(WATCHED)
    for name, at, goal in (("p50", 50, 15), ("p95", 95, 40)):
        result = Result(
            measure=f"key press to paint at {RATE} events/s, {name}",
            value=_percentile(keys, at) * 1000,
            goal=goal,
            unit="ms",
            floor=_percentile(floor, at) * 1000,
            note="a Textual app that counts keys",
        )
        yield _explained(result, size, RATE, lambda pty: _moves(pty, KEYS))
    yield Result(
        measure=f"CPU at {RATE} events/s", value=cpu * 100, goal=15, unit="%", note="decoding included"
    )
    with _dashboard(size, 0) as pty:
        idle, bytes_ = pty.watched(WATCHED)
    yield Result(
        measure="CPU when idle", value=idle * 100, goal=1, unit="%", note=f"{bytes_:.0f} bytes/s: ages"
    )
    with _dashboard(size, 1) as pty:
        _, changing = pty.watched(WATCHED)
    yield Result(
        measure="bytes on the pty for one changed cell a second",
        value=changing,
        goal=200,
        unit="B",
        note=f"its flash on and off; {bytes_:.0f} when nothing changes",
    )
    yield from _finding()


def _explained(result: Result, size: Size, rate: int, does: Callable[[Pty], object]) -> Result:
    """With the profile of doing it again, if it misses its goal."""
    if result.verdict != "MISSED":
        return result
    with TemporaryDirectory(prefix="dratui-bench-") as folder:
        path = Path(folder, "profile")
        with _dashboard(size, rate, str(path)) as pty:
            does(pty)
            pty.end("\x03")
        return replace(result, profile=profiling.top(path))


def keys(size: Size) -> tuple[float, float]:
    """Seconds from a key to its paint while claims change, p50 and p95."""
    with _dashboard(replace(size, pods=0), RATE) as pty:
        # The first namespace of a small cluster has few claims; the cursor is to stay in it.
        took = _moves(pty, min(KEYS, size.claims // NAMESPACES - 1), again=size.claims < NAMESPACES * KEYS)
    return _percentile(took, 50), _percentile(took, 95)


def _moves(pty: Pty, many: int, *, again: bool = False) -> list[float]:
    """Down, line by line; `again`: from the top, until there are enough."""

    def at(n: int) -> bool:
        return f" claim-{NAMESPACES * (n - 1):06}" in pty.background(CURSOR)

    took = _latencies(pty, at, many)
    while again and len(took) < KEYS:
        pty.took("g", lambda: at(1))
        took += _latencies(pty, at, many)
    return took


def _finding() -> Iterator[Result]:
    wanted = Size(nodes=5000, devices=8, claims=ROWS, pods=0)
    with _dashboard(wanted, 0) as pty:
        prepared = [_filtered(pty, text) for text in ("0012", "0034", "0056", "0078")]
        sorts = [
            pty.took(key, _sorted(pty, mark))
            for key, mark in (("N", "NAME↑"), ("A", "AGE↑"), ("S", "STATE↑"))
        ]
        turned = pty.took("S", _sorted(pty, "STATE↓"))
    with _dashboard(wanted, RATE) as pty:
        busy = [_filtered(pty, text) for text in ("0912", "0934")]
    note = f"{ROWS:,} claims"
    rows: tuple[tuple[str, float, int | None, str, int, Callable[[Pty], object]], ...] = (
        ("filter to paint", statistics.median(prepared), 150, note, 0, lambda pty: _filtered(pty, "0012")),
        (
            f"first filter to paint at {RATE} events/s",
            busy[0],
            None,
            f"{note}, nothing prepared",
            RATE,
            lambda pty: None,
        ),
        (
            f"later filter to paint at {RATE} events/s",
            busy[1],
            150,
            note,
            RATE,
            lambda pty: _filtered(pty, "0912"),
        ),
        (
            "sort to paint",
            statistics.median(sorts),
            150,
            f"{note}, median of three columns",
            0,
            lambda pty: pty.took("N", _sorted(pty, "NAME↑")),
        ),
        ("sort the other way to paint", turned, 150, note, 0, lambda pty: None),
    )
    for measure, value, goal, said, rate, does in rows:
        result = Result(measure=measure, value=value * 1000, goal=goal, unit="ms", note=said)
        yield _explained(result, wanted, rate, does)


def _sorted(pty: Pty, mark: str) -> Callable[[], bool]:
    return lambda: mark in pty.line(TITLE + 1)


def _filtered(pty: Pty, digits: str) -> float:
    """To the paint of the final number: partial results do not count."""
    took = pty.took(f"/claim-{digits}", lambda: f"[100 of {ROWS}]" in pty.line(TITLE))
    pty.took("\x1b", lambda: f"[{ROWS}]" in pty.line(TITLE))
    return took


def _latencies(pty: Pty, shows: Callable[[int], bool], many: int = KEYS) -> list[float]:
    took = []
    for n in range(2, many + 2):
        took.append(pty.took("j", lambda n=n: shows(n)))  # type: ignore[misc]  # mypy takes the default for an argument
        pty.read(PACE)
    return took


def _percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]
