"""The app on a scripted source, as a program of its own: `python -m tests.tui.played SCRIPT`."""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from itertools import cycle

from dratui.events import Event, Row
from dratui.failure import Failure
from dratui.tui.app import DratuiApp
from dratui.tui.terminals import terminal
from dratui.tui.wardrobe import Wardrobe
from dratui.views.query import Query
from tests.tui import cluster


class Crashing(cluster.ScriptedSource):
    """A bug in a source."""

    async def run(self, emit: Callable[[Sequence[Event]], None]) -> None:
        """Fail as nothing should."""
        raise RuntimeError("a bug, told by \x1b[31mnobody")


class Changing(cluster.ScriptedSource):
    """A claim changes for ever, at the pace of a screen: it is each of `rows` in turn."""

    def __init__(self, first: Sequence[Event], *rows: Row) -> None:
        super().__init__(first)
        self._rows = rows

    async def run(self, emit: Callable[[Sequence[Event]], None]) -> None:
        """For ever."""
        emit(self._first)
        for row in cycle(self._rows):
            await asyncio.sleep(1)
            emit([cluster.put(row, "resourceclaims")])


def _with(device: str) -> Row:
    return cluster.claim("train-7-gpu", devices=(device,), node="gpu-node-1", pod="train-7", age=720)


def main(script: str) -> int:
    """Run; what the app returns is printed, as the command line does."""
    first = cluster.small()
    query = Query(kind="claims") if script in ("table", "changing", "one cell") else None
    source = {
        "crash": Crashing(first),
        "changing": Changing(
            first,
            cluster.claim("train-7-gpu", devices=("gpu-5",), node="gpu-node-1", age=720),
            cluster.claim("train-7-gpu", age=720),
        ),
        "one cell": Changing(first, *(_with(device) for device in ("gpu-5", "gpu-6"))),
        "failure": cluster.ScriptedSource(
            failure=Failure("cannot reach https://10.0.0.1: refused", hint="is it up?")
        ),
        "many": cluster.ScriptedSource(cluster.many_claims(100_000)),
    }.get(script) or cluster.ScriptedSource(first)
    seen = terminal(os.environ, "ascii" if script == "ascii" else "utf-8")
    app = DratuiApp(source, query=query, wardrobe=Wardrobe(seen))
    failure = app.run()
    if failure is not None:
        print(failure, file=sys.stderr)
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
