"""What `c` and `n` copy, and by which way it leaves."""

import base64
from pathlib import Path

import pytest

from dratui.failure import Failure
from dratui.tui.clipboard import MOST_BYTES, SCREEN_PIECE, copy, native_tool, osc52
from dratui.views.query import Query
from tests.tui.cluster import ScriptedSource, as_json, small
from tests.tui.driving import press, running, screen, shows, type_in
from tests.tui.terminal import terminal

PLAIN = "\x1b]52;c;Z3B1LTA=\x07"  # gpu-0


def script(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def test_a_terminal_is_asked_plainly_and_through_tmux_and_screen() -> None:
    assert osc52("gpu-0", {"TERM": "xterm-256color"}) == PLAIN
    inside = f"{PLAIN}\x1bPtmux;\x1b{PLAIN}\x1b\\"
    assert osc52("gpu-0", {"TERM": "screen-256color", "TMUX": "/tmp/tmux,1,0"}) == inside
    assert osc52("gpu-0", {"TERM": "tmux-256color"}) == inside, "tmux at the other end of an ssh"
    assert osc52("gpu-0", {"TERM": "screen"}) == f"\x1bP{PLAIN}\x1b\\"


def test_screen_gets_what_is_long_in_pieces() -> None:
    pieces = osc52("x" * 500, {"TERM": "screen.xterm"}).removeprefix("\x1bP").removesuffix("\x1b\\")
    assert max(map(len, pieces.split("\x1b\\\x1bP"))) == SCREEN_PIECE
    encoded = base64.b64encode(b"x" * 500).decode()
    assert pieces.replace("\x1b\\\x1bP", "") == f"\x1b]52;c;{encoded}\x07"


def test_what_terminals_would_cut_is_refused() -> None:
    osc52("é" * (MOST_BYTES // 2), {})
    with pytest.raises(Failure, match="74996 bytes, and terminals take 74994"):
        osc52("é" * (MOST_BYTES // 2 + 1), {})


def test_a_native_tool_is_used_only_where_a_display_is(tmp_path: Path) -> None:
    for name in ("wl-copy", "xclip", "pbcopy"):
        script(tmp_path, name, "cat")
    path = {"PATH": str(tmp_path)}
    assert native_tool(path, "linux") is None
    assert native_tool(path | {"DISPLAY": ":0"}, "linux") == (
        str(tmp_path / "xclip"),
        "-selection",
        "clipboard",
    )
    assert native_tool(path | {"DISPLAY": ":0", "WAYLAND_DISPLAY": "w"}, "linux") == (
        str(tmp_path / "wl-copy"),
    )
    assert native_tool(path, "darwin") == (str(tmp_path / "pbcopy"),)
    assert native_tool({"PATH": "/nowhere", "DISPLAY": ":0"}, "linux") is None


async def test_a_native_tool_that_fails_leaves_it_to_the_terminal(tmp_path: Path) -> None:
    written: list[str] = []
    env = {"PATH": str(tmp_path), "DISPLAY": ":0"}
    script(tmp_path, "xclip", f"/bin/cat > {tmp_path}/copied")
    assert await copy("gpu-0", written.append, env) == "xclip"
    assert (tmp_path / "copied").read_text() == "gpu-0"
    assert written == []
    script(tmp_path, "xclip", "exit 1")
    assert await copy("gpu-0", written.append, env) == "the terminal"
    assert written == [PLAIN]


def test_keys_copy_the_name_and_the_namespace() -> None:
    with terminal("table", env={"DISPLAY": "", "WAYLAND_DISPLAY": "", "TMUX": ""}) as tty:
        tty.shows("train-6-gpu")
        tty.press("c")
        tty.shows("copied train-6-gpu (the terminal)")
        assert f"\x1b]52;c;{base64.b64encode(b'train-6-gpu').decode()}\x07" in tty.written
        tty.press("n")
        tty.shows("copied ml-team (the terminal)")
        assert f"\x1b]52;c;{base64.b64encode(b'ml-team').decode()}\x07" in tty.written


async def test_what_is_in_no_namespace_says_so() -> None:
    async with running(ScriptedSource(small()), query=Query(kind="nodes")) as pilot:
        await shows(pilot, "gpu-node-1")
        await press(pilot, "n")
        await shows(pilot, "a node is in no namespace")


async def test_n_goes_from_mark_to_mark_in_a_text() -> None:
    source = ScriptedSource(small())
    lines = [f"line {n}" for n in range(100)]
    source.objects["resourceclaims", "ml-team", "train-6-gpu"] = as_json(lines=lines)
    async with running(source, query=Query(kind="claims")) as pilot:
        await shows(pilot, "train-6-gpu")
        await press(pilot, "y")
        await shows(pilot, "line 3")
        await type_in(pilot, "/line .7$")
        await press(pilot, "enter")
        assert "line 17" in screen(pilot)[2]
        await press(pilot, "n", "n")
        assert "line 37" in screen(pilot)[2]
        await press(pilot, "N")
        assert "line 27" in screen(pilot)[2]
