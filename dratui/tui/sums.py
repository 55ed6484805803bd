"""What the overview tells and the frame counts, kept up to date in moments between keys."""

import time
from collections.abc import Callable
from typing import Final

from dratui.cluster.store import Changes, Store
from dratui.views.overview import Overview, Summary

SLICE_SECONDS: Final = 0.008  # how long counting may keep keys waiting


class Sums:
    """Counts what changed: some of it at once, the rest `later`; `counted` is called at the end of that."""

    def __init__(
        self, store: Store, later: Callable[[Callable[[], None]], object], counted: Callable[[], None]
    ) -> None:
        self._summary = Summary(store)
        self._later = later
        self._counted = counted
        self._goes_on = False  # the next slice is on its way
        self._differs = False  # whether the summary no longer says what `facts` say
        self.facts: Overview = self._summary.overview()  # as of the last `publish`

    @property
    def waiting(self) -> int:
        """Pods that wait."""
        return self._summary.waiting

    @property
    def faults(self) -> int:
        """What needs a person."""
        return self._summary.faults

    @property
    def busy(self) -> bool:
        """Whether there is more to count."""
        return self._summary.busy

    def note(self, changes: Changes) -> None:
        """Count these, or begin to."""
        self._summary.note(changes)
        self._advance()

    def publish(self) -> None:
        """Bring `facts` up to what is counted: once a paint, not once a slice."""
        if self._differs:
            self._differs = False
            self.facts = self._summary.overview()

    def _advance(self) -> None:
        """Count for a moment; the rest comes after the keys that were pressed meanwhile."""
        end = time.monotonic() + SLICE_SECONDS
        self._differs |= self._summary.advance(lambda: time.monotonic() >= end)
        if self.busy and not self._goes_on:
            self._goes_on = True
            self._later(self._go_on)

    def _go_on(self) -> None:
        self._goes_on = False
        self._advance()
        if not self.busy:
            self._counted()
