"""In tmux, where operators live."""

import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator

import pytest

from tests.realparts.polling import wait

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs the system package tmux")


class Tmux:
    """A tmux server of the test's own, with one pane that runs a shell."""

    def __init__(self, columns: int, lines: int) -> None:
        self._socket = f"dratui-{uuid.uuid4().hex[:8]}"
        self.run("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(lines), "sh")

    def run(self, *command: str) -> str:
        return subprocess.run(
            ["tmux", "-L", self._socket, *command], check=True, capture_output=True, text=True
        ).stdout

    def type(self, text: str) -> None:
        self.run("send-keys", "-l", text)

    def enter(self) -> None:
        self.run("send-keys", "Enter")

    def shows(self, wanted: str) -> None:
        wait(lambda: wanted in self.run("capture-pane", "-p"), timeout=20, what=f"{wanted!r} in tmux")


@pytest.fixture
def tmux() -> Iterator[Tmux]:
    server = Tmux(80, 24)
    yield server
    server.run("kill-server")


def test_it_runs_resizes_and_leaves_the_pane_as_it_was(tmux: Tmux) -> None:
    tmux.type("echo before")
    tmux.enter()
    tmux.type(f"{sys.executable} -m dratui demo; echo status $?")
    tmux.enter()
    tmux.shows("DEVICES")
    tmux.run("resize-window", "-x", "200", "-y", "50")
    tmux.shows("read-only")
    tmux.type(":claims")
    tmux.enter()
    tmux.shows("Claims(all)")
    tmux.run("send-keys", "C-c")
    tmux.shows("status 0")
    pane = tmux.run("capture-pane", "-p")
    assert "before" in pane
    assert "Claims(all)" not in pane
