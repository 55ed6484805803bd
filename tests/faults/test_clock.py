"""The machine's clock is set while one looks."""

import asyncio
import re
import time
from collections.abc import Callable

import pytest

from dratui.kube.clock import Clock
from tests.faults.conftest import claims
from tests.faults.watched import Times, Watch, watching
from tests.realparts.controlplane import ControlPlane

HOURS = 3600.0


class Wall:
    """The day's time, and somebody who sets it."""

    def __init__(self) -> None:
        self.set = 0.0

    def __call__(self) -> float:
        return time.time() + self.set


def age(watch: Watch) -> str:
    """What the claims' table says of the claim `before`."""
    found = re.search(r" before +… pending +(\S+)", "\n".join(watch.lines))
    return found[1] if found else ""


def stale_for(watch: Watch) -> int:
    """Seconds, as the first line says."""
    found = re.search(r"◍ stale (\d+)s", watch.first_line)
    return int(found[1]) if found else -1


@pytest.mark.parametrize("jump", [5 * HOURS, -5 * HOURS], ids=["forward", "back"])
async def test_the_clock_is_set_while_all_is_well(plane: ControlPlane, times: Times, jump: float) -> None:
    wall = Wall()
    async with watching(plane.kubeconfig("viewer"), times, now=wall) as watch:
        await watch.remembers()
        wall.set = jump
        # In a world whose clock is hours behind its objects, kubectl calls their ages invalid.
        await watch.until(lambda: age(watch) == ("5h" if jump > 0 else "<invalid>"), "ages to follow")
        await watch.messages_say(f"clock was set {'forward' if jump > 0 else 'back'} by")
        await watch.health_says("● live")
        assert not re.search(r"(?<!\w)-\d+[smhd]", "\n".join(watch.lines))
        wall.set = 0.0
        await watch.until(lambda: age(watch).endswith("s"), "ages to follow back")
        await watch.recovers()


@pytest.mark.parametrize("jump", [5 * HOURS, -5 * HOURS], ids=["forward", "back"])
async def test_the_clock_is_set_during_an_outage(plane: ControlPlane, times: Times, jump: float) -> None:
    """How long it has been stale is not a matter of the clock, and neither is when to try again."""
    wall = Wall()
    async with watching(plane.kubeconfig("viewer"), times, now=wall) as watch:
        await watch.remembers()
        plane.freeze()
        try:
            await watch.until(lambda: stale_for(watch) >= 1, "the first line to say stale")
            wall.set = jump
            seen: list[str] = []

            def ages_followed() -> bool:
                seen.append(watch.first_line)
                return age(watch) == ("5h" if jump > 0 else "<invalid>")

            await watch.until(ages_followed, "ages to follow")
            assert all(re.search(r"◍ stale \d+s$", line) for line in seen)
            assert 0 <= stale_for(watch) < 120
        finally:
            plane.thaw()
        await asyncio.to_thread(plane.apply, claims("after"))
        await watch.shows("after")
        await watch.recovers()


def test_a_clock_passes_evenly_until_it_follows() -> None:
    wall, passed = [1000.0], [50.0]
    clock = Clock(_of(wall), _of(passed))
    passed[0] += 10
    wall[0] += 10 + 2 * HOURS
    assert clock.now() == 1010.0
    assert clock.follow() == 2 * HOURS
    assert clock.now() == 1010.0 + 2 * HOURS
    wall[0] += 0.5  # adjusted as it goes
    assert clock.follow() == 0.0
    wall[0] -= 3 * HOURS
    assert clock.follow() == pytest.approx(0.5 - 3 * HOURS)


def _of(value: list[float]) -> Callable[[], float]:
    return lambda: value[0]
