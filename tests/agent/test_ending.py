"""An agent ends, even with a part that does not."""

import asyncio
import subprocess
import sys

from dratui_agent.run import _end

DEAF = """
import asyncio, os, signal, sys
from dratui_agent import cli, run

async def deaf():
    os.kill(os.getpid(), signal.SIGTERM)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

run.LAST_SECONDS = 1
run._attributing = lambda *_: [asyncio.create_task(deaf())]
sys.exit(cli.main(["--web.listen-address=127.0.0.1:0"]))
"""

FAILS = """
import threading
from dratui_agent.log import begin

begin("info", "logfmt")
threading.Thread(target=lambda: 1 / 0, name="sweeper").start()
"""


async def test_what_forgets_that_it_was_cancelled_is_cancelled_again() -> None:
    forgotten = 0

    async def forgets() -> None:
        nonlocal forgotten
        while forgotten < 2:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                forgotten += 1
        await asyncio.sleep(60)

    task = asyncio.create_task(forgets())
    await asyncio.sleep(0)
    await _end(task)
    assert (task.cancelled(), forgotten) == (True, 2)


def test_an_agent_with_a_part_that_does_not_end_ends_all_the_same() -> None:
    done = subprocess.run([sys.executable, "-c", DEAF], stderr=subprocess.PIPE, timeout=30, check=False)
    assert (done.returncode, b"Traceback" in done.stderr) == (1, False)


def test_a_thread_that_fails_is_a_line_of_the_log() -> None:
    done = subprocess.run([sys.executable, "-c", FAILS], stderr=subprocess.PIPE, check=True, text=True)
    (line,) = done.stderr.splitlines()
    assert 'level=ERROR msg="thread sweeper has ended"' in line
    assert "ZeroDivisionError: division by zero" in line
