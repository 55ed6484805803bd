"""The steps of a claim in words: when each came, how long it took, and what does not come."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from dratui.cluster.step import Step
from dratui.views import words
from dratui.views.describe.document import Section, section
from dratui.views.table import Style

MOST: Final = 40  # pods that have a line; `get claims -o json` tells of all

Line = tuple[str, str, Style]


def steps(told: Sequence[Step], now: datetime) -> Section:
    """A line for each step; where several pods have steps, a line for each pod: how far it is, the stuck ones first."""
    pods = dict.fromkeys(s.pod for s in told if s.pod)
    if len(pods) <= 1:
        return section("STEPS", *_one_by_one(told, now))
    lines = sorted((_how_far([s for s in told if s.pod == p], now) for p in pods), key=_stuck_first)
    left_out = len(lines) - MOST
    return section(
        "STEPS",
        *_one_by_one([s for s in told if not s.pod], now),
        *lines[:MOST],
        *((("", f"and {words.count(left_out, 'more pod')}", Style.DIM),) if left_out > 0 else ()),
    )


def _one_by_one(told: Sequence[Step], now: datetime) -> Iterator[Line]:
    since: datetime | None = None
    last = max((n for n, s in enumerate(told) if s.at), default=0)
    for number, step in enumerate(told):
        value = _when(step, now)
        if step.at is not None:
            if since is not None and step.at >= since:
                value += f", after {words.duration((step.at - since).total_seconds())}"
            if number in (0, last):
                value += f", {words.age(step.at, now)} ago"
            since = step.at
        if step.took is not None:
            value += f", took {words.took(step.took)}"
        if step.reason and step.state != "waiting":
            value += f": {step.reason}"
        yield step.step, value, _style(step)


def _how_far(its: Sequence[Step], now: datetime) -> Line:
    """A pod's last step, and the one that does not come."""
    done = [s for s in its if s.state == "done"][-1:]
    said = [f"{s.step} {_when(s, now)}{f', {words.age(s.at, now)} ago' if s.at else ''}" for s in done]
    said += [f"{s.step} {_when(s, now)}" for s in its if s.state == "waiting"]
    return its[0].pod, " · ".join(said), max((_style(s) for s in its), key=lambda s: s is Style.WAITING)


def _stuck_first(line: Line) -> bool:
    return line[2] is not Style.WAITING


def _when(step: Step, now: datetime) -> str:
    match step:
        case Step(state="failed", at=datetime() as at):
            return f"{words.clock(at, now)} failed"
        case Step(state="unknown"):
            return f"{words.UNKNOWN} nobody tells"
        case Step(state="waiting", after=after, reason=reason):
            waited = f", for {words.age(after, now)}" if after is not None and after <= now else ""
            return f"not yet{waited}{f': {reason}' if reason else ''}"
        case Step(at=None, after=None, before=None):
            return f"{words.UNKNOWN} nobody tells when"
        case Step(at=None, after=None, before=datetime() as before):
            return f"by {words.clock(before, now)}"
        case Step(at=None, after=datetime() as after, before=None):
            return f"after {words.clock(after, now)}"
        case Step(at=None, after=datetime() as after, before=datetime() as before) if after < before:
            return f"between {words.clock(after, now)} and {words.clock(before, now)}"
        case _:
            return words.clock(step.at or step.before or now, now)


def _style(step: Step) -> Style:
    styles = {"done": Style.PLAIN, "waiting": Style.WAITING, "unknown": Style.UNKNOWN, "failed": Style.FAULT}
    return styles[step.state]
