"""Whether partitions are asked for that take more than all their cards have left, however they are laid out.

Only what surely does not fit is told apart: a search finds the same, but by trying all layouts of all cards.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction

from dratui.allocation.asked import Asked, AskedClaim
from dratui.allocation.counters import Counter, Counters
from dratui.allocation.pools import Candidate


def too_much(
    claims: Sequence[AskedClaim], candidates: Callable[[Asked], Sequence[Candidate]], counters: Counters
) -> bool:
    """By each counter's name; and by all those together that not every partition takes from.

    The memory slices of a card are eight counters. Which of them a half takes differs, that it takes four does not.
    """
    asked = [each for claim in claims for each in claim.each if each.every is None]
    takes = {each: list(_taken(candidates(each), counters)) for each in asked}
    left: dict[Counter, int] = {}
    names: list[set[str]] = []
    for amounts in (amounts for of in takes.values() for amounts in of if amounts):
        names.append({counter.name for counter in amounts})
        left |= {counter: there for counter, (_, there) in amounts.items()}
    for name in set().union(*names):
        mine = {counter: Fraction(1) for counter in left if counter.name == name}
        if _least(claims, takes, mine) > sum(left[counter] for counter in mine):
            return True
    common = names[0].intersection(*names) if names else set()
    parts = {
        counter: Fraction(1, there) for counter, there in left.items() if there and counter.name not in common
    }
    return _least(claims, takes, parts) > len(parts)


_Taken = Mapping[Counter, tuple[int, int]]


def _taken(candidates: Sequence[Candidate], counters: Counters) -> Iterator[_Taken]:
    """By each that may be had. Who shares one that others share takes nothing."""
    for candidate in candidates:
        if not candidate.device.consumes or candidate.device.multiple_allocations:
            yield {}
        elif (taken := counters.takes(candidate)) is not None:
            yield taken


def _least(
    claims: Sequence[AskedClaim], takes: Mapping[Asked, Sequence[_Taken]], weights: Mapping[Counter, Fraction]
) -> Fraction:
    """What all requests take together at least, so weighted."""

    def of(asked: Asked) -> Fraction:
        found = takes.get(asked)
        if not found:
            return Fraction(0)  # all devices, or none: the search sees it at once
        return asked.count * min(
            sum(
                (weights.get(counter, Fraction(0)) * amount for counter, (amount, _) in taken.items()),
                Fraction(0),
            )
            for taken in found
        )

    return sum(
        (min(map(of, alternatives)) for claim in claims for alternatives in claim.requests), Fraction(0)
    )
