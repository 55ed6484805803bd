"""On a real pty: what is written, and how the terminal is left."""

import re
import signal
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.tui.terminal import Terminal, terminal

COLOURS = re.compile(r"\x1b\[[\d;]*m")


@dataclass(frozen=True)
class Way:
    """How the program ends, and with what status."""

    does: Callable[[Terminal], None]
    status: int = 0


WAYS = {
    "q": Way(lambda tty: tty.press("q")),
    "ctrl-c": Way(lambda tty: tty.press("\x03")),
    ":q": Way(lambda tty: tty.press(":q\r")),
    "SIGTERM": Way(lambda tty: tty.child.kill(signal.SIGTERM), 128 + signal.SIGTERM),
    "SIGHUP": Way(lambda tty: tty.child.kill(signal.SIGHUP), 128 + signal.SIGHUP),
}


def test_every_way_to_leave_gives_the_terminal_back() -> None:
    with ExitStack() as stack:
        terminals = {name: stack.enter_context(terminal("small")) for name in WAYS}
        for name, tty in terminals.items():
            tty.shows("TENANTS")
            WAYS[name].does(tty)
        for name, tty in terminals.items():
            assert tty.ends() == WAYS[name].status, name
            assert tty.is_restored(), name


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


def test_without_colour_and_without_utf8_there_is_neither() -> None:
    with terminal("ascii", env={"NO_COLOR": "1"}) as tty:
        tty.shows("TENANTS")
        tty.press(":claims\r")
        tty.shows("allocated,reserved")
        tty.press("jd")
        tty.shows("CLAIM")
        tty.press("\x03")
        tty.ends()
        codes = {code for sgr in COLOURS.findall(tty.written) for code in sgr[2:-1].split(";")}
        assert codes <= {"", "0", "1", "2", "3", "4", "7", "39", "49"}, (
            "only bold, dim, underline, reverse, default"
        )
        assert tty.written.isascii()


def test_a_screen_on_which_nothing_changes_writes_nothing() -> None:
    with terminal("small") as tty:
        tty.shows("TENANTS")
        tty.writes_within(0.6)
        assert tty.writes_within(1.5) == "", "a second passes, ages are looked at"


def test_one_changed_cell_a_second_costs_little() -> None:
    with terminal("changing", size=(180, 50)) as tty:
        tty.shows("train-7-gpu")
        written = tty.writes_within(2.2)
        assert written, "the cell changes"
        assert len(written.encode()) / 2.2 < 1000


def test_keys_typed_ahead_are_all_obeyed_in_order() -> None:
    with terminal("small") as tty:
        tty.press(":claims\r")  # before there is a program to read them
        tty.shows("Claims(all)[3]")
        tty.press(":pods\r:claims\rjd")
        tty.shows("claim ml-team/train-7-gpu")
