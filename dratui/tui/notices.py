"""What happened while nobody looked: streams that fail and come back, and time that leaps.

The first line says what is; this says what was: each trouble once when it begins, and once when it is over.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

from dratui.events import COMPLETE, Health, Phase
from dratui.samples import STREAM as SAMPLES
from dratui.tui.live import MINOR, WORDS
from dratui.views import words
from dratui.views.table import Style

SHORT: Final = 10.0
"""Seconds. That so short a trouble is over is only written down: nobody needs to be told."""
LEAP: Final = 60.0
"""Seconds by which the day's time may differ from what passed before it is worth a word."""

_AMISS = (Phase.FAILED, Phase.FORBIDDEN, Phase.STALE)


class Notice(NamedTuple):
    """A sentence; `quiet` if it is only for `:messages`."""

    text: str
    style: Style
    quiet: bool = False


class Notices:
    """Told of every change, it says what of it is worth a sentence.

    A trouble begins when the first stream that was complete is not in order. It is told again where its kind is new or
    no stream has a reason that was told, and is over when all streams are in order. What was never there is no news:
    the screens say it.
    """

    def __init__(self) -> None:
        self._complete: set[str] = set()
        self._told: dict[Phase, set[str]] = {}  # the reasons that were told
        self._first = ""  # what was told first
        self._began = 0.0
        self._remarks: dict[str, str] = {}
        self._time: tuple[float, float] | None = None

    def of_health(self, health: Mapping[str, Health], now: float) -> list[Notice]:
        """What the streams' health says that was not told yet. `now`: unix seconds on the source's clock."""
        health = {s: h for s, h in health.items() if s != SAMPLES}  # comes and goes with what one looks at
        amiss = {s: h for s, h in health.items() if s in self._complete and h.phase in _AMISS}
        self._complete |= {s for s, h in health.items() if h.phase in COMPLETE}
        notices: list[Notice] = []
        for phase in _AMISS:
            struck = {s: h for s, h in amiss.items() if h.phase is phase}
            reasons = {h.detail for h in struck.values()}
            if not reasons or not reasons.isdisjoint(self._told.get(phase, ())):
                continue
            reason = _most_common(struck)
            text = _said(struck, phase, reason)
            if not self._told:
                self._began = min(h.since for h in struck.values())
                self._first = text
            self._told.setdefault(phase, set()).add(reason)
            minor = all(stream.partition(":")[0] in MINOR for stream in struck)
            notices.append(Notice(text, WORDS[phase][1], quiet=minor))
        if self._told and not amiss:
            lasted = max(0.0, now - self._began)
            text = f"● live again after {words.duration(lasted)}; it had begun with {self._first}"
            notices.append(Notice(text, Style.FREE, quiet=lasted < SHORT))
            self._told.clear()
        return notices + self._of_remarks(health)

    def _of_remarks(self, health: Mapping[str, Health]) -> list[Notice]:
        """What there is to say about streams that are live."""
        remarks = {s: h.detail for s, h in health.items() if h.phase is Phase.LIVE and h.detail}
        new = [f"{s}: {text}" for s, text in remarks.items() if self._remarks.get(s) != text]
        self._remarks = remarks
        return [Notice(text, Style.WAITING) for text in new]

    def of_time(self, now: float, passing: float) -> list[Notice]:
        """`now`: as above; `passing`: seconds on a clock that nobody sets, and that stands while the machine sleeps."""
        before, self._time = self._time, (now, passing)
        leap = (now - before[0]) - (passing - before[1]) if before else 0.0
        if abs(leap) < LEAP:
            return []
        way = "forward" if leap > 0 else "back"
        slept = ", or it slept" if leap > 0 else ""
        text = (
            f"this machine's clock was set {way} by {words.duration(round(abs(leap)))}{slept}: ages follow it"
        )
        return [Notice(text, Style.WAITING)]


def _most_common(struck: Mapping[str, Health]) -> str:
    """The reason that one sentence has room for: the others are told when this one no longer holds."""
    return Counter(h.detail for h in struck.values()).most_common(1)[0][0]


def _said(struck: Mapping[str, Health], phase: Phase, reason: str) -> str:
    streams = [stream for stream, health in struck.items() if health.detail == reason]
    who = streams[0] if len(streams) == 1 else words.count(len(streams), "kind")
    return f"{WORDS[phase][0]}: {who}{f': {reason}' if reason else ''}"
