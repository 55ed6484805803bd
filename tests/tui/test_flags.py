"""The flags of the dashboard, on a real pty."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.tui.terminal import MOUSE, Terminal


@contextmanager
def demo(*flags: str, **env: str) -> Iterator[Terminal]:
    tty = Terminal("-m", "dratui", "demo", *flags, env=env)
    try:
        yield tty
    finally:
        tty.child.close(force=True)


def test_it_starts_where_it_is_told_to_without_first_line_and_mouse() -> None:
    with demo(
        "-c", ":claims /gpu", "--headless", "--no-mouse", "-r", "1s", "--readonly", "--logoless"
    ) as tty:
        tty.shows("</gpu>")
        assert tty.screen.startswith(" Claims(all)["), "the title is the first line"
        tty.shows("replay 1×")
        tty.press("qqq")
        assert tty.ends() == 0
        assert MOUSE[0] not in tty.written


def test_a_start_that_is_none_is_wrong_usage() -> None:
    with demo("-c", "nothing") as tty:
        assert tty.ends() == 2
        assert "there is no place 'nothing'" in tty.written


def test_a_dumb_terminal_is_told_what_prints_text() -> None:
    with demo(TERM="dumb") as tty:
        assert tty.ends() == 2
        assert "TERM=dumb" in tty.written
        assert "dratui get claims -A" in tty.written
        assert "\x1b" not in tty.written


def test_settings_come_from_files_and_flags_win(tmp_path: Path) -> None:
    folder = tmp_path / "dratui"
    folder.mkdir()
    (folder / "config.yaml").write_text("headless: true\ncommand: claims /gpu\nascii: true\n")
    (folder / "keymap.yaml").write_text("quit: w\nhotkeys:\n  f2: machines\n")
    (folder / "aliases.yaml").write_text("machines: nodes\n")
    with demo("--no-ascii", XDG_CONFIG_HOME=str(tmp_path)) as tty:
        tty.shows("</gpu>")
        assert tty.screen.startswith(" Claims(all)["), "there is no first line"
        tty.shows("■")
        tty.press("\x1bOQ")
        tty.shows("Nodes[")
        tty.press("qw")
        assert tty.ends() == 0


@pytest.mark.parametrize("file", ["config.yaml", "keymap.yaml", "aliases.yaml", "themes/mine.yaml"])
def test_a_file_that_is_wrong_is_told_before_there_is_a_screen(tmp_path: Path, file: str) -> None:
    folder = tmp_path / "dratui"
    folder.mkdir()
    (folder / "themes").mkdir()
    (folder / file).write_text("\ncolor: 1\n")
    with demo(XDG_CONFIG_HOME=str(tmp_path), DRATUI_THEME="mine" if "themes" in file else "") as tty:
        assert tty.ends() == 2
        assert f"error: {folder / file} line 2: color: " in tty.written.replace("\r\n", "")
        assert "\x1b[?1049h" not in tty.written
        assert "Traceback" not in tty.written
