"""Which nodes are followed: those that are wanted, 40 at most, and a moment longer."""

import asyncio
from collections import Counter
from collections.abc import Callable

from dratui.events import Phase
from dratui.samples import NodeSample
from dratui.telemetry.following import Following, Patience
from dratui.telemetry.protocol import KEPT, MOST, Broken, Follower, Take
from tests.telemetry.watching import QUICK, Heard, running


class Nodes:
    """A Finder whose nodes tell one sample each, or break as they are told."""

    def __init__(self) -> None:
        self.woken: Callable[[], None] = lambda: None
        self.begun: Counter[str] = Counter()
        self.now: set[str] = set()
        self.most = 0
        self.broken: dict[str, Broken] = {}
        self.closed = False
        self._ends: dict[str, asyncio.Event] = {}

    async def find(self, node: str, *, anew: bool) -> Follower:
        return self

    async def close(self) -> None:
        self.closed = True

    async def follow(self, node: str, take: Take) -> None:
        self.begun[node] += 1
        self.woken()
        self.now.add(node)
        self.most = max(self.most, len(self.now))
        try:
            if node in self.broken:
                raise self.broken[node]
            take(NodeSample(node=node, at=float(self.begun[node])))
            end = self._ends[node] = asyncio.Event()
            await end.wait()
        finally:
            self.now.discard(node)
            self.woken()

    def end(self, node: str) -> None:
        self._ends[node].set()


def names(number: int, start: int = 0) -> list[str]:
    return [f"node-{n}" for n in range(start, start + number)]


async def settle(telemetry: Following, heard: Heard, nodes: list[str]) -> None:
    """Until all of these have told something."""
    telemetry.want(nodes)
    await heard.until(lambda: all(node in heard.samples for node in nodes[:MOST]))


async def test_nobody_is_asked_while_nothing_is_wanted() -> None:
    nodes = Nodes()
    async with running(nodes) as (telemetry, heard):
        await asyncio.sleep(0)
        assert (heard.healths, nodes.begun) == ([], Counter())
        await settle(telemetry, heard, ["node-1"])
        assert nodes.begun == Counter({"node-1": 1})
        assert heard.health.phase is Phase.LIVE
    assert nodes.closed
    assert not nodes.now


async def test_of_many_the_first_forty_are_followed() -> None:
    nodes = Nodes()
    async with running(nodes) as (telemetry, heard):
        await settle(telemetry, heard, names(5000))
        assert nodes.now == set(names(MOST))
        assert set(heard.samples) == set(names(MOST))
        await settle(telemetry, heard, names(5000, 20))
        assert nodes.now == set(names(MOST, 20))
        assert nodes.begun["node-30"] == 1  # and it went on meanwhile
        assert nodes.most <= MOST + 1  # one may still be saying goodbye


async def test_a_node_that_leaves_the_screen_is_followed_a_moment_longer() -> None:
    nodes = Nodes()
    async with running(nodes, Patience(grace=3600.0)) as (telemetry, heard):
        await settle(telemetry, heard, ["node-1"])
        await settle(telemetry, heard, ["node-2"])
        await settle(telemetry, heard, ["node-1", "node-3"])
        assert nodes.now == {"node-1", "node-2", "node-3"}
        assert nodes.begun["node-1"] == 1


async def test_and_no_longer_than_that() -> None:
    nodes = Nodes()
    async with running(nodes, QUICK) as (telemetry, heard):
        await settle(telemetry, heard, ["node-1"])
        await settle(telemetry, heard, ["node-2"])
        assert nodes.now == {"node-2"}
        assert set(heard.samples) == {"node-1", "node-2"}  # what was told last stays, and ages


async def test_who_left_first_makes_room_first() -> None:
    nodes = Nodes()
    async with running(nodes, Patience(grace=3600.0)) as (telemetry, heard):
        await settle(telemetry, heard, ["old"])
        await settle(telemetry, heard, ["older-now-wanted-last", *names(MOST - 2)])
        assert "old" in nodes.now
        await settle(telemetry, heard, [*names(MOST - 2), "new-1", "new-2"])
        assert nodes.now == {*names(MOST - 2), "new-1", "new-2"}


