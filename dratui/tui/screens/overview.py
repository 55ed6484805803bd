"""The first screen: what do we have, who holds it, who waits and why."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Final

from dratui.api.model import ObjectKey
from dratui.cluster.store import Changes
from dratui.terminal import cut_end, fit, width
from dratui.tui.lines import Line, Part
from dratui.tui.live import absent, why_unknown
from dratui.tui.places import Card, HealthOfStreams, Overview, Place, Rows
from dratui.tui.screens import faults, idle
from dratui.tui.screens.cells import Cell, bar, grid
from dratui.tui.screens.face import Chosen, Face, World
from dratui.tui.screens.groups import (
    beside,
    by_size,
    counts,
    free_of,
    group_line,
    literal,
    plugin_line,
    with_utilization,
)
from dratui.tui.screens.leads import Leads, Rest
from dratui.tui.widgets.board import Block, Board, Entry, Fold
from dratui.views import words
from dratui.views.live import coverage
from dratui.views.overview import DeviceGroup, PluginGroup
from dratui.views.overview import Overview as Facts
from dratui.views.query import Query
from dratui.views.table import Style
from dratui.views.tables import TABLES

MOST_WAITING: Final = 60  # the rest is a key press away
LEAST: Final = 6  # lines of a block that shows at all
BRIEFLY: Final = 5  # tenants or reasons in one line; it is cut where the screen ends
BRIEF_WIDTH: Final = 13  # the title of a block that has only one line


_WAITING_PODS: Final = Leads(Rows(Query(kind="pods", faults_only=True)))
_TENANTS: Final = Leads(Rows(Query(kind="namespaces")))
_POOLS: Final = Leads(Rows(Query(kind="pools")))
_UNMEASURED: Final = Leads(Rows(Query(kind="nodes", sort="SAMPLED", wide=True)))


class OverviewFace(Face[Board]):
    """Draws `Facts`, which whoever owns this keeps up to date."""

    hints = ("open", "describe", "command", "help", "quit")

    def __init__(self, world: World, facts: Callable[[], Facts]) -> None:
        self._world = world
        self._facts = facts
        self.view = Board(world.skin, id="overview")
        self._all_devices = False

    def enter(self, place: Overview, mark: Leads | None) -> None:
        """Show it."""
        self.view.set_blocks(self._blocks(), item=mark)

    def mark(self) -> object:
        """The item under the cursor."""
        return self.view.item

    def changed(self, changes: Changes) -> None:
        """Facts changed; what devices do is drawn when it is counted, once a second."""
        if changes.health or any(changes.rows.values()) or not changes:
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

    def toggle(self) -> None:
        """Show all groups of devices, or as many as there is room for."""
        if isinstance(item := self.view.item, Rest):
            self._all_devices = item.left_out
            self.view.set_blocks(self._blocks(), item=Rest(left_out=True))

    def _blocks(self) -> list[Block]:
        facts = self._facts()
        waiting = len(facts.waiting)
        blocks = [
            Block(
                f"DEVICES{coverage(self._world.store, self._world.now())}",
                lambda columns: self._devices(facts, columns),
                fold=None
                if self._all_devices
                else Fold(LEAST, lambda shown: self._other_devices(facts, shown)),
            ),
            Block(
                f"WAITING {waiting}" if waiting else "WAITING",
                lambda columns: self._waiting(facts, columns),
                fold=Fold(LEAST, lambda shown: self._others_waiting(facts, shown)),
            ),
        ]
        if facts.faulty:
            skin = self._world.skin
            told = faults.first(facts.faulty, facts.faults, skin)
            brief = self._brief("FAULTS", told, faults.all_of(facts.faulty))
            blocks.append(faults.block(facts.faulty, facts.faults, skin, brief))
        if facts.idle:
            brief = self._brief("IDLE", idle.first(facts.idle, self._world.skin), idle.ALL)
            blocks.append(idle.block(facts.idle, self._world.skin, brief))
        if facts.waiting_reasons:
            blocks.append(
                Block(
                    "WAITING FOR",
                    lambda columns: self._reasons(facts, columns),
                    right=4,
                    brief=self._brief(
                        "WAITING FOR", self._first_reasons(facts), _waiting_for(facts.waiting_reasons[0][0])
                    ),
                )
            )
        blocks += [
            Block(
                "TENANTS",
                lambda columns: self._tenants(facts, columns),
                right=1,
                fold=Fold(LEAST, lambda shown: self._other_tenants(facts, shown)),
                brief=self._brief("TENANTS", self._first_tenants(facts), _TENANTS),
            ),
            Block(
                "POOLS",
                lambda columns: [Entry(self._pools(facts), _POOLS)],
                right=3,
                brief=self._brief("POOLS", self._pools(facts), _POOLS),
            ),
        ]
        if unknown := self._unknown():
            brief = self._brief("NOT KNOWN", self._unknown_briefly(unknown), Leads(HealthOfStreams()))
            blocks.append(Block("NOT KNOWN", lambda columns: unknown, right=5, brief=brief))
        return blocks

    def _brief(self, title: str, line: Line, item: Hashable) -> Entry:
        return Entry(((fit(title, BRIEF_WIDTH), self._world.skin.strong), *line), item)

    # --- devices ---------------------------------------------------------------------------------------------------

    def _devices(self, facts: Facts, columns: int) -> Sequence[Entry]:
        skin = self._world.skin
        if not facts.devices and not facts.plugin:
            return self._empty("resourceslices", TABLES["devices"].empty)
        counted = counts(facts)
        headings = ("DRIVER", "PRODUCT", *(each.title for each in counted))
        table: list[tuple[Cell, ...]] = [
            tuple(Cell(h, Style.DIM, right=n > 1) for n, h in enumerate(headings))
        ]
        items: list[Leads | None] = [None]
        held: list[float | None] = [None]
        before = ""
        for group in by_size(facts):
            name, cells, place = (
                plugin_line(group, counted) if isinstance(group, PluginGroup) else group_line(group, counted)
            )
            table.append((Cell("" if name == before else name), *cells))
            items.append(Leads(place))
            taken = group.requested if isinstance(group, PluginGroup) else group.held
            held.append(taken / group.total if group.total else None)
            before = name
        table = beside(table, by_size(facts), columns, self._world.now())
        lines = grid(table, skin, columns, shrink=(1,))
        entries = [
            Entry((*line, *bar(share, columns - sum(width(t) for t, _ in line) - 2, skin)), item)
            for line, item, share in zip(lines, items, held, strict=True)
        ]
        return (
            [*entries, Entry((("▾ fewer", skin.dim),), Rest(left_out=False))]
            if self._all_devices
            else entries
        )

    def _other_devices(self, facts: Facts, shown: int) -> Entry:
        skin, hidden = self._world.skin, by_size(facts)[shown - 1 :]
        devices = [group for group in hidden if isinstance(group, DeviceGroup)]
        parts: list[Part] = [(f"… {len(hidden)} more", skin.dim)]
        for number, word, style in (
            (sum(group.total for group in hidden), "devices", Style.PLAIN),
            (sum(free_of(group) for group in hidden), "free", Style.FREE),
            (sum(group.tainted for group in devices), "tainted", Style.TAINTED),
            (sum(group.blocked for group in devices), "blocked", Style.PLAIN),
            (sum(group.other for group in devices), "other", Style.FAULT),
        ):
            if number:
                parts.append((f"  {number} {word}", skin.states[style]))
        return Entry(tuple(parts), Rest(left_out=True))

    # --- who waits -------------------------------------------------------------------------------------------------

    def _waiting(self, facts: Facts, columns: int) -> Sequence[Entry]:
        skin, now = self._world.skin, self._world.now()
        if not facts.waiting:
            return self._empty("pods", "No pod waits for an accelerator.")
        shown = facts.waiting[:MOST_WAITING]
        ages = [words.age(pod.since, now) for pod in shown]
        names = [f"{pod.key.namespace}/{pod.key.name}" for pod in shown]
        age, longest = max(map(width, ages)), min(max(map(width, names)), columns * 2 // 5)
        entries = []
        for pod, since, name in zip(shown, ages, names, strict=True):
            reason = f"derived: {pod.reason}" if pod.source == "derived" else pod.reason
            line: Line = (
                (f"{fit(since, age, 'right')}  ", skin.states[Style.WAITING]),
                (f"{fit(name, longest)}  ", skin.plain),
                (cut_end(reason, max(columns - age - longest - 4, 10)), skin.plain),
            )
            entries.append(Entry(line, Leads(Card("pods", pod.key), Chosen("pods", pod.key))))
        if len(facts.waiting) > len(shown):
            entries.append(self._others_waiting(facts, len(shown)))
        return entries

    def _others_waiting(self, facts: Facts, shown: int) -> Entry:
        return Entry(((f"… {len(facts.waiting) - shown} more", self._world.skin.dim),), _WAITING_PODS)

    def _reasons(self, facts: Facts, columns: int) -> Sequence[Entry]:
        skin = self._world.skin
        most = max(width(str(number)) for _, number in facts.waiting_reasons)
        return [
            Entry(
                (
                    (f"{number:>{most}} × ", skin.states[Style.WAITING]),
                    (cut_end(reason, columns - most - 3), skin.plain),
                ),
                _waiting_for(reason),
            )
            for reason, number in facts.waiting_reasons
        ]

    def _first_reasons(self, facts: Facts) -> Line:
        skin = self._world.skin
        return tuple(
            part
            for reason, number in facts.waiting_reasons[:BRIEFLY]
            for part in ((f"{number} × ", skin.states[Style.WAITING]), (f"{reason}  ", skin.plain))
        )

    # --- tenants and pools -----------------------------------------------------------------------------------------

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
        table = with_utilization(table, [t.live for t in facts.tenants], columns, self._world.now())
        items: list[Leads | None] = [None]
        for tenant in facts.tenants:
            key = ObjectKey("", tenant.namespace)
            items.append(
                Leads(Rows(Query(kind="pods", namespace=tenant.namespace)), Chosen("namespaces", key))
            )
        lines = grid(table, self._world.skin, columns, shrink=(0,))
        return [Entry(line, item) for line, item in zip(lines, items, strict=True)]

    def _other_tenants(self, facts: Facts, shown: int) -> Entry:
        return Entry(((f"… {len(facts.tenants) - (shown - 1)} more", self._world.skin.dim),), _TENANTS)

    def _first_tenants(self, facts: Facts) -> Line:
        skin = self._world.skin
        if not facts.tenants:
            return self._empty("namespaces", "none holds or waits")[0].line
        parts: list[Part] = [(f"{len(facts.tenants)}: ", skin.plain)]
        for tenant in facts.tenants[:BRIEFLY]:
            parts.append((tenant.namespace, skin.plain))
            if held := tenant.held + tenant.plugin:
                parts.append((f" {held} held", skin.states[Style.HELD]))
            if tenant.waiting:
                parts.append((f" {tenant.waiting} waiting", skin.states[Style.WAITING]))
            parts.append(("  ", skin.plain))
        return tuple(parts)

    def _pools(self, facts: Facts) -> Line:
        skin, pools = self._world.skin, facts.pools
        if not pools.total:
            return self._empty("resourceslices", TABLES["pools"].empty)[0].line
        parts: list[Part] = [(f"{pools.complete} of {pools.total} complete", skin.plain)]
        if pools.incomplete:
            parts.append((f"  … {pools.incomplete} incomplete", skin.states[Style.WAITING]))
        if pools.invalid:
            parts.append((f"  ✖ {pools.invalid} invalid", skin.states[Style.FAULT]))
        if gone := pools.total - pools.complete - pools.incomplete - pools.invalid:
            parts.append((f"  ✖ {gone} gone", skin.states[Style.FAULT]))
        return tuple(parts)

    # --- what is not known -----------------------------------------------------------------------------------------

    def _unknown(self) -> Sequence[Entry]:
        skin, health = self._world.skin, self._world.store.health
        told = why_unknown(health, self._streams())
        entries = [
            Entry(((text, skin.states[style]),), Leads(HealthOfStreams(), of=text)) for text, style in told
        ]
        problems = Counter(sample.problem for sample in self._world.store.samples.values() if sample.problem)
        for problem, nodes in problems.most_common(BRIEFLY):
            text = f"samples of {words.count(nodes, 'node')}: {problem}"
            entries.append(Entry(((text, skin.states[Style.UNKNOWN]),), replace(_UNMEASURED, of=problem)))
        return entries

    def _unknown_briefly(self, unknown: Sequence[Entry]) -> Line:
        if len(unknown) == 1:
            return unknown[0].line
        health = self._world.store.health
        streams = [stream for stream in self._streams() if why_unknown(health, (stream,))]
        return (
            (f"{words.count(len(streams), 'kind')}, :health says why: ", self._world.skin.plain),
            (", ".join(streams), self._world.skin.states[Style.UNKNOWN]),
        )

    def _streams(self) -> Sequence[str]:
        """Those of which anything may not be known."""
        return sorted(s for s, health in self._world.store.health.items() if not absent(s, health))

    def _empty(self, stream: str, text: str) -> Sequence[Entry]:
        """Nothing there: or is it only not known?"""
        skin = self._world.skin
        told = why_unknown(self._world.store.health, (stream,))
        return [Entry(((said, skin.states[style]),)) for said, style in told or [(text, Style.DIM)]]


def _waiting_for(reason: str) -> Leads:
    return Leads(Rows(Query(kind="pods", filter=literal(reason))))
