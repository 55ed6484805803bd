"""Copying where operators live: through a real tmux and a real screen to the terminal outside."""

import base64
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.tui.terminal import Terminal

APP = (sys.executable, "-m", "tests.tui.played", "table")
NAME = "train-6-gpu"
OSC_52 = f";{base64.b64encode(NAME.encode()).decode()}"
ENV = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "TMUX": "", "STY": ""}


@contextmanager
def inside(program: str, *arguments: str, env: dict[str, str], ends_with: str = "\x03") -> Iterator[Terminal]:
    """What the multiplexer runs ends with a key, and with its last window the multiplexer."""
    if shutil.which(program) is None:
        pytest.skip(f"needs the system package {program}")
    tty = Terminal(*arguments, program=program, env=ENV | env)
    try:
        yield tty
    finally:
        tty.press(ends_with)
        tty.ends()


@pytest.mark.parametrize(
    "settings",
    ["set -g set-clipboard on", "set -g set-clipboard off\nset -g allow-passthrough on"],
    ids=["its own clipboard", "passed through"],
)
def test_through_tmux(settings: str, tmp_path: Path) -> None:
    configuration = tmp_path / "tmux.conf"
    configuration.write_text(f"{settings}\nset -as terminal-features 'xterm*:clipboard'\n")
    with inside(
        "tmux", "-S", str(tmp_path / "socket"), "-f", str(configuration), "new-session", *APP, env={}
    ) as tty:
        tty.shows(NAME)
        tty.press("c")
        tty.shows(f"copied {NAME} (the terminal)")
        tty.until(lambda: OSC_52 in tty.written, "the name in the clipboard of the terminal outside")


def test_through_screen(tmp_path: Path) -> None:
    configuration, sockets = tmp_path / "screenrc", tmp_path / "sockets"
    configuration.write_text("startup_message off\n")
    sockets.mkdir(mode=0o700)
    with inside("screen", "-c", str(configuration), *APP, env={"SCREENDIR": str(sockets)}) as tty:
        tty.shows(NAME)
        tty.press("c")
        tty.shows(f"copied {NAME} (the terminal)")
        tty.until(lambda: OSC_52 in tty.written, "the name in the clipboard of the terminal outside")


def test_what_is_long_comes_through_screen_in_one_piece(tmp_path: Path) -> None:
    configuration, sockets = tmp_path / "screenrc", tmp_path / "sockets"
    configuration.write_text("startup_message off\n")
    sockets.mkdir(mode=0o700)
    text = "long " * 400
    script = (
        "import os; from dratui.tui.clipboard import osc52\n"
        f"print(osc52({text!r}, os.environ), end='')\ninput('sent')"
    )
    with inside(
        *("screen", "-c", str(configuration), sys.executable, "-c", script),
        env={"SCREENDIR": str(sockets)},
        ends_with="\r",  # an interrupt between two lines of Python's `input` waits for the next key
    ) as tty:
        tty.shows("sent")
        tty.until(lambda: base64.b64encode(text.encode()).decode() in tty.written, "all of it")
