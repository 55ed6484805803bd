"""The one screen: a line that says where one is, a title, a body, the keys; and what keys do to where one is."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from textual import actions, events, on
from textual.app import ComposeResult
from textual.screen import Screen

from dratui.cluster.store import Changes, Store
from dratui.events import Source
from dratui.failure import Failure
from dratui.past import Past
from dratui.tui.acting import Acting
from dratui.tui.attention import LOOK_SECONDS, Attention
from dratui.tui.commanding import Commanding
from dratui.tui.contexts import Contexts
from dratui.tui.frame import Frame
from dratui.tui.guide import Guide
from dratui.tui.keymap import Where
from dratui.tui.keys import pressed
from dratui.tui.looking import Looking
from dratui.tui.notices import Notices
from dratui.tui.places import (
    AliasList,
    Card,
    ContextList,
    HealthOfStreams,
    Keys,
    Messages,
    Overview,
    Place,
    Rows,
    Selector,
    Switch,
    Why,
    Yaml,
)
from dratui.tui.prompting import Prompting
from dratui.tui.screens.aliases import AliasesFace
from dratui.tui.screens.contexts import ContextsFace
from dratui.tui.screens.describe import DescribeFace
from dratui.tui.screens.face import Face, World
from dratui.tui.screens.health import HealthFace
from dratui.tui.screens.help import HelpFace
from dratui.tui.screens.messages import MessagesFace
from dratui.tui.screens.overview import OverviewFace
from dratui.tui.screens.rows import RowsFace
from dratui.tui.screens.selector import SelectorFace
from dratui.tui.screens.why import WhyFace
from dratui.tui.screens.yaml import YamlFace
from dratui.tui.sums import Sums
from dratui.tui.taking import Taking
from dratui.tui.travel import Travel
from dratui.tui.turns import ENTER_SECONDS, Spare, Turns, until
from dratui.tui.wardrobe import Wardrobe
from dratui.tui.widgets.board import Board
from dratui.tui.widgets.editor import Editor
from dratui.tui.widgets.table import VirtualTable
from dratui.tui.widgets.time_bar import TimeBar
from dratui.tui.work import Work
from dratui.views.table import Style

CALM: Final = 1000  # rows of any table that may look different, a second: some hundred events


class Shell(Screen[None], inherit_bindings=False):
    """Holds the faces, shows the one that the guide came to, and hands each key to what knows what to do with it."""

    def __init__(
        self,
        world: World,
        source: Source,
        past: Past,
        start: Place,
        namespace: str,
        *,
        headless: bool,
        contexts: Contexts | None,
        wardrobe: Wardrobe,
        switch: Callable[[Switch], Awaitable[None]],
    ) -> None:
        super().__init__()
        textual = frozenset(vars(self))
        self._world = world
        self._source = source
        self._start = start
        self._travel = Travel(
            world,
            source,
            past,
            Work(self, self.say, lambda doing: self._frame.tell(doing), world.keymap),
            self._travelled,
            self.say,
        )
        self._notices = Notices()
        self._health = world.store.health  # of the present, wherever one looks
        self._present = self._sums = self._sums_of(world.store)
        self._rows = rows = RowsFace(world, lambda: self._looking.favourites, lambda: self.turns.wake())
        spare = Spare(rows, lambda: self._calm)
        matching = RowsFace(world, lambda: (), lambda: self.turns.wake(), id="matching")
        self._selector = selector = SelectorFace(
            world,
            matching,
            Work(self, self.say, lambda doing: self._frame.tell(doing), world.keymap),
            lambda: source.about.server_version,
            lambda: self.turns.wake(),
        )
        self.turns = Turns(lambda: (rows, selector, self._sums, spare))
        self._calm = True  # whether little changes
        self._changes = 0  # since the last tick
        self._faces: dict[type[Place], Face[Any]] = {
            Overview: OverviewFace(world, lambda: self._sums.facts),
            Rows: rows,
            Card: DescribeFace(world),
            Yaml: YamlFace(world, self._fetch),
            Why: WhyFace(
                world,
                Work(self, self.say, lambda doing: self._frame.tell(doing), world.keymap),
                lambda: source.about.server_version,
                present=lambda: self._travel.at is None,
            ),
            Selector: selector,
            Keys: HelpFace(world),
            HealthOfStreams: HealthFace(world),
            Messages: MessagesFace(world, lambda: self._frame.said),
            AliasList: AliasesFace(world, world.aliases, lambda command: self._commanding.leads(command)),
            ContextList: ContextsFace(world, contexts, lambda: source.about.cluster),
        }
        self._guide = Guide(self._faces)
        self._attention = Attention(world, source, self._guide)
        self._frame = Frame(world, source, self._guide, lambda: self._sums, self._travel, headless=headless)
        self._looking = Looking(self._guide, rows, namespace)
        self._work = Work(self, self.say, self._frame.tell, world.keymap)
        self._commanding = Commanding(
            self,
            world,
            self._guide,
            self._looking,
            self._work,
            contexts=contexts,
            wardrobe=wardrobe,
            switch=switch,
        )
        self._acting = Acting(
            world,
            source,
            self._guide,
            self._looking,
            self._travel,
            self._work,
            Taking(self, self._guide, self._work),
            self._commanding,
            self._frame.last,
            say=self.say,
            draw=self._frame.draw,
            attempt=self._try,
            redraw=lambda: self.refresh(layout=True),
            leave=lambda: self.app.exit(),
        )
        self._ours = frozenset(vars(self)) - textual

    def forget(self) -> None:
        """Let go of all that is known of the cluster, once nobody looks any more: Textual keeps a first screen to the
        end, and what finished tasks were started from keeps any."""
        for name in self._ours:
            delattr(self, name)
        self._nodes = type(self._nodes)(self)  # the widgets are removed, but still listed

    def compose(self) -> ComposeResult:
        """All there is from the start; one body at a time shows."""
        yield self._frame.first
        yield self._frame.title
        for face in self._faces.values():
            face.view.add_class("body")
            yield face.view
        yield self._frame.time
        yield self._frame.last

    def on_mount(self) -> None:
        """Show the first place; a query that cannot be shown leaves the overview."""
        self._guide.start()
        if self._start != Overview():
            self._try(lambda: self._guide.jump(self._start))
        self._showing()
        if self._attention.asked_for:
            self.set_interval(LOOK_SECONDS, self._attention.look)
        if self._travel.replays:
            self.run_worker(self._travel.get_ready())

    def on_resize(self) -> None:
        """The first line cuts itself to the width."""
        self._frame.draw()

    def changed(self, changes: Changes) -> None:
        """The present changed."""
        self._changes += sum(map(len, changes.rows.values()))
        if changes.health:
            self._frame.notify(self._notices.of_health(self._health, self._source.now()))
        self._present.note(changes)
        if self._travel.at is None:
            self._shows(changes)
        else:
            self._rows.meanwhile(changes)
            self._frame.draw()

    def _travelled(self, changes: Changes | None) -> None:
        """One looks at another time; without changes, one has left the present, or is back."""
        if changes is not None:
            self._sums.note(changes)
            if isinstance(self._guide.place, Yaml):
                self._guide.face.anew()
            self._shows(changes)
            return
        self._sums = self._present if self._travel.at is None else self._sums_of(self._world.store)
        self._sums.advance(until(ENTER_SECONDS))
        if self._travel.at is None:
            self._guide.face.anew()
            self._rows.forget()
        elif not isinstance(self._guide.place, Yaml):  # which is fetched when one arrives
            self._guide.face.anew()
        self._plan()
        self._frame.draw()

    def _sums_of(self, store: Store) -> Sums:
        def counted() -> None:
            if sums is self._sums:
                self._counted()

        sums = Sums(store, counted)
        return sums

    def _counted(self) -> None:
        """All is counted that is to be counted."""
        if self._sums.whole:  # who holds most is not known before
            self._looking.meet(lambda: [tenant.namespace for tenant in self._sums.facts.tenants])
        if isinstance(self._guide.place, Overview):
            self._guide.face.changed(Changes())
        self._frame.draw()

    def _shows(self, changes: Changes) -> None:
        self._guide.face.changed(changes)
        self._frame.draw()
        self.turns.wake()

    def tick(self) -> None:
        """A second passed."""
        self._calm, self._changes = self._changes < CALM, 0
        self._plan()
        if not self._source.about.recorded:
            self._frame.notify(self._notices.of_time(self._source.now(), time.monotonic()))
        self._guide.face.tick()
        self._frame.draw()

    def _plan(self) -> None:
        """What nobody looks at is counted only while there is time, and what devices do is not."""
        here = isinstance(self._guide.place, Overview)
        self._sums.whole = self._calm or here
        if here:
            self._sums.stir()
        self.turns.wake()

    def say(self, text: str, style: Style = Style.PLAIN) -> None:
        """Tell the person something: on the last line until the next key, and under `:messages`."""
        self._frame.say(text, style)

    def _showing(self) -> None:
        """Show the body of the face that the guide came to."""
        for face in self._faces.values():
            face.view.set_class(face is self._guide.face, "shown")
        self._plan()
        self._frame.draw()

    def _try(self, step: Callable[[], object]) -> None:
        """Take a step that may not be possible; then the last line says why. Show where it led."""
        try:
            step()
        except Failure as failure:
            self.say(str(failure), Style.FAULT)
        else:
            self._showing()

    # --- keys ------------------------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """All keys come here, in the order typed: to the prompt while there is one, else by the keymap."""
        event.stop()
        event.prevent_default()
        self.turns.key()
        character = event.character if event.is_printable else None
        name = pressed(event.key, character)
        key = self._world.keymap.key_for(name)
        typist = self._acting.typist
        if typist is not None and name != "ctrl-c":
            meant = "enter" if name == "enter" else self._world.keymap.in_prompt(name, event.key)
            typist.press(meant, character or "")
            if not isinstance(typist, Prompting):
                self._frame.draw()  # other keys may matter now
        elif key is not None:
            self._frame.unsay()
            _, action, arguments = actions.parse(key.action)
            step = self._acting.steps[action]
            if key.where is Where.MOVE:  # leads nowhere else, and is pressed most
                step(*arguments)
            else:
                self._try(lambda: step(*arguments))

    def on_paste(self, event: events.Paste) -> None:
        """Pasting is typing."""
        if (typist := self._acting.typist) is not None:
            typist.paste(event.text)

    def on_virtual_table_moved(self) -> None:
        """The title tells the cursor's place."""
        self._frame.draw_title()

    @on(VirtualTable.Opened)
    @on(Board.Opened)
    def _opened(self) -> None:
        self._try(self._acting.open)  # a second click is like enter

    @on(Editor.Clicked)
    def _clicked(self, message: Editor.Clicked) -> None:
        self._selector.type(message.at)
        self._frame.draw()

    @on(TimeBar.Pointed)
    def _pointed(self, message: TimeBar.Pointed) -> None:
        past = self._travel.past
        self._travel.to(past.begins + message.at * (past.ends - past.begins))

    def _fetch(self, stream: str, namespace: str, name: str) -> Awaitable[bytes]:
        """The full object, as it is or was."""
        if self._travel.at is None:
            return self._source.fetch(stream, namespace, name)
        return self._travel.past.fetch_at(self._travel.at, stream, namespace, name)
