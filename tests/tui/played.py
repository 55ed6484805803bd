"""The app on a scripted source, as a program of its own: `python -m tests.tui.played SCRIPT`."""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence

from dratui.events import Event
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
    """One cell changes for ever, at the pace of a screen."""

    async def run(self, emit: Callable[[Sequence[Event]], None]) -> None:
        """Allocate and free one device."""
        emit(self._first)
        held = cluster.claim("train-7-gpu", devices=("gpu-5",), node="gpu-node-1", age=720)
        free = cluster.claim("train-7-gpu", age=720)
        while True:
            for row in (held, free):
                await asyncio.sleep(1)
                emit([cluster.put(row, "resourceclaims")])


def main(script: str) -> int:
    """Run; what the app returns is printed, as the command line does."""
    first = cluster.small()
    query = Query(kind="claims") if script in ("table", "changing") else None
    source = {
        "crash": Crashing(first),
        "changing": Changing(first),
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
