"""Copying out of a terminal: a native tool where there is a display, else the terminal itself is asked (OSC 52).

Terminals do not answer OSC 52, so that it went through is not known; that it could not go is. tmux and screen keep
what they do not know to themselves, unless it is wrapped for the terminal that they run in. tmux gets it both ways:
plain for its own clipboard (`set-clipboard on`), wrapped for the terminal outside (`allow-passthrough on`); whichever
it is not set up for, it drops.
"""

import asyncio
import base64
import shutil
import sys
from collections.abc import Callable, Mapping
from typing import Final

from dratui.failure import Failure

MOST_BYTES: Final = 74_994  # in base64, and with what is around it, the 100,000 that terminals take
SCREEN_PIECE: Final = 76  # screen drops longer strings
PATIENCE: Final = 2.0  # seconds for a native tool; one that hangs on a dead display is given up


async def copy(text: str, write: Callable[[str], None], env: Mapping[str, str]) -> str:
    """Copy, and return with what it was done. Raises Failure."""
    tool = native_tool(env)
    if tool is not None and await _runs(tool, text):
        return tool[0].rpartition("/")[2]
    write(osc52(text, env))
    return "the terminal"


def native_tool(env: Mapping[str, str], platform: str = sys.platform) -> tuple[str, ...] | None:
    """The command that takes what to copy on stdin; None without a display or without one installed."""
    wanted: list[tuple[str, ...]] = []
    if platform == "darwin":
        wanted.append(("pbcopy",))
    if env.get("WAYLAND_DISPLAY"):
        wanted.append(("wl-copy",))
    if env.get("DISPLAY"):
        wanted.append(("xclip", "-selection", "clipboard"))
    for name, *flags in wanted:
        if found := shutil.which(name, path=env.get("PATH")):
            return found, *flags
    return None


def osc52(text: str, env: Mapping[str, str]) -> str:
    """What to write to the terminal. Raises Failure for more than terminals take."""
    raw = text.encode()
    if len(raw) > MOST_BYTES:
        raise Failure(
            f"too long to copy: {len(raw)} bytes, and terminals take {MOST_BYTES}", hint="ctrl-s saves a view"
        )
    sequence = f"\x1b]52;c;{base64.b64encode(raw).decode()}\x07"
    term = env.get("TERM", "")
    if env.get("TMUX") or term.startswith("tmux"):
        doubled = sequence.replace("\x1b", "\x1b\x1b")
        return f"{sequence}\x1bPtmux;{doubled}\x1b\\"
    if term.startswith("screen"):
        pieces = (sequence[n : n + SCREEN_PIECE] for n in range(0, len(sequence), SCREEN_PIECE))
        return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    return sequence


async def _runs(tool: tuple[str, ...], text: str) -> bool:
    """Whether the tool took it. Those that serve the clipboard go on behind us, so nobody waits for their output."""
    silent = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *tool, stdin=asyncio.subprocess.PIPE, stdout=silent, stderr=silent
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(PATIENCE):
            await process.communicate(text.encode())
    except TimeoutError:
        process.kill()
        await process.wait()
        return False
    return process.returncode == 0
