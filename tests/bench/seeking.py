"""Seeking in a long recording of the corpus: its changes are pods and claims whose status changes.

`python -m tests.bench.seeking SIZE MEGABYTES` writes one, goes to times in it and prints what was measured. Texts
that differ from pod to pod and from change to change (environments, container ids) are as random as real ones.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

from dratui.api.streams import STREAMS
from dratui.cluster.store import Store
from dratui.events import About, Event, Health, HealthChanged, Page, Phase, Put
from dratui.recording.past import Recorded
from dratui.recording.raw import RawCodec, RawObject
from dratui.recording.writer import Writer
from tests.bench.corpus import Size, claim, lists, path_of, pod
from tests.bench.table import Result

MEGABYTES = 100
SEEKS = 11
_STARTED = 1_790_000_000.0
_SECONDS = 0.05  # between two changes


def measure(size: Size, megabytes: int = MEGABYTES) -> Iterator[Result]:
    """In a process of its own."""
    argv = [sys.executable, "-m", "tests.bench.seeking", json.dumps(asdict(size)), str(megabytes)]
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout)
    seeks = sorted(found["seeks"])
    yield Result(
        measure=f"seek in a {found['megabytes']:.0f} MB recording",
        value=statistics.median(seeks),
        goal=1,
        unit="s",
        note=f"CPU {found['cpu']:.2f} s, longest {seeks[-1]:.2f} s, into a store {found['stored']:.2f} s;"
        f" {found['changes']} changes",
    )
    yield Result(
        measure="states in it to seek to",
        value=found["overhead"] * 100,
        goal=30,
        unit="%",
        note=f"{found['marks']}, beside the bytes without them",
    )


def main() -> None:
    size, megabytes = Size(**json.loads(sys.argv[1])), float(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.rec"
        found = _write(path, size, megabytes * 1e6)
        print(json.dumps(found | asyncio.run(_seek(path))))


def _write(path: Path, size: Size, bytes_: float) -> dict[str, Any]:
    chance = Random(7)
    writer = Writer(path)
    writer.begin(About(cluster="corpus"), _STARTED)
    pages = lists(size)
    for stream in STREAMS:
        writer.write(list(_first_list(stream, pages.get(path_of(stream), ()))), _STARTED + 1)
    changes, t = 0, _STARTED + 2
    while writer.flush() < bytes_:
        for _ in range(100):
            t += _SECONDS
            changes += 1
            writer.write([_change(chance, size, changes)], t)
    writer.close(t)
    states = sum(ends - begins for begins, ends in writer.states)
    return {
        "changes": changes,
        "megabytes": path.stat().st_size / 1e6,
        "marks": len(writer.states),
        "overhead": states / (path.stat().st_size - states),
    }


def _first_list(stream: str, pages: Sequence[bytes]) -> Iterator[Event]:
    codec = RawCodec("v1")
    for n, body in enumerate(pages):
        rows = [RawObject("v1", _own(row.data)) for row in codec.page(body).rows]
        yield Page(stream, rows, n == 0, n == len(pages) - 1)
    if not pages:
        yield Page(stream, (), first=True, last=True)
    yield HealthChanged(stream, Health(phase=Phase.LIVE, since=_STARTED + 1))


def _change(chance: Random, size: Size, n: int) -> Event:
    """A claim whose driver reports, or a pod whose container was started once more."""
    at = f"2026-01-01T{chance.randrange(24):02}:{chance.randrange(60):02}:{chance.randrange(60):02}Z"
    if n % 4 == 0:
        object_ = json.loads(claim(chance.randrange(size.claims), size, version=n))
        condition = {"type": "Ready", "status": "True", "lastTransitionTime": at}
        device = {"driver": "gpu.nvidia.com", "pool": "pool", "device": "gpu-0", "conditions": [condition]}
        object_["status"]["devices"] = [device]
        stream = "resourceclaims"
    else:
        object_ = json.loads(pod(chance.randrange(size.pods), size).replace("2026-01-01T00:00:00Z", at))
        container = f"containerd://{chance.randbytes(32).hex()}"
        object_["status"]["containerStatuses"] = [
            {"name": "main", "restartCount": n % 100, "containerID": container}
        ]
        stream = "pods"
    del object_["metadata"]["managedFields"]
    return Put(stream, RawObject("v1", _own(json.dumps(object_).encode())))


def _own(data: bytes) -> bytes:
    """The object with texts of its own where all of the corpus have the same: its uid, parts of its environment."""
    name = data.find(b'"name"')
    chance = Random(data[name : name + 60])
    uid = chance.randbytes(16).hex().encode()
    environment = chance.randbytes(60).hex().encode()
    return data.replace(b"11111111-2222-3333-4444", uid, 1).replace(b"a value of some length", environment, 3)


async def _seek(path: Path) -> dict[str, Any]:
    chance = Random(7)
    seeks, cpu, stored = [], [], []
    for _ in range(SEEKS):
        past = Recorded(path)
        began, worked = time.perf_counter(), time.process_time()
        await past.prepare(lambda _: None)
        t = past.begins + chance.random() * (past.ends - past.begins)
        events = [event async for piece in past.at(t) for event in piece]
        seeks.append(time.perf_counter() - began)
        cpu.append(time.process_time() - worked)
        store = Store()
        store.apply(events)
        stored.append(time.perf_counter() - began)
    return {"seeks": seeks, "cpu": statistics.median(cpu), "stored": statistics.median(stored)}


if __name__ == "__main__":
    main()
