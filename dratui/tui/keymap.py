"""Every key, as data: what a key does is looked up here, and the help is made from it, so that it cannot lie.

The fingers of k9s users decide. Where k9s and Textual disagree: `ctrl-c` quits, as in k9s. A file may give keys away
(`keymap_file`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from dratui.tui.keys import shown


class Where(StrEnum):
    """The headings of the help."""

    MOVE = "move"
    GO = "go"
    TIME = "time"
    TABLE = "tables"
    INSPECT = "inspect"
    CARD = "cards"
    PROMPT = "prompts"  # these keys mean something only while one types; then no others do
    YOURS = "your keys"


@dataclass(frozen=True, slots=True)
class Key:
    """One thing that keys do: an action of the shell, or in a prompt what the key that `action` names does there.

    `keys` are separated by blanks and written as a person writes them: `j`, `shift-left`, `ctrl-f`, `esc`, `?`.
    """

    id: str
    keys: str
    help: str
    where: Where
    action: str
    brief: str = ""  # for the last line, where `help` is too long
    told: tuple[str, ...] = ()  # no keys of its own: it is told with these texts, or the keys of these ids

    @property
    def names(self) -> tuple[str, ...]:
        """Its keys."""
        return tuple(self.keys.split())


KEYMAP: Final = (
    Key("down", "j down", "down, up", Where.MOVE, "go('down')"),
    Key("up", "k up", "down, up", Where.MOVE, "go('up')"),
    Key("left", "h left", "columns", Where.MOVE, "go('left')"),
    Key("right", "l right", "columns", Where.MOVE, "go('right')"),
    Key("top", "g home", "first, last", Where.MOVE, "go('top')"),
    Key("bottom", "G", "first, last", Where.MOVE, "go('bottom')"),
    Key("page_down", "ctrl-f pgdn", "a page down", Where.MOVE, "go('page_down')"),
    Key("page_up", "ctrl-b pgup", "a page up", Where.MOVE, "go('page_up')"),
    Key("open", "enter", "open", Where.INSPECT, "open"),
    Key("describe", "d", "describe", Where.INSPECT, "describe"),
    Key("why", "x", "why it waits", Where.INSPECT, "why", brief="why"),
    Key("selector", "e", "try a selector", Where.INSPECT, "selector", brief="edit"),
    Key("yaml", "y", "YAML, live", Where.INSPECT, "yaml", brief="yaml"),
    Key("node", "o", "its node, owner", Where.INSPECT, "jump('node')"),
    Key("owner", "J", "its node, owner", Where.INSPECT, "jump('owner')"),
    Key("used_by", "u", "used by", Where.INSPECT, "jump('used_by')"),
    Key("copy", "c", "copy name; YAML", Where.INSPECT, "copy", brief="copy"),
    Key("copy_namespace", "n", "copy namespace", Where.INSPECT, "copy_namespace"),
    Key("command", ":", "go to :pods …", Where.GO, "command", brief="go to"),
    Key("filter", "/", "filter, /!rx not", Where.GO, "filter", brief="filter"),
    Key("filters", "", "labels; roughly", Where.PROMPT, "", told=("/-l", "/-f")),
    Key("back", "esc", "stop, then back", Where.GO, "back", brief="back"),
    Key("earlier", "<", "back, forth", Where.TIME, "time_step(-1)", brief="step"),
    Key("later", ">", "back, forth", Where.TIME, "time_step(1)", brief="step"),
    Key("time", "t", "to a time", Where.TIME, "time", brief="time"),
    Key("now", "end", "now; last row", Where.TIME, "now", brief="now"),
    Key("past", "[", "history", Where.GO, "step(-1)"),
    Key("future", "]", "history", Where.GO, "step(1)"),
    Key("last", "-", "the last view", Where.GO, "last"),
    Key("aliases", "ctrl-a", "aliases", Where.GO, "aliases"),
    Key("save", "ctrl-s", "save as text", Where.INSPECT, "save"),
    Key("help", "?", "these keys", Where.GO, "help", brief="help"),
    Key("redraw", "ctrl-r", "draw anew", Where.GO, "redraw"),
    Key("leave", "q", "back, then quit", Where.GO, "leave"),
    Key("quit", "ctrl-c", "quit, also :q", Where.GO, "quit", brief="quit"),
    Key("all_namespaces", "0", "all namespaces", Where.TABLE, "namespace(0)"),
    *(
        Key(f"namespace_{n}", str(n), "a namespace", Where.TABLE, f"namespace({n})")
        for n in range(1, 10)
    ),
    Key("sort_left", "shift-left", "choose a column", Where.TABLE, "choose_column(-1)"),
    Key("sort_right", "shift-right", "choose a column", Where.TABLE, "choose_column(1)"),
    Key("sort", "O", "sort; reverse", Where.TABLE, "sort('')"),
    Key("sort_name", "N", "name, age, state", Where.TABLE, "sort('NAME')"),
    Key("sort_age", "A", "name, age, state", Where.TABLE, "sort('AGE')"),
    Key("sort_state", "S", "name, age, state", Where.TABLE, "sort('STATE')"),
    Key("sort_util", "U", "util, mem, idle", Where.TABLE, "sort('UTIL')"),
    Key("sort_memory", "M", "util, mem, idle", Where.TABLE, "sort('MEM GiB')"),
    Key("sort_idle", "I", "util, mem, idle", Where.TABLE, "sort('IDLE')"),
    Key("wide", "ctrl-w", "more columns", Where.TABLE, "wide"),
    Key("faults", "ctrl-z", "faults only", Where.TABLE, "faults"),
    Key("fold", "space", "fold, hold", Where.CARD, "fold", brief="fold"),
    # n copies and N sorts where there are rows, as in k9s; where there is text with marks, they go through those.
    Key("match", "", "next, last match", Where.CARD, "", told=("copy_namespace", "sort_name")),
    Key("accept", "tab right", "accept", Where.PROMPT, "tab"),
    Key("suggest_last", "up", "more suggestions", Where.PROMPT, "up"),
    Key("suggest_next", "down", "more suggestions", Where.PROMPT, "down"),
    Key("clear", "ctrl-u", "clear; undo", Where.PROMPT, "ctrl+u", brief="clear"),
    Key("undo", "ctrl-z", "clear; undo", Where.PROMPT, "ctrl+z", brief="undo"),
    Key("enter", "enter", "do it, leave it", Where.PROMPT, "enter", brief="devices"),
    Key("cancel", "esc", "do it, leave it", Where.PROMPT, "escape", brief="done"),
)  # fmt: skip

_MODIFIERS: Final = {"shift", "ctrl", "alt"}
WIDEST: Final = 8  # columns that keys take in the help


class Keymap:
    """What each key does, and how that is told."""

    def __init__(self, keys: Iterable[Key] = KEYMAP) -> None:
        self.keys = tuple(keys)
        self._by_id = {key.id: key for key in self.keys}
        self._here = {name: key for key in self.keys if key.where is not Where.PROMPT for name in key.names}
        self._typing = {name: key for key in self.keys if key.where is Where.PROMPT for name in key.names}

    def key_for(self, name: str) -> Key | None:
        """What a key does while nobody types."""
        return self._here.get(name)

    def in_prompt(self, name: str, key: str) -> str:
        """What a key does to a prompt, as the name of the key that does it there by default.

        `key` is Textual's name; a default key that was given away does nothing but what it does to any text.
        """
        if (meant := self._typing.get(name)) is not None:
            return meant.action if name not in _DEFAULTS.get(meant.id, ()) else key
        return "" if name in _TAKEN else key

    def hints(self, ids: Iterable[str]) -> list[tuple[str, str]]:
        """The keys of these ids and what they do, for the last line; a key for one of two is enough."""
        keys = (self._by_id[i] for i in ids)
        return [(shown(key.names[0]), key.brief or key.help) for key in keys if key.names]

    def first(self, name: str) -> str:
        """The key to name in a sentence, by its id."""
        return next((shown(key) for key in self._by_id[name].names), "no key")

    def rows(self, where: Where) -> list[tuple[str, str]]:
        """The help under a heading: keys, and what they do. What has no key is left out."""
        together: dict[str, list[tuple[str, ...]]] = {}
        for key in self.keys:
            if key.where is where:
                together.setdefault(key.help, []).append(self._told(key))
        return [(text, what) for what, keys in together.items() if (text := _listed(keys))]

    def _told(self, key: Key) -> tuple[str, ...]:
        if not key.told:
            return key.names
        return tuple(n for i in key.told for n in (self._by_id[i].names[:1] if i in self._by_id else (i,)))


_DEFAULTS: Final = {key.id: key.names for key in KEYMAP}
_TAKEN: Final = {name for key in KEYMAP if key.where is Where.PROMPT for name in key.names} - {"right"}


def _listed(keys: Iterable[tuple[str, ...]]) -> str:
    """Keys that do the same, in the room that the help has: the first of each, then the second of each."""
    groups = list(keys)
    names = [names[n] for n in range(max(map(len, groups))) for names in groups if n < len(names)]
    if len(names) > 2 and "".join(names) in "0123456789":
        return f"{names[0]}-{names[-1]}"
    texts = [name if name.startswith("/") or len(names) > len(name) == 1 else shown(name) for name in names]
    modified = [text.rpartition("-")[::2] for text in texts]
    modifiers = {modifier for modifier, _ in modified}
    if (
        len(texts) > 1
        and len(modifiers) == 1
        and modifiers <= _MODIFIERS
        and all(len(k) == 1 for _, k in modified)
    ):
        return f"{modifiers.pop()}-{''.join(key for _, key in modified)}"
    while len(texts) > 1 and len(" ".join(texts)) > WIDEST:
        del texts[-1]
    return " ".join(texts)
