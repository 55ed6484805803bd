"""A selector that one writes: what is wrong with it and which devices it matches, while one types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult

from dratui.cluster.store import Changes
from dratui.tui.lines import Line, Part
from dratui.tui.noting import Noting
from dratui.tui.places import Place, Rows, Selector, Yaml
from dratui.tui.screens.face import Chosen, Face, World
from dratui.tui.screens.rows import RowsFace
from dratui.tui.screens.yaml import DRAFTS
from dratui.tui.themes import Skin
from dratui.tui.trying import Outcome, Trials
from dratui.tui.typed_line import TypedLine
from dratui.tui.widgets.editor import Editor, Shown
from dratui.tui.widgets.pane import Pane
from dratui.tui.widgets.table import Cursor, VirtualTable
from dratui.tui.work import Work
from dratui.tui.writing import Written
from dratui.views.drafts import draft
from dratui.views.query import Query
from dratui.views.slicing import Enough
from dratui.views.table import Style

if TYPE_CHECKING:
    from dratui.why.vocabulary import Next

STEP: Final = 500  # rows counted between two looks at the clock


class SelectorView(Pane):
    """The editor above the table."""

    DEFAULT_CSS = "SelectorView { layout: vertical; } SelectorView VirtualTable { height: 1fr; }"

    def __init__(self, skin: Skin, editor: Editor, table: VirtualTable) -> None:
        super().__init__(skin, id="selector")
        self._editor = editor
        self._table = table

    def compose(self) -> ComposeResult:
        """Both."""
        yield self._editor
        yield self._table

    def draw(self, columns: int, lines: int) -> tuple[()]:
        """Nothing besides."""
        return ()

    def go(self, where: str) -> None:
        """Move in the table."""
        self._table.go(where)

    def as_text(self) -> Iterable[tuple[str, ...]]:
        """The expression, and the devices that match."""
        yield from ((line,) for line in self._editor.text.split("\n"))
        yield ("",)
        yield from self._table.as_text()


class SelectorFace(Face[SelectorView]):
    """Tries what is typed, beside the keys. The devices are listed as everywhere, by `table`.

    Drafts stay for the session, one for each place that one can come from.
    """

    def __init__(
        self, world: World, table: RowsFace, work: Work, version: Callable[[], str], wake: Callable[[], None]
    ) -> None:
        self._world = world
        self._rows = table
        self._wake = wake
        self._trials = Trials(lambda: world.store, version, work, self._tried)
        self._editor = Editor(world.skin, id="expression")
        self.view = SelectorView(world.skin, self._editor, table.view)
        self._drafts: dict[Selector, Written] = {}
        self._place = Selector()
        self._typing = False
        self._counting: Iterator[None] | None = None
        self._free: int | None = None

    # --- the screen ------------------------------------------------------------------------------------------------

    @property
    def hints(self) -> tuple[str, ...]:
        """While one types, what keys do to the text."""
        if self._typing:
            return ("accept", "enter", "cancel", "undo", "clear")
        return ("selector", "copy", "yaml", "describe", "open", "back", "filter", "help")

    @property
    def table(self) -> RowsFace:
        """The devices that match."""
        return self._rows

    @property
    def typist(self) -> SelectorFace | None:
        """Who takes keys, while one types."""
        return self if self._typing else None

    def enter(self, place: Selector, mark: Cursor | None) -> None:
        """Go on with the draft, or begin one."""
        if place not in self._drafts:
            found = draft(self._world.store, place.kind, place.key, place.request)
            text = TypedLine.of(found.text)
            self._drafts[place] = Written(text, place.device_class or found.device_class, found.of)
        again = place == self._place and self._trials.good is not None
        if not again:
            self._trials.forget()
        self._place, self._typing = place, mark is None
        self._rows.enter(Rows(self._query()), mark if again else None)
        self._recount()
        self._try(anew=True)
        self._show()

    def leave(self) -> None:
        """Nobody waits for an answer."""
        self._trials.end()
        self._rows.leave()
        self._counting = None

    def stop(self) -> str:
        """Try no further."""
        return self._trials.end()

    def mark(self) -> Cursor:
        """Where in the table one is."""
        return self._rows.mark()

    def anew(self) -> None:
        """Another time."""
        self._rows.anew()
        self._recount()
        self._try(anew=True)

    def recolour(self, place: Selector) -> None:
        """The inks of the moment."""
        self._rows.view.repaint()
        self._show()

    def changed(self, changes: Changes) -> None:
        """Rows changed, and maybe which match."""
        self._rows.changed(changes)
        self._trials.changed(changes)
        self._recount()

    def tick(self) -> None:
        """Time to try it on the devices of now, if they are others."""
        self._rows.tick()
        if self._trials.due:
            self._try(anew=True)

    @property
    def narrowed(self) -> str:
        """A filter over what matches."""
        return self._rows.narrowed

    def narrow(self, text: str) -> None:
        """Filter what matches. Raises BadFilter."""
        self._rows.narrow(text)
        self._recount()

    def headline(self) -> tuple[Line, Line]:
        """What it was begun from, and where the cursor is."""
        skin = self._world.skin
        of, device_class = self._draft.of, self._draft.device_class
        parts: list[Part] = [(" Selector", skin.strong), (f" {of}" if of else "", skin.plain)]
        if device_class:
            parts.append((f" class {device_class}", skin.dim))
        if self._rows.narrowed:
            parts.append((f" </{self._rows.narrowed}>", skin.accent))
        shown = len(self._rows.view.listing.keys)
        right: Line = ((f" {self._rows.view.index + 1}/{shown} ", skin.dim),) if shown else ()
        if self._trials.good is not None and self._trials.good is not self._trials.outcome:
            right = ((" below: what matched before", skin.states[Style.WAITING]), *right)
        return tuple(parts), right

    def chosen(self) -> Chosen | None:
        """The device under the cursor."""
        return self._rows.chosen()

    def onward(self) -> Place | None:
        """Its node."""
        return self._rows.onward()

    def copied(self) -> tuple[str, str] | None:
        """The expression."""
        return (self._draft.typed.text, "the expression") if self._draft.typed.text else None

    def yaml(self) -> Yaml:
        """An object with the expression, for a manifest."""
        return Yaml(DRAFTS, (self._draft.typed.text, self._draft.device_class))

    # --- typing ----------------------------------------------------------------------------------------------------

    def type(self, at: int | None = None) -> None:
        """From now on keys are text."""
        self._typing = True
        if at is not None:
            self._draft.typed = replace(self._draft.typed, at=at)
        self._show()

    def press(self, key: str, character: str) -> None:
        """Take a key, in Textual's words, and the character it types, if it does."""
        if key in ("enter", "escape"):
            self._typing = False
        elif self._draft.press(key, character, self._suggestions()):
            self._try()
        self._show()

    def paste(self, text: str) -> None:
        """Pasting is typing."""
        if self._draft.paste(text):
            self._try()
        self._show()

    @property
    def _draft(self) -> Written:
        return self._drafts.get(self._place) or Written()

    def _suggestions(self) -> list[Next]:
        outcome, typed = self._trials.outcome, self._draft.typed
        if not self._typing or outcome is None:
            return []
        return outcome.vocabulary.after(typed.text[: typed.at])

    # --- trying ----------------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether rows are to be made, found or counted."""
        return self._rows.busy or self._counting is not None

    @property
    def trying(self) -> bool:
        """Whether an answer is being worked out."""
        return self._trials.busy

    def advance(self, enough: Enough) -> None:
        """Do some of it."""
        if self._rows.busy:
            self._rows.advance(enough)
            self._recount()
        while self._counting is not None and not self._rows.busy and not enough():
            if next(self._counting, self) is self:
                self._counting = None
                self._show()

    def _recount(self) -> None:
        self._counting = self._count()
        self._wake()

    def _count(self) -> Iterator[None]:
        """How many of those that match are free."""
        free = 0
        for n, key in enumerate(self._trials.matches):
            row = self._rows.row(key)
            free += row is not None and row.state == "free"
            if n % STEP == STEP - 1:
                yield
        self._free = free

    def _try(self, *, anew: bool = False) -> None:
        """Try what is written; `anew`: on the devices of now."""
        self._trials.begin(self._draft.typed.text, self._draft.device_class, anew=anew)

    def _tried(self, outcome: Outcome) -> None:
        """Something came of it: without a mistake, other devices."""
        if outcome.tried is not None:
            self._free = None
            if self._query() != self._rows.query:
                self._rows.ask(self._query())
            self._recount()
        self._show()

    def _query(self) -> Query:
        """What the table is to show: what matched last, looked at as before."""
        return replace(self._rows.query, kind="devices", only=self._trials.matches)

    # --- showing ---------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        outcome, typed = self._trials.outcome, self._draft.typed
        wrong: tuple[int, ...] = ()
        if outcome is not None and self._trials.of(typed.text):
            from dratui.views.selecting import places  # loaded by the trial, which takes a moment

            wrong = places(outcome.failure)
        self._editor.show(Shown(typed, self._typing, wrong, list(self._notes())))
        self.view.post_message(VirtualTable.Moved())  # the title tells more

    def _notes(self) -> Iterator[Line]:
        """What is wrong, or how many match; then what may be written next."""
        outcome, draft = self._trials.outcome, self._draft
        noting = Noting(self._world.skin, max(self.view.size.width - 2, 1), self._typing)
        if outcome is None:
            yield (("…", self._world.skin.dim),)
        else:
            current = self._trials.of(draft.typed.text)
            yield from noting.told(outcome, self._free, draft.device_class, current=current)
        if self._typing:
            yield noting.offered(self._suggestions(), draft.suggested, self._world.keymap.first("accept"))
