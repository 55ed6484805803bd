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


def colours_of(script: str, **env: str) -> tuple[set[str], str]:
    """The parameters of every SGR that a round through the screens writes, and all that was written."""
    with terminal(script, env=env) as tty:
        tty.shows("TENANTS")
        tty.press(":claims\r")
        tty.shows("allocated,reserved")
        tty.press("jd")
        tty.shows("CLAIM")
        tty.press("\x03")
        tty.ends()
        return {sgr[2:-1] for sgr in COLOURS.findall(tty.written)}, tty.written


def test_without_colour_and_without_utf8_there_is_neither() -> None:
    written, text = colours_of("ascii", NO_COLOR="1")
    codes = {code for sgr in written for code in sgr.split(";")}
    assert codes <= {"", "0", "1", "2", "3", "4", "7"}, "only bold, dim, italic, underline, reverse"
    assert text.isascii()


def test_the_linux_console_gets_its_sixteen_colours_and_no_glyphs() -> None:
    written, text = colours_of("small", TERM="linux", COLORTERM="truecolor")
    codes = {code for sgr in written for code in sgr.split(";")}
    assert not codes & {"38", "48"}, "neither 256 nor 24-bit colours"
    assert codes & {"94", "32", "33"}
    assert text.isascii()


def test_each_terminal_gets_colours_of_the_kind_that_it_has() -> None:
    assert not any(sgr.startswith("38;2") or ";38;2" in sgr for sgr in colours_of("small", COLORTERM="")[0])
    assert any("38;5;" in sgr for sgr in colours_of("small", COLORTERM="")[0])
    assert any("38;2;" in sgr for sgr in colours_of("small")[0])
    assert any("38;2;" in sgr for sgr in colours_of("small", TERM="xterm-ghostty", COLORTERM="")[0])
    in_screen = {"TERM": "screen", "STY": "1.pts-0"}
    assert not any("38;" in sgr for sgr in colours_of("small", **in_screen)[0])


def test_a_screen_on_which_nothing_changes_writes_nothing() -> None:
    with terminal("small") as tty:
        tty.shows("TENANTS")
        tty.writes_within(0.6)
        assert tty.writes_within(1.5) == "", "a second passes, ages are looked at"


def test_keys_typed_ahead_are_all_obeyed_in_order() -> None:
    with terminal("small") as tty:
        tty.press(":claims\r")  # before there is a program to read them
        tty.shows("Claims(all)[3]")
        tty.press(":pods\r:claims\rjd")
        tty.shows("claim ml-team/train-7-gpu")
