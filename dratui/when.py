"""Times as people type them: `14:03`, `14:03:11`, `2026-03-01T14:03:11Z`, `-5m`, `+90s`."""

import re
from datetime import datetime, timedelta
from typing import Final

from dratui.failure import UsageFailure

FORMS: Final = ("-5m", "+90s", "14:03", "14:03:11", "2026-03-01T14:03:11Z")

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")
_DURATION = re.compile(r"(?:\d{1,9}(?:\.\d{1,9})?[dhms])+")
_PART = re.compile(r"([\d.]+)([dhms])")
_SECONDS: Final = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def parse(text: str, begins: float, ends: float) -> float:
    """The time that is meant, in unix seconds, about a past from `begins` to `ends`; it may lie outside.

    `-5m` is before the end, `+90s` after the beginning. A time of day is of this machine's zone, and of the day on
    which it lies in the past, or nearest to it. So is a date and time without a zone. Raises UsageFailure.
    """
    text = text.strip()
    if text[:1] in ("-", "+") and _DURATION.fullmatch(text[1:]):
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
        return ends - seconds if text[0] == "-" else begins + seconds
    if clock := _CLOCK.fullmatch(text):
        hour, minute, second = (int(part or 0) for part in clock.groups())
        return _of_day(hour, minute, second, begins, ends)
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise UsageFailure(f"{text!r} is no time", hint=f"one like {', '.join(FORMS)}") from None


def _of_day(hour: int, minute: int, second: int, begins: float, ends: float) -> float:
    last = datetime.fromtimestamp(ends).astimezone()
    moments = [
        (last + timedelta(days=days))
        .replace(hour=hour, minute=minute, second=second, microsecond=0, tzinfo=None)
        .timestamp()
        for days in (-1, 0, 1)
    ]
    return min(moments, key=lambda t: (max(begins - t, t - ends, 0), -t))
