"""A selector that someone writes, tried on the devices that there are, and what the API server would say of it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from dratui.allocation.cel import cost
from dratui.allocation.cel.columns import Columns, Verdict
from dratui.allocation.cel.selector import Dialect, Selector, selector
from dratui.allocation.fleet import Devices
from dratui.api.model import Device, DeviceClass, DeviceKey, Slice
from dratui.cluster.judgement import node_of
from dratui.failure import Failure

Heed = Callable[[int], None]
"""Told how many devices were looked at; what it raises ends the work."""


class Tried(NamedTuple):
    """What a selector does `among` so many devices. `nodes`: how many have a match of their own. `errors`: devices that
    raise, by what they raise; the scheduler stops at such a device. `refused`: why the API server would store no object
    with this selector, though it can be evaluated."""

    matches: frozenset[DeviceKey]
    among: int
    nodes: int
    errors: Mapping[str, Sequence[DeviceKey]] = {}
    refused: str = ""


class Fleet:
    """The devices of a cluster, of each pool those of the newest generation. `known`: keys that exist already.

    There may be 300,000: nothing is kept here that the garbage collector would have to look at.
    """

    def __init__(
        self,
        slices: Iterable[Slice],
        classes: Iterable[DeviceClass],
        dialect: Dialect,
        known: Iterable[DeviceKey] = (),
    ) -> None:
        self.dialect = dialect
        self._classes = {each.name: each for each in classes}
        newest: defaultdict[tuple[str, str], list[Slice]] = defaultdict(list)
        for each in slices:
            kept = newest[each.driver, each.pool]
            if kept and each.generation > kept[0].generation:
                kept.clear()
            if not kept or each.generation == kept[0].generation:
                kept.append(each)
        self._slices = [each for kept in newest.values() for each in kept for _ in each.devices]
        self._devices = [
            (each.driver, device) for kept in newest.values() for each in kept for device in each.devices
        ]
        same = {key: key for key in known}
        made = (
            DeviceKey(each.driver, each.pool, device.name)
            for each, (_, device) in zip(self._slices, self._devices, strict=True)
        )
        self.keys: Sequence[DeviceKey] = [same.get(key, key) for key in made]
        self._columns = Columns(Devices(self._devices, dialect))
        self._members: dict[str, list[Verdict]] = {}

    def of_class(self, name: str) -> Iterable[tuple[str, Device]]:
        """Drivers and devices of a class; all without one. Raises Failure for a class that is not there."""
        members = self._verdicts_of_class(name)
        return (each for each, of in zip(self._devices, members, strict=True) if of is True)

    def tried(self, text: str, device_class: str = "", heed: Heed = lambda _: None) -> Tried:
        """What a selector selects of a class's devices; an empty one all. Raises CompileError, or another Failure."""
        compiled = Selector(text, self.dialect) if text.strip() else None
        seen = 0

        def another() -> None:
            nonlocal seen
            heed(seen)
            seen += 1

        members = self._verdicts_of_class(device_class)
        verdicts = (
            self._columns.verdicts(compiled, another) if compiled is not None else [True] * len(members)
        )
        matches: list[DeviceKey] = []
        errors: defaultdict[str, list[DeviceKey]] = defaultdict(list)
        nodes: set[str] = set()
        among = 0
        for n, (of, verdict) in enumerate(zip(members, verdicts, strict=True)):
            if of is False:
                continue
            among += 1
            if of is not True:
                errors[f"class {device_class}: {of}"].append(self.keys[n])
            elif verdict is True:
                matches.append(self.keys[n])
                nodes.add(node_of((self._slices[n], self._devices[n][1])))
            elif verdict is not False:
                errors[str(verdict)].append(self.keys[n])
        return Tried(
            frozenset(matches), among, len(nodes - {""}), dict(errors), refused(compiled) if compiled else ""
        )

    def _verdicts_of_class(self, name: str) -> Sequence[Verdict]:
        """Whether a class has each device: the first of its selectors that does not say yes decides."""
        if not name:
            return [True] * len(self._devices)
        if name not in self._members:
            if name not in self._classes:
                raise Failure(f"there is no device class {name!r}", hint=":classes")
            verdicts: list[Verdict] = [True] * len(self._devices)
            for source in self._classes[name].selectors:
                more = self._columns.verdicts(selector(source, self.dialect))
                verdicts = [b if a is True else a for a, b in zip(verdicts, more, strict=True)]
            self._members[name] = verdicts
        return self._members[name]


def refused(compiled: Selector) -> str:
    """What the API server has against storing it, though it is an expression; empty if nothing."""
    if compiled.worst_case <= cost.LIMIT:
        return ""
    return f"too complex, exceeds cost limit: it may cost {compiled.worst_case:,}, at most {cost.LIMIT:,}"
