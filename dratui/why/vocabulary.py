"""What may be written next in a selector: the names and values that the devices of the fleet really have."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

from dratui.api import quantity
from dratui.api.model import AttributeValue, Device, Version

MOST_VALUES: Final = 12  # an attribute with more is no way to choose devices, as a rule: uuid
_MOST_DRIVERS: Final = 3  # that examples are made for
_MAPS: Final = ("attributes", "capacity")

_SIGN: Final = r"""\s*([<>]=?|[=!]=)\s*"?"""
_CLAUSE: Final = re.compile(rf"(?:^|&&|\|\||[(!?])\s*((\w*)(?:{_SIGN}([\w.]*))?)$")
"""Where a condition may begin, and one in brief: a word of it, or `memory >= 40`."""
_FIELD: Final = re.compile(r"\bdevice\.(\w*)$")
_DOMAIN: Final = re.compile(r"""\bdevice\.(attributes|capacity)\[(["']?)([^"'\]]*)$""")
_NAME: Final = re.compile(r"""\bdevice\.(attributes|capacity)\[(["'])([^"']+)\2\]\.\??(\w*)$""")
_COMPARED: Final = re.compile(rf"""\bdevice\.capacity\[(["'])([^"']+)\1\]\.(\w+)(?:{_SIGN}([0-9]\w*)?)?$""")
_AMOUNT: Final = re.compile(r"""\bdevice\.capacity\[(["'])([^"']+)\1\]\.(\w+)\.(\w*)$""")
_VALUE: Final = re.compile(r"""\bdevice\.attributes\[(["'])([^"']+)\1\]\.(\w+)\s*[!=]=\s*("?[^"&|]*)$""")


class Next(NamedTuple):
    """Something to write behind the first `keep` characters of what stands before the cursor; `brief` tells it."""

    keep: int
    text: str
    brief: str


class Meant(NamedTuple):
    """A condition as one says it in brief, in small letters: a word of it; with a sign, a name and some of a value."""

    word: str = ""
    sign: str = ""
    value: str = ""


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
        if (match := _COMPARED.search(text)) and (comparisons := list(self._comparisons(match))):
            return comparisons
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
        if match := _CLAUSE.search(text):
            start = match.start(1)
            meant = Meant(match[2].lower(), match[3] or "", (match[4] or "").lower())
            offered = self.conditions(meant, guarded=not text[:start].strip())
            return [Next(start, *each) for each in offered]
        return []

    def conditions(self, meant: Meant, *, guarded: bool) -> Iterator[tuple[str, str]]:
        """What may be meant, in CEL and in brief; if that is nothing yet, what tells devices of this fleet apart.
        `guarded` against devices of other drivers."""
        drivers = [driver for driver, _ in self._drivers.most_common(_MOST_DRIVERS)]
        several = len(self._drivers) > 1
        for driver in drivers:
            guard = f'device.driver == "{driver}" && ' if guarded and several else ""
            for clause, brief in self._meant(driver, meant) if meant.word else self._telling_apart(driver):
                yield guard + clause, f"{driver}: {brief}" if several else brief
        if several:
            clauses = [f'device.driver == "{driver}"' for driver in drivers]
            yield from ((clause, clause) for clause in clauses if meant.word in clause and not meant.sign)

    def _telling_apart(self, driver: str) -> Iterator[tuple[str, str]]:
        """Those first that all of the driver's devices can answer, and that cut the fleet into few parts."""
        names = self._domains[driver]
        found: list[tuple[bool, int, str, str, str]] = []
        for kind, name, values in names.all():
            some = values.total() < names.devices
            if kind == "capacity" and len(values) > 1:
                amount = sorted(values, key=_size)[len(values) // 2]  # that some reach and some do not
                found.append((some, len(values), kind, name, amount))
            elif kind == "attributes" and len(values) <= MOST_VALUES:
                value = min(values, key=lambda each: (values[each], each))  # what few have is a choice
                if value and (some or 1 < len(values) < values.total()):
                    found.append((some, len(values), kind, name, value))
        for _, _, kind, name, value in sorted(found):
            yield self._condition(driver, kind, name, value)

    def _meant(self, driver: str, meant: Meant) -> Iterator[tuple[str, str]]:
        """Those first whose name begins with the word, then those with it in their name, then in their value."""
        word, sign, value = meant
        found: list[tuple[int, str, str, str]] = []
        for kind, name, values in self._domains[driver].all():
            at = name.lower().find(word)
            if sign and (name.lower() != word or (kind != "capacity" and sign not in ("==", "!="))):
                continue
            if at < 0 and len(values) > MOST_VALUES:
                continue
            some: Iterable[str] = islice(values, MOST_VALUES)
            if kind == "capacity":
                some = _like(values, value)
            rank = 0 if at == 0 else 1 if at > 0 else 2
            has = value if at >= 0 else word
            found += [(rank, kind, name, each) for each in some if each and has in each.lower()]
        for _, kind, name, value in sorted(found, key=lambda each: each[:3]):
            yield self._condition(driver, kind, name, value, sign)

    def _condition(self, driver: str, kind: str, name: str, value: str, sign: str = "") -> tuple[str, str]:
        """In CEL, and in brief."""
        names, of = self._domains[driver], f'device.{kind}["{driver}"]'
        some = names.values[kind][name].total() < names.devices
        has = f'"{name}" in {of} && ' if some else ""  # to ask for what is not there is an error
        if kind == "capacity":
            sign = sign or ">="
            return f"{has}{of}.{name}{_compared(value, sign)}", f"{name} {sign} {_amount(value)}"
        sign = sign or "=="
        return f"{has}{of}.{name} {sign} {value}", f"{name} {sign} {value}"

    # --- what may follow, and from where on ------------------------------------------------------------------------

    def _values(self, match: re.Match[str]) -> tuple[int, Sequence[str]]:
        return match.start(4), [v for v in self._known("attributes", match[2], match[3]) if v]

    def _comparisons(self, match: re.Match[str]) -> Iterator[Next]:
        """A capacity is no number: what is to stand in place of `memory >= 40`."""
        name, sign, typed = match[3], match[4] or ">=", match[5] or ""
        for each in _like(self._known("capacity", match[2], name), typed):
            yield Next(match.end(3), _compared(each, sign), f"{name} {sign} {_amount(each)}")

    def _amounts(self, match: re.Match[str]) -> tuple[int, Sequence[str]]:
        amounts = _like(self._known("capacity", match[2], match[3]), "")
        return match.start(4), [_compared(amount)[1:] for amount in amounts]

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


def _compared(amount: str, sign: str = ">=") -> str:
    return f".compareTo({amount}) {sign} 0"


def _like(amounts: Iterable[str], typed: str) -> Sequence[str]:
    """Those that begin so, the largest first; and what was typed, as one of them would be written."""
    known = sorted(amounts, key=_size, reverse=True)
    unit = "Gi" if typed.isdigit() and any(_amount(each).endswith("i") for each in known) else ""
    own = [f'quantity("{typed}{unit}")'] if typed and quantity.parse(typed + unit) is not None else []
    found = [each for each in known if _amount(each).lower().startswith(typed.lower())]
    return list(dict.fromkeys((*found[:MOST_VALUES], *own) if known else ()))


def _amount(call: str) -> str:
    """That of `quantity("40Gi")`."""
    return call[10:-2]


def _size(call: str) -> int:
    return quantity.parse(_amount(call)) or 0
