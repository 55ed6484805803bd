"""What may be written next in a selector: the names and values that the devices of the fleet really have."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from dratui.api import quantity
from dratui.api.model import AttributeValue, Device, Version

MOST_VALUES: Final = 12  # an attribute with more is no way to choose devices, as a rule: uuid
_MOST_DRIVERS: Final = 3  # that examples are made for
_MAPS: Final = ("attributes", "capacity")

_CLAUSE: Final = re.compile(r"(?:^|&&|\|\||[(!?])\s*$")  # where a condition may begin
_FIELD: Final = re.compile(r"\bdevice\.(\w*)$")
_DOMAIN: Final = re.compile(r"""\bdevice\.(attributes|capacity)\[(["']?)([^"'\]]*)$""")
_NAME: Final = re.compile(r"""\bdevice\.(attributes|capacity)\[(["'])([^"']+)\2\]\.\??(\w*)$""")
_AMOUNT: Final = re.compile(r"""\bdevice\.capacity\[(["'])([^"']+)\1\]\.(\w+)\.(\w*)$""")
_VALUE: Final = re.compile(r"""\bdevice\.attributes\[(["'])([^"']+)\1\]\.(\w+)\s*[!=]=\s*("?[^"&|]*)$""")


class Next(NamedTuple):
    """Something to write behind the first `keep` characters of what stands before the cursor; `brief` tells it."""

    keep: int
    text: str
    brief: str


@dataclass(slots=True)
class _Names:
    """What the devices of one domain have: values by name, and how often; of a capacity the quantities."""

    devices: int = 0
    values: dict[str, dict[str, Counter[str]]] = field(default_factory=lambda: {kind: {} for kind in _MAPS})

    def all(self) -> Iterator[tuple[str, str, Counter[str]]]:
        """Kind, name and values of each."""
        for kind, named in self.values.items():
            for name, values in named.items():
                yield kind, name, values


class Vocabulary:
    """Of drivers and devices, all that a selector of them can name; values as CEL writes them."""

    def __init__(self, devices: Iterable[tuple[str, Device]]) -> None:
        self._drivers: Counter[str] = Counter()
        self._domains: dict[str, _Names] = {}
        for driver, device in devices:
            self._drivers[driver] += 1
            self._of(driver).devices += 1
            for name, value in device.attributes.items():
                self._note("attributes", driver, name, literal(value))
            for name, capacity in device.capacity.items():
                self._note("capacity", driver, name, f'quantity("{capacity.value}")')

    def _of(self, domain: str) -> _Names:
        return self._domains.setdefault(domain, _Names())

    def _note(self, kind: str, driver: str, full: str, value: str) -> None:
        domain, slash, name = full.rpartition("/")
        self._of(domain if slash else driver).values[kind].setdefault(name, Counter())[value] += 1

    def after(self, text: str) -> list[Next]:
        """What may follow the text before the cursor, the likeliest first."""
        for pattern, found in (
            (_VALUE, self._values),
            (_AMOUNT, self._amounts),
            (_NAME, self._names),
            (_DOMAIN, self._of_map),
            (_FIELD, self._fields),
        ):
            if match := pattern.search(text):
                start, words = found(match)
                typed = text[start:]
                return [Next(start, word, word) for word in words if word.startswith(typed) and word != typed]
        if _CLAUSE.search(text):
            return [Next(len(text), *each) for each in self.conditions(guarded=not text.strip())]
        return []

    def conditions(self, *, guarded: bool) -> Iterator[tuple[str, str]]:
        """What tells devices of this fleet apart, in CEL and in brief. `guarded` against devices of other drivers."""
        drivers = [driver for driver, _ in self._drivers.most_common(_MOST_DRIVERS)]
        several = len(self._drivers) > 1
        for driver in drivers:
            guard = f'device.driver == "{driver}" && ' if guarded and several else ""
            for clause, brief in self._conditions(driver):
                yield guard + clause, f"{driver}: {brief}" if several else brief
        if several:
            yield from ((clause, clause) for driver in drivers if (clause := f'device.driver == "{driver}"'))

    def _conditions(self, driver: str) -> Iterator[tuple[str, str]]:
        """Those first that all of the driver's devices can answer, and that cut the fleet into few parts."""
        names = self._domains[driver]
        found: list[tuple[bool, int, str, str, str, str]] = []
        for kind, name, values in names.all():
            some = values.total() < names.devices
            if kind == "capacity" and len(values) > 1:
                amount = sorted(values, key=_size)[len(values) // 2]  # that some reach and some do not
                brief = f"{name} >= {amount[10:-2]}"
                found.append((some, len(values), kind, name, f".compareTo({amount}) >= 0", brief))
            elif kind == "attributes" and len(values) <= MOST_VALUES:
                value = min(values, key=lambda each: (values[each], each))  # what few have is a choice
                if value and (some or 1 < len(values) < values.total()):
                    found.append((some, len(values), kind, name, f" == {value}", f"{name} == {value}"))
        for some, _, kind, name, told, brief in sorted(found):
            of = f'device.{kind}["{driver}"]'
            has = f'"{name}" in {of} && ' if some else ""  # to ask for what is not there is an error
            yield f"{has}{of}.{name}{told}", brief

    # --- what may follow, and from where on ------------------------------------------------------------------------

    def _values(self, match: re.Match[str]) -> tuple[int, Sequence[str]]:
        return match.start(4), [v for v in self._known("attributes", match[2], match[3]) if v]

    def _amounts(self, match: re.Match[str]) -> tuple[int, Sequence[str]]:
        amounts = sorted(self._known("capacity", match[2], match[3]), key=_size, reverse=True)
        return match.start(4), [f"compareTo({amount}) >= 0" for amount in amounts]

    def _known(self, kind: str, domain: str, name: str) -> Sequence[str]:
        names = self._domains.get(domain)
        values = names.values[kind].get(name, Counter()) if names else Counter()
        return [value for value, _ in values.most_common(MOST_VALUES)]

    def _names(self, match: re.Match[str]) -> tuple[int, Sequence[str]]:
        names = self._domains.get(match[3])
        return match.start(4), sorted(names.values[match[1]]) if names else ()

    def _of_map(self, match: re.Match[str]) -> tuple[int, Sequence[str]]:
        quote = match[2] or '"'
        domains = [domain for domain, names in self._domains.items() if names.values[match[1]]]
        domains.sort(key=lambda domain: (-self._drivers[domain], domain))
        return match.start(2), [f"{quote}{domain}{quote}]." for domain in domains]

    def _fields(self, match: re.Match[str]) -> tuple[int, Sequence[str]]:
        maps = [f"{kind}{text}" for kind in _MAPS for text in self._openings(kind)]
        drivers = [f'driver == "{driver}"' for driver, _ in self._drivers.most_common()]
        return match.start(1), [*maps, *drivers, "allowMultipleAllocations"]

    def _openings(self, kind: str) -> Sequence[str]:
        domains = [domain for domain in self._drivers if self._domains[domain].values[kind]]
        return [f'["{domain}"].' for domain in sorted(domains, key=lambda domain: -self._drivers[domain])]


def literal(value: AttributeValue) -> str:
    """A value as an expression has it to be equal to; empty for what cannot be compared so."""
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case str():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"' if value.isprintable() else ""
        case Version():
            return f'semver("{value.text}")'
        case _:
            return ""


def _size(amount: str) -> int:
    return quantity.parse(amount[10:-2]) or 0
