"""Every key, as data: what a key does is looked up here, and the help is made from it, so that it cannot lie.

The fingers of k9s users decide. Where k9s and Textual disagree: `ctrl-c` quits, as in k9s. A file in the config folder
may give each action other keys, and keys of its own to places (k9s's hotkeys).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from dratui.failure import Failure
from dratui.settings.document import At, Document, Items, Node, Text, nearest, text_of


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
    """One thing that keys do: an `action_…` of the shell, or of the prompt what the key that it names does there.

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
    Key("top", "g home", "first", Where.MOVE, "go('top')"),
    Key("bottom", "G", "last", Where.MOVE, "go('bottom')"),
    Key("page_down", "ctrl-f pgdn", "a page down", Where.MOVE, "go('page_down')"),
    Key("page_up", "ctrl-b pgup", "a page up", Where.MOVE, "go('page_up')"),
    Key("open", "enter", "open", Where.INSPECT, "open"),
    Key("describe", "d", "describe", Where.INSPECT, "describe"),
    Key("yaml", "y", "YAML, live", Where.INSPECT, "yaml", brief="yaml"),
    Key("node", "o", "show its node", Where.INSPECT, "jump('node')"),
    Key("owner", "J", "its owner", Where.INSPECT, "jump('owner')"),
    Key("used_by", "u", "used by", Where.INSPECT, "jump('used_by')"),
    Key("copy", "c", "copy name; YAML", Where.INSPECT, "copy", brief="copy"),
    Key("copy_namespace", "n", "copy namespace", Where.INSPECT, "copy_namespace"),
    Key("command", ":", "go to :pods …", Where.GO, "command", brief="go to"),
    Key("filter", "/", "filter, /!rx not", Where.GO, "filter", brief="filter"),
    Key("filters", "", "labels; roughly", Where.PROMPT, "", told=("/-l", "/-f")),
    Key("back", "esc", "stop, then back", Where.GO, "back", brief="back"),
    Key("earlier", "<", "back, forth", Where.TIME, "time_step(-1)", brief="step"),
    Key("later", ">", "back, forth", Where.TIME, "time_step(1)", brief="step"),
    Key("time", "t", "to a time", Where.TIME, "time", brief="to"),
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
    Key("wide", "ctrl-w", "more columns", Where.TABLE, "wide"),
    Key("faults", "ctrl-z", "faults only", Where.TABLE, "faults"),
    Key("fold", "space", "fold, hold", Where.CARD, "fold", brief="fold"),
    # n copies and N sorts where there are rows, as in k9s; where there is text with marks, they go through those.
    Key("match", "", "next, last match", Where.CARD, "", told=("copy_namespace", "sort_name")),
    Key("accept", "tab right", "accept", Where.PROMPT, "tab"),
    Key("suggest_last", "up", "more suggestions", Where.PROMPT, "up"),
    Key("suggest_next", "down", "more suggestions", Where.PROMPT, "down"),
    Key("clear", "ctrl-u", "clear", Where.PROMPT, "ctrl+u"),
    Key("cancel", "esc", "leave it", Where.PROMPT, "escape"),
)  # fmt: skip

HOTKEYS: Final = "hotkeys"  # beside the ids: keys that go to a place
WIDEST: Final = 8  # columns that keys take in the help

_SPECIAL: Final = frozenset(
    (
        *("enter", "tab", "space", "esc", "backspace", "delete", "insert", "home", "end", "pgup", "pgdn"),
        *("up", "down", "left", "right", *(f"f{n}" for n in range(1, 13))),
    )
)
_SAME: Final = {  # other words for a key, Textual's among them, and keys that a terminal cannot tell from another
    "escape": "esc", "return": "enter", "pageup": "pgup", "pagedown": "pgdn", "del": "delete", "ins": "insert",
    "ctrl-i": "tab", "ctrl-m": "enter", "ctrl-j": "enter", "ctrl-h": "backspace",
    "ctrl-@": "ctrl-space",
}  # fmt: skip
_SIGNS: Final = {"up": "↑", "down": "↓", "left": "←", "right": "→"}


def written(name: str) -> str:
    """A key as the keymap has it: `Shift-J` is `J`, `pagedown` is `pgdn`. Raises ValueError for what is no key."""
    if len(name) == 1 and name.isprintable() and not name.isspace():
        return name
    lowered = name.lower().replace("+", "-")
    lowered = _SAME.get(lowered, lowered)
    modifier, _, rest = lowered.rpartition("-")
    if modifier == "shift" and len(rest) == 1 and rest.isalpha():
        return rest.upper()
    if modifier in ("ctrl", "alt") and len(rest) == 1 and rest.isalnum():
        return lowered
    rest = _SAME.get(rest, rest)
    if modifier in ("", "ctrl", "alt", "shift") and rest in _SPECIAL:
        return f"{modifier}-{rest}" if modifier else rest
    raise ValueError(f"{name!r} is no key")


