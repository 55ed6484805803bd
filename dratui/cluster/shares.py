"""The capacity of a device that claims share: how much of it they consume, how much is left."""

from collections.abc import Iterable, Mapping

import msgspec

from dratui.api.model import Capacity
from dratui.api.quantity import parse, write


class SharedCapacity(msgspec.Struct, frozen=True, gc=False):
    """A capacity of a shared device. `consumed` and `left` are None if a quantity cannot be read."""

    name: str
    total: str
    consumed: str | None
    left: str | None


def shared_capacity(
    capacity: Mapping[str, Capacity], shares: Iterable[Mapping[str, str]]
) -> tuple[SharedCapacity, ...]:
    """Add up what `shares` (the consumedCapacity of each, admin access not counted) take of each capacity.

    `left` is negative if the device shrank below what was given out.
    """
    taken = list(shares)
    found = []
    for name, each in capacity.items():
        total = parse(each.value)
        amounts = [parse(share[name]) for share in taken if name in share]
        readable = [amount for amount in amounts if amount is not None]
        if total is None or len(readable) < len(amounts):
            found.append(SharedCapacity(name, each.value, None, None))
            continue
        used = sum(readable)
        found.append(
            SharedCapacity(name, each.value, write(used, each.value), write(total - used, each.value))
        )
    return tuple(found)
