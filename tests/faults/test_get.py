"""`dratui get -w` through an API server that dies and comes back: it says so on stderr, and goes on."""

import asyncio
import sys

from tests.faults.conftest import SPACE, claims
from tests.faults.watched import Times
from tests.realparts.controlplane import ControlPlane


async def live_again(following: asyncio.subprocess.Process) -> None:
    """Until it says so; pods may come back later than claims."""
    assert following.stderr is not None
    while b"live again after" not in await following.stderr.readline():
        pass


async def test_a_watch_goes_on_after_the_server_is_back(plane: ControlPlane, times: Times) -> None:
    command = ["-m", "dratui", "get", "claims", "-n", SPACE, "-w", "-o", "name"]
    following = await asyncio.create_subprocess_exec(
        *(sys.executable, *command, "--kubeconfig", str(plane.kubeconfig("viewer"))),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert following.stdout is not None
    try:
        async with asyncio.timeout(120):
            assert await following.stdout.readline() == b"claim/before\n"
            await asyncio.to_thread(plane.kill_apiserver)
            await times.lasts(30)
            await asyncio.to_thread(plane.start_apiserver)
            await asyncio.to_thread(plane.apply, claims("after"))
            assert await following.stdout.readline() == b"claim/after\n"
            await live_again(following)
    finally:
        following.terminate()
        _, said = await following.communicate()
    assert b"Traceback" not in said
