"""Trying selectors, on devices that stay as they are meanwhile; a newer text ends the trial before."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from dratui.cluster.store import Changes, Store
from dratui.failure import Failure
from dratui.tui.thinking import Thinking
from dratui.tui.work import SOON, Tell, Work

if TYPE_CHECKING:
    from dratui.why.selecting import Fleet, Tried
    from dratui.why.vocabulary import Vocabulary


SHARE: Final = 5  # so often the time that one trial took passes before the next that nobody asked for
_ABOUT: Final = ("slices", "classes")


class Outcome(NamedTuple):
    """What came of it: what it does, or what is wrong with it; and what may be written next."""

    text: str
    tried: Tried | None
    failure: Failure | None
    vocabulary: Vocabulary


class Ground:
    """Devices to try selectors on, as they are in a store that nobody changes any more."""

    def __init__(self, store: Store, server_version: str) -> None:
        self._store = store
        self._version = server_version
        self._fleet: Fleet | None = None
        self._vocabularies: dict[str, Vocabulary] = {}
        self.lock = threading.Lock()  # one trial at a time: a stopped one may be about to end

    @property
    def fleet(self) -> Fleet:
        """Made when it is first asked for; takes a moment, as does loading what it needs."""
        from dratui.why.question import rules_of
        from dratui.why.selecting import Fleet

        if self._fleet is None:
            dialect = rules_of(self._store, self._version).dialect
            slices, classes = self._store.slices.values(), self._store.classes.values()
            self._fleet = Fleet(slices, classes, dialect, self._store.slices_of_device)
        return self._fleet

    def vocabulary(self, device_class: str) -> Vocabulary:
        """Of a class's devices."""
        from dratui.why.vocabulary import Vocabulary

        if device_class not in self._vocabularies:
            try:
                devices = self.fleet.of_class(device_class)
            except Failure:  # no such class; its selectors are none
                devices = self.fleet.of_class("")
            self._vocabularies[device_class] = Vocabulary(devices)
        return self._vocabularies[device_class]


class Trial(Thinking[Outcome]):
    """One draft. Stopped it ends with the device that is looked at."""

    def __init__(self, ground: Ground, text: str, device_class: str) -> None:
        super().__init__()
        self._ground = ground
        self._text = text
        self._class = device_class

    def think(self) -> Outcome:
        """What came of it."""
        from dratui.views import selecting  # noqa: F401 — imported here, so that showing it need not wait for it

        with self._ground.lock:
            self.heed()
            vocabulary = self._ground.vocabulary(self._class)
            self.heed()
            try:
                tried = self._ground.fleet.tried(self._text, self._class, self._heed)
            except Failure as failure:
                return Outcome(self._text, None, failure, vocabulary)
            return Outcome(self._text, tried, None, vocabulary)

    def _heed(self, seen: int) -> None:
        self.heed()
        if seen:
            self.far = f"looked at {seen:,} kinds of device"


class Trials:
    """What came of the latest text, and of the last one without a mistake. `then` is called when something did."""

    def __init__(
        self,
        store: Callable[[], Store],
        version: Callable[[], str],
        work: Work,
        then: Callable[[Outcome], None],
    ) -> None:
        self._store = store
        self._version = version
        self._work = work
        self._then = then
        self._ground: Ground | None = None
        self._trial: Trial | None = None
        self._behind = False  # the devices are others by now
        self._began = self._due = 0.0  # of the last trial; when there may be another by itself
        self.outcome: Outcome | None = None  # while one types, of an earlier text
        self.good: Outcome | None = None

    @property
    def busy(self) -> bool:
        """Whether an answer is being worked out."""
        return self._trial is not None

    @property
    def due(self) -> bool:
        """Whether it is time to try it on the devices of now, as they are others."""
        return self._behind and self._trial is None and time.monotonic() >= self._due

    @property
    def matches(self) -> frozenset[Hashable]:
        """Of the last text without a mistake."""
        return self.good.tried.matches if self.good is not None and self.good.tried else frozenset()

    def of(self, text: str) -> bool:
        """Whether what is known is of this text."""
        return self.outcome is not None and self.outcome.text == text

    def changed(self, changes: Changes) -> None:
        """Rows changed, and maybe which devices match."""
        self._behind |= any(changes.rows.get(kind) for kind in _ABOUT)

    def forget(self) -> None:
        """What is tried next is another text."""
        self.outcome = self.good = None

    def begin(self, text: str, device_class: str, *, anew: bool = False) -> None:
        """Try this; `anew`: on the devices of now."""
        self.end()
        if anew or self._ground is None:
            self._ground, self._behind = Ground(self._store().copy(), self._version()), False
        self._began = time.monotonic()
        self._trial = Trial(self._ground, text, device_class)
        self._work.start("trying the selector", partial(self._run, self._trial))

    def end(self) -> str:
        """Try no further; returns what that was. What did not take long is not worth a word."""
        if self._trial is None:
            return ""
        stopped = self._work.stop()
        self._trial.stop()
        self._trial = None
        return stopped if time.monotonic() > self._began + SOON else ""

    async def _run(self, trial: Trial, tell: Tell) -> str:
        outcome = await trial.found(tell)
        if outcome is None:
            return ""
        self._trial, self.outcome = None, outcome
        self._due = time.monotonic() + SHARE * (time.monotonic() - self._began)
        if outcome.tried is not None:
            self.good = outcome
        self._then(outcome)
        return ""
