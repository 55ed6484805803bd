"""What is worked out in a thread, so that keys go on meanwhile, and ended when nobody waits for it any more."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from dratui.tui.work import PACE, Tell

Found = TypeVar("Found")


class Stopped(Exception):
    """Nobody waits for it any more."""


class Thinking(ABC, Generic[Found]):
    """One answer: `think` works it out, in a thread; all else may be called meanwhile."""

    def __init__(self) -> None:
        self._stopped = False
        self.far = ""  # how far it is, in words

    @abstractmethod
    def think(self) -> Found:
        """Work it out, with a look at `heed` every few milliseconds."""

    def stop(self) -> None:
        """End soon."""
        self._stopped = True

    def heed(self) -> None:
        """Raises Stopped."""
        if self._stopped:
            raise Stopped

    async def found(self, tell: Tell) -> Found | None:
        """Wait for it; `tell` hears how far it is. None if it was stopped. Who is cancelled here stops it."""
        thinking = asyncio.ensure_future(asyncio.to_thread(self._think))
        try:
            while not thinking.done():
                await asyncio.wait((thinking,), timeout=PACE)
                if self.far and not thinking.done():
                    tell(self.far)
        finally:
            self.stop()
        return thinking.result()

    def _think(self) -> Found | None:
        try:
            self.heed()
            return self.think()
        except Stopped:
            return None
