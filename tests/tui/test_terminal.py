"""On a real pty: what is written, and how the terminal is left."""

import re
import signal
from pathlib import Path

import pytest

from tests.tui.terminal import terminal

COLOURS = re.compile(r"\x1b\[[\d;]*m")


@pytest.mark.parametrize("leave", ["q", "\x03", ":q\r"], ids=["q", "ctrl-c", ":q"])
def test_leaving_gives_the_terminal_back(leave: str) -> None:
    with terminal("small") as tty:
        tty.shows("TENANTS")
        tty.press(leave)
        assert tty.ends() == 0
        assert tty.is_restored()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_being_killed_gives_the_terminal_back(number: signal.Signals) -> None:
    with terminal("small") as tty:
        tty.shows("TENANTS")
        tty.child.kill(number)
        assert tty.ends() == 128 + number
        assert tty.is_restored()


def test_a_crash_is_one_line_and_a_file(tmp_path: Path) -> None:
    with terminal("crash", env={"XDG_STATE_HOME": str(tmp_path)}) as tty:
        assert tty.ends() == 1
        assert tty.is_restored()
        left = tty.written[tty.written.rindex("\x1b[?1049l") :]
        assert "dratui crashed: RuntimeError: a bug, told by \\x1b[31mnobody" in left
        assert "Traceback" not in left
        (file,) = (tmp_path / "dratui").iterdir()
        assert str(file) in left.replace("\r\n", "")
        assert "in run" in file.read_text()


def test_a_source_that_is_of_no_use_ends_with_its_failure() -> None:
    with terminal("failure") as tty:
        assert tty.ends() == 1
        assert tty.is_restored()
        assert "error: cannot reach https://10.0.0.1: refused" in tty.written
        assert "hint: is it up?" in tty.written


def test_without_colour_there_is_none() -> None:
    with terminal("table", env={"NO_COLOR": "1"}) as tty:
        tty.shows("allocated,reserved")
        tty.press("jd")
        tty.shows("CLAIM")
        tty.press("q")
        tty.ends()
        codes = {code for sgr in COLOURS.findall(tty.written) for code in sgr[2:-1].split(";")}
        assert codes <= {"", "0", "1", "2", "3", "4", "7", "39", "49"}, (
            "only bold, dim, underline, reverse, default"
        )


def test_a_screen_on_which_nothing_changes_writes_nothing() -> None:
    with terminal("small") as tty:
        tty.shows("TENANTS")
        tty.writes_within(0.6)
        assert tty.writes_within(2.0) == ""


def test_one_changed_cell_a_second_costs_little() -> None:
    with terminal("changing", size=(180, 50)) as tty:
        tty.shows("train-7-gpu")
        written = tty.writes_within(3.0)
        assert written, "the cell changes"
        assert len(written.encode()) / 3 < 1000


def test_keys_typed_ahead_are_all_obeyed_in_order() -> None:
    with terminal("small") as tty:
        tty.shows("TENANTS")
        tty.press(":claims\rjd")
        tty.shows("claim ml-team/train-7-gpu")


def test_without_utf8_there_is_only_ascii() -> None:
    with terminal("ascii") as tty:
        tty.shows("TENANTS")
        assert tty.written.isascii()
