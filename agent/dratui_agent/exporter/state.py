"""What is served: the latest sample and who holds what, each with its age, for everyone who asks."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from dratui_agent.exporter.exposition import Exposition
from dratui_agent.exporter.text import Format
from dratui_agent.holders import Holders, Place, with_processes
from dratui_agent.kubelet.prepared import Belief
from dratui_agent.sample import Device, Sample

STALE: Final = 3  # intervals after which a sample is too old to be ready with


class State:
    """Belongs to the event loop: whoever reads or attributes hands over with `call_soon_threadsafe`.

    Layouts are counted from `layout`: where another run of the agent began, who comes back would take its for ours.
    """

    def __init__(
        self,
        interval: float,
        *,
        node: str = "",
        layout: int = 0,
        dcgm_names: bool = False,
        attributes: bool = True,
        changed: Callable[["State"], None] = lambda state: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.interval = interval
        self.node = node
        self.attributes = attributes  # whether kubelet is asked who holds what
        self.sample: Sample | None = None
        self.number = 0  # of the sample
        self.layout = (
            layout  # changes with which devices there are, who holds them, what is told and believed
        )
        self._shape: object = None
        self._came = asyncio.Event()  # and is another one for the next sample
        self.holders = Holders()  # as kubelet and processes tell
        self.places: Mapping[int, Place] = {}  # of processes, by pid
        self._given = Holders()  # as kubelet tells
        self.belief: Belief | None = None  # of the kubelet plugin; None: this is none, or it has not begun
        self._changed = changed  # called with each new layout
        self._clock = clock
        self._sampled = 0.0
        self._exposition = Exposition(node, dcgm_names=dcgm_names)
        self._rendered: dict[Format, bytes] = {}

    def take(self, sample: Sample) -> None:
        """A new sample."""
        self.sample = sample
        self.number += 1
        self._sampled = self._clock()
        self._rendered.clear()
        self._arrange()
        came, self._came = self._came, asyncio.Event()
        came.set()

    def attribute(self, holders: Holders) -> None:
        """Who was given what now."""
        self._given = holders
        self._arrange()

    def locate(self, places: Mapping[int, Place]) -> None:
        """Where processes run now, by pid."""
        self.places = places
        self._arrange()

    def believe(self, belief: Belief) -> None:
        """What the kubelet plugin believes now. It has no part in `/metrics`."""
        if belief != self.belief:
            self.layout += 1
        self.belief = belief

    async def newer_than(self, number: int, seconds: float | None = None) -> None:
        """Wait for a sample after the `number`-th, or as many seconds.

        Not by asyncio.wait_for: before Python 3.12 it forgets that it was cancelled when a sample comes at that moment.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.number <= number:
                    await self._came.wait()

    def _arrange(self) -> None:
        sample = self.sample
        self.holders = with_processes(self._given, sample, self.places) if sample else self._given
        shape = sample and (
            sample.driver,
            sample.problem,
            [(d.device, d.absent, [p.pid for p in d.processes], d.nvlinks) for d in sample.devices],
            sample.xids,
            sample.unread,
            self.holders.by_device,
            self.holders.problem,
            self.places,
        )
        if shape != self._shape:
            self._shape = shape
            self.layout += 1
            self._rendered.clear()
            self._changed(self)

    @property
    def devices(self) -> list[Device]:
        """Those of the sample."""
        return [each.device for each in self.sample.devices] if self.sample else []

    @property
    def age(self) -> float | None:
        """Seconds since the sample was taken; None before the first."""
        return None if self.sample is None else max(0.0, self._clock() - self._sampled)

    @property
    def trouble(self) -> str:
        """Why this is not ready, in words; empty when it is."""
        age = self.age
        if self.sample is None or age is None:
            return "no sample yet"
        if self.sample.problem:
            return self.sample.problem
        limit = STALE * self.interval + self.sample.took
        return f"the last sample is {age:.0f} s old: the driver does not answer" if age > limit else ""

    def text(self, form: Format) -> bytes:
        """The devices' series."""
        if self.sample is None:
            return b""
        if form not in self._rendered:
            self._rendered[form] = self._exposition.render(
                self.sample, self.holders, form, self.places
            ).encode()
        return self._rendered[form]
