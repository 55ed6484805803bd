"""How devices and what they are is written in explanations: short, whatever a tenant or a driver wrote."""

from collections.abc import Iterable, Sequence
from typing import Final

from dratui.api.model import AttributeValue, DeviceKey, Version

_LONGEST: Final = 160  # characters of somebody else's text
_MOST: Final = 3


def written(value: AttributeValue) -> str:
    """An attribute's value."""
    if isinstance(value, Version):
        return value.text
    if isinstance(value, tuple):
        return f"[{', '.join(map(written, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def device_beside(key: DeviceKey, others: Iterable[DeviceKey]) -> str:
    """Its name; in full, where another of these is of another pool."""
    return key.device if all(other[:2] == key[:2] for other in others) else "/".join(key)


def short(text: str) -> str:
    """No longer than one can read."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def some(texts: Sequence[str]) -> str:
    """The first few, and how many more."""
    more = len(texts) - _MOST
    return ", ".join(texts) if more <= 0 else f"{', '.join(texts[:_MOST])} and {more} more"
