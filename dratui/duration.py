"""Durations as kubectl takes them."""

import re

_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """`90`, `30s`, `10m`, `1h30m`, `250ms` in seconds. Raises ValueError with words for a person."""
    parts = re.findall(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no duration such as 30s, 10m or 1h30m")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
