"""What agents' streams cost the dashboard that shows what they say."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Final

from tests.bench.corpus import Size
from tests.bench.pty import Pty, python
from tests.bench.table import Result

STREAMS: Final = 40
WATCHED: Final = 15.0  # seconds
# As many nodes as streams, on a screen that has room for them all.
CLUSTER: Final = Size(nodes=STREAMS, devices=8, claims=STREAMS * 8, pods=0)


def measure() -> Iterator[Result]:
    """The same screen with streams and without, in turns."""
    argv = [sys.executable, "-m", "tests.bench.agents", str(STREAMS)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as agents:
        assert agents.stdout is not None
        try:
            addresses = json.loads(agents.stdout.readline())
            with _dashboard({}) as pty:
                still, _ = pty.watched(WATCHED)
            with _dashboard(addresses) as pty:
                pty.until(lambda: sum("%" in line for line in pty.lines()) >= STREAMS)
                pty.read(3)
                moving, bytes_ = pty.watched(WATCHED)
        finally:
            agents.kill()
    yield Result(
        measure=f"CPU that {STREAMS} streams of 8 GPUs at 1 Hz add",
        value=(moving - still) * 100,
        goal=5,
        unit="%",
        note=f"of a core, beside {still * 100:.1f}; {bytes_ / 1e3:.1f} kB/s on the pty, every row changes; agents "
        "directly, on loopback",
    )


@contextmanager
def _dashboard(addresses: Mapping[str, str]) -> Iterator[Pty]:
    wanted = json.dumps({"size": asdict(CLUSTER), "addresses": addresses})
    with python("-m", "tests.bench.followed", wanted) as pty:
        pty.until(lambda: any(f"[{CLUSTER.nodes}]" in line for line in pty.lines()))
        pty.read(5)
        yield pty
