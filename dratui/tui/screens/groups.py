"""Groups of devices as lines of the overview: DRA's and those of device plugins, the biggest first."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from dratui.cluster.live import Live
from dratui.tui.places import Rows
from dratui.tui.screens.cells import Cell, natural
from dratui.views import live, words
from dratui.views.overview import DeviceGroup, Overview, PluginGroup
from dratui.views.query import Query
from dratui.views.table import Style

Group = DeviceGroup | PluginGroup

_FORMS: Final = ((8, ("UTIL", "MEM GiB")), (1, ("UTIL", "MEM GiB")), (1, ("UTIL",)), (0, ("UTIL",)))
"""How much of what is measured is shown, the most first: columns for a group's devices, and titles."""


class Count(NamedTuple):
    """A number of the devices of a group. The `rare` has no column where all are 0."""

    title: str
    of: Callable[[DeviceGroup], int]
    style: Style
    rare: bool = False


_COUNTS: Final = (
    Count("TOTAL", lambda group: group.total, Style.PLAIN),
    Count("HELD", lambda group: group.held, Style.HELD),
    Count("FREE", lambda group: group.free, Style.FREE),
    Count("TAINTED", lambda group: group.tainted, Style.TAINTED),
    Count("BLOCKED", lambda group: group.blocked, Style.PLAIN, rare=True),
    Count("OTHER", lambda group: group.other, Style.FAULT, rare=True),
)


def by_size(facts: Overview) -> list[Group]:
    """All groups: the driver that has most devices first, and of a driver the product that it has most of."""
    totals: Counter[str] = Counter()
    for group in facts.devices:
        totals[group.driver] += group.total
    for plugin in facts.plugin:
        totals[plugin.name] += plugin.total

    def order(group: Group) -> tuple[int, str, int, str]:
        name, product = (group.name, "") if isinstance(group, PluginGroup) else (group.driver, group.product)
        return -totals[name], name, -group.total, product

    return sorted((*facts.devices, *facts.plugin), key=order)


def counts(facts: Overview) -> list[Count]:
    """What is counted of a group, beside all of it: the rare only where there is any."""
    return [each for each in _COUNTS if not each.rare or any(each.of(group) for group in facts.devices)]


def group_line(group: DeviceGroup, counted: Sequence[Count]) -> tuple[str, tuple[Cell, ...], Rows]:
    """Driver, cells, and where the line leads."""
    cells = (
        Cell(group.product or words.NONE),
        *(Cell.number(each.of(group), each.style) for each in counted),
    )
    like = ".*".join(literal(text) for text in (group.driver, group.product) if text)
    return group.driver, cells, Rows(Query(kind="devices", filter=like))


def plugin_line(plugin: PluginGroup, counted: Sequence[Count]) -> tuple[str, tuple[Cell, ...], Rows]:
    """The same of devices that a device plugin advertises: what it would call tainted, it does not advertise."""
    amounts = {"TOTAL": plugin.total, "HELD": plugin.requested, "FREE": free_of(plugin)}
    cells = (
        Cell("(device plugin)", Style.DIM),
        *(
            Cell.number(amounts[each.title], each.style)
            if each.title in amounts
            else Cell(words.NONE, Style.DIM, right=True)
            for each in counted
        ),
    )
    return plugin.name, cells, Rows(Query(kind="nodes", filter=literal(plugin.name)))


def beside(
    table: Sequence[tuple[Cell, ...]], groups: Sequence[Group], columns: int, now: datetime
) -> list[tuple[Cell, ...]]:
    """A table of headings and groups, with what is measured beside each as far as there is room for it."""
    if not any(isinstance(group, DeviceGroup) and group.live for group in groups):
        return list(table)
    wider: list[tuple[Cell, ...]] = []
    for spark, titles in _FORMS:
        heads = tuple(Cell(title, Style.DIM, right=True) for title in titles)
        cells = [heads, *(_measured(group, spark, now)[: len(titles)] for group in groups)]
        wider = [(*row, *more) for row, more in zip(table, cells, strict=True)]
        if natural(wider) <= columns:
            break
    return wider


def with_utilization(
    table: Sequence[tuple[Cell, ...]], lives: Sequence[Live | None], columns: int, now: datetime
) -> list[tuple[Cell, ...]]:
    """A table of headings and rows with the utilisation of each row beside it, if any is known and there is room."""
    told = (_utilization(each, live.utilization(each, now), now) for each in lives)
    cells = [Cell("UTIL", Style.DIM, right=True), *told]
    wider = [(*row, cell) for row, cell in zip(table, cells, strict=True)]
    return wider if any(lives) and natural(wider) <= columns else list(table)


def _utilization(told: Live | None, text: str, now: datetime) -> Cell:
    if told is not None and told.utilization is None:
        return Cell(text, Style.UNKNOWN, right=True)
    return Cell(text, Style.DIM if told is None or live.old(told, now) else Style.PLAIN, right=True)


def _measured(group: Group, spark: int, now: datetime) -> tuple[Cell, ...]:
    """Utilisation of a group's devices, the busiest first in `spark` columns, and their memory."""
    told, shares = (None, ()) if isinstance(group, PluginGroup) else (group.live, group.shares)
    if spark or told is None:
        text = live.several(told, shares, spark, now)
    else:
        text = words.UNKNOWN if told.utilization is None else f"{told.utilization:.0%}"
    busy = _utilization(told, text, now)
    return busy, Cell(live.memory(told, now), busy.style, right=True)


def free_of(group: Group) -> int:
    """Devices that nobody holds."""
    return max(group.total - group.requested, 0) if isinstance(group, PluginGroup) else group.free


def literal(text: str) -> str:
    """A filter for this very text."""
    return re.sub(r"([.^$*+?{}\[\]|()\\])", r"\\\1", text)