def pressed(key: str, character: str | None) -> str:
    """The key of an event, in Textual's words, as the keymap has it; empty for one that it does not know."""
    if character is not None and len(character) == 1 and character.isprintable() and "+" not in key:
        return written(character) if character != " " else "space"
    try:
        return written(key)
    except ValueError:
        return ""


def shown(name: str) -> str:
    """A key as the help writes it: `shift-←`, and `shift-j`, since a capital alone is easily overlooked."""
    if len(name) == 1:
        return f"shift-{name.lower()}" if name.isupper() else name
    modifier, dash, key = name.rpartition("-")
    return f"{modifier}{dash}{_SIGNS.get(key, key)}"


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
    modifiers = {text.rpartition("-")[0] for text in texts}
    if len(texts) > 1 and len(modifiers) == 1 and not modifiers & {"", "/"}:
        return f"{modifiers.pop()}-{''.join(text.rpartition('-')[2] for text in texts)}"[:WIDEST]
    while len(texts) > 1 and len(" ".join(texts)) > WIDEST:
        del texts[-1]
    return " ".join(texts)


# --- the file ------------------------------------------------------------------------------------


def remapped(document: Document | None, check: Callable[[str], object] = str) -> Keymap:
    """The keymap with what a file says: `id: key`, `id: [key, key]`, `id: []` for none; `hotkeys: {key: command}`.

    `check` is asked to understand each command, and raises Failure. Raises Wrong.
    """
    if document is None:
        return Keymap()
    places: dict[str, At] = {}
    keys = {key.id: key for key in KEYMAP if not key.told}
    for name, node in document.fields.items():
        if name == HOTKEYS:
            continue
        if name not in keys:
            near = nearest(name, [*keys, HOTKEYS])
            raise node.at.wrong(
                "no key has this id", f"did you mean {near}?" if near else "dratui info keymap lists them"
            )
        keys[name] = replace(keys[name], keys=" ".join(_keys(node)))
        places[name] = node.at
    yours = list(_hotkeys(document.fields.get(HOTKEYS), check, places))
    everything = [*(keys.get(key.id, key) for key in KEYMAP), *yours]
    for typing in (True, False):
        _conflicts([key for key in everything if (key.where is Where.PROMPT) is typing], places, document.at)
    return Keymap(everything)


def _keys(node: Node) -> list[str]:
    if isinstance(node, Items):
        return [_key(text_of(item), item.at) for item in node.items]
    if isinstance(node, Text) and not node.value:
        raise node.at.wrong("has no key", "[] for none; keys such as '#' and '?' want quotes")
    return [_key(text_of(node), node.at)]


def _key(text: str, at: At) -> str:
    try:
        return written(text)
    except ValueError as error:
        raise at.wrong(str(error), "such as x, shift-x, ctrl-x, f5, esc, pgdn, shift-left or '?'") from None


def _hotkeys(node: Node | None, check: Callable[[str], object], places: dict[str, At]) -> Iterable[Key]:
    if node is None:
        return
    if not isinstance(node, Document):
        raise node.at.wrong("is to be `key: command` lines", "such as f2: claims all /nvidia")
    for name, value in node.fields.items():
        command = text_of(value).strip().removeprefix(":")
        try:
            check(command)
        except Failure as failure:
            raise value.at.wrong(failure.what, failure.hint) from failure
        hotkey = f"{HOTKEYS}.{name}"
        places[hotkey] = value.at
        yield Key(hotkey, _key(name, value.at), f":{command}", Where.YOURS, f"command_line({command!r})")


def _conflicts(keys: Iterable[Key], places: Mapping[str, At], whole: At) -> None:
    """Raise Wrong for a key that is to do two things."""
    taken: dict[str, Key] = {}
    for key in keys:
        for name in key.names:
            other = taken.setdefault(name, key)
            if other is key:
                continue
            ours, theirs = (key, other) if key.id in places else (other, key)
            where = f"line {places[theirs.id].line}" if theirs.id in places else "by default"
            raise places.get(ours.id, whole).wrong(
                f"{shown(name)} is the key of {theirs.id} too ({where})",
                f"give {theirs.id} another key, or [] for none",
            )


def default() -> str:
    """The file as it is when nothing is set: to edit, and to learn from."""
    lines = [f"# {key.id}: {_quoted(key.names)}  # {key.help}\n" for key in KEYMAP if not key.told]
    return f"{''.join(lines)}\n# {HOTKEYS}:\n#   f2: claims all /nvidia  # a line as typed behind the colon\n"


def _quoted(names: tuple[str, ...]) -> str:
    """As YAML wants them: quoted where they are neither letters nor digits."""
    texts = [name if name.replace("-", "").isalnum() else f"'{name}'" for name in names]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
