"""From `exec` to the first paint, on a real pty."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

import pexpect

ROUNDS = 5
SIZE = (50, 180)  # lines, columns
WORD = "painted"

# The least that a Textual program can be: one word on a screen.
_EMPTY_APP = f"""
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static({WORD!r})
Empty().run()
"""


def first_paint() -> tuple[float, float]:
    """Median seconds to the first paint of the dashboard, and of an empty Textual app, taken in turns."""
    dashboard, floor = [], []
    for _ in range(ROUNDS):
        # The first line of every screen has the cluster's name, and a recording's name is known from the start.
        dashboard.append(_seconds_to([sys.executable, "-m", "dratui", "demo"], "demo"))
        floor.append(_seconds_to([sys.executable, "-c", _EMPTY_APP], WORD))
    return statistics.median(dashboard), statistics.median(floor)


def imports() -> tuple[float, float]:
    """Median seconds of a Python that imports `dratui.cli`, and of one that does nothing."""
    ours, floor = [], []
    for _ in range(2 * ROUNDS):
        ours.append(_seconds_of([sys.executable, "-c", "import dratui.cli"]))
        floor.append(_seconds_of([sys.executable, "-c", "pass"]))
    return statistics.median(ours), statistics.median(floor)


def _seconds_to(argv: Sequence[str], word: str) -> float:
    began = time.perf_counter()
    child = pexpect.spawn(
        argv[0], list(argv[1:]), dimensions=SIZE, env=os.environ | {"TERM": "xterm-256color"}, timeout=30
    )
    try:
        child.expect_exact(word.encode())
        return time.perf_counter() - began
    finally:
        child.close(force=True)


def _seconds_of(argv: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run(argv, check=True)
    return time.perf_counter() - began
