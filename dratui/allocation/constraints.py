"""`matchAttribute` and `distinctAttribute`: what the devices of a claim have in common, or must not.

Each remembers what was added, and forgets in the same imperfect ways as the allocator. Source: structured/internal,
constraint.go and allocator_*.go.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Protocol

from dratui.allocation.rules import Feature, Rules
from dratui.allocation.words import device_beside, written
from dratui.api.model import AttributeValue, Constraint, Device, DeviceKey

Added = tuple[str, DeviceKey, Device]
"""A device of a request, `main/sub` for an alternative."""


class Constrained(Protocol):
    """A constraint in the course of a search. `names` are those of the request, and of request/subrequest."""

    @property
    def name(self) -> str:
        """The attribute's."""

    def add(self, names: tuple[str, ...], driver: str, device: Device) -> bool:
        """Whether the device may join those that were added."""

    def remove(self, names: tuple[str, ...], driver: str, device: Device) -> None:
        """One that was added goes."""

    def restores(self, most: Mapping[str, int]) -> bool:
        """Whether removing leaves nothing behind, where requests have at most so many devices, by name."""

    def state(self) -> Hashable:
        """Equal where the same devices may join."""


def constrained(constraint: Constraint, rules: Rules) -> Constrained | None:
    """None for a kind that these rules do not know."""
    lists = rules.has(Feature.LISTS)
    if constraint.match_attribute:
        return _MatchLists(constraint, restored=rules.lists_restored) if lists else _Match(constraint)
    if constraint.distinct_attribute and rules.distinct:
        return _Distinct(constraint, rules)
    return None


def attribute(driver: str, device: Device, name: str) -> AttributeValue | None:
    """By its full name, or without the domain if that is the driver."""
    found = device.attributes.get(name)
    if found is not None:
        return found
    domain, slash, identifier = name.partition("/")
    return device.attributes.get(identifier) if slash and domain == driver else None


def named(request: str) -> tuple[str, ...]:
    """What constraints may call a request, or an alternative: `main/sub` is of `main`, too."""
    main, slash, _ = request.partition("/")
    return (main, request) if slash else (main,)


def clash(constraint: Constraint, earlier: Sequence[Added], refused: Added) -> str:
    """Why a device may not join those that were added `earlier`: that one, and the first that it does not go with."""
    name = constraint.match_attribute or constraint.distinct_attribute
    request, key, device = refused
    value = attribute(key.driver, device, name)
    this = device_beside(key, [other for _, other, _ in earlier])
    if value is None or value == ():
        return f"{name}: {this} does not have it"
    for its_request, its_key, its_device in earlier:
        if constraint.requests and not any(each in constraint.requests for each in named(its_request)):
            continue
        its = attribute(its_key.driver, its_device, name)
        if its is None or bool(_values(value) & _values(its)) is not bool(constraint.distinct_attribute):
            continue
        other = device_beside(its_key, (key,))
        of = "" if its_request == request else f" of request {its_request}"
        if constraint.match_attribute:
            return f"{name}: {this} has {written(value)}, {other}{of} has {written(its)}"
        return f"{name}: {this} has {written(value)} as {other}{of} has"
    return f"{name}: {this} has {written(value)}, which does not go with the others"


def _values(value: AttributeValue) -> frozenset[tuple[type, object]]:
    return frozenset((type(part), part) for part in (value if isinstance(value, tuple) else (value,)))


class _Named:
    def __init__(self, name: str, requests: tuple[str, ...]) -> None:
        self.name = name
        self._requests = requests
        self._count = 0

    def _concerns(self, names: tuple[str, ...]) -> bool:
        return not self._requests or any(name in self._requests for name in names)


class _Match(_Named):
    """Without lists: of a list nothing matches but what comes first."""

    def __init__(self, constraint: Constraint) -> None:
        super().__init__(constraint.match_attribute, constraint.requests)
        self._value: AttributeValue | None = None

    def add(self, names: tuple[str, ...], driver: str, device: Device) -> bool:
        if not self._concerns(names):
            return True
        value = attribute(driver, device, self.name)
        if value is None:
            return False
        if self._count == 0:
            self._value = value
        elif isinstance(value, tuple) or type(value) is not type(self._value) or value != self._value:
            return False
        self._count += 1
        return True

    def remove(self, names: tuple[str, ...], driver: str, device: Device) -> None:
        if self._concerns(names):
            self._count -= 1

    def restores(self, most: Mapping[str, int]) -> bool:
        return True

    def state(self) -> Hashable:
        return (type(self._value), self._value) if self._count else None


class _MatchLists(_Named):
    """What all have in common. Before 1.37 it is not `restored` when a device is removed."""

    def __init__(self, constraint: Constraint, *, restored: bool) -> None:
        super().__init__(constraint.match_attribute, constraint.requests)
        self._restored = restored
        self._common: list[frozenset[tuple[type, object]]] = []  # device by device; else only the last

    def add(self, names: tuple[str, ...], driver: str, device: Device) -> bool:
        if not self._concerns(names):
            return True
        value = attribute(driver, device, self.name)
        if value is None or value == ():
            return False
        common = _values(value)
        if self._count:
            common &= self._common[-1]
            if not common:
                return False
        if not self._restored:
            self._common.clear()
        self._common.append(common)
        self._count += 1
        return True

    def remove(self, names: tuple[str, ...], driver: str, device: Device) -> None:
        if self._concerns(names):
            self._count -= 1
            if self._restored:
                self._common.pop()

    def restores(self, most: Mapping[str, int]) -> bool:
        return self._restored

    def state(self) -> Hashable:
        return self._common[-1] if self._count else None


class _Distinct(_Named):
    """Before 1.37 it remembers one value a request: of several devices of one request only the last."""

    def __init__(self, constraint: Constraint, rules: Rules) -> None:
        super().__init__(constraint.distinct_attribute, constraint.requests)
        self._by_value = rules.distinct_by_value
        self._from_all = rules.distinct_from_all
        self._lists = rules.has(Feature.LISTS)
        self._of: dict[str | int, tuple[Device, AttributeValue]] = {}

    def add(self, names: tuple[str, ...], driver: str, device: Device) -> bool:
        if not self._concerns(names):
            return True
        value = attribute(driver, device, self.name)
        if value is None:
            return False
        if self._count and not self._differs(device, value):
            return False
        self._of[self._count if self._from_all else names[0]] = device, value
        self._count += 1
        return True

    def _differs(self, device: Device, value: AttributeValue) -> bool:
        if isinstance(value, tuple) and not self._lists:
            return not self._of
        if not self._by_value:
            return all(device is not other for other, _ in self._of.values())
        mine = _values(value)
        return all(
            not mine & _values(other)
            for _, other in self._of.values()
            if self._lists or not isinstance(other, tuple)
        )

    def remove(self, names: tuple[str, ...], driver: str, device: Device) -> None:
        if self._concerns(names):
            self._count -= 1
            self._of.pop(self._count if self._from_all else names[0], None)

    def restores(self, most: Mapping[str, int]) -> bool:
        """Before 1.37 what one request's first device was is forgotten with its second."""
        of = {name.partition("/")[0] for name in self._requests} or most.keys()
        return self._by_value and (self._from_all or all(most.get(name, 0) <= 1 for name in of))

    def state(self) -> Hashable:
        return frozenset((type(value), value) for _, value in self._of.values())