async def test_samples_of_nodes_long_left_go() -> None:
    nodes = Nodes()
    async with running(nodes, QUICK) as (telemetry, heard):
        for start in range(0, KEPT + 3 * MOST, MOST):
            await settle(telemetry, heard, names(MOST, start))
        nodes.woken = heard.wake
        telemetry.want([])
        await heard.until(lambda: not nodes.now)
        assert len(heard.samples) <= KEPT + MOST
        assert "node-0" not in heard.samples


async def test_who_was_measured_is_asked_again_soon_even_if_it_is_refused() -> None:
    nodes = Nodes()
    nodes.broken["never"] = Broken("needs get on pods/proxy", phase=Phase.FORBIDDEN)
    async with running(nodes, Patience(first_delay=0.001, slow_retry=3600.0)) as (telemetry, heard):
        await settle(telemetry, heard, ["node-1", "never"])
        nodes.broken["node-1"] = nodes.broken["never"]
        nodes.end("node-1")
        nodes.woken = heard.wake
        await heard.until(lambda: nodes.begun["node-1"] > 3)
        assert nodes.begun["never"] == 1
        del nodes.broken["node-1"]
        await heard.until(lambda: heard.problem("node-1") == "")


async def test_a_stream_that_breaks_keeps_what_it_told_and_is_begun_again() -> None:
    nodes = Nodes()
    async with running(nodes) as (telemetry, heard):
        await settle(telemetry, heard, ["node-1"])
        nodes.broken["node-1"] = Broken("agent is silent", hint="try again")
        nodes.end("node-1")
        nodes.woken = heard.wake
        await heard.until(lambda: heard.problem("node-1") == "agent is silent")
        assert heard.samples["node-1"].at == 1.0
        await heard.until(lambda: nodes.begun["node-1"] > 3)
        assert (heard.health.phase, heard.health.detail) == (Phase.STALE, "agent is silent (try again)")
        del nodes.broken["node-1"]
        await heard.until(lambda: not heard.problem("node-1"))
        assert heard.health.phase is Phase.LIVE


async def test_health_names_what_most_nodes_suffer_from() -> None:
    nodes = Nodes()
    refused = Broken("needs get on pods/proxy in gpu", phase=Phase.FORBIDDEN)
    nodes.broken = {"node-0": refused, "node-1": refused, "node-2": Broken("agent is silent")}
    async with running(nodes) as (telemetry, heard):
        await settle(telemetry, heard, names(4))
        await heard.until(lambda: heard.health.detail.startswith("2 of 4"))
        assert heard.health.phase is Phase.STALE
        assert heard.health.detail == "2 of 4 nodes: needs get on pods/proxy in gpu"
        telemetry.want(["node-0", "node-1"])
        await heard.until(lambda: heard.health.phase is Phase.FORBIDDEN)
        assert heard.health.detail == "2 of 2 nodes: needs get on pods/proxy in gpu"


async def test_that_some_nodes_have_no_agent_is_normal() -> None:
    nodes = Nodes()
    nodes.broken = {"node-0": Broken("no agent on node-0", phase=Phase.NOT_SERVED)}
    async with running(nodes) as (telemetry, heard):
        await settle(telemetry, heard, names(2))
        assert (heard.health.phase, heard.health.detail) == (Phase.LIVE, "")
        assert heard.problem("node-0") == "no agent on node-0"
        telemetry.want(["node-0"])
        await heard.until(lambda: heard.health.phase is Phase.NOT_SERVED)
        nodes.broken["node-1"] = Broken("agent is silent")
        telemetry.want(names(2))
        await heard.until(lambda: heard.health.phase is Phase.STALE)
        assert heard.health.detail == "1 of 2 nodes: agent is silent"


async def test_nodes_that_nobody_measures_take_no_place_from_others() -> None:
    nodes = Nodes()
    without = names(50)
    nodes.broken = {node: Broken("no agent", phase=Phase.NOT_SERVED) for node in without}
    async with running(nodes) as (telemetry, heard):
        nodes.woken = heard.wake
        telemetry.want([*without, *names(60, 50)])
        followed = names(MOST, 50)
        await heard.until(lambda: all(node in heard.samples for node in [*without, *followed]))
        assert nodes.now - set(without) == set(followed)
        nodes.broken.clear()  # an agent came to each
        await heard.until(lambda: all(not heard.problem(node) for node in names(MOST)))
        await heard.until(lambda: nodes.now == set(names(MOST)))
