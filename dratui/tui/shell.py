"""The one screen: a line that says where one is, a title, a body, the keys; and what keys do to where one is."""

import os
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from textual import events, on
from textual.app import ComposeResult
from textual.screen import Screen

from dratui.cluster.store import Changes
from dratui.config import state_folder
from dratui.events import Source
from dratui.failure import Failure
from dratui.terminal import clean
from dratui.tui import clipboard, replay
from dratui.tui.commands import Quit, parse, suggestions
from dratui.tui.frame import first_line, last_line
from dratui.tui.guide import Guide
from dratui.tui.keymap import key_for
from dratui.tui.live import live
from dratui.tui.places import (
    Card,
    HealthOfStreams,
    Keys,
    Messages,
    Overview,
    Place,
    Rows,
    Yaml,
    crumb,
    name_of,
)
from dratui.tui.prompting import Prompting
from dratui.tui.saving import save
from dratui.tui.screens.describe import DescribeFace
from dratui.tui.screens.face import Face, World
from dratui.tui.screens.health import HealthFace
from dratui.tui.screens.help import HelpFace
from dratui.tui.screens.messages import MessagesFace, Said
from dratui.tui.screens.overview import OverviewFace
from dratui.tui.screens.rows import RowsFace
from dratui.tui.screens.yaml import YamlFace
from dratui.tui.widgets.bar import Bar
from dratui.tui.widgets.board import Board
from dratui.tui.widgets.last_line import LastLine
from dratui.tui.widgets.table import VirtualTable
from dratui.views.jumps import JUMPS, Single
from dratui.views.overview import Summary
from dratui.views.query import Query
from dratui.views.table import Style
from dratui.views.tables import TABLES

FAVOURITES: Final = 9  # keys 1 to 9
SLICE_SECONDS: Final = 0.008  # how long counting may keep keys waiting
TYPED_AHEAD_ENTER: Final = "ctrl+j"  # before the terminal is ours, its driver makes a line feed of enter


