"""Work for claims, each call on a thread of its own: a driver that hangs hangs that thread and nothing else.

Such a thread ends when the driver lets go, or with the process; it is nobody's who has to be waited for.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import Final, TypeVar

from dratui_agent.kubelet.claims import Named

PATIENCE_SECONDS: Final = 40.0  # kubelet's is 45
_LOOK_SECONDS: Final = 1.0  # between two looks whether the process is to end
T = TypeVar("T")


class Busy(Exception):
    """An earlier call for the claim has not ended."""


class Calls:
    """One call at a time for a claim; for any thread. Nobody waits any more when all is `ended`."""

    def __init__(self, patience: float = PATIENCE_SECONDS, ended: threading.Event | None = None) -> None:
        self.patience = patience
        self._lock = threading.Lock()
        self._claims: dict[str, tuple[threading.Lock, int]] = {}  # and how many want it
        self.ended = ended or threading.Event()

    def each(
        self, asked: Sequence[Named], do: Callable[[Named], T], late: Callable[[Named, float], T]
    ) -> Mapping[str, T]:
        """What `do` says of each claim, by UID, or `late` when that takes too long. They do not raise.

        `late` is told after how many seconds.
        """
        answers: dict[str, Future[T]] = {claim.uid: Future() for claim in asked}
        for claim in asked:
            work = (do, claim, answers[claim.uid])
            threading.Thread(target=_work, args=work, name=f"claim {claim.uid}", daemon=True).start()
        began = time.monotonic()
        while (left := began + self.patience - time.monotonic()) > 0:
            if not wait(answers.values(), min(_LOOK_SECONDS, left)).not_done or self.ended.is_set():
                break
        return {
            claim.uid: answer.result()
            if (answer := answers[claim.uid]).done()
            else late(claim, time.monotonic() - began)
            for claim in asked
        }

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


def _work(do: Callable[[Named], T], claim: Named, answer: Future[T]) -> None:
    answer.set_result(do(claim))
