"""Disks that are full or read-only, and what preparing does with them.

As a program, in a mount namespace of its own: `python -m tests.agent.kubelet_plugin.disks PLACE WHERE HOW CLAIM`. WHERE
is `folder` (the checkpoint's) or `cdi`; HOW is `full` or `read-only`. Prints what came of it as a JSON object.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.agent.kubelet_plugin.calling import Claim
from tests.agent.kubelet_plugin.inside import Place, inside


def harmed(place: Place, where: str, how: str, claim: Claim) -> dict[str, Any]:
    """What comes of a claim that is prepared and unprepared with such a disk. Needs root."""
    namespace = ["unshare", "--mount", "--propagation", "private"]
    program = [
        sys.executable,
        "-m",
        "tests.agent.kubelet_plugin.disks",
        place.json,
        where,
        how,
        json.dumps(claim),
    ]
    done = subprocess.run([*namespace, *program], stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _through(place: Place, where: str, how: str, claim: Claim) -> dict[str, Any]:
    disk: Path = getattr(place, where)
    disk.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=True)
    harm = _full if how == "full" else _read_only
    found: dict[str, Any] = {}
    with inside(place) as agent:
        with harm(disk):
            found["prepared"] = agent.prepare(claim)[0]
        found["left"] = [*agent.claims, *agent.specs]
        found["again"] = agent.prepare(claim)[0]
        with harm(disk):
            found["unprepared"] = agent.unprepare(claim)[0]
            found["held"] = [*agent.claims]
            with inside(place, restored=False) as other:
                try:
                    other.recovery.restore()
                except OSError as error:
                    found["restart"] = error.strerror
                else:
                    found["restart"] = [*other.claims]
        found["unprepared again"] = agent.unprepare(claim)[0]
        found["nothing"] = agent.nothing
        found["counted"] = agent.failures.counted
    return found


@contextmanager
def _full(disk: Path) -> Iterator[None]:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    yield
    filler.unlink()


@contextmanager
def _read_only(disk: Path) -> Iterator[None]:
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    yield
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)


if __name__ == "__main__":
    told, where, how, claim = sys.argv[1:]
    print(json.dumps(_through(Place.of(told), where, how, tuple(json.loads(claim)))))
