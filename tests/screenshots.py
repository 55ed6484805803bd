"""The pictures of the README, drawn by the program itself from the demo recording: `make screenshots`.

The recording is played on a clock of our own to a fixed second and held there, so the same program draws the same
picture everywhere; a test compares them with what is checked in.
"""

import asyncio
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from dratui.recording.replay import Replay
from dratui.tui.app import DratuiApp
from dratui.tui.screens.selector import SelectorFace
from dratui.tui.screens.why import WhyFace
from dratui.tui.shell import Shell
from tests.tui.driving import Driver, flashing, shows, text, type_in, until

FOLDER = Path(__file__).parent.parent / "screenshots"
PATIENCE = 60.0  # seconds; a busy machine draws the same
LATE = 165  # second of the demo: who does nothing was seen for a while
AMISS = 215  # a CDI spec was deleted, and the API server has been back for a while
STILL = 3  # so often the same is seen before it is what stays
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One file: the screen at `second` of the demo, after `keys`, once it shows `wanted`."""

    name: str
    size: tuple[int, int]
    second: float
    keys: Sequence[str] = ()
    wanted: str


PICTURES = (
    Picture(name="overview", size=(140, 36), second=AMISS, wanted="TENANTS"),
    Picture(name="claims", size=(140, 30), second=60, keys=(":claims", "enter"), wanted="Claims"),
    Picture(
        name="waiting",
        size=(110, 30),
        second=60,
        keys=(":pods /pretrain-2", "enter", "d"),
        wanted="the scheduler says",
    ),
    Picture(
        name="why",
        size=(110, 34),
        second=60,
        keys=(":pods /pretrain-2", "enter", "x", "enter"),
        wanted="IT WOULD FIT IF",
    ),
    Picture(
        name="selector",
        size=(110, 30),
        second=60,
        keys=(":selector mig.nvidia.com", "enter", "tab", " && device.cap"),
        wanted="what matched before",
    ),
    Picture(
        name="device", size=(110, 36), second=60, keys=(":devices /h100-1", "enter", "d"), wanted="ATTRIBUTES"
    ),
    Picture(
        name="ledger",
        size=(140, 34),
        second=60,
        keys=(":devices /gpu-0-mig-2g20gb-14-2", "enter", "d"),
        wanted="COUNTERS",
    ),
    Picture(
        name="prepared",
        size=(140, 34),
        second=AMISS,
        keys=(":claims all /draft", "enter", "d"),
        wanted="PREPARED ON",
    ),
    Picture(
        name="past",
        size=(140, 30),
        second=60,
        keys=(":claims", "enter", "<", "<", "<"),
        wanted="◀",
    ),
    Picture(name="idle", size=(140, 26), second=LATE, keys=(":claims", "enter", "I"), wanted="IDLE↓"),
    Picture(
        name="mig", size=(140, 26), second=LATE, keys=(":devices /h100-5", "enter", "d"), wanted="2g.20gb at"
    ),
    Picture(name="pools", size=(110, 30), second=60, keys=(":pools", "enter"), wanted="Pools"),
    Picture(name="small", size=(80, 24), second=60, wanted="WAITING"),
)


class HeldClock:
    """Time that passes only when it is slept through and all that came before is `taken_in`, and not beyond `end`."""

    def __init__(self, end: float, taken_in: Callable[[], bool] = lambda: True) -> None:
        self._now = 0.0
        self._end = end
        self._taken_in = taken_in
        self.at_end = asyncio.Event()

    def now(self) -> float:
        """Seconds."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Pass the time; at the end, for ever."""
        while not self._taken_in():  # noqa: ASYNC110 — nothing tells
            await asyncio.sleep(0)
        self._now = min(self._now + seconds, self._end)
        if self._now == self._end:
            self.at_end.set()
            await asyncio.Event().wait()
        await asyncio.sleep(0)


async def draw(picture: Picture) -> str:
    """The picture as SVG, without the fonts that it would have a browser fetch."""
    os.environ["TZ"] = "UTC"  # times of day are the same everywhere
    time.tzset()
    # What is taken in is remembered with the time at which it was: a busy machine must not take it in later.
    clock = HeldClock(picture.second, lambda: not app._session._feed._queue)
    with as_file(files("dratui") / "demo.rec") as path:
        source = Replay(path, name="demo", clock=clock.now, sleep=clock.sleep)
        app = DratuiApp(source)
        async with app.run_test(size=picture.size) as pilot:
            await clock.at_end.wait()
            await until(pilot, lambda: any(source.density(1)), "the bar of the time", PATIENCE)
            if picture.keys:
                await _still(pilot)
            for keys in picture.keys:
                if len(keys) > 1 and keys[0] not in ":/ ":
                    await pilot.press(keys)
                else:
                    await type_in(pilot, keys)
                await _done(pilot)
            await shows(pilot, picture.wanted)
            await _still(pilot)
            return _FONT.sub("", app.export_screenshot(title="dratui"))


async def _done(pilot: Driver) -> None:
    """Wait until what a key began is done: the next one means what is there then."""
    shell = _shell(pilot)
    await until(
        pilot,
        lambda: not (shell._travel._moving or shell.turns.busy or _asks(shell)),
        "what the key began",
        PATIENCE,
    )


async def _still(pilot: Driver) -> None:
    """Wait until all that came is drawn, with ages as of now.

    Screens take it in some times a second, what changed flashes, and ages are drawn anew each second: a second is
    said to have passed, as otherwise it depends on the machine whether one had. So does which of the cluster's troubles
    is told last: the last line is as after a key.
    """
    before: list[str] = []
    while len(before) < STILL or len(set(before[-STILL:])) > 1 or flashing(pilot):
        _shell(pilot)._frame.unsay()
        _shell(pilot).tick()
        await _done(pilot)
        await pilot.pause(0.3)
        before.append(text(pilot))


def _asks(shell: Shell) -> bool:
    face = shell._guide.face
    return (isinstance(face, WhyFace) and face.busy) or (isinstance(face, SelectorFace) and face.trying)


def _shell(pilot: Driver) -> Shell:
    shell = pilot.app.screen
    assert isinstance(shell, Shell)
    return shell


def main() -> int:
    """Draw all pictures into the folder."""
    FOLDER.mkdir(exist_ok=True)
    for picture in PICTURES:
        path = FOLDER / f"{picture.name}.svg"
        path.write_text(asyncio.run(draw(picture)))
        print(path.relative_to(FOLDER.parent))
    return 0


if __name__ == "__main__":
    sys.exit(main())
