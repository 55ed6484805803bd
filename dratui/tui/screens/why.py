"""Why a pod or a claim waits: the same words that `dratui explain` prints, with the devices behind each story.

Of one that does not wait: what it has."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from textual.worker import Worker

from dratui.api.model import DeviceKey
from dratui.cluster.store import Changes
from dratui.failure import Failure
from dratui.terminal import clean, fit, width
from dratui.tui.asking import KINDS, Asked, Asking, subject_of
from dratui.tui.lines import Line
from dratui.tui.places import Card, Place, Selector, Why, name_of
from dratui.tui.screens.cells import Cell, grid
from dratui.tui.screens.face import Chosen, Face, World
from dratui.tui.themes import GLYPHS
from dratui.tui.widgets.board import Block, Board, Entry
from dratui.tui.work import Tell, Work
from dratui.views import words
from dratui.views.having import Has, has
from dratui.views.table import Style
from dratui.views.tables import TABLES

if TYPE_CHECKING:
    from dratui.why.answer import Group

EVERY: Final = 5.0  # seconds at least between two answers nobody asked for
SHARE: Final = 5  # and so often the time that the last one took
_ABOUT: Final = frozenset(
    ("slices", "claims", "templates", "classes", "taintrules", "nodes", "devices", "pods", "podgroups")
)
_MOST_STORIES: Final = 100
_MOST_DEVICES: Final = 500
_STYLES: Final = {
    "fits": Style.FREE,
    "held": Style.HELD,
    "capacity": Style.SHARED,
    "counters": Style.SHARED,
    "taint": Style.TAINTED,
    "node taint": Style.TAINTED,
    "cordoned": Style.TAINTED,
    "error": Style.FAULT,
    "pool invalid": Style.FAULT,
    "gave up": Style.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Spot:
    """What can be under the cursor: a line of a `block`, the nodes that begin with `node`, one of their devices."""

    block: str
    line: int = 0
    node: str = ""
    device: DeviceKey | None = None


class WhyFace(Face[Board]):
    """Asks, and shows the answer; asks again when what it depends on changes, not more often than it is worth."""

    hints = ("back", "open", "describe", "yaml", "copy", "help")

    def __init__(
        self, world: World, work: Work, version: Callable[[], str], *, present: Callable[[], bool]
    ) -> None:
        self._world = world
        self._work = work
        self._version = version
        self._present = present
        self.view = Board(world.skin, id="why")
        self._place: Why | None = None
        self._asked: Asked | None = None
        self._as_of: datetime | None = None
        self._opened: set[str] = set()
        self._opening: Sequence[str] = ()
        self._told = ""  # instead of an answer
        self._behind = False  # something changed since it was asked
        self._due = 0.0  # when it may be asked again by itself
        self._asking: Asking | None = None
        self._quiet: Worker[None] | None = None

    def enter(self, place: Why, mark: Spot | None) -> None:
        """Ask. Raises Failure for what asks for no devices, or is gone."""
        if place.kind not in KINDS:
            raise Failure("why is asked of a pod or a claim")
        if subject_of(self._world.store, place.kind, place.key) is None:
            raise Failure(f"{TABLES[place.kind].singular} {name_of(place.key)!r} is gone")
        if place != self._place:
            self._asked, self._opened = None, set()
            self.view.rewind()
        self._place = place
        self._ask(quietly=self._asked is not None)
        self._show(mark)

    def leave(self) -> None:
        """Nobody waits for an answer."""
        self._end()

    def stop(self) -> str:
        """Look no further. What nobody asked for is not worth a word."""
        stopped = self._work.stop()
        if stopped:
            self._end()
        if stopped and self._asked is None:
            self._told = (
                f"Stopped before the answer was known. {self._world.keymap.first('why')} looks again."
            )
            self._show()
        return stopped

    def mark(self) -> Spot | None:
        """The line under the cursor."""
        return self._spot()

    def changed(self, changes: Changes) -> None:
        """The answer may be another."""
        place = self._place
        if place is None or not (
            changes.health
            or any(changes.rows.get(kind) for kind in _ABOUT)
            or place.key in changes.rows.get(place.kind, ())
        ):
            return
        self._behind = True
        if not self._present():  # of another time
            self._again()

    def anew(self) -> None:
        """Another time, or someone wants to know."""
        if self._place is not None:
            self._ask(quietly=False)
            self._show()

    def tick(self) -> None:
        """Time for another answer, perhaps; and it waits for longer."""
        if time.monotonic() >= self._due:
            self._again()
        if self._opening != self._paragraphs():
            self._show()

    def toggle(self) -> None:
        """Show the devices of the nearest node, or no more."""
        spot = self._spot()
        if spot is not None and spot.node:
            self._opened ^= {spot.node}
            self._show(Spot(spot.block, node=spot.node))

    def headline(self) -> tuple[Line, Line]:
        """Who, and of when the answer is."""
        if self._place is None:
            return (), ()
        skin, kind, key = self._world.skin, self._place.kind, self._place.key
        left: Line = (
            (" Why ", skin.strong),
            (f"{TABLES[kind].singular} {key.namespace}/{key.name}", skin.plain),
        )
        if subject_of(self._world.store, kind, key) is None:
            return left, (("✖ gone ", skin.states[Style.FAULT]),)
        if self._asked is None or self._as_of is None:
            return left, ()
        if changes := len(self._asked.answer.suggestions):
            left = (*left, (f"  {words.count(changes, 'change')} would help", skin.dim))
        said = f"as of {words.clock(self._as_of, self._world.now())} "
        return left, ((said, skin.states[Style.WAITING] if self._behind else skin.dim),)

    def chosen(self) -> Chosen | None:
        """The device under the cursor, or else who waits."""
        spot = self._spot()
        if spot is not None and spot.device is not None:
            return Chosen("devices", spot.device)
        return Chosen(self._place.kind, self._place.key) if self._place is not None else None

    def tried(self) -> Selector:
        """The selector of the request that the story under the cursor is about."""
        spot, groups = self._spot(), self._asked.answer.groups if self._asked is not None else ()
        nodes = {group.nodes[0]: group.nearest.request for group in groups}
        assert self._place is not None
        return Selector(self._place.kind, self._place.key, nodes.get(spot.node, "") if spot else "")

    def onward(self) -> Place | None:
        """A device's card."""
        spot = self._spot()
        return Card("devices", spot.device) if spot is not None and spot.device is not None else None

    # --- asking ----------------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether an answer is being worked out, or will be."""
        return self._asking is not None or self._behind

    def _again(self) -> None:
        """By itself: if there may be another answer, and nobody works it out."""
        if self._behind and self._asking is None and self._place is not None and not self._told:
            self._ask(quietly=True)

    def _ask(self, *, quietly: bool) -> None:
        self._end()
        self._behind = False
        self._told = ""
        place = self._place
        subject = subject_of(self._world.store, place.kind, place.key) if place is not None else None
        if subject is None:
            return  # gone; the last answer stays
        self._asking = Asking(self._world.store.copy(), subject, self._version())
        if quietly:
            self._quiet = self.view.run_worker(partial(self._find, self._asking, lambda _: None))
        else:
            self._work.start("asking why", partial(self._loudly, self._asking))

    def _end(self) -> str:
        stopped = self._work.stop()
        if self._quiet is not None:
            self._quiet.cancel()
        if self._asking is not None:
            self._asking.stop()
        self._quiet = self._asking = None
        return stopped

    async def _loudly(self, asking: Asking, tell: Tell) -> str:
        await self._find(asking, tell)
        return ""

    async def _find(self, asking: Asking, tell: Tell) -> None:
        """Wait for the answer."""
        now, began = self._world.now(), time.monotonic()

        def far(words: str) -> None:
            tell(words)
            if self._asked is None:
                self._show()

        asked = await asking.found(far)
        self._asking = None
        if asked is None:
            return
        took = time.monotonic() - began
        self._due = time.monotonic() + (max(EVERY, SHARE * took) if self._present() else 0.0)
        self._asked, self._as_of = asked, now
        self._show()
        if not self._present():
            self._again()

    # --- showing ---------------------------------------------------------------------------------------------------

    def _spot(self) -> Spot | None:
        item = self.view.item
        return item if isinstance(item, Spot) else None

    def _paragraphs(self) -> Sequence[str]:
        if self._asked is None:
            return ()
        from dratui.views.why import opening

        subject, question, answer = self._asked
        return tuple(opening(question, answer, subject, self._world.now()))

    def _show(self, item: Spot | None = None) -> None:
        self._opening = self._paragraphs()
        if self._asked is None:
            far = self._asking.far if self._asking is not None else ""
            text = self._told or f"{far[:1].upper()}{far[1:]} …".lstrip()
            entry = Entry(((text, self._world.skin.dim),))
            self.view.set_blocks([Block("WAITS", lambda _: (entry,))])
            return
        groups = self._asked.answer.groups
        first = self.view.item is None and groups  # the first story, not the first line
        self.view.set_blocks(
            list(self._blocks()),
            item=item or (Spot("stories", node=groups[0].nodes[0]) if first else None),
        )

    def _blocks(self) -> Iterator[Block]:
        assert self._asked is not None
        from dratui.views.why import MOST_SUGGESTIONS, assumed

        _, question, answer = self._asked
        yield Block("HAS" if question.settled else "WAITS", partial(self._paragraph, self._opening))
        if given := [*has(self._world.store, question.given)]:
            yield Block(f"DEVICES {len(given):,}", partial(self._given, given))
        if answer.groups:
            yield Block(f"NODES {len(answer.nodes):,}", partial(self._stories, answer.groups))
        if answer.suggestions:
            yield Block("IT WOULD FIT IF", partial(self._suggestions, MOST_SUGGESTIONS), right=1)
        if answer.nodes:
            yield Block("ASSUMED", partial(self._paragraph, [assumed(question)], block="read"), right=2)

    def _paragraph(self, texts: Sequence[str], columns: int, *, block: str = "opening") -> Sequence[Entry]:
        from dratui.views.why import verdict, wrapped

        assert self._asked is not None
        skin, answer = self._world.skin, self._asked.answer
        inks = dict.fromkeys(verdict(answer, self._asked.subject), skin.strong)
        if answer.agrees is False:
            inks[self._opening[0]] = skin.states[Style.FAULT]
        lines = [(line, inks.get(text, skin.plain)) for text in texts for line in wrapped(text, columns)]
        return [Entry((line,), Spot(block, number)) for number, line in enumerate(lines)]

    def _given(self, given: Sequence[Has], columns: int) -> Sequence[Entry]:
        rows = [[Cell(text) for text in each.texts] for each in given[:_MOST_DEVICES]]
        lines = grid(rows, self._world.skin, columns, shrink=(1,))
        more = len(given) - len(lines)
        return [
            *(Entry(line, Spot("has", n, device=given[n].key)) for n, line in enumerate(lines)),
            *([Entry(((f"… {more:,} more", self._world.skin.dim),))] if more else []),
        ]

    def _stories(self, groups: Sequence[Group], columns: int) -> Sequence[Entry]:
        from dratui.views.why import INDENT, story

        skin = self._world.skin
        entries: list[Entry] = []
        for group in groups[:_MOST_STORIES]:
            spot = Spot("stories", node=group.nodes[0])
            opened = group.nodes[0] in self._opened
            sign = ("▾ " if opened else "▸ ") if group.nearest.devices else "  "
            style = _STYLES.get(group.cause, Style.PLAIN)
            for number, line in enumerate(story(group, columns - 2)):
                if number:
                    entries.append(Entry((("  ", skin.dim), (line, skin.dim))))
                    continue
                mark = f" {GLYPHS.get(style, ' ')} "
                label, said = line[: INDENT - len(mark)], line[INDENT:]
                text = (sign, skin.dim), (label, skin.strong), (mark, skin.states[style]), (said, skin.plain)
                entries.append(Entry(text, spot))
            if opened:
                entries += self._devices(group, columns)
        if (more := len(groups) - _MOST_STORIES) > 0:
            rest = f"… {words.count(more, 'more story', 'more stories')}; dratui explain -o json has all"
            entries.append(Entry(((rest, skin.dim),), Spot("more")))
        return entries

    def _devices(self, group: Group, columns: int) -> Iterator[Entry]:
        """What the nearest node's devices lack, one a line."""
        skin, nearest = self._world.skin, group.nearest
        pools = len({(each.driver, each.pool) for each in nearest.devices}) > 1
        shown = nearest.devices[:_MOST_DEVICES]
        names = [clean(f"{each.pool}/{each.device}" if pools else each.device) for each in shown]
        room = min(max(map(width, names), default=0), columns // 3)
        for name, each in zip(names, shown, strict=True):
            ink = skin.states[_STYLES.get(each.verdict, Style.DIM)]
            line = (
                (f"      {fit(name, room)}  ", skin.plain),
                (each.why if each.why.startswith(each.verdict) else f"{each.verdict}: {each.why}", ink),
            )
            key = DeviceKey(each.driver, each.pool, each.device)
            yield Entry(line, Spot("stories", node=group.nodes[0], device=key))
        if (more := len(nearest.devices) - _MOST_DEVICES) > 0:
            yield Entry(((f"      … {more:,} more", skin.dim),))

    def _suggestions(self, most: int, columns: int) -> Sequence[Entry]:
        assert self._asked is not None
        from dratui.views.why import suggested

        lines = [line for each in self._asked.answer.suggestions[:most] for line in suggested(each, columns)]
        return [
            Entry(((line, self._world.skin.plain),), Spot("suggestions", number))
            for number, line in enumerate(lines)
        ]
