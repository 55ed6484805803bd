"""What every screen is to the frame around it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

from dratui.cluster.store import Changes, Store
from dratui.terminal import clean
from dratui.tui.aliases import Aliases
from dratui.tui.keymap import Keymap
from dratui.tui.lines import Line
from dratui.tui.places import Place, Selector, Switch, name_of
from dratui.tui.themes import Skin
from dratui.tui.widgets.pane import Pane

if TYPE_CHECKING:
    from dratui.tui.screens.rows import RowsFace

V = TypeVar("V", bound=Pane)


@dataclass(slots=True)
class World:
    """What screens draw from: the state of the cluster at the time that one looks at, that time, the inks, the
    keys, short names.

    Store and time are others while one looks at the past (`dratui.tui.travel`), so nobody keeps them.
    """

    store: Store
    now: Callable[[], datetime]
    skin: Skin
    keymap: Keymap
    aliases: Aliases


class Chosen(NamedTuple):
    """An object that is looked at or under the cursor."""

    kind: str
    key: Any


class Typist(Protocol):
    """Takes keys, in Textual's words and as the character that they type, if they do; and what is pasted."""

    def press(self, key: str, character: str) -> None:
        """A key."""

    def paste(self, text: str) -> None:
        """Text."""


class Face(Generic[V]):
    """One screen: it decides what its widget shows, and reads the store; it changes nothing but its widget.

    `view` fills the body.
    """

    view: V

    @property
    def hints(self) -> tuple[str, ...]:
        """The ids of the keys that matter here, the most important first."""
        return ("back", "command", "help")

    @property
    def table(self) -> "RowsFace | None":
        """The table that it shows, if it does."""
        return None

    @property
    def typist(self) -> "Typist | None":
        """Who takes all keys but ctrl-c; None while they mean what the keymap says."""
        return None

    @property
    def narrowed(self) -> str | None:
        """What `narrow` was told last; None where nothing can be narrowed."""
        return None

    def enter(self, place: Any, mark: Any) -> None:
        """Show a place of this face's kind; `mark` is what `mark` returned there earlier.

        Raises Failure when it cannot be shown; then what showed still does.
        """
        raise NotImplementedError

    def headline(self) -> tuple[Line, Line]:
        """The title line: left and right side."""
        raise NotImplementedError

    def narrow(self, text: str) -> None:
        """Show only, or mark, what matches the regular expression. Raises BadFilter, and then shows what it showed."""
        return

    def mark(self) -> object:
        """What leads back to the spot where one is."""
        return None

    def leave(self) -> None:
        """Another face shows now."""
        return

    def stop(self) -> str:
        """End what is being worked out; returns what it was, or nothing where nothing is."""
        return ""

    def changed(self, changes: Changes) -> None:
        """The store changed."""
        return

    def anew(self) -> None:
        """The store is another: everything may have changed."""
        everything = Changes()
        everything.health = True
        self.changed(everything)

    def recolour(self, place: Any) -> None:
        """The inks are others. Raises Failure when what shows is gone."""
        self.enter(place, self.mark())

    def tick(self) -> None:
        """A second passed."""
        return

    def toggle(self) -> None:
        """Open or close what is under the cursor."""
        return

    def next_match(self, by: int) -> bool:
        """Go to the next line that is marked, or the one before; False where none is."""
        return False

    def chosen(self) -> Chosen | None:
        """The object that `d`, `y` and `c` are about."""
        return None

    def copied(self) -> tuple[str, str] | None:
        """What `c` copies, and what to call it: the name of what is chosen."""
        chosen = self.chosen()
        return (name_of(chosen.key), clean(name_of(chosen.key))) if chosen is not None else None

    def tried(self) -> Selector:
        """What `e` tries a selector for: what is chosen."""
        return Selector(*(self.chosen() or ()))

    def onward(self) -> Place | Switch | None:
        """Where `enter` leads from here."""
        return None
