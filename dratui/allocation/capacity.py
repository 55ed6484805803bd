"""What a share of a device takes of its capacity: requests rounded as the device's policy wants it.

Source: structured/internal/experimental, consumable_capacity.go. Amounts are in nano units, as `dratui.api.quantity`.
"""

from collections.abc import Mapping
from typing import NamedTuple

from dratui.api import quantity
from dratui.api.model import Capacity, CapacityRange, RequestPolicy
from dratui.api.quantity import NANO

Amounts = Mapping[str, int]
"""By the capacity's name."""


class _Amount(NamedTuple):
    """`text` is how it was written, where it was."""

    nano: int
    text: str = ""


def _read(text: str) -> _Amount:
    return _Amount(quantity.parse(text) or 0, text)


def consumed(capacity: Mapping[str, Capacity], requests: Mapping[str, str]) -> dict[str, int]:
    """What a request takes, of each capacity."""
    return {name: _taken(requests.get(name), of).nano for name, of in capacity.items()}


def fits(
    capacity: Mapping[str, Capacity], requests: Mapping[str, str], taken: Amounts, taking: Amounts
) -> str:
    """Whether there is room beside what others have `taken` and this pod is `taking`: why not, or nothing."""
    for name in requests:
        if name not in capacity:
            return f"has no capacity {name}"
    for name, of in capacity.items():
        amount = _taken(requests.get(name), of)
        if _violates(amount, of.policy):
            return f"does not share {quantity.write(amount.nano, of.value)} of {name}"
        total = taken.get(name, 0) + amount.nano + taking.get(name, 0)
        if total > (most := _read(of.value).nano):
            left = max(0, most - taken.get(name, 0) - taking.get(name, 0))
            wanted = quantity.write(amount.nano, of.value)
            return f"{name}: {wanted} wanted, {quantity.write(left, of.value)} of {of.value} left"
    return ""


def most(of: Capacity, taken: int) -> int:
    """The most that may be requested beside what is taken; 0 for nothing."""
    left = max(0, _read(of.value).nano - taken)
    policy = of.policy
    if policy is None:
        return left
    if (valid := policy.valid_range) is not None and valid.min is not None:
        least = _read(valid.min).nano
        left = min(left, _read(valid.max).nano) if valid.max is not None else left
        if left < least or valid.step is None or not (step := _read(valid.step).nano):
            return left if left >= least else 0
        return least + (left - least) // step * step
    if policy.valid_values:
        return max((nano for each in policy.valid_values if (nano := _read(each).nano) <= left), default=0)
    return left


def _taken(requested: str | None, of: Capacity) -> _Amount:
    policy = of.policy
    if requested is None:
        return _read(policy.default if policy and policy.default is not None else of.value)
    amount = _read(requested)
    if policy is None:
        return amount
    if policy.valid_range is not None and policy.valid_range.min is not None:
        return _in_range(amount, policy.valid_range)
    for valid in policy.valid_values:
        if amount.nano <= (value := _read(valid)).nano:
            return value
    return amount


def _in_range(amount: _Amount, valid: CapacityRange) -> _Amount:
    least = _read(valid.min or "0")
    if amount.nano < least.nano:
        return least
    if valid.step is None:
        return amount
    step, start = _whole(valid.step), _whole(valid.min or "0")
    steps = -(-(_up(amount.nano) - start) // step) if step else 0
    return _Amount((start + step * steps) * NANO)


def _violates(amount: _Amount, policy: RequestPolicy | None) -> bool:
    if policy is None:
        return False
    if policy.default is not None and amount.text == policy.default:
        return False
    if (valid := policy.valid_range) is not None:
        if valid.max is not None and amount.nano > _read(valid.max).nano:
            return True
        if valid.step is None:
            return False
        step = _whole(valid.step)
        return bool(step) and (_up(amount.nano) - _whole(valid.min or "0")) % step != 0
    return bool(policy.valid_values) and all(_read(v).nano != amount.nano for v in policy.valid_values)


def _whole(text: str) -> int:
    return _up(_read(text).nano)


def _up(nano: int) -> int:
    """In units, rounded up, as the server does."""
    return -(-nano // NANO)
