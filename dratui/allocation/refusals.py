"""One request and one device: what keeps the one from the other, in words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from dratui.allocation import capacity
from dratui.allocation.cel.columns import Path
from dratui.allocation.cel.errors import EvaluationError, TooLong
from dratui.allocation.counters import Counters, Shortage
from dratui.allocation.nodes import Place, operable, reaches
from dratui.allocation.pools import Candidate
from dratui.allocation.rules import Feature
from dratui.allocation.taints import prevents
from dratui.allocation.words import short, some, written
from dratui.allocation.world import World
from dratui.api.model import Device, DeviceKey, Request
from dratui.failure import Failure

Cause = Literal[
    "fits",
    "no devices",
    "too few",
    "pool incomplete",
    "pool invalid",
    "class",
    "selector",
    "node",
    "held",
    "capacity",
    "counters",
    "taint",
    "constraint",
    "together",
    "admin access",
    "error",
    "gave up",
    "cordoned",
    "not ready",
    "node taint",
    "node affinity",
    "resources",
    "device plugin",
    "elsewhere",
]
"""`class` to `taint`: what keeps a device from a request. `constraint`, `together`: each request alone could be served,
but not so that the constraints hold, or not all at once. `admin access`: the namespace does not allow it. `error`: the
scheduler gives the pod up, for all nodes. From `cordoned` on: what keeps the pod from the node before its devices are
looked at (`dratui.why.placement`)."""

_MOST_SEEN: Final = 4  # values that a clause reads
_MOST_SHORT: Final = 2  # counters


class Holding(NamedTuple):
    """Who has a device, in words such as `claim vision/nb of nb-1`, and what it takes of a shared one."""

    who: str
    takes: Mapping[str, str] = {}


Holder = Callable[[DeviceKey], Sequence[Holding]]
"""Nobody, where nobody is known."""


class DeviceExplained(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What keeps one device from a request; `fits`, if nothing does."""

    driver: str
    pool: str
    device: str
    verdict: Cause
    why: str = ""


class Refusals:
    """A node's devices, asked one by one on behalf of one request after the other."""

    def __init__(self, world: World, place: Place, holder: Holder) -> None:
        self._world = world
        self._place = place
        self._holder = holder
        self._counters = Counters(world.held, world.rules)

    def of(self, request: Request, candidate: Candidate) -> tuple[Cause, str]:
        """As the search does, but that what a device is comes before who has it."""
        rules, device, key = self._world.rules, candidate.device, candidate.key
        if why := self.not_of_class(request, candidate):
            return "class", why
        if why := self._refused(request.selectors, candidate):
            return "selector", why
        if candidate.slice.per_device_nodes and not reaches(self._place, device):
            return "node", "is for other nodes"
        if device.binding_conditions and not rules.binding:
            return "node", "has binding conditions, which this cluster does not know"
        if key in self._world.held.exclusive and not request.admin_access:
            return "held", f"held{_by(self._holder(key))}"
        shares = rules.has(Feature.CONSUMABLE_CAPACITY)
        taken = self._world.held.shared.get(key, {})
        fractional = rules.has(Feature.FRACTIONAL_CAPACITY)
        if shares and (
            why := capacity.fits(device.capacity, request.capacity, taken, {}, fractional=fractional)
        ):
            name = why.partition(":")[0]
            holders = [each for each in self._holder(key) if name in each.takes] if name in taken else ()
            return "capacity", why + (f", held{_by(holders, name)}" if holders else "")
        if not operable(candidate.slice, self._place, rules):
            return "node", "skips operations that the node does not let it skip"
        if device.consumes:
            if not rules.has(Feature.PARTITIONABLE):
                return "counters", "is a partition, which this cluster does not know"
            another = device.multiple_allocations and shares and not rules.each_share_consumes
            if not (another and key in self._world.held.shared):  # a further share takes no counters
                if why := self._counters.incompatible(candidate):
                    return "counters", why
                if not self._counters.take(candidate):
                    return "counters", self._lacks(self._counters.shortages(candidate))
                self._counters.give_back(candidate)
        if rules.has(Feature.TAINTS) and (
            taint := prevents(device.taints, request.tolerations, unknown=rules.unknown_effects_block)
        ):
            return "taint", f"tainted {taint.text}"
        return "fits", ""

    def not_of_class(self, request: Request, candidate: Candidate) -> str:
        """What its class finds wrong with a device."""
        class_ = self._world.classes.get(request.device_class)
        return self._refused(class_.selectors if class_ else (), candidate)

    def _lacks(self, shortages: Sequence[Shortage]) -> str:
        """`slices of card-0: needs 2, 1 of 2 left, held by claim vision/nb of nb-1 (half-0)`."""
        told = []
        for each in shortages[:_MOST_SHORT]:
            takers = [f"{_names(self._holder(key)) or 'nobody known'} ({key.device})" for key in each.takers]
            lack = f"needs {each.wanted}, {each.left} of {each.total} left"
            if each.overdrawn:
                lack = f"more than the {each.total} that there are is in use"
            told.append(
                f"{each.counter} of {each.counter_set}: {lack}{f', held by {some(takers)}' if takers else ''}"
            )
        more = len(shortages) - len(told)
        return "; ".join(told) + (f"; {more} more counter{'s' if more > 1 else ''} short" if more else "")

    def _refused(self, sources: Sequence[str], candidate: Candidate) -> str:
        """The first clause that says no, with what it saw; nothing if all selectors say yes."""
        for source in sources:
            try:
                verdict = self._world.verdict(source, candidate.slice, candidate.index)
            except Failure as failure:
                return short(str(failure))
            if isinstance(verdict, TooLong):
                return short(f"{verdict}: {source}")
            if isinstance(verdict, EvaluationError):
                return short(f"CEL runtime error: {verdict}")
            if not verdict:
                found = self._world.refusal(source, candidate.slice, candidate.index)
                if found is None:
                    return short(source)
                driver, reads = candidate.key.driver, found.clause.reads[:_MOST_SEEN]
                seen = ", ".join([short(_seen(path, driver, candidate.device)) for path in reads])
                asked = f"asked for {short(found.clause.text)}"
                return f"{seen}, {asked}" if seen else asked
        return ""


def _by(holders: Sequence[Holding], name: str = "") -> str:
    """` by these`; of a shared device with what each takes."""
    names = _names(holders, name)
    return f" by {names}" if names else ""


def _names(holders: Sequence[Holding], name: str = "") -> str:
    return some([f"{each.who} ({each.takes[name]})" if name else each.who for each in holders])


def _seen(path: Path, driver: str, device: Device) -> str:
    """What a clause reads: `memory = 40Gi`."""
    match path:
        case ("driver",):
            return f"driver = {driver}"
        case ("allowMultipleAllocations",):
            return f"allowMultipleAllocations = {written(device.multiple_allocations)}"
        case "attributes", domain, name:
            value = device.attributes.get(f"{domain}/{name}")
            if value is None and domain == driver:
                value = device.attributes.get(name)
            return f"{name} is not set" if value is None else f"{name} = {written(value)}"
        case "capacity", domain, name:
            has = device.capacity.get(f"{domain}/{name}")
            if has is None and domain == driver:
                has = device.capacity.get(name)
            return f"{name} is not set" if has is None else f"{name} = {has.value}"
    return ".".join(path)
