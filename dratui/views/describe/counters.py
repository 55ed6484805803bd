"""The counter ledger in words, and the card that its partitions are cut from as a drawing.

Drivers number what a partition takes a place on (`memory-slice-0`, `memory-slice-1`, … of one each): such counters
are told together, and tell where on the card each partition lies.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from dratui.api.model import DeviceKey
from dratui.cluster.counters import CounterSetState, CounterState, counter_sets
from dratui.cluster.devices import DeviceRow, device_row
from dratui.cluster.index import PoolKey
from dratui.cluster.store import Store
from dratui.terminal import clean
from dratui.views import words
from dratui.views.describe.document import Cell, Section, section
from dratui.views.table import Style

_NUMBERED = re.compile(r"(.+?)[-_.]?(\d{1,4})")


def ledger(store: Store, pool: PoolKey, counters: CounterSetState) -> Section:
    """Counter by counter what is left, then who takes what; closed while nobody takes anything."""
    return section(
        "COUNTERS " + clean(counters.name),
        *((name, _left(states)) for name, states in _together(counters.counters)),
        *(
            (f"taken by {c.device}", f"{', '.join(c.claims)}: {_amounts(c.counters)}", Style.HELD)
            for c in counters.consumers
        ),
        collapsed=not counters.consumers,
        cells=_card(store, pool, counters),
    )


def partition(store: Store, row: DeviceRow, *, drawn: bool) -> Iterator[Section]:
    """What a partition takes of its card, and what is left of that; the card is `drawn`, if nothing else draws it."""
    pool = (row.driver, row.pool)
    sets = {s.name: s for s in counter_sets(store, pool)}
    verb = "takes" if row.holders else "needs"
    for taken in row.consumes_counters or ():
        known = sets.get(taken.counter_set)
        states = {c.name: c for c in known.counters} if known else {}
        wanted = [states.get(name) or CounterState(name, "", None, None) for name in taken.counters]
        lines = []
        for name, group in _together(wanted):
            amount = taken.counters[group[0].name] if len(group) == 1 else str(len(group))
            lines.append((name, f"{verb} {amount}" + (f", {_left(group)}" if known else "")))
        cells = _card(store, pool, known, row.device) if known and drawn else ()
        yield section("COUNTERS " + clean(taken.counter_set), *lines, cells=cells)


def _together(counters: Iterable[CounterState]) -> Iterator[tuple[str, Sequence[CounterState]]]:
    """Counters with their names; numbered ones of one each as one: `memory-slice 0-2 4`."""
    groups: dict[str, list[CounterState]] = {}
    for counter in counters:
        found = _NUMBERED.fullmatch(counter.name)
        groups.setdefault(found[1] if found and counter.total == "1" else counter.name, []).append(counter)
    for name, group in groups.items():
        group.sort(key=_number)
        yield (f"{name} {_ranges([_number(c) for c in group])}" if len(group) > 1 else group[0].name), group


def _number(counter: CounterState) -> int:
    found = _NUMBERED.fullmatch(counter.name)
    return int(found[2]) if found else 0


def _ranges(numbers: Iterable[int]) -> str:
    """`0-2 4`, of sorted numbers."""
    runs = [[n for _, n in run] for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])]
    return " ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _left(group: Sequence[CounterState]) -> str:
    if len(group) == 1:
        (only,) = group
        return (
            f"{only.left if only.left is not None else words.UNKNOWN} of {only.total or words.UNKNOWN} left"
        )
    left = [c.left for c in group]
    return f"{words.UNKNOWN if None in left else left.count('1')} of {len(group)} left"


def _amounts(quantities: Mapping[str, str]) -> str:
    """What a partition takes; places on the card are in the drawing."""
    counters = [CounterState(name, quantity, None, None) for name, quantity in quantities.items()]
    return ", ".join(
        f"{name} {group[0].total}" if len(group) == 1 else name for name, group in _together(counters)
    )


def _card(store: Store, pool: PoolKey, counters: CounterSetState, itself: str = "") -> tuple[Cell, ...]:
    """The places on the card from left to right, who lies there, and whose that is; nothing where places have no
    numbers. Of several kinds of places the one of which there are most."""
    places = max((group for _, group in _together(counters.counters)), key=len, default=())
    if len(places) < 2:
        return ()
    takers = {name: c for c in counters.consumers for name, amount in c.counters.items() if amount != "0"}
    cells = []
    beside = enumerate(places)  # only neighbours are one piece
    for (taker, _), run in groupby(beside, key=lambda at: (takers.get(at[1].name), _number(at[1]) - at[0])):
        length = len(list(run))
        if taker is None:
            cells.append(Cell(length, "free", "", Style.FREE))
        else:
            row = device_row(store, DeviceKey(*pool, taker.device))
            product = (row.product if row else None) or taker.device
            cells.append(
                Cell(
                    length,
                    clean(("this " if taker.device == itself else "") + product.removeprefix("MIG ")),
                    clean(", ".join(taker.claims)),
                    Style.HELD,
                )
            )
    return tuple(cells)
