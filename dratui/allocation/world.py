"""What an allocation is made in: devices and who has them, classes, and what selectors say of each device."""

from collections.abc import Iterable, Mapping, Sequence, Set
from copy import copy
from dataclasses import dataclass, field

from dratui.allocation.capacity import Amounts
from dratui.allocation.cel.clauses import Refusal, clauses, refusal
from dratui.allocation.cel.columns import Columns, Verdict
from dratui.allocation.cel.selector import Selector, selector
from dratui.allocation.fleet import Devices, view
from dratui.allocation.pools import Slices
from dratui.allocation.rules import Feature, Rules
from dratui.api import quantity
from dratui.api.model import Claim, Device, DeviceClass, DeviceKey, Slice


@dataclass(frozen=True, slots=True)
class Held:
    """What is in use: devices that one claim has for itself, and of shared ones what is taken of each capacity."""

    exclusive: Set[DeviceKey] = frozenset()
    shared: Mapping[DeviceKey, Amounts] = field(default_factory=dict)

    def has(self, key: DeviceKey) -> bool:
        """Whether anybody has it, or a share of it."""
        return key in self.exclusive or key in self.shared


def held(claims: Iterable[Claim], rules: Rules) -> Held:
    """By these claims. Who only watches a device, by admin access, does not hold it."""
    exclusive: set[DeviceKey] = set()
    shared: dict[DeviceKey, dict[str, int]] = {}
    for claim in claims:
        for result in claim.allocation.results if claim.allocation else ():
            if result.admin_access:
                continue
            if not (result.share_id and rules.has(Feature.CONSUMABLE_CAPACITY)):
                exclusive.add(result.key)
                continue
            taken = shared.setdefault(result.key, {})
            for name, amount in result.consumed_capacity.items():
                taken[name] = taken.get(name, 0) + (quantity.parse(amount) or 0)
    return Held(frozenset(exclusive), shared)


class World:
    """A cluster at one moment. Selectors are asked once for all its devices, when one is first asked for."""

    def __init__(
        self, slices: Sequence[Slice], classes: Iterable[DeviceClass], held: Held, rules: Rules
    ) -> None:
        self.rules = rules
        self.slices = Slices(slices)
        self.classes = {each.name: each for each in classes}
        self.held = held
        self._first: dict[int, int] = {}  # by the identity of a slice, the number of its first device
        devices: list[tuple[str, Device]] = []
        for each in slices:
            self._first[id(each)] = len(devices)
            devices += [(each.driver, device) for device in each.devices]
        self._columns = Columns(Devices(devices, rules.dialect))
        self._verdicts: dict[str, list[Verdict]] = {}
        self._refusals: dict[tuple[Selector, int], Refusal | None] = {}

    def holding(self, held: Held) -> "World":
        """The same, but for what is in use: what selectors said so far of its devices holds for both."""
        other = copy(self)
        other.held = held
        return other

    def verdict(self, source: str, each: Slice, index: int) -> Verdict:
        """Whether an expression selects a device of a slice. Raises Failure for what is no expression."""
        verdicts = self._verdicts.get(source)
        if verdicts is None:
            compiled = selector(source, self.rules.dialect)
            verdicts = self._verdicts[source] = self._columns.verdicts(compiled)
        return verdicts[self._first[id(each)] + index]

    def refusal(self, source: str, each: Slice, index: int) -> Refusal | None:
        """Which clause of an expression says no to a device that it does not select: found once for all that are
        alike."""
        compiled = selector(source, self.rules.dialect)
        parts = clauses(compiled)
        if len(parts) == 1:
            return Refusal(parts[0], "")
        key = compiled, self._columns.alike(compiled, self._first[id(each)] + index)
        if key not in self._refusals:
            seen = view(each.driver, each.devices[index], self.rules.dialect)
            self._refusals[key] = refusal(compiled, seen)
        return self._refusals[key]
