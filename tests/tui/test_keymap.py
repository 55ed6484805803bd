"""Keys as data, and the file that gives them away."""

from pathlib import Path

import pytest

from dratui.settings.document import Wrong, read
from dratui.tui import commands
from dratui.tui.keymap import KEYMAP, Keymap, Where
from dratui.tui.keymap_file import default, remapped
from dratui.tui.keys import pressed, written
from dratui.tui.screens.help import text
from dratui.tui.themes import skin
from tests.tui.cluster import ScriptedSource, small
from tests.tui.driving import press, running, shows, type_in
from tests.tui.driving import text as text_of


def keymap(folder: Path, file: str) -> Keymap:
    path = folder / "keymap.yaml"
    path.write_text(file)
    return remapped(read(path), lambda command: commands.parse(command, ""))


def help_of(keys: Keymap) -> str:
    lines = text(skin(), keys, 80)
    return "\n".join(" ".join("".join(part for part, _ in line).split()) for line in lines)


def test_every_key_is_written_in_one_way_and_does_one_thing() -> None:
    for typing in (True, False):
        names = [n for key in KEYMAP if (key.where is Where.PROMPT) is typing for n in key.names]
        assert [written(n) for n in names] == names
        assert len(names) == len(set(names))
    ids = [key.id for key in KEYMAP]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("person", "key"),
    [
        ("shift-j", "J"),
        ("Shift-J", "J"),
        ("J", "J"),
        ("Ctrl-F", "ctrl-f"),
        ("ctrl+f", "ctrl-f"),
        ("escape", "esc"),
        ("PageDown", "pgdn"),
        ("shift-left", "shift-left"),
        ("ctrl-i", "tab"),
        ("-", "-"),
        ("#", "#"),
        ("ü", "ü"),
        ("f12", "f12"),
    ],
)
def test_keys_are_written_as_people_write_them(person: str, key: str) -> None:
    assert written(person) == key


@pytest.mark.parametrize(
    "text", ["", " ", "jj", "ctrl-", "hyper-x", "ctrl-shift-x", "f13", "\x1b", "ctrl-up-up"]
)
def test_what_is_no_key_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="is no key"):
        written(text)


@pytest.mark.parametrize(
    ("event", "key"),
    [
        (("left_square_bracket", "["), "["),
        (("J", "J"), "J"),
        (("shift+j", None), "J"),  # terminals that report every key as an escape sequence
        (("pagedown", None), "pgdn"),
        (("space", " "), "space"),
        (("alt+x", "x"), "alt-x"),
        (("ctrl+j", None), "enter"),  # typed ahead, while the terminal is not ours yet
        (("ctrl+@", None), "ctrl-space"),
        (("shift+pageup", None), "shift-pgup"),
        (("ctrl+circumflex_accent", None), ""),
    ],
)
def test_keys_of_every_kind_of_terminal_are_known(event: tuple[str, str | None], key: str) -> None:
    assert pressed(*event) == key


def test_a_file_gives_keys_away_and_the_help_and_the_hints_follow(tmp_path: Path) -> None:
    keys = keymap(
        tmp_path, "describe: [w, f3]\nleft: ctrl-left\nleave: []\nhotkeys:\n  f2: :claims all /nvidia\n"
    )
    assert (keys.key_for("w"), keys.key_for("d"), keys.key_for("q")) == (keys.key_for("f3"), None, None)
    assert (described := keys.key_for("w")) is not None
    assert described.action == "describe"
    assert keys.hints(("describe", "leave", "back")) == [("w", "describe"), ("esc", "back")]
    shown = help_of(keys)
    assert "w f3 describe" in shown
    assert "back, then quit" not in shown
    assert "ctrl-← l" in shown
    assert "f2 :claims all /nvidia" in shown
    assert (hotkey := keys.key_for("f2")) is not None
    assert hotkey.action == "command_line('claims all /nvidia')"


def test_without_a_file_keys_are_as_in_k9s(tmp_path: Path) -> None:
    assert remapped(read(tmp_path / "none.yaml")).keys == KEYMAP


