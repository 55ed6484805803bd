"""`make bench`: measure, and print the table. The sizes are small by default, so that it takes a minute or two."""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from dratui.views.tables import TABLES
from tests.bench import (
    agent,
    allocation,
    growth,
    hands,
    latency,
    plugin,
    profiling,
    seeking,
    slices,
    startup,
    streams,
)
from tests.bench.corpus import Size
from tests.bench.serving import Served, serving
from tests.bench.table import Result, print_table

ROUNDS = 3
ALL = ("resourceslices", "resourceclaims", "deviceclasses", "nodes", "namespaces", "pods")
SMALL = Size(nodes=1000, devices=8, claims=8000, pods=20_000)
FULL = Size(nodes=5000, devices=8, claims=40_000, pods=100_000)
NOBODY = Size(nodes=1, devices=8, claims=1, pods=1)


def main() -> int:
    size = _size()
    print(
        f"{size.nodes} nodes × {size.devices} devices, {size.claims} claims, {size.pods} pods",
        file=sys.stderr,
    )
    results = [*_startup(), *_events(size), *_seeking(size), *_allocation(), *_hands(size), *_agent()]
    with serving(size) as served:
        synced, sync_results = _sync(served)
        results += [*sync_results, _get(served)]
    with serving(NOBODY) as served:
        empty = _probe("sync", served.kubeconfig)
    memory = (synced["rss"] - empty["rss"]) / 1e6
    note = f"{synced['rss'] / 1e6:.0f} MB after sync; the goal is for {FULL.pods} pods"
    results.append(
        Result(measure="memory above a 1-node cluster's", value=memory, goal=150, unit="MB", note=note)
    )
    print_table(results)
    growth.print_growth(list(growth.measure(size.pods, _probe)))
    return 0


def _size() -> Size:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="Measure dratui on this machine."
    )
    full = ", ".join(f"{number} {name}" for name, number in asdict(FULL).items())
    parser.add_argument("--full", action="store_true", help=f"the size that the goals are for: {full}")
    for name, default in asdict(SMALL).items():
        parser.add_argument(f"--{name}", type=int, help=f"{default} when not given")
    given = vars(parser.parse_args())
    size = FULL if given.pop("full") else SMALL
    return replace(size, **{name: number for name, number in given.items() if number is not None})


def _hands(size: Size) -> Iterator[Result]:
    _say("keys, filter and sort on a pty")
    yield from hands.measure(replace(size, pods=0))


def _allocation() -> Iterator[Result]:
    _say("selectors, explaining and allocating")
    yield from allocation.measure()


def _agent() -> Iterator[Result]:
    _say("the node agent (two minutes)")
    yield from agent.measure()
    _say("slices in a real API server")
    yield from slices.measure()
    yield from plugin.measure()
    _say("streams, and the way from the driver to the screen (three minutes)")
    yield from streams.measure()
    yield from latency.measure()


def _startup() -> Iterator[Result]:
    _say("start-up")
    paint, empty = startup.first_paint()
    yield Result(
        measure="process start to first paint",
        value=paint,
        goal=0.4,
        unit="s",
        floor=empty,
        note="an empty Textual app",
    )
    ours, floor = startup.imports()
    yield Result(
        measure="import dratui.cli",
        value=(ours - floor) * 1000,
        goal=60,
        unit="ms",
        note=f"beside {floor * 1000:.0f} ms of Python itself",
    )


def _sync(served: Served) -> tuple[dict[str, Any], Sequence[Result]]:
    _say("sync")
    raw = _median([_found(_download(served, ALL)) for _ in range(ROUNDS)])
    synced = _median([_probe("sync", served.kubeconfig) for _ in range(ROUNDS)])
    ratio = synced["seconds"] / raw["seconds"]
    note = f"{_taken(synced)} ÷ {_taken(raw)} for {raw['bytes'] / 1e6:.0f} MB over TLS"
    full = Result(measure="full sync ÷ raw download", value=ratio, goal=1.5, unit="×", note=note)
    return synced, (
        _explained(full, "tests.bench.probe", "sync", served.kubeconfig),
        Result(
            measure="worst stall of the loop during sync", value=synced["stall"] * 1000, goal=50, unit="ms"
        ),
    )


def _taken(found: dict[str, Any]) -> str:
    return f"{found['seconds']:.2f} s (CPU {found['cpu']:.2f})"


def _get(served: Served) -> Result:
    """Whole processes on both sides: a script pays for the start, too."""
    _say("get")
    table = TABLES["claims"]
    kinds = [kind for kind in (*table.streams, *table.joins) if kind in ALL]
    options = ["-A", "-o", "json", "--kubeconfig", served.kubeconfig]
    argv = [sys.executable, "-m", "dratui", "get", "claims", *options]
    raw_argv = _download(served, kinds)
    ours = statistics.median(_seconds_of(argv) for _ in range(ROUNDS))
    raw = statistics.median(_seconds_of(raw_argv) for _ in range(ROUNDS))
    note = f"{ours:.2f} s ÷ {raw:.2f} s for the kinds that the rows are made of"
    result = Result(
        measure="get claims -A -o json ÷ raw download", value=ours / raw, goal=2, unit="×", note=note
    )
    return _explained(result, *argv[2:])


def _events(size: Size) -> Iterator[Result]:
    _say("events")
    found = _probe("events", json.dumps(asdict(size)))
    result = Result(
        measure="one watch event: decode, store, row",
        value=found["seconds"] * 1e6,
        goal=150,
        unit="µs",
        floor=found["floor"] * 1e6,
        note="json.loads of the line; the goal is 15 % CPU at 1,000 events/s",
    )
    yield _explained(result, "tests.bench.probe", "events", json.dumps(asdict(size)))


def _seeking(size: Size) -> Iterator[Result]:
    _say("seeking, in a recording that is written first (a minute)")
    yield from seeking.measure(size)


def _explained(result: Result, *module: str) -> Result:
    """With the profile of what was measured, if it misses its goal."""
    if result.verdict != "MISSED":
        return result
    return replace(result, profile=profiling.of_module(*module))


def _download(served: Served, kinds: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "tests.bench.download", served.address, served.authority, *kinds]


def _probe(*arguments: str) -> dict[str, Any]:
    return _found([sys.executable, "-m", "tests.bench.probe", *arguments])


def _found(argv: Sequence[str]) -> dict[str, Any]:
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _median(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The run of median time, with all its numbers."""
    return sorted(found, key=lambda each: each["seconds"])[len(found) // 2]


def _seconds_of(argv: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def _say(what: str) -> None:
    print(f"measuring: {what}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
