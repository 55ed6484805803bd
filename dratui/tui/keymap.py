"""Every key, as data: what a key does is looked up here, and the help is made from it, so that it cannot lie.

The fingers of k9s users decide. Where k9s and Textual disagree: `ctrl-c` quits, as in k9s.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Where(StrEnum):
    """The headings of the help."""

    MOVE = "move"
    GO = "go"
    TABLE = "tables"
    INSPECT = "inspect"
    CARD = "cards"
    PROMPT = "prompts"  # told here, read by the prompt itself: it takes every key


@dataclass(frozen=True, slots=True)
class Key:
    """One thing that a key does: an `action_…` of the shell.

    `keys` are Textual's names of keys; `shown` is how the help and the last line write them.
    """

    id: str
    keys: str
    shown: str
    help: str
    where: Where
    action: str
    brief: str = ""  # for the last line, where `help` is too long


KEYMAP: Final = (
    Key("down", "j,down", "j ↓", "down", Where.MOVE, "go('down')"),
    Key("up", "k,up", "k ↑", "up", Where.MOVE, "go('up')"),
    Key("left", "h,left", "h l ← →", "columns", Where.MOVE, "go('left')"),
    Key("right", "l,right", "h l ← →", "columns", Where.MOVE, "go('right')"),
    Key("top", "g,home", "g home", "first", Where.MOVE, "go('top')"),
    Key("bottom", "G,end", "G end", "last", Where.MOVE, "go('bottom')"),
    Key("page_down", "ctrl+f,pagedown", "ctrl-f", "a page down", Where.MOVE, "go('page_down')"),
    Key("page_up", "ctrl+b,pageup", "ctrl-b", "a page up", Where.MOVE, "go('page_up')"),
    Key("open", "enter", "enter", "open", Where.INSPECT, "open"),
    Key("describe", "d", "d", "describe", Where.INSPECT, "describe"),
    Key("yaml", "y", "y", "YAML, live", Where.INSPECT, "yaml", brief="yaml"),
    Key("node", "o", "o", "show its node", Where.INSPECT, "jump('node')"),
    Key("owner", "J", "shift-j", "its owner", Where.INSPECT, "jump('owner')"),
    Key("used_by", "u", "u", "used by", Where.INSPECT, "jump('used_by')"),
    Key("copy", "c", "c", "copy the name", Where.INSPECT, "copy", brief="copy"),
    Key("copy_namespace", "n", "n", "copy namespace", Where.INSPECT, "copy_namespace"),
    Key("command", "colon", ":", "go to :pods …", Where.GO, "command", brief="go to"),
    Key("filter", "slash", "/", "filter, /!rx not", Where.GO, "filter", brief="filter"),
    Key("labels", "", "/-l", "labels a=b,c!=d", Where.PROMPT, ""),
    Key("fuzzy", "", "/-f", "a name, roughly", Where.PROMPT, ""),
    Key("back", "escape", "esc", "end filter; back", Where.GO, "back", brief="back"),
    Key("past", "left_square_bracket", "[", "history back", Where.GO, "step(-1)"),
    Key("future", "right_square_bracket", "]", "history forth", Where.GO, "step(1)"),
    Key("last", "minus", "-", "the last view", Where.GO, "last"),
    Key("save", "ctrl+s", "ctrl-s", "save as text", Where.GO, "save"),
    Key("help", "question_mark", "?", "these keys", Where.GO, "help", brief="help"),
    Key("quit", "q,ctrl+c", "q ^c", "quit, also :q", Where.GO, "quit", brief="quit"),
    Key("all_namespaces", "0", "0", "all namespaces", Where.TABLE, "namespace(0)"),
    *(
        Key(f"namespace_{n}", str(n), "1-9", "a namespace", Where.TABLE, f"namespace({n})")
        for n in range(1, 10)
    ),
    Key("sort_left", "shift+left", "shift-←→", "choose a column", Where.TABLE, "choose_column(-1)"),
    Key("sort_right", "shift+right", "shift-←→", "choose a column", Where.TABLE, "choose_column(1)"),
    Key("sort", "O", "shift-o", "sort; reverse", Where.TABLE, "sort('')"),
    Key("sort_name", "N", "shift-n", "sort by name", Where.TABLE, "sort('NAME')"),
    Key("sort_age", "A", "shift-a", "sort by age", Where.TABLE, "sort('AGE')"),
    Key("sort_state", "S", "shift-s", "sort by state", Where.TABLE, "sort('STATE')"),
    Key("wide", "ctrl+w", "ctrl-w", "more columns", Where.TABLE, "wide"),
    Key("faults", "ctrl+z", "ctrl-z", "faults only", Where.TABLE, "faults"),
    Key("fold", "space", "space", "fold, hold", Where.CARD, "fold", brief="fold"),
    # n copies and N sorts where there are rows, as in k9s; where there is text with marks, they go through those.
    Key("match", "", "n N", "next, last match", Where.CARD, ""),
    Key("accept", "", "tab →", "accept", Where.PROMPT, ""),
    Key("suggest", "", "↑ ↓", "more suggestions", Where.PROMPT, ""),
    Key("clear", "", "ctrl-u", "clear", Where.PROMPT, ""),
    Key("cancel", "", "esc", "leave it", Where.PROMPT, ""),
)

_BY_ID: Final = {key.id: key for key in KEYMAP}
_BY_KEY: Final = {name: key for key in KEYMAP for name in key.keys.split(",") if name}


def key_for(name: str) -> Key | None:
    """What a key does, by Textual's name for it."""
    return _BY_KEY.get(name)


def hints(ids: Iterable[str]) -> list[Key]:
    """The keys of these ids, for the last line."""
    return [_BY_ID[i] for i in ids]
