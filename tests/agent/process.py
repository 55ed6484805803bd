"""A process of the agent, as a supervisor and a scraper have it."""

import os
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.agent.driver import FakeDriver

PATIENCE = 30.0


class Agent:
    """Runs from its making until `kill`. `trust`: whose certificates `get` believes; without, it talks plain HTTP."""

    def __init__(
        self,
        driver: FakeDriver,
        log: Path,
        *flags: str,
        node: str = "node-1",
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._log = log
        self._trust = trust
        environ = os.environ | {
            "FAKE_NVML": str(driver.path),
            "LD_LIBRARY_PATH": str(driver.library.parent),
            "NODE_NAME": node,
        }
        argv = [
            sys.executable,
            "-m",
            "dratui_agent.cli",
            "--web.listen-address=127.0.0.1:0",
            "--interval=100ms",
            *flags,
        ]
        with log.open("wb") as told:
            self.process = subprocess.Popen(argv, env=environ, stderr=told)
        self.until(lambda: "listening on" in self.said)
        self.authority = self.said.partition("listening on ")[2].split()[0]
        self.address = f"{'https' if trust else 'http'}://{self.authority}"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def said(self) -> str:
        return self._log.read_text()

    def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not holds():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < end, self.said
            time.sleep(0.02)

    def get(self, path: str, accept: str = "", login: str = "") -> tuple[int, str]:
        headers = {"Accept": accept, **({"Authorization": login} if login else {})}
        request = urllib.request.Request(self.address + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE, context=self._trust) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


@contextmanager
def running(driver: FakeDriver, log: Path, *flags: str, node: str = "node-1") -> Iterator[Agent]:
    """An agent until the end, once it has a sample."""
    started = Agent(driver, log, *flags, node=node)
    try:
        started.until(lambda: started.get("/-/ready")[0] == 200)
        yield started
    finally:
        started.kill()
