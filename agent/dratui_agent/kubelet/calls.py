"""Work for claims, each call on a thread of its own: a driver that hangs hangs that thread and nothing else.

Such a thread ends when the driver lets go, or with the process; it is nobody's who has to be waited for.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, Generic, TypeVar

from dratui_agent.kubelet.claims import Named

PATIENCE_SECONDS: Final = 40.0  # kubelet's is 45
_LOOK_SECONDS: Final = 1.0  # between two looks whether the process is to end
T = TypeVar("T")


class Busy(Exception):
    """An earlier call for the claim has not ended."""


class Calls:
    """One call at a time for a claim; for any thread."""

    def __init__(self, patience: float = PATIENCE_SECONDS) -> None:
        self.patience = patience
        self._lock = threading.Lock()
        self._claims: dict[str, tuple[threading.Lock, int]] = {}  # and how many want it
        self._ended = threading.Event()

    def end(self) -> None:
        """Nobody waits any more: the process is to end."""
        self._ended.set()

    def each(
        self, asked: Sequence[Named], do: Callable[[Named], T], late: Callable[[Named, float], T]
    ) -> Mapping[str, T]:
        """What `do` says of each claim, by UID, or `late` when that takes too long. They do not raise.

        `late` is told after how many seconds.
        """
        answers: dict[str, _Answer[T]] = {}
        for claim in asked:
            answer = answers[claim.uid] = _Answer()
            work = (do, claim, answer)
            threading.Thread(target=_work, args=work, name=f"claim {claim.uid}", daemon=True).start()
        began = time.monotonic()
        found: dict[str, T] = {}
        for claim in asked:
            said = answers[claim.uid].wait(began + self.patience, self._ended)
            found[claim.uid] = said[0] if said else late(claim, time.monotonic() - began)
        return found

    @contextmanager
    def alone(self, uid: str, patience: float | None = None) -> Iterator[None]:
        """Raises Busy after `patience` seconds."""
        with self._lock:
            own, wanted = self._claims.get(uid, (threading.Lock(), 0))
            self._claims[uid] = (own, wanted + 1)
        try:
            if not own.acquire(timeout=self.patience if patience is None else patience):
                raise Busy("an earlier call for this claim has not ended: the driver does not answer")
            try:
                yield
            finally:
                own.release()
        finally:
            with self._lock:
                own, wanted = self._claims.pop(uid)
                if wanted > 1:
                    self._claims[uid] = (own, wanted - 1)


def _work(do: Callable[[Named], T], claim: Named, answer: "_Answer[T]") -> None:
    answer.give(do(claim))


class _Answer(Generic[T]):
    def __init__(self) -> None:
        self._there = threading.Event()
        self._said: tuple[T] | None = None

    def give(self, said: T) -> None:
        self._said = (said,)
        self._there.set()

    def wait(self, end: float, ended: threading.Event) -> tuple[T] | None:
        """`end` on the monotonic clock; None when nothing was said until then, or until all `ended`."""
        while not self._there.wait(max(0.0, min(_LOOK_SECONDS, end - time.monotonic()))):
            if ended.is_set() or time.monotonic() >= end:
                break
        return self._said
