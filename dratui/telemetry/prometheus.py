"""Prometheus measures: every 15 seconds a question for all wanted nodes, or one for each kind of exporter."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from dratui.events import Gone, Health, HealthChanged, Phase, Put
from dratui.samples import STREAM, NodeSample
from dratui.telemetry import idling, measured, promql
from dratui.telemetry.dialects import AGENT, BY_SERIES, Dialect
from dratui.telemetry.idling import Idle, Idleness
from dratui.telemetry.measured import Own, Row, Scraped
from dratui.telemetry.promapi import Answer, Way, query
from dratui.telemetry.protocol import KEPT, MOST, Broken, Emit

_BUSY_FROM: Final = 0.05
"""Utilisation below which a device does nothing worth its price: `dratui.cluster.live.IDLE_BELOW`."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Seconds."""

    every: float = 15.0  # between questions for values
    soon: float = 1.0  # and at least, where others are wanted by now
    places: float = 600.0  # after which it is asked again which exporters tell of which nodes
    missing: float = 60.0  # the same, where one is not found
    counted: int = 300  # in which scrapes are counted, for how often they are
    idle: float = 300.0  # after which it is asked again how idle a node's devices were
    window: int = 7 * 86400  # that are looked back for it
    step: int = 300  # between looks: 4.5 million for 40 nodes of 56 devices; Prometheus allows 50 million


MEMORY: Final = Pace(every=300.0)
"""Where others measure, and Prometheus is asked only for what was before."""

_Groups = Mapping[tuple[Dialect, str], Sequence[str]]
"""Nodes by who tells of them, and the label that has their name there."""
_Known = tuple[float, Idleness]
"""When it was asked how idle devices were, and how idle, by series."""


