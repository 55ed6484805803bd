"""Objects as large as a real server takes them, and one a hundred times that."""

import asyncio
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

from dratui.api.model import ObjectKey
from tests.faults.between import between
from tests.faults.conftest import SPACE, claims
from tests.faults.watched import Times, watching
from tests.realparts.controlplane import ControlPlane

LARGE = 1_400_000  # etcd takes 1.5 MiB
ENORMOUS = 100 << 20


async def test_an_object_as_large_as_the_server_takes(plane: ControlPlane, times: Times) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": SPACE, "name": "large"},
        "spec": {"containers": [{"name": "c", "image": "c:1", "env": [{"name": "E", "value": "x" * LARGE}]}]},
    }
    async with watching(plane.kubeconfig("viewer"), times) as watch:
        await watch.remembers()
        await asyncio.to_thread(plane.kubectl, "create", "-f", "-", input=json.dumps(pod))
        try:
            await watch.go("pods /large")
            await watch.shows("large", "Pending")
            await watch.press("y")
            await watch.shows("kind: Pod")
            await watch.rows_equal_a_fresh_list()
        finally:
            await asyncio.to_thread(plane.kubectl, "delete", "pod", "large", "-n", SPACE, "--grace-period=0")
        await watch.go("claims")
        await watch.shows("before")
        await watch.recovers()


async def test_an_object_that_no_memory_should_hold(
    plane: ControlPlane, times: Times, tmp_path: Path
) -> None:
    """Its name is known, it is said which it is, and the others are unharmed: in a watch and in a list."""
    only_named = f"only the name is known: {SPACE}/enormous"
    async with between(plane, tmp_path) as (middle, kubeconfig):
        async with watching(kubeconfig, times, fresh=plane.kubeconfig("viewer")) as watch:
            await watch.remembers(through=middle)
            middle.meddle("resourceclaims", enlarged)
            tracemalloc.reset_peak()
            await asyncio.to_thread(plane.apply, claims("enormous"))
            await asyncio.to_thread(plane.apply, claims("after"))
            await watch.shows("before", "enormous", "after", only_named)
            await watch.health_says(only_named)
            assert grown() < 40 << 20
        async with watching(kubeconfig, times, fresh=plane.kubeconfig("viewer")) as watch:
            await watch.shows("before", "enormous", "after")
            await watch.health_says(only_named)
            assert grown() < 90 << 20
            await watch.remembers(through=middle)
            middle.mend()
            middle.break_all()
            await asyncio.to_thread(
                plane.kubectl, "label", "resourceclaim", "enormous", "small=again", "-n", SPACE
            )
            await watch.until(
                lambda: bool(watch.store.claims[ObjectKey(SPACE, "enormous")].labels), "it to be read"
            )
            await watch.recovers()


def grown() -> int:
    """Bytes that were ever taken beyond what is now."""
    now, peak = tracemalloc.get_traced_memory()
    return peak - now


def enlarged(piece: bytes) -> Iterator[bytes]:
    """The claim `enormous` in it, with a field of 100 MB."""
    head, name, rest = piece.partition(b'"name":"enormous"')
    before, spec, after = rest.partition(b'"spec":')
    yield head + name + before
    if spec:
        yield b'"padding":"'
        for _ in range(ENORMOUS >> 20):
            yield b"x" * (1 << 20)
        yield b'",'
    yield spec + after
