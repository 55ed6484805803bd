"""Semantic versions, read as github.com/blang/semver/v4 reads them, which is what the API server uses."""

from functools import total_ordering
from typing import Final

_DIGITS: Final = frozenset("0123456789")
_LETTERS: Final = _DIGITS | frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-")
_LARGEST: Final = (1 << 64) - 1


class NoSemver(ValueError):
    """A text that is no version; says why."""


@total_ordering
class Semver:
    """A version. Equality and order know nothing of build metadata."""

    __slots__ = ("_order", "build", "major", "minor", "patch", "pre")

    def __init__(
        self, major: int, minor: int, patch: int, pre: tuple[str, ...], build: tuple[str, ...]
    ) -> None:
        self.major = major
        self.minor = minor
        self.patch = patch
        self.pre = pre
        self.build = build
        # A release comes after its candidates; numbers come before words.
        parts = tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in pre)
        self._order = (major, minor, patch, not pre, parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Semver) and self._order == other._order

    def __lt__(self, other: "Semver") -> bool:
        return self._order < other._order

    def __hash__(self) -> int:
        return hash(self._order)


def parse(text: str) -> Semver:
    """Raises NoSemver."""
    if not text:
        raise NoSemver("Version string empty")
    parts = text.split(".", 2)
    if len(parts) != 3:
        raise NoSemver("No Major.Minor.Patch elements found")
    major, minor = _number(parts[0], "Major"), _number(parts[1], "Minor")
    patch, plus, build = parts[2].partition("+")
    patch, dash, pre = patch.partition("-")
    return Semver(
        major,
        minor,
        _number(patch, "Patch"),
        tuple(_pre(p) for p in pre.split(".")) if dash else (),
        tuple(_build(b) for b in build.split(".")) if plus else (),
    )


def normalized(text: str) -> Semver:
    """The same of `v1`, `1.2` and `01.02.03`. Raises NoSemver."""
    parts = text.removeprefix("v").split(".", 2)
    for index, part in enumerate(parts):
        if len(part) > 1:
            stripped = part.lstrip("0")
            parts[index] = stripped if stripped[:1] in _DIGITS and stripped else f"0{stripped}"
    if len(parts) < 3:
        if any(mark in parts[-1] for mark in "+-"):
            raise NoSemver("Short version cannot contain PreRelease/Build meta data")
        parts += ["0"] * (3 - len(parts))
    return parse(".".join(parts))


def _number(text: str, what: str) -> int:
    if not text or not _DIGITS.issuperset(text):
        raise NoSemver(f'Invalid character(s) found in {what.lower()} number "{text}"')
    if len(text) > 1 and text[0] == "0":
        raise NoSemver(f'{what} number must not contain leading zeroes "{text}"')
    number = int(text) if len(text) <= 20 else _LARGEST + 1
    if number > _LARGEST:
        raise NoSemver(f'strconv.ParseUint: parsing "{text}": value out of range')
    return number


def _pre(text: str) -> str:
    if not text:
        raise NoSemver("Prerelease is empty")
    if _DIGITS.issuperset(text):
        if len(text) > 1 and text[0] == "0":
            raise NoSemver(f'Numeric PreRelease version must not contain leading zeroes "{text}"')
        if len(text) > 20 or int(text) > _LARGEST:
            raise NoSemver(f'strconv.ParseUint: parsing "{text}": value out of range')
    elif not _LETTERS.issuperset(text):
        raise NoSemver(f'Invalid character(s) found in prerelease "{text}"')
    return text


def _build(text: str) -> str:
    if not text:
        raise NoSemver("Build meta data is empty")
    if not _LETTERS.issuperset(text):
        raise NoSemver(f'Invalid character(s) found in build meta data "{text}"')
    return text
