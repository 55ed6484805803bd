"""How long searches may take, in steps, so that the answer is the same on any machine. A step is one device tried:
5 to 10 µs."""

from dataclasses import dataclass


class GaveUp(Exception):
    """A search took more steps than it may, so that nobody knows whether there is room."""


@dataclass(slots=True)
class Patience:
    """With many searches, one after the other: each may take so many steps, all so many together, and when these are
    used up each still a few, with which all but odd ones end."""

    of_one: int = 50_000
    of_all: int = 300_000
    least: int = 200
    long: bool = False  # one was long before: the next may be, too

    @property
    def steps(self) -> int:
        """Those of the next search."""
        return min(self.of_one, max(self.least, self.of_all))

    @property
    def hurried(self) -> bool:
        """Whether others left little."""
        return self.steps < self.of_one

    @property
    def given_up(self) -> str:
        """That it took them all, in words."""
        hurried = " (searches on other nodes took the rest)" if self.hurried else ""
        return f"gave up after {self.steps:,} steps{hurried}: it may fit or not"

    def spend(self, steps: int) -> None:
        """A search took these."""
        self.of_all -= max(0, steps - self.least)