class Prometheus:
    """Implements `Telemetry`. `now`: unix seconds on the dashboard's clock; `passing`: on one that nobody sets."""

    def __init__(
        self,
        way: Way,
        *,
        now: Callable[[], float],
        passing: Callable[[], float] = time.monotonic,
        pace: Pace | None = None,
    ) -> None:
        self._way = way
        self._now = now
        self._passing = passing
        self._pace = pace or Pace()
        self._wanted: tuple[str, ...] = ()
        self._changed = asyncio.Event()
        self._last: dict[str, NodeSample] = {}
        self._health = Health(phase=Phase.WAITING, since=0.0)
        self._places: Mapping[str, tuple[Dialect, str]] = {}
        self._placed: float | None = None  # when that was asked
        self._missing = False  # nothing came of some node
        self._idle: dict[str, _Known] = {}  # by node
        self._doubt = ""  # what is not known beside the values

    def want(self, nodes: Sequence[str]) -> None:
        """See `Telemetry`."""
        wanted = tuple(dict.fromkeys(nodes))
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
        left = self._pace.every - (self._passing() - began) if self._wanted else None
        if left is not None and left <= 0:
            return
        try:
            async with asyncio.timeout(left):
                await self._changed.wait()
        except TimeoutError:
            return
        await asyncio.sleep(max(0.0, min(self._pace.soon, self._pace.every) - (self._passing() - began)))

    async def _measure(self, wanted: Sequence[str], emit: Emit) -> None:
        nodes = wanted[:MOST]
        try:
            await self._find(wanted)
            # Those of which nobody tells take no place of those of which somebody does.
            nodes = [*self._found(wanted)[:MOST], *[n for n in wanted if n not in self._places][:MOST]]
            groups: dict[tuple[Dialect, str], list[str]] = {}
            for node in self._found(nodes):
                groups.setdefault(self._places[node], []).append(node)
            answer = await self._values(groups)
            known = await self._scraped(answer)
            rows = await asyncio.to_thread(measured.rows, answer.values, nodes, known)
            rows = await self._with_facts(rows, groups, known)
        except Broken as broken:
            self._trouble(nodes, broken, emit)
            return
        self._missing = not all(node in rows for node in self._found(nodes))
        at = answer.values[0].value[0] if answer.values else 0.0
        self._tell(await self._samples(nodes, rows, known, at), emit)
        self._well(answer, emit)
        due = {node for node in nodes if node in rows and self._idle_due(node)}
        if due:
            of_due = {key: kept for key, of in groups.items() if (kept := [n for n in of if n in due])}
            await self._ask_how_idle(of_due, rows)
            self._tell(await self._samples(nodes, rows, known, at), emit)
            self._well(answer, emit)

    async def _find(self, nodes: Sequence[str]) -> None:
        """Who tells of which nodes: asked now and then, and soon where one is not found."""
        lacking = self._missing or len(self._found(nodes)) < len(nodes)
        good_for = self._pace.missing if lacking else self._pace.places
        if self._placed is None or self._passing() - self._placed >= good_for:
            answer = await query(self._way, promql.places(measured.MARKS))
            self._places = await asyncio.to_thread(measured.places, answer.values)
            self._placed = self._passing()

    def _found(self, nodes: Sequence[str]) -> Sequence[str]:
        return [node for node in nodes if node in self._places]

    async def _values(self, groups: _Groups) -> Answer:
        """What nodes do now: a question for each exporter that tells of any."""
        answers = await asyncio.gather(
            *(
                query(self._way, promql.of_nodes(measured.SERIES[dialect.name], label, nodes))
                for (dialect, label), nodes in groups.items()
            )
        )
        return Answer(
            [value for each in answers for value in each.values],
            list(dict.fromkeys(warning for each in answers for warning in each.warnings)),
        )

    def _well(self, answer: Answer, emit: Emit) -> None:
        if not self._places:
            self._become(Phase.NOT_SERVED, "Prometheus has no series of GPUs", emit)
            return
        warning = f"Prometheus warns: {'; '.join(answer.warnings)}" if answer.warnings else ""
        self._become(Phase.LIVE, warning or self._doubt, emit)

    async def _scraped(self, answer: Answer) -> Scraped:
        instances = sorted({i for value in answer.values if (i := value.metric.get("instance"))})
        if not instances:
            return Scraped()
        last, counts = await asyncio.gather(
            query(self._way, promql.targets(instances)),
            query(self._way, promql.scrapes(instances, self._pace.counted)),
        )
        return measured.scraped(last.values, counts.values, over=self._pace.counted)

    async def _with_facts(
        self, rows: Mapping[str, Sequence[Row]], groups: _Groups, known: Scraped
    ) -> Mapping[str, Sequence[Row]]:
        """With what agents tell of a device's UUID only: who else holds it, why values are absent."""
        for (dialect, label), nodes in groups.items():
            if dialect is AGENT:
                devices = promql.of_nodes(["dratui_gpu_info"], label, nodes)
                answer = await query(self._way, promql.of_same(measured.FACTS, "uuid", devices))
                rows = await asyncio.to_thread(measured.facts, answer.values, rows, known)
        return rows

    async def _samples(
        self, nodes: Sequence[str], rows: Mapping[str, Sequence[Row]], known: Scraped, at: float
    ) -> Sequence[NodeSample]:
        now = self._now()

        def sample(node: str) -> NodeSample | None:
            of = rows.get(node, ())
            found = measured.sample(node, of, known, now=now, at=at, interval=self._pace.every)
            return found and idling.told(found, of, self._idle.get(node, (0.0, {}))[1])

        found = await asyncio.to_thread(lambda: [sample(node) for node in nodes])
        return [each or self._nothing(node) for node, each in zip(nodes, found, strict=True)]

    def _nothing(self, node: str) -> NodeSample:
        last = self._last.get(node) or NodeSample(
            node=node, source=measured.SOURCE, interval=self._pace.every
        )
        return msgspec.structs.replace(last, problem="Prometheus has no GPU of this node")

    # --- how idle devices were

    def _idle_due(self, node: str) -> bool:
        known = self._idle.get(node)
        return known is None or self._passing() - known[0] >= self._pace.idle

    async def _ask_how_idle(self, groups: _Groups, rows: Mapping[str, Sequence[Row]]) -> None:
        """A question for each series that tells how busy a device is. Values go on without."""
        found: dict[str, Mapping[Own, Idle]] = {}
        self._doubt = ""
        try:
            for (_, label), nodes in groups.items():
                of_all = [row for node in nodes for row in rows[node]]
                for metric in sorted({row.series.name for row in of_all} & {*idling.BUSY}):
                    selected = promql.of_nodes([metric], label, nodes)
                    found[metric] = {**found.get(metric, {}), **await self._idle_of(metric, selected, of_all)}
        except Broken as broken:
            self._doubt = f"how idle devices were is not known: {broken.what}"
        self._idle = {node: known for node, known in self._idle.items() if node in self._last}
        self._idle.update((node, (self._passing(), found)) for nodes in groups.values() for node in nodes)

    async def _idle_of(self, metric: str, selected: str, current: Sequence[Row]) -> Mapping[Own, Idle]:
        below, window, step = _BUSY_FROM / BY_SERIES[metric][1].factor, self._pace.window, self._pace.step
        shares, looks = await asyncio.gather(
            query(self._way, promql.below(selected, below, window=window, step=step)),
            query(self._way, promql.looks(selected, window=window, step=step)),
        )
        return await asyncio.to_thread(idling.idle, metric, shares.values, looks.values, current, step=step)

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
                    or NodeSample(node=node, source=measured.SOURCE, interval=self._pace.every),
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
