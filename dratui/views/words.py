"""How values read: ages as kubectl prints them, counts, unknowns, quantities."""

import re
from collections.abc import Sequence
from datetime import datetime

from dratui.api.model import Request

# A number counts as one only where no letter follows: the `1a` of a PCI address is a word, the 7 of `gpu-7` is not.
_WORD_AND_NUMBER = re.compile(r"(.*?)(?:([0-9]{1,18})(?![0-9A-Za-z])|$)", re.DOTALL)

UNKNOWN = "?"
NONE = "–"  # known to be nothing, unlike UNKNOWN


def plain(value: object, now: datetime) -> str:
    """Any value as text: None is unknown, nothing is a dash."""
    if value is None:
        return UNKNOWN
    return str(value) if value != "" else NONE


def age(value: datetime | None, now: datetime) -> str:
    """Time since `value`, as kubectl prints it."""
    return UNKNOWN if value is None else duration((now - value).total_seconds())


def since(value: datetime | None, now: datetime) -> str:
    """Time since something that need not have happened, or that old servers do not tell."""
    return NONE if value is None else age(value, now)


def due(value: tuple[datetime, str] | None, now: datetime) -> str:
    """What will happen and in how long, or how long ago that was due: `evicted in 59m`."""
    if value is None:
        return NONE
    at, what = value
    return f"{what} in {age(now, at)}" if at > now else f"{what}, due {age(at, now)} ago"


def listing(value: Sequence[str] | None, now: datetime) -> str:
    """Several names in one cell."""
    return UNKNOWN if value is None else ", ".join(value) or NONE


def clock(value: datetime, now: datetime) -> str:
    """A time of day, `14:03:11`; of another day than `now`'s with its date. In the zone of this machine."""
    try:
        local, today = value.astimezone(), now.astimezone().date()
    except (
        OverflowError,
        ValueError,
    ):  # the year 1, which an empty time is in Go, is in no zone west of Greenwich
        return value.isoformat()
    return local.strftime("%H:%M:%S" if local.date() == today else "%Y-%m-%d %H:%M:%S")


def duration(seconds: float) -> str:
    """Seconds in kubectl's words: `42s`, `3m12s`, `25m`, `4h3m`, `2d`, `3y40d`.

    Source: k8s.io/apimachinery/pkg/util/duration, HumanDuration.
    """
    s = int(seconds)
    if s < -1:
        return "<invalid>"
    if s < 0:
        return "0s"
    if s < 120:
        return f"{s}s"
    m = s // 60
    if m < 10:
        return _pair(m, "m", s % 60, "s")
    if m < 180:
        return f"{m}m"
    h = m // 60
    if h < 8:
        return _pair(h, "h", m % 60, "m")
    if h < 48:
        return f"{h}h"
    d = h // 24
    if h < 192:
        return _pair(d, "d", h % 24, "h")
    if d < 730:
        return f"{d}d"
    y = d // 365
    return _pair(y, "y", d % 365, "d") if d < 8 * 365 else f"{y}y"


def took(seconds: float) -> str:
    """How long something took that is over in a moment, as a rule: `13 ms`, `1.4 s`."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _pair(big: int, big_unit: str, small: int, small_unit: str) -> str:
    return f"{big}{big_unit}{small}{small_unit}" if small else f"{big}{big_unit}"


def count(number: int, one: str, many: str = "") -> str:
    """`1 pod`, `3 pods`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def natural(text: str) -> tuple[tuple[str, int], ...]:
    """Sorts `gpu-2` before `gpu-10`."""
    return tuple((word, int(digits or 0)) for word, digits in _WORD_AND_NUMBER.findall(text))


def wanted(requests: Sequence[Request]) -> str:
    """What requests ask for: `2 × gpu.nvidia.com, 1 × nic.example.com`, `all gpu.nvidia.com`, `1 × a or 2 × b`."""
    return ", ".join(map(_wanted, requests))


def _wanted(request: Request) -> str:
    if request.alternatives:
        return " or ".join(map(_wanted, request.alternatives))
    number = "all" if request.mode == "All" else f"{request.count} ×"
    return f"{number} {request.device_class}{' (admin access)' if request.admin_access else ''}"
