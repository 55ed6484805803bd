"""What the conformance commands print: each disagreement, and how many there are."""

from collections.abc import Iterable


def tally(outcomes: Iterable[tuple[str, str]]) -> int:
    """Print and count cases, by name, with what is wrong ("" is nothing). The exit status: 1 if anything is."""
    agree = disagree = 0
    for name, wrong in outcomes:
        if not wrong:
            agree += 1
            continue
        disagree += 1
        print(f"{name}\n    {wrong}")
    print(f"{agree} agree, {disagree} disagree")
    return 1 if disagree else 0
