"""The first screen: what do we have, who holds it, who waits and why."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from dratui.api.model import ObjectKey
from dratui.cluster.store import Changes
from dratui.terminal import cut, fit, width
from dratui.tui.lines import Line
from dratui.tui.live import why_unknown
from dratui.tui.places import Card, HealthOfStreams, Overview, Place, Rows
from dratui.tui.screens.cells import Cell, bar, grid
from dratui.tui.screens.face import Chosen, Face, World
from dratui.tui.widgets.board import Block, Board, Entry
from dratui.views import words
from dratui.views.overview import Overview as Facts
from dratui.views.query import Query
from dratui.views.table import Style
from dratui.views.tables import TABLES

MOST_WAITING: Final = 12  # the rest is a key press away


@dataclass(frozen=True, slots=True)
class Leads:
    """An item of the overview: where enter leads from it, and the object it is, if it is one."""

    place: Place
    chosen: Chosen | None = None


class OverviewFace(Face[Board]):
    """Draws `Facts`, which whoever owns this keeps up to date."""

    hints = ("open", "describe", "command", "help", "quit")

    def __init__(self, world: World, facts: Callable[[], Facts]) -> None:
        self._world = world
        self._facts = facts
        self.view = Board(world.skin, id="overview")

    def enter(self, place: Overview, mark: Leads | None) -> None:
        """Show it."""
        self.view.set_blocks(self._blocks(), item=mark)

    def mark(self) -> object:
        """The item under the cursor."""
        return self.view.item

    def changed(self, changes: Changes) -> None:
        """Facts changed."""
        self.view.set_blocks(self._blocks())

    def tick(self) -> None:
        """How long pods wait."""
        self.view.set_blocks(self._blocks())

    def headline(self) -> tuple[Line, Line]:
        """The question that this screen answers."""
        skin = self._world.skin
        return ((" Overview", skin.strong), ("  what there is, who holds it, who waits", skin.dim)), ()

    def chosen(self) -> Chosen | None:
        """The object under the cursor, if it is one."""
        item = self.view.item
        return item.chosen if isinstance(item, Leads) else None

    def onward(self) -> Place | None:
        """Where the item leads."""
        item = self.view.item
        return item.place if isinstance(item, Leads) else None

    def _blocks(self) -> list[Block]:
        facts = self._facts()
        waiting = len(facts.waiting)
        blocks = [
            Block("DEVICES", lambda columns: self._devices(facts, columns)),
            Block(
                f"WAITING {waiting}" if waiting else "WAITING", lambda columns: self._waiting(facts, columns)
            ),
            Block("TENANTS", lambda columns: self._tenants(facts, columns), right=True),
            Block("POOLS", lambda columns: self._pools(facts), right=True),
        ]
        if facts.waiting_reasons:
            blocks.append(Block("WAITING FOR", lambda columns: self._reasons(facts, columns), right=True))
        if self._unknown():
            blocks.append(Block("NOT KNOWN", lambda columns: self._unknown(), right=True))
        return blocks

    def _devices(self, facts: Facts, columns: int) -> Sequence[Entry]:
        skin = self._world.skin
        if not facts.devices and not facts.plugin:
            return self._empty("resourceslices", TABLES["devices"].empty)
        headings = ("DRIVER", "PRODUCT", "TOTAL", "HELD", "FREE", "TAINTED", "OTHER")
        table: list[tuple[Cell, ...]] = [
            tuple(Cell(h, Style.DIM, right=n > 1) for n, h in enumerate(headings))
        ]
        items: list[Leads | None] = [None]
        held: list[float | None] = [None]
        before = ""
        for group in facts.devices:
            numbers = (
                (group.total, Style.PLAIN),
                (group.held, Style.HELD),
                (group.free, Style.FREE),
                (group.tainted, Style.TAINTED),
                (group.other, Style.FAULT),
            )
            driver = "" if group.driver == before else group.driver
            table.append(
                (Cell(driver), Cell(group.product or words.NONE), *(Cell.number(n, s) for n, s in numbers))
            )
            items.append(
                Leads(Rows(Query(kind="devices", filter=_devices_like(group.driver, group.product))))
            )
            held.append(group.held / group.total if group.total else None)
            before = group.driver
        for plugin in facts.plugin:
            amounts = (
                (plugin.total, Style.PLAIN),
                (plugin.requested, Style.HELD),
                (max(plugin.total - plugin.requested, 0), Style.FREE),
            )
            blank = (Cell(words.NONE, Style.DIM, right=True),) * 2
            table.append(
                (
                    Cell(plugin.name),
                    Cell("device plugin", Style.DIM),
                    *(Cell.number(n, s) for n, s in amounts),
                    *blank,
                )
            )
            items.append(Leads(Rows(Query(kind="nodes"))))
            held.append(plugin.requested / plugin.total if plugin.total else None)
        lines = grid(table, skin, columns, shrink=1)
        return [
            Entry((*line, *bar(share, columns - sum(width(t) for t, _ in line) - 2, skin)), item)
            for line, item, share in zip(lines, items, held, strict=True)
        ]

    def _waiting(self, facts: Facts, columns: int) -> Sequence[Entry]:
        skin, now = self._world.skin, self._world.now()
        if not facts.waiting:
            return self._empty("pods", "No pod waits for an accelerator.")
        shown = facts.waiting[:MOST_WAITING]
        names = [f"{pod.key.namespace}/{pod.key.name}" for pod in shown]
        longest = min(max(map(width, names)), columns * 2 // 5)
        entries = []
        for pod, name in zip(shown, names, strict=True):
            reason = f"{pod.reason} (derived)" if pod.source == "derived" else pod.reason
            line: Line = (
                (fit(words.age(pod.since, now), 6, "right"), skin.states[Style.WAITING]),
                ("  ", skin.plain),
                (fit(name, longest), skin.plain),
                ("  ", skin.plain),
                (cut(reason, max(columns - longest - 10, 10)), skin.dim),
            )
            entries.append(Entry(line, Leads(Card("pods", pod.key), Chosen("pods", pod.key))))
        if more := len(facts.waiting) - len(shown):
            pods = Leads(Rows(Query(kind="pods", faults_only=True)))
            entries.append(Entry(((f"        {more} more", skin.dim),), pods))
        return entries

    def _tenants(self, facts: Facts, columns: int) -> Sequence[Entry]:
        if not facts.tenants:
            return self._empty("namespaces", "No namespace holds or waits for an accelerator.")
        headings = ("NAMESPACE", "HELD", "WAITING", "DEVICE PLUGIN")
        table: list[tuple[Cell, ...]] = [
            tuple(Cell(h, Style.DIM, right=n > 0) for n, h in enumerate(headings))
        ]
        table += [
            (
                Cell(tenant.namespace),
                Cell.number(tenant.held, Style.HELD),
                Cell.number(tenant.waiting, Style.WAITING),
                Cell.number(tenant.plugin, Style.HELD),
            )
            for tenant in facts.tenants
        ]
        items: list[Leads | None] = [None]
        for tenant in facts.tenants:
            key = ObjectKey("", tenant.namespace)
            items.append(
                Leads(Rows(Query(kind="pods", namespace=tenant.namespace)), Chosen("namespaces", key))
            )
        lines = grid(table, self._world.skin, columns, shrink=0)
        return [Entry(line, item) for line, item in zip(lines, items, strict=True)]

    def _pools(self, facts: Facts) -> Sequence[Entry]:
        skin, pools = self._world.skin, facts.pools
        if not pools.total:
            return self._empty("resourceslices", TABLES["pools"].empty)
        parts = [(f"{pools.complete} of {pools.total} complete", skin.plain)]
        if pools.incomplete:
            parts.append((f"  … {pools.incomplete} incomplete", skin.states[Style.WAITING]))
        if pools.invalid:
            parts.append((f"  ✖ {pools.invalid} invalid", skin.states[Style.FAULT]))
        return [Entry(tuple(parts), Leads(Rows(Query(kind="pools"))))]

    def _reasons(self, facts: Facts, columns: int) -> Sequence[Entry]:
        skin = self._world.skin
        return [
            Entry(
                (
                    (f"{words.count(number, 'pod'):>8}  ", skin.states[Style.WAITING]),
                    (cut(reason, columns - 12), skin.plain),
                )
            )
            for reason, number in facts.waiting_reasons
        ]

    def _unknown(self) -> Sequence[Entry]:
        skin, health = self._world.skin, self._world.store.health
        told = why_unknown(health, sorted(health))
        return [Entry(((text, skin.states[style]),), Leads(HealthOfStreams())) for text, style in told]

    def _empty(self, stream: str, text: str) -> Sequence[Entry]:
        """Nothing there: or is it only not known?"""
        skin = self._world.skin
        told = why_unknown(self._world.store.health, (stream,))
        return [Entry(((said, skin.states[style]),)) for said, style in told or [(text, Style.DIM)]]


def _devices_like(driver: str, product: str) -> str:
    """A filter for the devices of a group."""
    literal = [re.sub(r"([.^$*+?{}\[\]|()\\])", r"\\\1", text) for text in (driver, product)]
    return ".*".join(filter(None, literal))
