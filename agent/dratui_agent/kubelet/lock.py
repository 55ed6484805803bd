"""What keeps two agents of one node apart: of one name, and while one takes over from the other."""

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_LOOK_SECONDS: Final = 0.05  # between two attempts: flock waits without end, or not at all


class Taken(Exception):
    """Another process has it; `by` is what that one says of itself."""

    def __init__(self, path: Path, by: str) -> None:
        super().__init__(f"{path} is held by {by}")
        self.by = by


def take(path: Path) -> int:
    """Hold a file's lock until the process ends, or the descriptor is closed. Raises Taken and OSError."""
    held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        by = os.pread(held, 320, 0).decode("ascii", "replace").strip()
        os.close(held)
        raise Taken(path, f"process {by}" if by else "another process") from None
    except BaseException:
        os.close(held)
        raise
    with suppress(OSError):  # a full disk: who has it is not known then
        os.ftruncate(held, 0)
        os.pwrite(held, f"{os.getpid()} of {os.uname().nodename}\n".encode(), 0)
    return held


class Turn:
    """Held by an agent while any of its threads changes something on the node; a second agent waits for its turn.

    Two agents run while a new version takes over (kubelet still ends calls that it began with the old one). Who waits
    gives up when all is `ended`.
    """

    def __init__(self, path: Path, patience: float = 30.0, ended: threading.Event | None = None) -> None:
        self._path = path
        self._patience = patience
        self._ended = ended or threading.Event()
        self._lock = threading.Lock()
        self._working = 0
        self._held = -1

    @contextmanager
    def __call__(self, first: Callable[[], None]) -> Iterator[None]:
        """`first` is called when no other thread is at work: another agent may have changed things meanwhile.

        Raises Taken, OSError, and whatever `first` does.
        """
        with self._lock:  # whoever comes second waits with the first
            if self._working == 0:
                self._held = self._wait()
                try:
                    first()
                except BaseException:
                    os.close(self._held)
                    raise
            self._working += 1
        try:
            yield
        finally:
            with self._lock:
                self._working -= 1
                if self._working == 0:
                    os.close(self._held)

    def _wait(self) -> int:
        end = time.monotonic() + self._patience
        while True:
            try:
                return take(self._path)
            except Taken:
                if self._ended.wait(_LOOK_SECONDS) or time.monotonic() >= end:
                    raise
