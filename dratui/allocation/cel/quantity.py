"""Quantities as expressions see them: exact numbers, and whether the API server holds one as a whole number.

`1Pi` and `1000m` are whole numbers and `isInteger` says no: it asks how the number is held, not what it is. So that
is part of a value here. Source: k8s.io/apimachinery/pkg/api/resource, quantity.go, amount.go and suffix.go.
"""

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final

_LARGEST: Final = (1 << 63) - 1
_SUFFIXES: Final = {
    "n": (10, -9),
    "u": (10, -6),
    "m": (10, -3),
    "": (10, 0),
    "k": (10, 3),
    "M": (10, 6),
    "G": (10, 9),
    "T": (10, 12),
    "P": (10, 15),
    "E": (10, 18),
    "Ki": (2, 10),
    "Mi": (2, 20),
    "Gi": (2, 30),
    "Ti": (2, 40),
    "Pi": (2, 50),
    "Ei": (2, 60),
}
_SHAPE: Final = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[+-]?[0-9]*)", re.ASCII)
_EXPONENT: Final = re.compile(r"[eE]([+-]?[0-9]+)", re.ASCII)
_LONGEST: Final = 1024  # characters of a quantity: no server writes more
_FARTHEST: Final = 10_000  # powers of ten: what lies beyond is as good as endless, and costs as much
_DIGITS_OF_INT64: Final = 18

WRONG_FORMAT: Final = (
    r"quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)
WRONG_SUFFIX: Final = "unable to parse quantity's suffix"


class NoQuantity(ValueError):
    """A text that is none; says why in the server's words."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """`value` × 10^`scale` where it is held so, in 64 bits; or any number, `exact`.

    `computed`: of a sum or difference, to which cel-go finds nothing equal.
    """

    value: int = 0
    scale: int = 0
    exact: Fraction | None = None
    computed: bool = False

    @property
    def number(self) -> Fraction:
        """What it is worth."""
        if self.exact is not None:
            return self.exact
        return (
            Fraction(self.value * 10**self.scale)
            if self.scale >= 0
            else Fraction(self.value, 10**-self.scale)
        )

    @property
    def whole(self) -> int | None:
        """As a number of 64 bits, if it is held so."""
        if self.exact is not None or self.scale < 0:
            return None
        value = self.value * 10**self.scale
        return value if -_LARGEST - 1 <= value <= _LARGEST else None

    @property
    def approximate(self) -> float:
        """The nearest that Go comes to it."""
        if self.exact is None:
            return float(self.value) if self.scale == 0 else float(self.value) * 10.0**self.scale
        try:
            return float(self.exact)
        except OverflowError:
            return math.inf if self.exact > 0 else -math.inf

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.number == other.number

    def __hash__(self) -> int:
        return hash(self.number)

    def compare(self, other: "Quantity") -> int:
        """-1, 0 or 1."""
        if self.exact is None and other.exact is None and self.scale == other.scale:
            return (self.value > other.value) - (self.value < other.value)
        one, that = self.number, other.number
        return (one > that) - (one < that)

    def plus(self, other: "Quantity", sign: int = 1) -> "Quantity":
        """The sum, or with -1 the difference."""
        if self.exact is None and other.exact is None:
            if other.value == 0:
                return Quantity(self.value, self.scale, computed=True)
            if self.value == 0:
                return Quantity(sign * other.value, other.scale, computed=True)
            scale = min(self.scale, other.scale)
            one = self.value * 10 ** (self.scale - scale)
            that = other.value * 10 ** (other.scale - scale)
            if all(abs(n) <= _LARGEST for n in (one, that, one + sign * that)):
                return Quantity(one + sign * that, scale, computed=True)
        return Quantity(exact=self.number + sign * other.number, computed=True)


@lru_cache(maxsize=4096)
def parse(text: str) -> Quantity:
    """Raises NoQuantity."""
    if not text or len(text) > _LONGEST:
        raise NoQuantity(WRONG_FORMAT)
    found = _SHAPE.fullmatch(text)
    if found is None:
        raise NoQuantity(WRONG_FORMAT)
    sign = -1 if found[1] == "-" else 1
    digits, fraction, suffix = found[2].lstrip("0"), found[3] or "", found[4]
    if not digits and found[3] is None and not suffix:
        if not found[2] and not found[1]:
            raise NoQuantity(WRONG_FORMAT)
        return Quantity()
    base, exponent = _meaning(suffix)
    whole = digits or "0"
    if (value := _in_64_bits(whole, fraction, base, exponent)) is not None:
        return Quantity(sign * value[0], value[1])
    if not found[2] and not fraction:
        raise NoQuantity(WRONG_FORMAT)
    return Quantity(exact=sign * _exactly(int(whole + fraction), len(fraction), base, exponent))


def _in_64_bits(whole: str, fraction: str, base: int, exponent: int) -> tuple[int, int] | None:
    """Value and scale, of a number that is small enough to be held so."""
    mantissa = 1
    if base == 10:
        scale, precision = exponent, _DIGITS_OF_INT64 - len(whole) - len(fraction)
    elif fraction:
        return None
    else:
        scale, mantissa = 0, 1 << exponent
        precision = 15 - len(whole) - int(exponent * 3 / 10) - 1
    scale -= len(fraction)
    if precision < 0 or scale < -9:
        return None
    value = int(whole + fraction) * mantissa
    return (value, scale) if value <= _LARGEST else None


def _exactly(digits: int, places: int, base: int, exponent: int) -> Fraction:
    """Rounded up to a nano unit; of a binary quantity at most what fits 64 bits."""
    number = Fraction(digits, 10**places) * Fraction(base) ** exponent
    nano = math.ceil(number * 10**9)
    if base == 2:
        nano = min(nano, _LARGEST * 10**9)
    return Fraction(nano, 10**9)


def _meaning(suffix: str) -> tuple[int, int]:
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    found = _EXPONENT.fullmatch(suffix)
    if found is None or len(found[1]) > 10:
        raise NoQuantity(WRONG_SUFFIX)
    return 10, max(-_FARTHEST, min(_FARTHEST, int(found[1])))
