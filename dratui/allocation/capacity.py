"""What a share of a device takes of its capacity: requests rounded as the device's policy wants it.

Source: structured/internal/experimental, consumable_capacity.go. Amounts are in nano units, as `dratui.api.quantity`.
`fractional`: the gate DRAFractionalCapacityRange; without it steps are counted in whole units.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

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


def consumed(
    capacity: Mapping[str, Capacity], requests: Mapping[str, str], *, fractional: bool
) -> dict[str, int]:
    """What a request takes, of each capacity."""
    return {name: _taken(requests.get(name), of, fractional).nano for name, of in capacity.items()}


def odd(capacity: Mapping[str, Capacity], requests: Mapping[str, str], *, fractional: bool) -> str:
    """What 1.37 refuses to count, in the allocator's words; nothing if there is nothing of that kind."""
    if requests.keys() - capacity.keys():
        return ""  # another device may have them
    for name, of in capacity.items():
        valid = of.policy.valid_range if of.policy else None
        if valid and name in requests and (why := _uncountable(requests[name], valid, fractional)):
            return f'capacity "{name}": {_UNCOUNTABLE}: {why}'
        if _taken(requests.get(name), of, fractional).nano < 0:
            return f'capacity "{name}": capacity value is negative'
    return ""


_UNCOUNTABLE: Final = "capacity request cannot be represented in the device's range arithmetic"


def _uncountable(requested: str, valid: CapacityRange, fractional: bool) -> str:
    if valid.min is None or valid.step is None:
        return ""
    amount, least = _read(requested).nano, _read(valid.min).nano
    if amount < least:
        return ""
    unit = _unit(valid, fractional)
    if unit == _MILLI and (amount % unit or amount // unit > _MOST):
        return f"request {requested} is not a representable milli value"
    if least >= 0 and _in_range(_read(requested), valid, fractional).nano > _MOST * unit:
        passed = "the milli-value range" if unit == _MILLI else "MaxInt64"
        return f"rounding request {requested} up to the next step passes {passed}"
    return ""


def fits(
    capacity: Mapping[str, Capacity],
    requests: Mapping[str, str],
    taken: Amounts,
    taking: Amounts,
    *,
    fractional: bool,
) -> str:
    """Whether there is room beside what others have `taken` and this pod is `taking`: why not, or nothing."""
    for name in requests:
        if name not in capacity:
            return f"has no capacity {name}"
    for name, of in capacity.items():
        amount = _taken(requests.get(name), of, fractional)
        if _violates(amount, of.policy, fractional):
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


def _taken(requested: str | None, of: Capacity, fractional: bool) -> _Amount:
    policy = of.policy
    if requested is None:
        return _read(policy.default if policy and policy.default is not None else of.value)
    amount = _read(requested)
    if policy is None:
        return amount
    if policy.valid_range is not None and policy.valid_range.min is not None:
        return _in_range(amount, policy.valid_range, fractional)
    for valid in policy.valid_values:
        if amount.nano <= (value := _read(valid)).nano:
            return value
    return amount


def _in_range(amount: _Amount, valid: CapacityRange, fractional: bool) -> _Amount:
    least = _read(valid.min or "0")
    if amount.nano < least.nano:
        return least
    if valid.step is None:
        return amount
    unit = _unit(valid, fractional)
    step, start = _up(_read(valid.step).nano, unit), _up(least.nano, unit)
    steps = -(-(_up(amount.nano, unit) - start) // step) if step else 0
    return _Amount((start + step * steps) * unit)


def _violates(amount: _Amount, policy: RequestPolicy | None, fractional: bool) -> bool:
    if policy is None:
        return False
    if policy.default is not None and amount.text == policy.default:
        return False
    if (valid := policy.valid_range) is not None:
        if valid.max is not None and amount.nano > _read(valid.max).nano:
            return True
        if valid.step is None:
            return False
        unit = _unit(valid, fractional)
        step, start = _up(_read(valid.step).nano, unit), _up(_read(valid.min or "0").nano, unit)
        return bool(step) and (_up(amount.nano, unit) - start) % step != 0
    return bool(policy.valid_values) and all(_read(v).nano != amount.nano for v in policy.valid_values)


_MILLI: Final = NANO // 1000
_MOST: Final = 2**63 - 1  # of units of either kind


def _unit(valid: CapacityRange, fractional: bool) -> int:
    """What steps are counted in: thousandths, where a policy can be written in them."""
    bounds = [_read(text).nano for text in (valid.min, valid.max, valid.step) if text is not None]
    countable = all(nano % _MILLI == 0 and nano // _MILLI <= _MOST for nano in bounds)
    return _MILLI if fractional and countable else NANO


def _up(nano: int, unit: int) -> int:
    """In units, rounded up, as the server does."""
    return -(-nano // unit)
