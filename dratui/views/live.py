"""What devices do, as cells and lines tell it: the number, else why there is none; of how many; how old.

Nothing measured it, or nobody was asked: a dash. Asked and not told: `?` and why. What is old is dim and says its age.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from dratui.cluster.live import Live
from dratui.cluster.store import Store
from dratui.events import Phase
from dratui.samples import STREAM, NodeSample
from dratui.terminal import clean, cut_end
from dratui.views import words
from dratui.views.gauges import level, line
from dratui.views.table import Column, Style
from dratui.views.whereabouts import nodes_with_devices

GIB: Final = 1 << 30
WHY: Final = 12  # characters of a reason in a cell
DOUBT: Final = 600.0  # seconds; who was watched for less than this is not called idle before others


def measured(store: Store) -> bool:
    """Whether anyone measures, so that there is something to show, or to say about it."""
    health = store.health.get(STREAM)
    return health is not None and health.phase not in (Phase.WAITING, Phase.NOT_SERVED)


def coverage(store: Store, now: datetime) -> str:
    """Of how many of the nodes that have devices it is known what they do: ` · partial: 38 of 40 nodes`."""
    if not measured(store):
        return ""
    told = sum(not (sample.problem or is_old(sample, now)) for sample in store.samples.values())
    there = len(set(nodes_with_devices(store)))
    if told >= there:
        return f" · measured on {words.count(there, 'node')}"
    return f" · partial: {told} of {words.count(there, 'node')}"


def is_old(sample: NodeSample, now: datetime) -> bool:
    """Whether a newer one should have come long ago, or none ever came."""
    return sample.at is None or Live(at=sample.at, interval=sample.interval).stale(now.timestamp())


# --- cells -----------------------------------------------------------------------------------------------------------


def utilization(live: Live | None, now: datetime) -> str:
    """`▇ 93%`, `▃ 31% 38/40`, `▇ 93% 12s old`, `? no agent`."""
    if live is None:
        return words.NONE
    if live.utilization is None:
        return unknown(cut_end(clean(live.why), WHY), live, now)
    return " ".join(filter(None, (share(live.utilization), partial(live), old(live, now))))


def memory(live: Live | None, now: datetime) -> str:
    """Used and all of it in GiB: `62.1/79.6`."""
    if live is None:
        return words.NONE
    return f"{gib(live.memory_used)}/{gib(live.memory_total)}" if _tells_memory(live) else words.UNKNOWN


def power(live: Live | None, now: datetime) -> str:
    """`612 W`."""
    if live is None:
        return words.NONE
    return words.UNKNOWN if live.power is None else f"{live.power:.0f} W"


def idleness(live: Live | None, now: datetime) -> str:
    """The share of the time in which it did nothing, and of which time: `97% of 9h`."""
    if live is None:
        return words.NONE
    if live.idle is None or live.watched is None:
        return words.UNKNOWN if live.utilization is None else words.NONE  # nobody has it, or not for long
    return f"{live.idle:.0%} of {words.duration(live.watched)}"


def several(live: Live | None, shares: Sequence[float], columns: int, now: datetime) -> str:
    """The mean of several devices, beside what they are from the busiest to the idlest: `▇▇▆▂  54% 38/40`."""
    if live is None or live.utilization is None:
        return utilization(live, now)
    told = (line(shares, columns).rjust(columns), f"{live.utilization:4.0%}", partial(live), old(live, now))
    return " ".join(filter(None, told))


def sampled(live: Live | None, now: datetime) -> str:
    """Who measured, how long ago; and what is not known: `agent, 1s ago, 38/40 devices, no agent`."""
    if live is None:
        return words.NONE
    missing = f"{partial(live)} devices" if live.of > 1 and partial(live) else ""
    return ", ".join(filter(None, (taken(live, now), missing, live.why))) or words.UNKNOWN


def taken(live: Live, now: datetime) -> str:
    """`agent, 1s ago`."""
    since = f"{words.duration(age(live, now) or 0)} ago" if live.at is not None else ""
    return ", ".join(filter(None, (live.source, since)))


# --- pieces ----------------------------------------------------------------------------------------------------------


def share(value: float) -> str:
    """`▇ 93%`, always as wide."""
    return f"{level(value)}{value:4.0%}"


def gib(value: float | None) -> str:
    """Bytes in GiB: `62.1`, `0.4`, `19354`."""
    if value is None:
        return words.UNKNOWN
    amount = value / GIB
    return f"{amount:.1f}" if amount < 999.95 else f"{amount:.0f}"


def partial(live: Live) -> str:
    """`38/40`, where not all devices told their utilisation."""
    return f"{live.known}/{live.of}" if live.known < live.of else ""


def old(live: Live, now: datetime) -> str:
    """`12s old`, when a newer sample should have come long ago."""
    return f"{words.duration(age(live, now) or 0)} old" if live.stale(now.timestamp()) else ""


def age(live: Live, now: datetime) -> float | None:
    """Seconds since the oldest of the samples; a clock that is ahead is now."""
    return None if live.at is None else max(0.0, now.timestamp() - live.at)


def idle_rank(live: Live) -> float | None:
    """The share of idle time, as if it had been busy in the ten minutes before anyone watched."""
    if live.idle is None or live.watched is None:
        return None
    return live.idle * live.watched / (live.watched + DOUBT)


def unknown(why: str, live: Live, now: datetime) -> str:
    """`? no agent`, `? silent 5m old`."""
    return " ".join(filter(None, (words.UNKNOWN, why, old(live, now))))


def _tells_memory(live: Live) -> bool:
    return live.memory_used is not None or live.memory_total is not None


# --- columns ---------------------------------------------------------------------------------------------------------


def _column(
    title: str,
    text: Callable[[Live | None, datetime], str],
    rank: Callable[[Live], Any],
    *,
    wide: bool = False,
) -> Column[Any]:
    """A column for whatever has devices that do something: `live` of the row."""

    def style(row: Any) -> Style:
        live: Live | None = row.live
        return Style.DIM if live is None else Style.UNKNOWN if rank(live) is None else Style.PLAIN

    return Column(
        title=title,
        value=lambda row: row.live,
        text=text,
        style=style,
        rank=lambda row: None if row.live is None else rank(row.live),
        stale=lambda row, now: row.live is not None and row.live.stale(now.timestamp()),
        align="left" if wide else "right",
        live=True,
        wide=wide,
        grow=wide,
        prose=wide,
    )


UTIL: Final = _column("UTIL", utilization, lambda live: live.utilization)
MEMORY: Final = _column("MEM GiB", memory, lambda live: live.memory_used)
POWER: Final = _column("POWER", power, lambda live: live.power)
IDLE: Final = _column("IDLE", idleness, idle_rank)
SAMPLED: Final = _column("SAMPLED", sampled, lambda live: live.at, wide=True)
