"""What eyes make of colours: contrast, and how far apart two colours look, also to those who see fewer.

Contrast is WCAG 2's ratio, from 1 (none) to 21. Deficiencies of sight are simulated as in Machado, Oliveira and
Fernandes 2009 (severity 1: dichromats), on linear RGB. Distances are in Oklab, where 0.02 is just noticeable.
"""

from collections.abc import Sequence
from math import dist

RGB = tuple[int, int, int]
Triple = Sequence[float]

_NORMAL = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
SIGHTS = {
    "normal": _NORMAL,
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
_LMS = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_OKLAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)


def contrast(one: RGB, other: RGB) -> float:
    """WCAG's ratio of their luminances."""
    low, high = sorted(map(_luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def distance(one: RGB, other: RGB, sight: str) -> float:
    """How different they look."""
    return dist(_oklab(_seen(one, sight)), _oklab(_seen(other, sight)))


def _luminance(colour: RGB) -> float:
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(colour: RGB) -> Triple:
    parts = [part / 255 for part in colour]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def _seen(colour: RGB, sight: str) -> Triple:
    return [min(max(part, 0.0), 1.0) for part in _times(SIGHTS[sight], _linear(colour))]


def _oklab(linear: Triple) -> Triple:
    return _times(_OKLAB, [part ** (1 / 3) for part in _times(_LMS, linear)])


def _times(matrix: Sequence[Triple], vector: Triple) -> Triple:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]
