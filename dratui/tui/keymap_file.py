"""Keys that a person gives away, in a file."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

from dratui.failure import Failure
from dratui.settings.document import At, Document, Items, Node, Text, nearest, text_of
from dratui.tui.keymap import KEYMAP, Key, Keymap, Where
from dratui.tui.keys import shown, written

HOTKEYS: Final = "hotkeys"  # beside the ids: keys that go to a place


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
    for key in everything:
        if key.where is Where.PROMPT and any(len(name) == 1 for name in key.names):
            raise places[key.id].wrong("is typed in a prompt", "give it a key such as ctrl-y or f5")
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
