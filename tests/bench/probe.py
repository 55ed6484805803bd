"""What is measured inside a process of its own: `python -m tests.bench.probe NAME …` prints a JSON object."""

import argparse
import asyncio
import json
import time
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from dratui.api.streams import STREAMS, codec
from dratui.cluster.store import Store
from dratui.events import Page, Phase, Put
from dratui.kube.options import Options
from dratui.kube.source import ClusterSource
from dratui.tui.feed import Feed
from dratui.views.listing import Listing
from dratui.views.query import Query
from tests.bench.corpus import Size, changes, lists

EVENTS = 5000
TICK = 0.001


async def sync(kubeconfig: str) -> dict[str, Any]:
    """A dashboard's first list of everything: source, feed and store, with nobody who draws."""
    store = Store()
    feed = Feed(store, lambda changes: None)
    source = ClusterSource(Options(kubeconfig=kubeconfig), list(STREAMS.values()))
    began, cpu = time.perf_counter(), time.process_time()
    tasks = [asyncio.create_task(each) for each in (feed.follow(), source.run(feed.emit))]
    stall = 0.0
    while not _complete(store):
        before = time.perf_counter()
        await asyncio.sleep(TICK)
        stall = max(stall, time.perf_counter() - before - TICK)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return {"seconds": seconds, "cpu": cpu, "stall": stall, "rss": _rss(), "pods": len(store.pods)}


async def events(size: Size) -> dict[str, Any]:
    """A watch's lines of changing claims: decoded, stored, and the rows that they change made again, shown or not."""
    store = Store()
    for path, pages in lists(size).items():
        kind = path.rpartition("/")[2]
        for page in pages:
            rows = codec(kind, "v1").page(page).rows
            store.apply([Page(kind, rows, first=page is pages[0], last=page is pages[-1])])
    now = datetime.now(UTC)
    listing = Listing(store, Query(kind="claims"), now)
    decoder = codec("resourceclaims", "v1")
    lines = list(islice(cycle(changes(size, EVENTS)), EVENTS))
    began = time.perf_counter()
    for line in lines:
        listing.apply(store.apply([Put("resourceclaims", decoder.event(line).row)]), now)
    applied = time.perf_counter() - began
    began = time.perf_counter()
    for line in lines:
        json.loads(line)
    return {"seconds": applied / EVENTS, "floor": (time.perf_counter() - began) / EVENTS}


def _complete(store: Store) -> bool:
    phases = {health.phase for health in store.health.values()}
    return len(store.health) == len(STREAMS) and phases <= {Phase.LIVE, Phase.NOT_SERVED}


def _rss() -> int:
    """Bytes of memory that this process holds now. Linux's; elsewhere there is no such file, and no number."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else ()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:")), 0)


def main() -> None:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("sync")
    command.add_argument("kubeconfig")
    command.set_defaults(run=lambda a: sync(a.kubeconfig))
    command = commands.add_parser("events")
    command.add_argument("size", type=json.loads)
    command.set_defaults(run=lambda a: events(Size(**a.size)))
    arguments = parser.parse_args()
    print(json.dumps(asyncio.run(arguments.run(arguments))))


if __name__ == "__main__":
    main()
