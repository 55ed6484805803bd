"""The dashboard's table of claims on a cluster of the corpus that changes at a pace: `python -m tests.bench.busy JSON`.

Lines of a watch are decoded here, in the dashboard's process and on its time, as they are with a cluster; only the
network is missing. To be run on a pty.
"""

import asyncio
import cProfile
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle

from dratui.api.streams import STREAMS, codec
from dratui.events import Event, Health, HealthChanged, Page, Phase, Put
from dratui.tui.app import DratuiApp
from dratui.views.query import Query
from tests.bench.corpus import DRA, NAMESPACES, Size, changes, claim, lists
from tests.tui.cluster import ScriptedSource

TICK = 0.01
LINES = 5000  # different ones


class Busy(ScriptedSource):
    """Lists the corpus; then `rate` claims a second change. With `rate` 1 one cell changes, on the first screen."""

    def __init__(self, size: Size, rate: int) -> None:
        super().__init__()
        self._size = size
        self._rate = rate
        self.listed: Callable[[], object] = lambda: None  # called once all is listed

    async def run(self, emit: Callable[[Sequence[Event]], None]) -> None:
        """For ever."""
        for kind in ("resourceslices", "resourceclaims"):
            pages = lists(self._size)[f"{DRA}/{kind}"]
            for page in pages:
                rows = codec(kind, "v1").page(page).rows
                emit([Page(kind, rows, first=page is pages[0], last=page is pages[-1])])
                await asyncio.sleep(0)
        # Without rights to pods nothing is told of them, and claims whose pods are not here are in order.
        for stream in STREAMS:
            phase = Phase.FORBIDDEN if stream == "pods" else Phase.LIVE
            emit([HealthChanged(stream, Health(phase=phase, since=self.clock))])
        self.listed()
        if not self._rate:
            await asyncio.Event().wait()
        decoder = codec("resourceclaims", "v1")
        many = max(1, int(self._rate * TICK))
        loop = asyncio.get_running_loop()
        at = loop.time()
        lines = self._lines()
        while True:
            emit([Put("resourceclaims", decoder.event(next(lines)).row) for _ in range(many)])
            at += many / self._rate
            await asyncio.sleep(max(0, at - loop.time()))

    def _lines(self) -> Iterator[bytes]:
        if self._rate > 1:
            return cycle(changes(self._size, LINES))
        other = claim(2 * NAMESPACES, self._size)  # not under the cursor, where a change does not flash
        texts = [other.replace('"name": "pod-', f'"name": "{name}-') for name in ("one", "two")]
        return cycle([f'{{"type":"MODIFIED","object":{text}}}'.encode() for text in texts])


def main() -> None:
    """Run until killed; with `profile`, the name of a file, until `ctrl-c` is pressed."""
    wanted = json.loads(sys.argv[1])
    profile = cProfile.Profile()
    source = Busy(Size(**wanted["size"]), wanted["rate"])
    if path := wanted.get("profile"):
        source.listed = profile.enable
    DratuiApp(source, query=Query(kind="claims")).run()
    if path:
        profile.disable()
        profile.dump_stats(path)


if __name__ == "__main__":
    main()
