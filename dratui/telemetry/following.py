"""The wanted nodes, each with who follows it: begun, ended a moment after nobody looks, begun again when it breaks."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import msgspec

from dratui.events import Gone, Health, HealthChanged, Phase, Put
from dratui.kube.pace import Backoff
from dratui.samples import STREAM, NodeSample
from dratui.telemetry.protocol import KEPT, MOST, Broken, Emit, Finder


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Seconds."""

    grace: float = 5.0  # a node is followed on after it left the screen: scrolling comes back
    first_delay: float = 1.0  # before a stream that broke is begun again; doubles
    longest_delay: float = 30.0
    slow_retry: float = 45.0  # for what only a person changes: rights, an agent where there is none; doubles
    slowest_retry: float = 300.0


@dataclass
class _Followed:
    task: "asyncio.Task[None]"
    left: float | None = None  # since when it is not wanted, on the clock that only passes
    trouble: Broken | None = None
    told: bool = False  # anything, so far

    @property
    def streams(self) -> bool:
        """Whether there is, or may be, somebody who measures it."""
        return self.trouble is None or self.trouble.phase is not Phase.NOT_SERVED


class Following:
    """Implements `Telemetry` for followers that each measure one node.

    `now`: unix seconds on the dashboard's clock; `passing`: seconds on one that nobody sets.
    """

    def __init__(
        self,
        finder: Finder,
        *,
        now: Callable[[], float],
        passing: Callable[[], float] = time.monotonic,
        random: Random | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._finder = finder
        self._now = now
        self._passing = passing
        self._random = random or Random()  # noqa: S311 (spreads load; guards nothing)
        self._patience = patience or Patience()
        self._wanted: tuple[str, ...] = ()
        self._changed = asyncio.Event()
        self._followed: dict[str, _Followed] = {}
        self._last: dict[str, NodeSample] = {}
        self._health: Health | None = None

    def want(self, nodes: Sequence[str]) -> None:
        """See `Telemetry`."""
        wanted = tuple(nodes)
        if wanted != self._wanted:
            self._wanted = wanted
            self._changed.set()

    async def run(self, emit: Emit) -> None:
        """See `Telemetry`."""
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    self._changed.clear()
                    due = self._arrange(tasks, emit)
                    try:
                        async with asyncio.timeout(due):
                            await self._changed.wait()
                    except TimeoutError:
                        pass  # somebody's grace is over
        finally:
            self._followed.clear()
            await self._finder.close()

    def _arrange(self, tasks: asyncio.TaskGroup, emit: Emit) -> float | None:
        """Begin and end; returns the seconds until there is something to end again."""
        wanted, now, grace = self._targets(), self._passing(), self._patience.grace
        begun = [node for node in wanted if node not in self._followed]
        leaving: list[tuple[float, str]] = []
        for node, followed in self._followed.items():
            if node in wanted:
                followed.left = None
            else:
                followed.left = now if followed.left is None else followed.left
                leaving.append((followed.left, node))
        leaving.sort()
        too_many = sum(followed.streams for followed in self._followed.values()) + len(begun) - MOST
        ended = [node for n, (left, node) in enumerate(leaving) if n < too_many or now - left >= grace]
        for node in ended:
            self._followed.pop(node).task.cancel()
            if node in self._last:
                self._last[node] = self._last.pop(node)  # the one that was left last
        for node in begun:
            self._followed[node] = _Followed(
                tasks.create_task(self._follow(node, emit), name=f"follow {node}")
            )
        self._forget(emit)
        self._judge(emit)
        remaining = leaving[len(ended) :]
        return max(0.0, remaining[0][0] + grace - now) if remaining else None

    def _targets(self) -> Sequence[str]:
        """The first of the wanted nodes. Those that nobody measures take no place from others, within limits."""
        targets: list[str] = []
        room = MOST
        for node in dict.fromkeys(self._wanted):
            followed = self._followed.get(node)
            streams = followed is None or followed.streams
            if room or not streams:
                room -= streams
                targets.append(node)
            if len(targets) == KEPT:
                break
        return targets

    async def _follow(self, node: str, emit: Emit) -> None:
        """One node, for as long as it is wanted."""
        patience = self._patience
        backoff = Backoff(patience.first_delay, patience.longest_delay, self._random)
        slowly = Backoff(patience.slow_retry, patience.slowest_retry, self._random)
        measured = False

        def take(sample: NodeSample) -> None:
            nonlocal measured
            measured = True
            backoff.reset()
            self._tell(sample, emit)
            self._found(node, None, emit)

        anew = False
        while True:
            try:
                follower = await self._finder.find(node, anew=anew)
                anew = True
                await follower.follow(node, take)
                raise Broken("the stream ended")
            except Broken as trouble:
                last = self._last.get(node) or NodeSample(node=node)
                self._tell(msgspec.structs.replace(last, problem=trouble.what, believed=None), emit)
                self._found(node, trouble, emit)
                # Who was measured is asked soon, whatever is said: an API server that has just started refuses all.
                soon = trouble.phase is Phase.STALE or measured
            await asyncio.sleep((backoff if soon else slowly).next())

    def _tell(self, sample: NodeSample, emit: Emit) -> None:
        if sample != self._last.get(sample.node):
            self._last[sample.node] = sample
            emit([Put(STREAM, sample)])

    def _forget(self, emit: Emit) -> None:
        """The samples of nodes that were looked at long ago."""
        excess = len(self._last) - KEPT
        if excess > 0:
            gone = [node for node in self._last if node not in self._followed][:excess]
            emit([Gone(STREAM, self._last.pop(node)) for node in gone])

    # --- how it does as a whole

    def _found(self, node: str, trouble: Broken | None, emit: Emit) -> None:
        followed = self._followed.get(node)
        if followed is not None and (followed.trouble is not trouble or not followed.told):
            streamed = followed.streams
            followed.trouble, followed.told = trouble, True
            if followed.streams is not streamed:
                self._changed.set()  # there is room for another, or one too many
            self._judge(emit)

    def _judge(self, emit: Emit) -> None:
        """While nothing is known of any node it stays as it was: at first, not told."""
        told = [followed for followed in self._followed.values() if followed.told]
        if not told:
            return
        phase, detail = _health(len(told), [each.trouble for each in told if each.trouble is not None])
        before = self._health
        since = before.since if before is not None and before.phase is phase else self._now()
        health = Health(phase=phase, since=since, detail=detail)
        if health != before:
            self._health = health
            emit([HealthChanged(STREAM, health)])


def _health(nodes: int, troubles: Sequence[Broken]) -> tuple[Phase, str]:
    """That some nodes have nothing to be measured by is normal, and no matter where others are in trouble."""
    whole = len(troubles) == nodes
    serious = [trouble for trouble in troubles if trouble.phase is not Phase.NOT_SERVED]
    counted = serious if serious or not whole else troubles
    if not counted:
        return Phase.LIVE, ""
    (what, hint, phase), number = Counter((t.what, t.hint, t.phase) for t in counted).most_common(1)[0]
    where = f"{number} of {nodes} nodes: " if nodes > 1 else ""
    return phase if whole else Phase.STALE, f"{where}{what}{f' ({hint})' if hint else ''}"
