"""What an allocated device was asked for by: a request of its claim, or the choice of a prioritized list."""

from collections.abc import Sequence

import msgspec

from dratui.api.model import Claim, Request, Result
from dratui.api.quantity import parse, write


class Choice(msgspec.Struct, frozen=True, gc=False):
    """Which entry of `firstAvailable` was taken: its name, and the `number`-th `of` so many. The first is the best."""

    name: str
    number: int
    of: int


def choice(requests: Sequence[Request], result: str) -> Choice | None:
    """The choice that a result's `main/sub` names; None when its request has no list."""
    main, _, sub = result.partition("/")
    for request in requests:
        if request.name == main and request.alternatives:
            for number, alternative in enumerate(request.alternatives, start=1):
                if alternative.name == sub:
                    return Choice(sub, number, len(request.alternatives))
    return None


def request_of(requests: Sequence[Request], result: str) -> Request | None:
    """The request, or the entry of its `firstAvailable`, that a result is for."""
    main, _, sub = result.partition("/")
    found = next((r for r in requests if r.name == main), None)
    if found is None or not found.alternatives:
        return found
    return next((a for a in found.alternatives if a.name == sub), None)


def waste_of(claim: Claim, result: Result) -> dict[str, str]:
    """What of a share was not asked for: the device's policy rounds a request up. Only for capacities that the
    request names; for the others there is a default, and nothing to compare with.

    Source: k8s.io/dynamic-resource-allocation/structured/internal, calculateConsumedCapacity, 1.36.
    """
    consumed = result.consumed_capacity
    request = request_of(claim.requests, result.request) if consumed else None
    waste: dict[str, str] = {}
    for name, asked in (request.capacity if request else {}).items():
        got, wanted = parse(consumed.get(name, "")), parse(asked)
        if got is not None and wanted is not None and got > wanted:
            waste[name] = write(got - wanted, consumed[name])
    return waste
