"""The block of the overview that tells what needs a person."""

from collections.abc import Sequence
from typing import Final

from dratui.terminal import cut_end, fit, width
from dratui.tui.lines import Line
from dratui.tui.places import Card, Rows
from dratui.tui.screens.face import Chosen
from dratui.tui.screens.leads import Leads
from dratui.tui.themes import Skin
from dratui.tui.widgets.board import Block, Entry, Fold
from dratui.views.faults import Fault
from dratui.views.query import Query
from dratui.views.table import Style
from dratui.views.tables import TABLES

LEAST: Final = 3  # lines, where there is little room


def all_of(faults: Sequence[Fault]) -> Leads:
    """To the table that has the first of them, and all of its kind."""
    return Leads(Rows(Query(kind=faults[0].kind, faults_only=True)), of="faults")


def block(faults: Sequence[Fault], number: int, skin: Skin, brief: Entry) -> Block:
    """What, and why; `faults` are the first of this `number`."""
    return Block(
        f"FAULTS {number}",
        lambda columns: _lines(faults, number, skin, columns),
        fold=Fold(LEAST, lambda shown: _others(faults, number - shown, skin)),
        brief=brief,
    )


def first(faults: Sequence[Fault], number: int, skin: Skin) -> Line:
    """The first of them in a line."""
    return ((f"{number}: {_name(faults[0])} {faults[0].why}", skin.states[Style.FAULT]),)


def _lines(faults: Sequence[Fault], number: int, skin: Skin, columns: int) -> Sequence[Entry]:
    names = [_name(fault) for fault in faults]
    longest = min(max(map(width, names)), columns // 2)
    entries = [
        Entry(
            (
                (f"{fit(name, longest)}  ", skin.states[Style.FAULT]),
                (cut_end(fault.why, max(columns - longest - 2, 10)), skin.plain),
            ),
            Leads(Card(fault.kind, fault.key), Chosen(fault.kind, fault.key), of="fault"),
        )
        for fault, name in zip(faults, names, strict=True)
    ]
    return [*entries, _others(faults, number - len(faults), skin)] if number > len(faults) else entries


def _others(faults: Sequence[Fault], left_out: int, skin: Skin) -> Entry:
    return Entry(((f"… {left_out} more", skin.dim),), all_of(faults))


def _name(fault: Fault) -> str:
    return f"{TABLES[fault.kind].singular} {fault.name}"
