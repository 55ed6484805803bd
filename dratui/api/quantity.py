"""Kubernetes quantities as exact whole numbers: `81559Mi`, `1.5`, `500m`, `2e3`.

A quantity is a count of nano units (10⁻⁹), as fine as the API server keeps one; no floats, and no text that makes
an enormous number. Counters and capacities are added and compared as these, and written again as the server would.

Source: k8s.io/apimachinery/pkg/api/resource, quantity.go and suffix.go, 1.36.
"""

import re
from functools import lru_cache
from typing import Literal

NANO = 10**9
"""Nano units in one."""

LARGEST = (2**63 - 1) * NANO
"""What lies beyond is capped, as the API server does."""

_LONGEST = (
    256  # characters: no server writes more, and reading digits takes time that grows with their square
)
_FARTHEST = 400  # powers of ten: beyond, any number of that many digits is capped, or the smallest there is

_QUANTITY = re.compile(
    r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]+))?", re.ASCII
)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}

Format = Literal["binary", "decimal", "exponent"]


@lru_cache(maxsize=4096)
def parse(text: str) -> int | None:
    """A quantity in nano units; None for what is none.

    What is finer than a nano unit is rounded away from zero, what is larger than 2⁶³-1 is capped.
    """
    found = _QUANTITY.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        return None
    sign, whole, fraction, suffix, exponent = (part or "" for part in found.groups())
    if not whole and not fraction:
        return None
    digits = int(whole + fraction)
    tens = 9 - len(fraction) + _DECIMAL.get(suffix, 0) + _power(exponent)
    size = _scaled(digits << _BINARY.get(suffix, 0), tens)
    return -size if sign == "-" else size


def _power(exponent: str) -> int:
    return max(-_FARTHEST, min(_FARTHEST, int(exponent))) if exponent else 0


def _scaled(number: int, tens: int) -> int:
    """number × 10^tens, rounded up to a whole number, capped."""
    factor: int = 10 ** abs(tens)
    return min(number * factor if tens >= 0 else -(-number // factor), LARGEST)


def form(text: str) -> Format:
    """How a quantity is written; a result of arithmetic is written like what it came from."""
    if text.endswith("i"):
        return "binary"
    return "exponent" if "e" in text or "E" in text[:-1] else "decimal"


def write(nano: int, like: str = "") -> str:
    """A quantity in canonical form, in the format of `like`.

    The greatest suffix that leaves a whole number; in binary form nothing below 1024, and no fractions.
    """
    if nano == 0:
        return "0"
    sign, size = ("-" if nano < 0 else ""), abs(nano)
    how = form(like)
    if how == "binary" and size >= 1024 * NANO and size % NANO == 0:
        number, suffix = size // NANO, ""
        for name in _BINARY:
            if number % 1024:
                break
            number, suffix = number // 1024, name
        return f"{sign}{number}{suffix}"
    thousands = 0
    while thousands < 9 and size % 1000 == 0:
        size, thousands = size // 1000, thousands + 1
    power = thousands * 3 - 9
    if how == "exponent":
        return f"{sign}{size}" + (f"e{power}" if power else "")
    return f"{sign}{size}" + next((name for name, tens in _DECIMAL.items() if tens == power), "")