class Shell(Screen[None], inherit_bindings=False):
    """Holds the faces, shows the one that the guide came to, and turns keys into places and queries."""

    def __init__(
        self, world: World, source: Source, start: Place, namespace: str, *, headless: bool = False
    ) -> None:
        super().__init__()
        self._world = world
        self._source = source
        self._start = start
        self._namespace = namespace
        self._headless = headless  # no first line; whether what shows is live is told by the title then
        self._said: list[Said] = []
        self._saying: Said | None = None
        self._favourites = [namespace] if namespace else []
        self._summary = Summary(world.store)
        self._differs = False  # whether it no longer says what `_facts` say
        self._sums_on = False  # the next slice of counting is on its way
        self._facts = self._summary.overview()
        self._rows = RowsFace(world, lambda: self._favourites)
        self._faces: dict[type[Place], Face[Any]] = {
            Overview: OverviewFace(world, lambda: self._facts),
            Rows: self._rows,
            Card: DescribeFace(world),
            Yaml: YamlFace(world, source.fetch),
            Keys: HelpFace(world),
            HealthOfStreams: HealthFace(world),
            Messages: MessagesFace(world, lambda: self._said),
        }
        self._guide = Guide(self._faces)
        self._first = Bar(world.skin, id="first")
        self._title = Bar(world.skin, id="title")
        self._last = LastLine(world.skin, id="last")
        self._prompting = Prompting(
            self._last, self._narrow, lambda text: self._go(lambda: self._command(text))
        )

    def compose(self) -> ComposeResult:
        """All there is from the start; one body at a time shows."""
        yield self._first
        yield self._title
        for face in self._faces.values():
            face.view.add_class("body")
            yield face.view
        yield self._last

    def on_mount(self) -> None:
        """Show the first place; a query that cannot be shown leaves the overview."""
        self._first.display = not self._headless
        self._guide.start()
        if self._start != Overview():
            self._try(lambda: self._guide.jump(self._start))
        self._showing()

    def on_resize(self) -> None:
        """The first line cuts itself to the width."""
        self._frame()

    def changed(self, changes: Changes) -> None:
        """The store changed."""
        self._summary.note(changes)
        self._sum_up()
        self._shows(changes)

    def _shows(self, changes: Changes) -> None:
        if self._differs:
            self._differs = False
            self._facts = self._summary.overview()
        if not self._summary.busy:  # who holds most is not known before
            new = [t.namespace for t in self._facts.tenants if t.namespace not in self._favourites]
            self._favourites = (self._favourites + new)[:FAVOURITES]
        self._guide.face.changed(changes)
        self._frame()

    def _sum_up(self) -> None:
        """Count for a moment; the rest comes after the keys that were pressed meanwhile."""
        end = time.monotonic() + SLICE_SECONDS
        self._differs |= self._summary.advance(lambda: time.monotonic() >= end)
        if self._summary.busy and not self._sums_on:
            self._sums_on = True
            self.call_later(self._sum_on)

    def _sum_on(self) -> None:
        self._sums_on = False
        self._sum_up()
        if not self._summary.busy:
            self._shows(Changes())

    def tick(self) -> None:
        """A second passed."""
        self._guide.face.tick()
        self._frame()

    def say(self, text: str, style: Style = Style.PLAIN) -> None:
        """Tell the person something: on the last line until the next step, and under `:messages`."""
        self._saying = Said(self._world.now(), text, style)
        self._said.append(self._saying)
        self._frame()

    def _state(self) -> tuple[str, Style]:
        """Whether what one sees is live."""
        if isinstance(self._source, replay.Replay):
            return replay.words(self._source)
        return live(self._world.store.health, self._source.now())

    def _say_title(self) -> None:
        left, right = self._guide.face.headline()
        if self._headless:
            word, style = self._state()
            right = (*right, (f" {word} ", self._world.skin.states[style]))
        self._title.say(left, right)

    def _frame(self) -> None:
        """The lines around the body."""
        skin = self._world.skin
        self._first.say(
            *first_line(self._source.about, self._guide.trail, self._state(), skin, self.size.width)
        )
        self._say_title()
        said = (self._saying.text, self._saying.style) if self._saying else None
        counters = self._summary.waiting, self._summary.faults
        self._last.say(*last_line(self._guide.face.hints, said, counters, self._world.skin, self.size.width))

    # --- places ----------------------------------------------------------------------------------------------------

    def _try(self, step: Callable[[], None]) -> bool:
        """Take a step that may not be possible; then the last line says why."""
        try:
            step()
        except Failure as failure:
            self.say(str(failure), Style.FAULT)
            return False
        return True

    def _go(self, step: Callable[[], None]) -> None:
        if self._try(step):
            self._showing()

    def _showing(self) -> None:
        """Show the body of the face that the guide came to."""
        for face in self._faces.values():
            face.view.set_class(face is self._guide.face, "shown")
        self._frame()

    def _ask(self, **changes: object) -> None:
        """Look at the table differently."""
        if self._guide.face is self._rows:
            query = replace(self._rows.query, **changes)  # type: ignore[arg-type]
            if self._try(lambda: self._rows.ask(query)):
                self._guide.look(Rows(query))
                self._frame()

    async def on_key(self, event: events.Key) -> None:
        """All keys come here, in the order typed: to the prompt while there is one, else by the keymap."""
        event.stop()
        event.prevent_default()
        name = "enter" if event.key == TYPED_AHEAD_ENTER else event.key
        key = key_for(name)
        if self._prompting.active and name != "ctrl+c":
            self._prompting.press(name, (event.character or "") if event.is_printable else "")
        elif key is not None:
            if self._saying is not None:
                self._saying = None
                self._frame()
            await self.app.run_action(key.action, self)

    def on_paste(self, event: events.Paste) -> None:
        """Pasting is typing."""
        if self._prompting.active:
            self._prompting.paste(event.text)

    # --- keys ------------------------------------------------------------------------------------------------------

    def action_go(self, where: str) -> None:
        """Move in the body."""
        self._guide.face.view.go(where)

    def action_open(self) -> None:
        """Enter: go on, or open what is closed."""
        place = self._guide.face.onward()
        if place is None:
            self._guide.face.toggle()
        else:
            self._go(lambda: self._guide.enter(place))

    def action_describe(self) -> None:
        """In words."""
        chosen = self._guide.face.chosen()
        if chosen is not None and not isinstance(self._guide.place, Card):
            self._go(lambda: self._guide.enter(Card(*chosen)))

    def action_yaml(self) -> None:
        """As the server has it."""
        chosen = self._guide.face.chosen()
        if chosen is not None and not isinstance(self._guide.place, Yaml):
            self._go(lambda: self._guide.enter(Yaml(*chosen)))

    def action_jump(self, what: str) -> None:
        """Sideways: to its node, its owner, what uses it."""
        chosen = self._guide.face.chosen()
        if chosen is not None:
            self._go(lambda: self._jump(JUMPS[what](self._world.store, *chosen)))

    def _jump(self, target: Query | Single) -> None:
        self._guide.enter(Card(*target) if isinstance(target, Single) else Rows(target))

    def action_copy(self) -> None:
        """To the terminal's clipboard, where it has one."""
        chosen = self._guide.face.chosen()
        if chosen is not None:
            self._copy(name_of(chosen.key))

    def action_copy_namespace(self) -> None:
        """The same of the namespace; in a text with marks, on to the next."""
        chosen = self._guide.face.chosen()
        if self._guide.face.next_match(1) or chosen is None:
            return
        if chosen.kind == "namespaces":
            self._copy(chosen.key.name)
        elif namespace := getattr(chosen.key, "namespace", ""):
            self._copy(namespace)
        else:
            self.say(f"a {TABLES[chosen.kind].singular} is in no namespace", Style.FAULT)

    def _copy(self, text: str) -> None:
        """A native tool takes a moment; keys do not wait for it."""

        async def copy() -> None:
            try:
                by = await clipboard.copy(clean(text), self._write, os.environ)
            except Failure as failure:
                self.say(str(failure), Style.FAULT)
            else:
                self.say(f"copied {text} ({by})")

        self.run_worker(copy(), group="copy", exclusive=True)

    def action_save(self) -> None:
        """What shows, all of it, into a file."""

        async def keep() -> None:
            try:
                path = await save(
                    self._guide.face.view.as_text(), self._file_name(), state_folder() / "views"
                )
            except Failure as failure:
                self.say(str(failure), Style.FAULT)
            else:
                self.say(f"saved to {path}")

        self.run_worker(keep(), group="save", exclusive=True)

    def _file_name(self) -> str:
        """What is saved, in characters that any file system has."""
        return re.sub(r"[^A-Za-z0-9.-]+", "-", crumb(self._guide.place))[:60].strip(".-") or "view"

    def _write(self, sequence: str) -> None:
        """To the terminal, past the screen. Textual has no public way for what it has no word for."""
        driver = self.app._driver
        if driver is not None:
            driver.write(sequence)
            driver.flush()

    def action_back(self) -> None:
        """End a filter; then back along the trail."""
        if self._guide.face.narrowed:
            self._narrow("")
        else:
            self._go(self._guide.back)

    def action_step(self, by: int) -> None:
        """Back and forth in history."""
        self._go(lambda: self._guide.step(by))

    def action_last(self) -> None:
        """The last view."""
        self._go(self._guide.last)

    def action_help(self) -> None:
        """The keys."""
        if not isinstance(self._guide.place, Keys):
            self._go(lambda: self._guide.enter(Keys()))

    def action_fold(self) -> None:
        """Hold a replay; elsewhere, open or close a card."""
        if isinstance(self._guide.place, Card):
            self._guide.face.toggle()
        elif isinstance(self._source, replay.Replay):
            self._source.toggle_pause()
            self._frame()

    def action_quit(self) -> None:
        """Leave."""
        self.app.exit()

    def action_namespace(self, number: int) -> None:
        """All, or one of the favourites."""
        if number <= len(self._favourites):
            self._namespace = ("", *self._favourites)[number]
            self._ask(namespace=self._namespace)

    def action_choose_column(self, by: int) -> None:
        """Choose the column to sort by."""
        if isinstance(self._guide.place, Rows):
            self._rows.choose_column(by)

    def action_sort(self, title: str) -> None:
        """Sort by a column; without a title by the chosen one. In a text with marks, `N` goes back to the last."""
        if title == "NAME" and self._guide.face.next_match(-1):
            return
        if isinstance(self._guide.place, Rows):
            sort, descending = self._rows.order_by(title)
            self._ask(sort=sort, descending=descending)

    def action_wide(self) -> None:
        """More columns."""
        self._ask(wide=not self._rows.query.wide)

    def action_faults(self) -> None:
        """Only what needs a person."""
        self._ask(faults_only=not self._rows.query.faults_only)

    # --- prompts ---------------------------------------------------------------------------------------------------

    def action_command(self) -> None:
        """Ask where to go."""
        namespaces = sorted(key.name for key in self._world.store.namespaces)
        self._prompting.ask_command(lambda text: suggestions(text, namespaces))

    def action_filter(self) -> None:
        """Ask for a filter, or for what to look for."""
        if (narrowed := self._guide.face.narrowed) is not None:
            self._prompting.ask_filter(narrowed)

    def on_virtual_table_moved(self) -> None:
        """The title tells the cursor's place."""
        self._say_title()

    @on(VirtualTable.Opened)
    @on(Board.Opened)
    def _open(self) -> None:
        self.action_open()  # a second click is like enter

    def _command(self, text: str) -> None:
        place = parse(text, self._namespace)
        if isinstance(place, Quit):
            self.app.exit()
            return
        if isinstance(place, Rows):
            self._namespace = place.query.namespace or (
                "" if TABLES[place.query.kind].namespaced else self._namespace
            )
        self._guide.jump(place)

    def _narrow(self, text: str) -> None:
        self._guide.face.narrow(text)
        if self._guide.face is self._rows:
            self._guide.look(Rows(self._rows.query))
        self._frame()
