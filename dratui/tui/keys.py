"""Keys by name: as a person writes them, as the keymap has them, as Textual tells them, as the help shows them."""

from typing import Final

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
