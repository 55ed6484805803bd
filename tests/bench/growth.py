"""How sync, memory and keys grow with the cluster."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.bench import hands
from tests.bench.corpus import Size
from tests.bench.serving import serving

PODS = (1000, 10_000, 100_000)


@dataclass(frozen=True)
class Grown:
    """What a cluster of this many pods costs. Times in seconds, memory in bytes."""

    pods: int
    sync: float
    cpu: float
    memory: int
    keys: tuple[float, float]  # p50 and p95


def size_with(pods: int) -> Size:
    """The corpus of the goals, in proportion."""
    return Size(nodes=pods // 20, devices=8, claims=pods * 2 // 5, pods=pods)


def measure(largest: int, probe: Callable[..., dict[str, Any]]) -> Iterator[Grown]:
    """Up to this many pods. `probe` runs `tests.bench.probe`."""
    for pods in PODS:
        if pods <= largest:
            print(f"measuring: {pods} pods", file=sys.stderr)
            size = size_with(pods)
            with serving(size) as served:
                found = probe("sync", served.kubeconfig)
            yield Grown(pods, found["seconds"], found["cpu"], found["rss"], hands.keys(size))


def print_growth(grown: list[Grown]) -> None:
    """One line a size; the last column is what a pod more costs, which stays the same where growth is linear."""
    print(f"\n{'pods':>8}  {'sync':>8}  {'CPU':>8}  {'memory':>8}  key p50  key p95  CPU a pod")
    for each in grown:
        p50, p95 = each.keys
        print(
            f"{each.pods:8}  {each.sync:6.2f} s  {each.cpu:6.2f} s  {each.memory / 1e6:5.0f} MB"
            f"  {p50 * 1000:4.1f} ms  {p95 * 1000:4.1f} ms  {each.cpu / each.pods * 1e6:6.0f} µs"
        )
