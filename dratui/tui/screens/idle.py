"""The block of the overview that tells who holds devices and does nothing with them."""

from collections.abc import Sequence
from typing import Final

from dratui.tui.lines import Line
from dratui.tui.places import Card, Rows
from dratui.tui.screens.cells import Cell, grid
from dratui.tui.screens.face import Chosen
from dratui.tui.screens.leads import Leads
from dratui.tui.themes import Skin
from dratui.tui.widgets.board import Block, Entry, Fold
from dratui.views import words
from dratui.views.idle import IdleHolder
from dratui.views.live import GIB
from dratui.views.query import Query

ALL: Final = Leads(Rows(Query(kind="claims", sort="IDLE", descending=True)))
BRIEFLY: Final = 5  # of them in one line; it is cut where the screen ends


def block(holders: Sequence[IdleHolder], skin: Skin, brief: Entry) -> Block:
    """Who, for how long, how much memory that is, and of what."""
    return Block(
        f"HELD BUT IDLE {len(holders)}",
        lambda columns: _lines(holders, skin, columns),
        right=2,
        fold=Fold(3, lambda shown: Entry(((f"… {len(holders) - shown} more", skin.dim),), ALL)),
        brief=brief,
    )


def first(holders: Sequence[IdleHolder], skin: Skin) -> Line:
    """The first of them in a line."""
    named = (
        f"{h.key.namespace}/{h.key.name} {h.devices} × {h.product or 'device'}" for h in holders[:BRIEFLY]
    )
    return ((f"{len(holders)}: {'  '.join(named)}", skin.plain),)


def _lines(holders: Sequence[IdleHolder], skin: Skin, columns: int) -> Sequence[Entry]:
    rows = [
        (
            Cell(f"{holder.key.namespace}/{holder.key.name}"),
            Cell(f"{holder.share:.0%} of {words.duration(holder.watched)}", right=True),
            Cell(f"{holder.memory / GIB:.0f} GiB" if holder.memory else "", right=True),
            Cell(f"{holder.devices} × {holder.product or 'device'}"),
        )
        for holder in holders
    ]
    items = [Leads(Card(h.kind, h.key), Chosen(h.kind, h.key)) for h in holders]
    lines = grid(rows, skin, columns, shrink=(3, 0))
    return [Entry(line, item) for line, item in zip(lines, items, strict=True)]
