"""A selector that one writes: what is wrong with it and which devices it matches, while one types."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult

from dratui.cluster.store import Changes
from dratui.terminal import clean, cut_end
from dratui.tui.lines import Line, Part, folded
from dratui.tui.places import Place, Rows, Selector, Yaml
from dratui.tui.screens.face import Chosen, Face, World
from dratui.tui.screens.rows import RowsFace
from dratui.tui.screens.yaml import DRAFTS
from dratui.tui.themes import GLYPHS, Skin
from dratui.tui.trying import Ground, Outcome, Trial
from dratui.tui.typed_line import TypedLine
from dratui.tui.widgets.editor import Editor, Shown
from dratui.tui.widgets.pane import Pane
from dratui.tui.widgets.table import Cursor, VirtualTable
from dratui.tui.work import PACE, SOON, Tell, Work
from dratui.tui.writing import Written
from dratui.views.drafts import draft
from dratui.views.query import Query
from dratui.views.slicing import Enough
from dratui.views.table import Style

if TYPE_CHECKING:
    from dratui.why.vocabulary import Next

STEP: Final = 500  # rows counted between two looks at the clock
SHARE: Final = 5  # so often the time that one trial took passes before the next that nobody asked for
_ABOUT: Final = ("slices", "classes")


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
    """Tries what is typed in a thread; a newer text ends that. The devices are listed as everywhere, by `table`.

    Drafts stay for the session, one for each place that one can come from.
    """

    def __init__(
        self, world: World, table: RowsFace, work: Work, version: Callable[[], str], wake: Callable[[], None]
    ) -> None:
        self._world = world
        self._rows = table
        self._work = work
        self._version = version
        self._wake = wake
        self._editor = Editor(world.skin, id="expression")
        self.view = SelectorView(world.skin, self._editor, table.view)
        self._drafts: dict[Selector, Written] = {}
        self._place = Selector()
        self._typing = False
        self._ground: Ground | None = None
        self._trial: Trial | None = None
        self._outcome: Outcome | None = None  # of this place; while one types, of an earlier text
        self._good: Outcome | None = None  # the last one without a mistake: its devices are listed
        self._behind = False  # the devices are others by now
        self._began = self._due = 0.0  # of the last trial; when there may be another by itself
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
        again = place == self._place and self._good is not None
        if not again:
            self._outcome = self._good = None
        self._place, self._typing = place, mark is None
        self._rows.enter(Rows(self._query()), mark if again else None)
        self._recount()
        self._try(anew=True)
        self._show()

    def leave(self) -> None:
        """Nobody waits for an answer."""
        self._end()
        self._rows.leave()
        self._counting = None

    def stop(self) -> str:
        """Try no further. What did not take long is not worth a word."""
        slow = time.monotonic() > self._began + SOON
        stopped = self._end()
        return stopped if slow else ""

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
        self._behind |= any(changes.rows.get(kind) for kind in _ABOUT)
        self._recount()

    def tick(self) -> None:
        """Time to try it on the devices of now, if they are others."""
        self._rows.tick()
        if self._behind and self._trial is None and time.monotonic() >= self._due:
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
        if self._good is not None and self._good is not self._outcome:
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
        if not self._typing or self._outcome is None:
            return []
        typed = self._draft.typed
        return self._outcome.vocabulary.after(typed.text[: typed.at])

    # --- trying ----------------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether rows are to be made, found or counted."""
        return self._rows.busy or self._counting is not None

    @property
    def trying(self) -> bool:
        """Whether an answer is being worked out."""
        return self._trial is not None

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
        for n, key in enumerate(self._matches):
            row = self._rows.row(key)
            free += row is not None and row.state == "free"
            if n % STEP == STEP - 1:
                yield
        self._free = free

    def _try(self, *, anew: bool = False) -> None:
        """Try what is written; `anew`: on the devices of now."""
        self._end()
        if anew or self._ground is None:
            self._ground, self._behind = Ground(self._world.store.copy(), self._version()), False
        self._began = time.monotonic()
        self._trial = Trial(self._ground, self._draft.typed.text, self._draft.device_class)
        self._work.start("trying the selector", partial(self._run, self._trial))

    def _end(self) -> str:
        stopped = self._work.stop() if self._trial is not None else ""
        if self._trial is not None:
            self._trial.stop()
        self._trial = None
        return stopped

    async def _run(self, trial: Trial, tell: Tell) -> str:
        ran = asyncio.ensure_future(asyncio.to_thread(trial.run))
        try:
            while not ran.done():
                await asyncio.wait((ran,), timeout=PACE)
                if trial.far:
                    tell(trial.far)
        finally:
            trial.stop()  # also where the program ends meanwhile
        outcome = ran.result()
        if outcome is None:
            return ""
        self._trial, self._outcome = None, outcome
        self._due = time.monotonic() + SHARE * (time.monotonic() - self._began)
        if outcome.tried is not None:
            self._good, self._free = outcome, None
            if self._query() != self._rows.query:
                self._rows.ask(self._query())
            self._recount()
        self._show()
        return ""

    def _query(self) -> Query:
        """What the table is to show: what matched last, looked at as before."""
        return replace(self._rows.query, kind="devices", only=self._matches)

    @property
    def _matches(self) -> frozenset[Hashable]:
        return self._good.tried.matches if self._good is not None and self._good.tried else frozenset()

    # --- showing ---------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        wrong: tuple[int, ...] = ()
        if self._outcome is not None and self._current:
            from dratui.views.selecting import places  # loaded by the trial, which takes a moment

            wrong = places(self._outcome.failure)
        self._editor.show(Shown(self._draft.typed, self._typing, wrong, list(self._notes())))
        self.view.post_message(VirtualTable.Moved())  # the title tells more

    @property
    def _current(self) -> bool:
        """Whether what is known is of what is written."""
        return self._outcome is not None and self._outcome.text == self._draft.typed.text

    def _notes(self) -> Iterator[Line]:
        """What is wrong, or how many match; then what may be written next."""
        if self._outcome is None:
            yield (("…", self._world.skin.dim),)
        else:
            yield from self._told(self._outcome)
        if self._typing:
            yield self._hint()

    def _told(self, outcome: Outcome) -> Iterator[Line]:
        """While one types what is wrong takes one line, so that the table does not jump."""
        from dratui.views import selecting

        skin = self._world.skin
        fault = skin.states[Style.FAULT]
        columns = max(self.view.size.width - 2, 1)
        if outcome.tried is not None:
            counts = selecting.counted(
                outcome.tried,
                self._free,
                device_class=self._draft.device_class,
                empty=not outcome.text.strip(),
            )
            yield ((counts, skin.strong if self._current else skin.dim),)
            said = [*selecting.raised(outcome.tried), *filter(None, (outcome.tried.refused,))]
        else:
            assert outcome.failure is not None
            said = list(selecting.wrong(outcome.failure))
            if self._typing:
                more = f"  (and {len(said) - 1} more)" if len(said) > 1 else ""
                first = cut_end(f"{GLYPHS[Style.FAULT]} {said[0]}", columns - len(more))
                yield ((first + more, fault if self._current else skin.dim),)
                return
        for text in said:
            yield from folded(((f"{GLYPHS[Style.FAULT]} {text}", fault),), columns)

    def _hint(self) -> Line:
        """What may be written next: one, and some others."""
        skin, words = self._world.skin, self._suggestions()
        if not words:
            return ()
        at = self._draft.suggested % len(words)
        others = "  ".join(words[(at + n) % len(words)].brief for n in range(1, len(words)))
        key = f"<{self._world.keymap.first('accept')}> "
        return (key, skin.accent), (clean(words[at].brief), skin.plain), (f"  {clean(others)}", skin.dim)
