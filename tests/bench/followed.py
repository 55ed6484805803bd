"""The dashboard's table of nodes, with agents' streams for those that show: `python -m tests.bench.followed JSON`.

Lists are the corpus, in memory; streams come over loopback and are read as any agent's are. To be run on a pty.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from dratui.events import Event
from dratui.telemetry.agent import AgentFollower
from dratui.telemetry.direct import reach
from dratui.telemetry.endpoint import Endpoint
from dratui.telemetry.following import Following
from dratui.telemetry.protocol import Follower
from dratui.tui.app import DratuiApp
from dratui.views.query import Query
from tests.bench.busy import Busy
from tests.bench.corpus import Size


class _Known:
    """Implements `Finder`: each node's agent is where it was said to be."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = addresses
        self._found: dict[str, tuple[Endpoint, Follower]] = {}

    async def find(self, node: str, *, anew: bool) -> Follower:
        if node not in self._found:
            endpoint = reach(self._addresses[node], time.time)
            self._found[node] = endpoint, AgentFollower(endpoint, time.time)
        return self._found[node][1]

    async def close(self) -> None:
        for endpoint, _ in self._found.values():
            await endpoint.connection.close()


class Followed(Busy):
    """The corpus, and what its nodes' devices do."""

    def __init__(self, size: Size, addresses: Mapping[str, str]) -> None:
        super().__init__(size, rate=0)
        self._addresses = addresses
        self._following = Following(_Known(addresses), now=time.time)

    def now(self) -> float:
        """Samples have an age."""
        return time.time()

    def want(self, nodes: Sequence[str]) -> None:
        """See `dratui.samples.OnDemand`."""
        self._following.want([node for node in nodes if node in self._addresses])

    async def run(self, emit: Callable[[Sequence[Event]], None]) -> None:
        """For ever."""
        await asyncio.gather(self._following.run(emit), super().run(emit))


def main() -> None:
    """Run until killed."""
    wanted = json.loads(sys.argv[1])
    source = Followed(Size(**wanted["size"]), wanted["addresses"])
    DratuiApp(source, query=Query(kind="nodes")).run()


if __name__ == "__main__":
    main()
