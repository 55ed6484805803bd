"""Child processes that never outlive us, however we end."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Linux kills the process when its parent *thread* ends, so all are started by one thread that lives as long as
# this interpreter: else a control plane restarted from a worker thread would die with that worker.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="realparts-starter")

# Runs in a fresh interpreter instead of as preexec_fn, which is unsafe (and warned about) in a threaded program.
_TETHER = """
import ctypes, os, signal, sys
PR_SET_PDEATHSIG = 1
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the test run ended before its component began")
os.execv(sys.argv[2], sys.argv[2:])
"""


def tethered(argv: Sequence[str | Path]) -> list[str]:
    """The command, as one that ends with the thread that starts it. Its program is a path."""
    return [sys.executable, "-I", "-S", "-c", _TETHER, str(os.getpid()), *map(str, argv)]


class Process:
    """One component, in a process group of its own, with its output in a log file."""

    def __init__(self, argv: Sequence[str | Path], log: Path, environment: Mapping[str, str]) -> None:
        self.name = Path(argv[0]).name
        self.log = log
        with log.open("ab") as output:
            self._child = _starter.submit(
                subprocess.Popen[bytes],
                tethered(argv),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                start_new_session=True,
            ).result()

    @property
    def pid(self) -> int:
        return self._child.pid

    def running(self) -> bool:
        return self._child.poll() is None

    def kill(self) -> None:
        """SIGKILL: with SIGTERM an API server that has watchers takes over a minute."""
        if self.running():
            os.killpg(self.pid, signal.SIGKILL)
        self._child.wait()

    def freeze(self) -> None:
        """Stop answering without closing a connection, as a machine does that hangs."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.pid, signal.SIGCONT)

    def last_words(self, lines: int = 5) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that are free now; all are held until the last is found, so that they differ."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [listener.getsockname()[1] for listener in sockets]
    finally:
        for listener in sockets:
            listener.close()