def test_the_keys_of_a_prompt_can_be_given_away_too(tmp_path: Path) -> None:
    keys = keymap(tmp_path, "accept: ctrl-y\ncancel: ctrl-g\n")
    assert keys.in_prompt("ctrl-y", "ctrl+y") == "tab"
    assert keys.in_prompt("ctrl-g", "ctrl+g") == "escape"
    assert keys.in_prompt("esc", "escape") == ""
    assert keys.in_prompt("right", "right") == "right", "it moves in the text, too"
    assert keys.in_prompt("up", "up") == "up"


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("describe: w\nyaml: w\n", "line 2: yaml: w is the key of describe too (line 1)"),
        ("describe: y\n", "line 1: describe: y is the key of yaml too (by default)"),
        ("yaml: shift-o\n", "line 1: yaml: shift-o is the key of sort too (by default)"),
        ("hotkeys:\n  d: pods\n", "line 2: hotkeys.d: d is the key of describe too (by default)"),
        ("hotkeys:\n  w: pods\ndescribe: w", "line 2: hotkeys.w: w is the key of describe too (line 3)"),
        ("accept: esc\n", "line 1: accept: esc is the key of cancel too (by default)"),
        ("descrbe: x\n", "line 1: descrbe: no key has this id\n  hint: did you mean describe?"),
        ("accept: x\n", "line 1: accept: is typed in a prompt"),
        ("filters: x\n", "line 1: filters: no key has this id"),
        ("describe: xx\n", "line 1: describe: 'xx' is no key\n  hint: such as x,"),
        ("\n\ndescribe:\n  - x\n  - ctrl-ctrl\n", "line 5: describe: 'ctrl-ctrl' is no key"),
        ("\ndescribe:\n  - w\nyaml:\n  - w\n", "line 4: yaml: w is the key of describe too (line 2)"),
        ("describe: #\n", "line 1: describe: has no key\n  hint: [] for none"),
        ("describe: {a: b}\n", "line 1: describe: is to be one value"),
        ("hotkeys: x\n", "line 1: hotkeys: is to be `key: command` lines"),
        ("hotkeys:\n  f2: gpus\n", "line 2: hotkeys.f2: there is no place 'gpus'"),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_key(tmp_path: Path, file: str, says: str) -> None:
    with pytest.raises(Wrong) as wrong:
        keymap(tmp_path, file)
    assert str(wrong.value).startswith(f"error: {tmp_path}/keymap.yaml {says}")


def test_what_info_prints_to_begin_with_is_the_keymap(tmp_path: Path) -> None:
    assert keymap(tmp_path, default()).keys == KEYMAP, "all of it is a comment"
    uncommented = "".join(f"{line.removeprefix('# ')}\n" for line in default().splitlines())
    keys = keymap(tmp_path, uncommented).keys
    assert keys[: len(KEYMAP)] == KEYMAP
    assert [key.keys for key in keys[len(KEYMAP) :]] == ["f2"]


async def test_keys_that_were_given_away_do_what_they_are_given_to(tmp_path: Path) -> None:
    keys = keymap(
        tmp_path, "describe: w\nback: ctrl-o\naccept: ctrl-y\ncancel: ctrl-g\nhotkeys:\n  f2: pods vision\n"
    )
    async with running(ScriptedSource(small()), keymap=keys) as pilot:
        await shows(pilot, "TENANTS")
        await type_in(pilot, ":cl")
        await press(pilot, "ctrl+y", "enter")
        await shows(pilot, "train-6-gpu")
        assert "Claims(all)" in text_of(pilot)
        await press(pilot, "d")
        assert "Claims(all)" in text_of(pilot), "d means nothing now"
        await press(pilot, "w")
        assert "claim ml-team/train-6-gpu" in text_of(pilot)
        assert "<ctrl-o> back" in text_of(pilot)
        await press(pilot, "ctrl+o", "f2")
        assert "Pods(vision)" in text_of(pilot)
        await type_in(pilot, "/nothing")
        await press(pilot, "ctrl+g")
        assert "</nothing>" not in text_of(pilot)
