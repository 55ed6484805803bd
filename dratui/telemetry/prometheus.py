"""Prometheus measures: every 15 seconds one question for all wanted nodes, whoever their exporters are."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from dratui.events import Gone, Health, HealthChanged, Phase, Put
from dratui.samples import STREAM, NodeSample
from dratui.telemetry import measured, promql
from dratui.telemetry.dialects import AGENT, BY_SERIES
from dratui.telemetry.measured import Idle, Own, Row, Scraped
from dratui.telemetry.promapi import Answer, Way, query
from dratui.telemetry.protocol import KEPT, MOST, Broken, Emit

EVERY: Final = 15.0  # seconds
_SOON: Final = 1.0  # seconds between questions where other nodes are wanted by now
_COUNTED_OVER: Final = 300  # seconds in which scrapes are counted, for how often they are
IDLE_EVERY: Final = 300.0  # seconds after which it is asked again how idle a node's devices were
WINDOW: Final = 7 * 86400
"""Seconds that are looked back to see how idle a device was since its holder got it."""
STEP: Final = 300
"""Seconds between looks: 2,016 in a window, 4.5 million for 40 nodes of 56 devices; Prometheus allows 50 million."""
_BUSY_FROM: Final = 0.05
"""Utilisation below which a device does nothing worth its price: `dratui.cluster.live.IDLE_BELOW`."""


class Prometheus:
    """Implements `Telemetry`. `now`: unix seconds on the dashboard's clock; `passing`: on one that nobody sets."""

    def __init__(
        self,
        way: Way,
        *,
        now: Callable[[], float],
        passing: Callable[[], float] = time.monotonic,
        every: float = EVERY,
        window: int = WINDOW,
        step: int = STEP,
    ) -> None:
        self._way = way
        self._now = now
        self._passing = passing
        self._every = every
        self._window = window
        self._step = step
        self._wanted: tuple[str, ...] = ()
        self._changed = asyncio.Event()
        self._last: dict[str, NodeSample] = {}
        self._health = Health(phase=Phase.WAITING, since=0.0)
        self._idle: dict[
            str, tuple[float, Mapping[str, Mapping[Own, Idle]]]
        ] = {}  # by node, with when it was asked

    def want(self, nodes: Sequence[str]) -> None:
        """See `Telemetry`."""
        wanted = tuple(dict.fromkeys(nodes))[:MOST]
        if wanted != self._wanted:
            if set(wanted) - set(self._wanted):
                self._changed.set()
            self._wanted = wanted

    async def run(self, emit: Emit) -> None:
        """See `Telemetry`."""
        try:
            while True:
                self._changed.clear()
                began = self._passing()
                if self._wanted:
                    await self._measure(self._wanted, emit)
                await self._pause(began)
        finally:
            await self._way.close()

    async def _pause(self, began: float) -> None:
        """Until it is time to ask again, or others are wanted."""
        left = self._every - (self._passing() - began) if self._wanted else None
        if left is not None and left <= 0:
            return
        try:
            async with asyncio.timeout(left):
                await self._changed.wait()
        except TimeoutError:
            return
        await asyncio.sleep(max(0.0, min(_SOON, self._every) - (self._passing() - began)))

    async def _measure(self, nodes: tuple[str, ...], emit: Emit) -> None:
        try:
            answer = await query(self._way, promql.of_nodes(measured.SERIES, nodes))
            known = await self._scraped(answer)
            rows = await asyncio.to_thread(measured.rows, answer.values, nodes, known)
            rows = await self._with_facts(rows, nodes, known)
        except Broken as broken:
            self._trouble(nodes, broken, emit)
            return
        at = answer.values[0].value[0] if answer.values else 0.0
        self._tell(await self._samples(nodes, rows, known, at), emit)
        doubt = "; ".join(answer.warnings)
        due = [node for node in nodes if node in rows and self._idle_due(node)]
        if due:
            try:
                await self._ask_how_idle(due, rows)
                self._tell(await self._samples(nodes, rows, known, at), emit)
            except Broken as broken:  # values go on without
                doubt = doubt or f"how idle devices were is not known: {broken.what}"
        self._become(Phase.LIVE, f"Prometheus warns: {doubt}" if answer.warnings else doubt, emit)

    async def _scraped(self, answer: Answer) -> Scraped:
        instances = sorted({i for value in answer.values if (i := value.metric.get("instance"))})
        if not instances:
            return Scraped()
        last, counts = await asyncio.gather(
            query(self._way, promql.targets(instances)),
            query(self._way, promql.scrapes(instances, _COUNTED_OVER)),
        )
        return measured.scraped(last.values, counts.values, over=_COUNTED_OVER)

    async def _with_facts(
        self, rows: Mapping[str, Sequence[Row]], nodes: Sequence[str], known: Scraped
    ) -> Mapping[str, Sequence[Row]]:
        """With what agents tell of a device's UUID only: who else holds it, why values are absent."""
        if not any(BY_SERIES[row.series.name][0] is AGENT for all_ in rows.values() for row in all_):
            return rows
        devices = promql.of_nodes(["dratui_gpu_info"], nodes)
        answer = await query(self._way, promql.of_same(measured.FACTS, "uuid", devices))
        return await asyncio.to_thread(measured.facts, answer.values, rows, known)

    async def _samples(
        self, nodes: Sequence[str], rows: Mapping[str, Sequence[Row]], known: Scraped, at: float
    ) -> Sequence[NodeSample]:
        now = self._now()

        def all_() -> Sequence[NodeSample | None]:
            return [
                measured.sample(
                    node,
                    rows.get(node, ()),
                    known,
                    self._idle.get(node, (0.0, {}))[1],
                    now=now,
                    at=at,
                    interval=self._every,
                )
                for node in nodes
            ]

        found = await asyncio.to_thread(all_)
        return [each or self._nothing(node) for node, each in zip(nodes, found, strict=True)]

    def _nothing(self, node: str) -> NodeSample:
        last = self._last.get(node) or NodeSample(node=node, source=measured.SOURCE, interval=self._every)
        return msgspec.structs.replace(last, problem="Prometheus has no GPU of this node")

    # --- how idle devices were

    def _idle_due(self, node: str) -> bool:
        known = self._idle.get(node)
        return known is None or self._passing() - known[0] >= min(IDLE_EVERY, self._every * 20)

    async def _ask_how_idle(self, nodes: Sequence[str], rows: Mapping[str, Sequence[Row]]) -> None:
        """A question for each series that tells how busy a device is, for all of `nodes`. Raises Broken."""
        asked = self._passing()
        of_all = [row for node in nodes for row in rows[node]]
        metrics = sorted({row.series.name for row in of_all} & {*measured.BUSY})
        found = {metric: await self._idle_of(metric, nodes, of_all) for metric in metrics}
        self._idle = {node: known for node, known in self._idle.items() if node in self._last}
        self._idle.update((node, (asked, found)) for node in nodes)

    async def _idle_of(self, metric: str, nodes: Sequence[str], current: Sequence[Row]) -> Mapping[Own, Idle]:
        selected = promql.of_nodes([metric], nodes)
        factor = BY_SERIES[metric][1].factor
        shares, looks = await asyncio.gather(
            query(
                self._way,
                promql.below(selected, _BUSY_FROM / factor, window=self._window, step=self._step),
            ),
            query(self._way, promql.looks(selected, window=self._window, step=self._step)),
        )
        return await asyncio.to_thread(
            measured.idle, metric, shares.values, looks.values, current, step=self._step
        )

    # --- what is told

    def _tell(self, samples: Sequence[NodeSample], emit: Emit) -> None:
        fresh = [each for each in samples if each != self._last.get(each.node)]
        for each in fresh:
            self._last.pop(each.node, None)
            self._last[each.node] = each  # newest last
        events = [Put(STREAM, each) for each in fresh]
        forgotten = [node for node in self._last if node not in self._wanted][
            : max(0, len(self._last) - KEPT)
        ]
        gone = [Gone(STREAM, self._last.pop(node)) for node in forgotten]
        if events or gone:
            emit([*events, *gone])

    def _trouble(self, nodes: Sequence[str], broken: Broken, emit: Emit) -> None:
        self._tell(
            [
                msgspec.structs.replace(
                    self._last.get(node)
                    or NodeSample(node=node, source=measured.SOURCE, interval=self._every),
                    problem=broken.what,
                )
                for node in nodes
            ],
            emit,
        )
        self._become(broken.phase, f"{broken.what}{f' ({broken.hint})' if broken.hint else ''}", emit)

    def _become(self, phase: Phase, detail: str, emit: Emit) -> None:
        since = self._health.since if phase is self._health.phase else self._now()
        health = Health(phase=phase, since=since, detail=detail)
        if health != self._health:
            self._health = health
            emit([HealthChanged(STREAM, health)])
