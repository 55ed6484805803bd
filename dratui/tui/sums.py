"""What the overview tells and the frame counts, kept up to date in moments between keys."""

from collections.abc import Callable

from dratui.cluster.store import Changes, Store
from dratui.views.overview import Overview, Summary
from dratui.views.slicing import Enough


class Sums:
    """Counts what changed, a moment at a time; `counted` is called when nothing is left to count.

    While the overview does not show only what the frame counts is kept up to date, unless there is time: `whole`.
    What devices do, which changes all the time, is taken in only when it is said to `stir`.
    """

    def __init__(self, store: Store, counted: Callable[[], None]) -> None:
        self._summary = Summary(store, sliced=True)
        self._counted = counted
        self._meanwhile = Changes()  # what devices did since
        self._differs = True  # whether the summary no longer says what `facts` said last
        self._facts: Overview = self._summary.overview()
        self.whole = True

    @property
    def facts(self) -> Overview:
        """What is counted so far."""
        if self._differs:
            self._differs = False
            self._facts = self._summary.overview()
        return self._facts

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
        return self._summary.busy if self.whole else self._summary.counters_busy

    def note(self, changes: Changes) -> None:
        """These are to be counted."""
        still, moving = Changes(), Changes()
        still.rows, still.health, moving.live = changes.rows, changes.health, changes.live
        self._summary.note(still)
        self._meanwhile |= moving

    def stir(self) -> None:
        """What devices did since is to be counted, too."""
        if self._meanwhile:
            self._summary.note(self._meanwhile)
            self._meanwhile = Changes()

    def advance(self, enough: Enough) -> None:
        """Count some."""
        self._differs |= self._summary.advance(enough, whole=self.whole)
        if not self.busy:
            self._counted()
