"""Who measures what devices do, as a person says it."""

from typing import Final
from urllib.parse import urlsplit

FOUND: Final = "auto"
"""Whoever is found."""
NOBODY: Final = "none"
WORDS: Final = (FOUND, "agent", NOBODY)


def metrics_from(text: str) -> str:
    """What `--metrics-from` takes: one of WORDS, or an agent's address, with `{node}` in it where each has its own.

    Raises ValueError.
    """
    text = text.strip()
    if text in WORDS or _is_address(text):
        return text
    raise ValueError(
        f"{text!r} is neither one of {', '.join(WORDS)} nor an address such as http://gpu-node-7:9402"
    )


def _is_address(text: str) -> bool:
    try:
        url = urlsplit(text.replace("{node}", "node"))
        return url.scheme in ("http", "https") and bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        return False
