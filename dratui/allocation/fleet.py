"""Devices as slices list them, to be asked about by selectors."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any, Final

from dratui.allocation.cel.columns import Path
from dratui.allocation.cel.errors import EvaluationError
from dratui.allocation.cel.library.kubernetes import to_quantity, to_semver
from dratui.allocation.cel.selector import Dialect
from dratui.allocation.cel.values import Map
from dratui.api.model import AttributeValue, Capacity, Device, Version

_NOTHING: Final = Map()
_PLAIN: Final = frozenset((str, int, bool))
_ALIKE: Final = frozenset((bool, tuple))
"""Of these some are equal to what a selector tells apart: true is 1."""


class Devices:
    """Implements `cel.columns.Fleet` with pairs of driver and device."""

    def __init__(self, devices: Sequence[tuple[str, Device]], dialect: Dialect) -> None:
        self._devices = devices
        self._dialect = dialect

    def __len__(self) -> int:
        return len(self._devices)

    def view(self, index: int) -> Map:
        """Raises EvaluationError for an attribute that this version's CEL does not know, even if nothing reads it."""
        return view(*self._devices[index], self._dialect)

    @cached_property
    def odd(self) -> list[int]:
        """Those with an attribute or capacity that CEL does not take."""
        if self._all_plain():
            return []
        return [index for index in range(len(self._devices)) if self._is_odd(index)]

    def _all_plain(self) -> bool:
        """Asked of each value that there is, instead of each that a device has."""
        every = [device.attributes for _, device in self._devices]
        kinds = set(map(type, chain.from_iterable(map(_values, every))))
        if not kinds <= {*_PLAIN, Version}:
            return False
        versions = (
            {value for value in set(chain.from_iterable(map(_values, every))) if type(value) is Version}
            if Version in kinds
            else set()
        )
        amounts = {capacity.value for _, device in self._devices for capacity in device.capacity.values()}
        return all(map(_is_plain, versions)) and all(map(_is_quantity, amounts))

    def _is_odd(self, index: int) -> bool:
        driver, device = self._devices[index]
        if all(map(_is_plain, device.attributes.values())) and all(
            _is_quantity(capacity.value) for capacity in device.capacity.values()
        ):
            return False
        try:
            view(driver, device, self._dialect)
        except EvaluationError:
            return True
        return False

    def keys(self, path: Path) -> list[Hashable]:
        """Of each device what is there."""
        match path:
            case ("driver",):
                return [driver for driver, _ in self._devices]
            case ("allowMultipleAllocations",):
                return [device.multiple_allocations for _, device in self._devices]
            case "attributes", domain, name:
                return self._attributes(domain, name)
            case "capacity", domain, name:
                return self._capacities(domain, name)
            case kind, domain:
                return [_all_in(domain, driver, getattr(device, kind)) for driver, device in self._devices]
        raise AssertionError(path)

    def _attributes(self, domain: str, name: str) -> list[Hashable]:
        full = f"{domain}/{name}"
        found = [
            device.attributes.get(name)
            if driver == domain and full not in device.attributes
            else device.attributes.get(full)
            for driver, device in self._devices
        ]
        if _ALIKE.isdisjoint(map(type, found)):
            return found  # type: ignore[return-value]  # a list of them is not one of hashables to mypy
        return [(_kinds(value), value) for value in found]

    def _capacities(self, domain: str, name: str) -> list[Hashable]:
        full = f"{domain}/{name}"
        found: list[Hashable] = []
        for driver, device in self._devices:
            capacity = device.capacity.get(full) or (device.capacity.get(name) if driver == domain else None)
            found.append(capacity.value if capacity else None)
        return found


def _values(named: Mapping[str, AttributeValue]) -> Iterable[AttributeValue]:
    return named.values()


def _kinds(value: AttributeValue | None) -> tuple[type, ...]:
    return tuple(map(type, value)) if isinstance(value, tuple) else (type(value),)


def _all_in(domain: str, driver: str, named: Mapping[str, AttributeValue | Capacity]) -> Hashable:
    found: list[tuple[str, type, Any]] = []
    for name, value in named.items():
        of, slash, identifier = name.partition("/")
        if (of if slash else driver) == domain:
            given = value.value if isinstance(value, Capacity) else value
            found.append((identifier if slash else name, type(given), given))
    return tuple(sorted(found, key=lambda entry: entry[0]))


def view(driver: str, device: Device, dialect: Dialect) -> Map:
    """A device as selectors see it: names without a domain are the driver's, and any domain may be asked for.

    Raises EvaluationError for an attribute that the dialect does not know.
    """
    attributes = {name: _value(name, value, dialect) for name, value in device.attributes.items()}
    capacity = {name: to_quantity(given.value) for name, given in device.capacity.items()}
    return Map(
        (
            ("driver", driver),
            ("allowMultipleAllocations", device.multiple_allocations and dialect.tells_sharing),
            ("attributes", _by_domain(driver, attributes)),
            ("capacity", _by_domain(driver, capacity)),
        )
    )


def _value(name: str, value: AttributeValue, dialect: Dialect) -> Any:
    if isinstance(value, tuple):
        if not dialect.list_attributes or not value:
            raise EvaluationError(f"attribute {name}: unsupported attribute value")
        return [_version(part.text) if isinstance(part, Version) else part for part in value]
    return _version(value.text) if isinstance(value, Version) else value


_version = lru_cache(maxsize=4096)(to_semver)


def _is_plain(value: AttributeValue) -> bool:
    return type(value) in _PLAIN or (type(value) is Version and _is_version(value.text))


@lru_cache(maxsize=4096)
def _is_version(text: str) -> bool:
    try:
        to_semver(text)
    except EvaluationError:
        return False
    return True


@lru_cache(maxsize=4096)
def _is_quantity(text: str) -> bool:
    try:
        to_quantity(text)
    except EvaluationError:
        return False
    return True


def _by_domain(driver: str, named: Mapping[str, Any]) -> Map:
    domains: dict[str, dict[str, Any]] = {}
    for name, value in named.items():
        domain, slash, identifier = name.partition("/")
        if not slash:
            domain, identifier = driver, name
        domains.setdefault(domain, {})[identifier] = value
    return Map(((domain, Map(values.items())) for domain, values in domains.items()), default=_NOTHING)
