"""Trying a selector: in a thread, on devices that stay as they are meanwhile, so that keys go on."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from dratui.cluster.store import Store
from dratui.failure import Failure
from dratui.tui.asking import Stopped

if TYPE_CHECKING:
    from dratui.why.selecting import Fleet, Tried
    from dratui.why.vocabulary import Vocabulary


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


class Trial:
    """One draft: `run` tries it, in a thread; all else may be called meanwhile."""

    def __init__(self, ground: Ground, text: str, device_class: str) -> None:
        self._ground = ground
        self._text = text
        self._class = device_class
        self._stopped = False
        self.far = ""  # how far it is, in words

    def stop(self) -> None:
        """End soon: with the device that is looked at."""
        self._stopped = True

    def run(self) -> Outcome | None:
        """What came of it; None if it was stopped."""
        from dratui.views import selecting  # noqa: F401 — imported here, so that showing it need not wait for it

        with self._ground.lock:
            try:
                self._heed(0)
                vocabulary = self._ground.vocabulary(self._class)
                self._heed(0)
                try:
                    tried = self._ground.fleet.tried(self._text, self._class, self._heed)
                except Failure as failure:
                    return Outcome(self._text, None, failure, vocabulary)
                return Outcome(self._text, tried, None, vocabulary)
            except Stopped:
                return None

    def _heed(self, seen: int) -> None:
        if self._stopped:
            raise Stopped
        if seen:
            self.far = f"looked at {seen:,} kinds of device"
