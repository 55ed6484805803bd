"""Why a claim gets no devices on a node: what the search looked at, and what kept it from each.

The verdict is the search's own. What is told beside it is found by asking of each device in turn what the search asks,
of one request alone; and where every request alone could be served, by leaving out what they share.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Literal

import msgspec

from dratui.allocation import capacity
from dratui.allocation.cel.clauses import refusal
from dratui.allocation.cel.columns import Path
from dratui.allocation.cel.errors import EvaluationError
from dratui.allocation.cel.selector import selector
from dratui.allocation.counters import Counters
from dratui.allocation.fleet import view
from dratui.allocation.nodes import Place, reaches
from dratui.allocation.patience import Patience
from dratui.allocation.pools import Candidate, Pool, candidate_of
from dratui.allocation.rules import Feature
from dratui.allocation.search import AllocationError, Chosen, GaveUp, Search, allocate
from dratui.allocation.taints import prevents
from dratui.allocation.world import World
from dratui.api.model import Claim, Device, DeviceKey, Request, Version
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
but not so that the constraints hold, or not all at once. `error`: the scheduler gives the pod up, for all nodes.
From `cordoned` on: what keeps the pod from the node before its devices are looked at (`dratui.why.placement`)."""

_NEAREST: Final[Sequence[Cause]] = ("taint", "counters", "capacity", "held", "node", "selector", "class")
"""What came closest to fitting first."""

_OUT_OF_TIME: Final = "the scheduler searches longer for it, and may run out of time before"

Holder = Callable[[DeviceKey], str]
"""Who has a device, in words such as `vision/nb-1`; empty where nobody knows."""


class DeviceExplained(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What keeps one device from a request; `fits`, if nothing does."""

    driver: str
    pool: str
    device: str
    verdict: Cause
    why: str = ""


class NodeExplained(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A node: whether the claims fit, and if not, the first request that does not, and why.

    `detail` is the nearest miss in words; `devices` are all that the request looked at, or those that it would get.
    Of the devices that the request `wanted` it could have so many, `got`; `why` is what kept away those that came
    nearest, as most of them say it.
    """

    node: str
    fits: bool
    cause: Cause
    claim: str = ""
    request: str = ""
    detail: str = ""
    devices: tuple[DeviceExplained, ...] = ()
    wanted: int = 0
    got: int = 0
    why: str = ""
    short: tuple[str, ...] = ()  # with `resources`: what there is too little of, in the scheduler's words


def explain(
    world: World, place: Place, claims: Sequence[Claim], holder: Holder, patience: Patience | None = None
) -> NodeExplained:
    """Never raises: what aborts the scheduling of the pod is the cause `error`, too long a search `gave up`."""
    patience = patience or Patience()
    search = Search(world, place, claims, patience)
    try:
        found = search.result()
    except AllocationError as error:
        if not error.of_node:
            return NodeExplained(place.name, fits=False, cause="error", detail=str(error))
        found = None
    except GaveUp as given_up:
        return NodeExplained(place.name, fits=False, cause="gave up", detail=str(given_up))
    if found is not None:
        detail = _OUT_OF_TIME if search.shortened else ""
        return NodeExplained(place.name, fits=True, cause="fits", detail=detail, devices=tuple(_given(found)))
    return _Asking(world, place, holder, search.pools, patience).first_miss(claims)


def _given(found: Sequence[Sequence[Chosen]]) -> Iterator[DeviceExplained]:
    for chosen in found:
        for each in chosen:
            yield DeviceExplained(*each.key, verdict="fits", why=each.request)


class _Asking:
    """One node, asked request by request."""

    def __init__(
        self, world: World, place: Place, holder: Holder, pools: Sequence[Pool], patience: Patience
    ) -> None:
        self._world = world
        self._place = place
        self._holder = holder
        self._pools = pools
        self._patience = patience

    def first_miss(self, claims: Sequence[Claim]) -> NodeExplained:
        """The first request that cannot be served alone, by the alternative that came nearest; else what they share."""
        for claim in claims:
            for request in claim.requests:
                ways = [self._funnel(each) for each in request.alternatives or (request,)]
                if all(way.missing for way in ways):
                    nearest = min(ways, key=lambda way: way.missing)
                    cause, why, detail = nearest.cause(self._pools)
                    return NodeExplained(
                        self._place.name,
                        fits=False,
                        cause=cause,
                        claim=f"{claim.namespace}/{claim.name}",
                        request=nearest.request.name,
                        detail=detail,
                        devices=tuple(nearest.devices),
                        wanted=nearest.wanted,
                        got=nearest.got,
                        why=why,
                    )
        return self._together(claims)

    def _together(self, claims: Sequence[Claim]) -> NodeExplained:
        constraints = [constraint for claim in claims for constraint in claim.constraints]
        free = [msgspec.structs.replace(claim, constraints=()) for claim in claims]
        if constraints and self._fits(free):
            names = sorted({each.match_attribute or each.distinct_attribute for each in constraints})
            detail = f"enough devices, but no choice of them is right in {', '.join(names)}"
            return NodeExplained(self._place.name, fits=False, cause="constraint", detail=detail)
        detail = "each request alone could be served, but not all of them"
        return NodeExplained(self._place.name, fits=False, cause="together", detail=detail)

    def _fits(self, claims: Sequence[Claim]) -> bool:
        try:
            return allocate(self._world, self._place, claims, self._patience) is not None
        except (AllocationError, GaveUp):
            return False

    def _funnel(self, request: Request) -> "_Funnel":
        counters = Counters(self._world.held, self._world.rules)
        devices: list[DeviceExplained] = []
        for pool in self._pools:
            if pool.invalid or (pool.incomplete and not self._world.rules.uses_incomplete):
                continue
            for each in pool.slices:
                for index in range(len(each.devices)):
                    candidate = candidate_of(pool, each, index)
                    verdict, why = self._ask(request, candidate, counters)
                    devices.append(DeviceExplained(*candidate.key, verdict=verdict, why=why))
        return _Funnel(request, devices)

    def _ask(self, request: Request, candidate: Candidate, counters: Counters) -> tuple[Cause, str]:
        """As the search does, but that what a device is comes before who has it."""
        rules, device = self._world.rules, candidate.device
        class_ = self._world.classes.get(request.device_class)
        if why := self._refused(class_.selectors if class_ else (), candidate):
            return "class", why
        if why := self._refused(request.selectors, candidate):
            return "selector", why
        if candidate.slice.per_device_nodes and not reaches(self._place, device):
            return "node", "is for other nodes"
        if device.binding_conditions and not rules.binding:
            return "node", "has binding conditions, which this cluster does not know"
        if candidate.key in self._world.held.exclusive and not request.admin_access:
            holder = self._holder(candidate.key)
            return "held", f"held by {holder}" if holder else "held"
        if rules.has(Feature.CONSUMABLE_CAPACITY):
            taken = self._world.held.shared.get(candidate.key, {})
            if why := capacity.fits(device.capacity, request.capacity, taken, {}):
                return "capacity", why
        if device.consumes:
            if not rules.has(Feature.PARTITIONABLE):
                return "counters", "is a partition, which this cluster does not know"
            if not counters.take(candidate):
                return "counters", "what its card has to share is used up"
            counters.give_back(candidate)
        if rules.has(Feature.TAINTS) and (
            taint := prevents(device.taints, request.tolerations, unknown=rules.unknown_effects_block)
        ):
            return "taint", f"tainted {taint.text}"
        return "fits", ""

    def _refused(self, sources: Sequence[str], candidate: Candidate) -> str:
        """The first clause that says no, with what it saw; nothing if all selectors say yes."""
        dialect = self._world.rules.dialect
        for source in sources:
            try:
                compiled = selector(source, dialect)
                verdict = self._world.verdict(source, candidate.slice, candidate.index)
            except Failure as failure:
                return str(failure)
            if isinstance(verdict, EvaluationError):
                return f"CEL runtime error: {verdict}"
            if not verdict:
                found = refusal(compiled, view(candidate.key.driver, candidate.device, dialect))
                if found is None:
                    return source
                reads = found.clause.reads
                seen = ", ".join(_seen(path, candidate.key.driver, candidate.device) for path in reads)
                return f"{seen}: {found.clause.text}" if seen else found.clause.text
        return ""


class _Funnel:
    """What a request looked at."""

    def __init__(self, request: Request, devices: Sequence[DeviceExplained]) -> None:
        self.request = request
        self.devices = devices
        self._by_cause: Mapping[Cause, int] = Counter(device.verdict for device in devices)
        self.wanted = request.count
        if request.mode == "All":  # every device that the selectors leave must be had
            self.wanted = max(1, len(devices) - self._of("class") - self._of("selector") - self._of("node"))

    def _of(self, cause: Cause) -> int:
        return self._by_cause.get(cause, 0)

    @property
    def got(self) -> int:
        """How many devices nothing keeps from it."""
        return self._of("fits")

    @property
    def missing(self) -> int:
        """How many more devices it would take."""
        return max(0, self.wanted - self.got)

    def cause(self, pools: Sequence[Pool]) -> tuple[Cause, str, str]:
        """What kept away the devices that came nearest, as most of them say it; and the same with their number."""
        if not self.devices:
            cause, why = self._nothing(pools)
            return cause, why, why
        nearest = next((cause for cause in _NEAREST if self._of(cause)), None)
        if nearest in (None, "class") and (unusable := [pool for pool in pools if _is_unusable(pool)]):
            why = "; ".join(map(_unusable, unusable))
            of_pool: Cause = "pool invalid" if unusable[0].invalid else "pool incomplete"
            return of_pool, why, f"{why}; {self.got} of {self.wanted} wanted from the others"
        if nearest is None or (nearest == "class" and self.got):
            why = "there are no more here"
            return "too few", why, f"{self.got} of {self.wanted} wanted; {why}"
        whys = Counter(device.why for device in self.devices if device.verdict == nearest)
        why, count = whys.most_common(1)[0]
        others = "" if len(whys) == 1 else f"; {len(whys) - 1} more reasons"
        devices = "1 device" if count == 1 else f"{count} devices"
        skipped = "".join(f"; {_unusable(pool)}" for pool in pools if _is_unusable(pool))
        return nearest, why, f"{self.got} of {self.wanted} wanted; {devices}: {why}{others}{skipped}"

    def _nothing(self, pools: Sequence[Pool]) -> tuple[Cause, str]:
        for pool in pools:
            if pool.incomplete:
                return "pool incomplete", _unusable(pool)
            if pool.invalid:
                return "pool invalid", _unusable(pool)
        return "no devices", "no driver publishes devices for this node"


def _is_unusable(pool: Pool) -> bool:
    return bool(pool.invalid) or pool.incomplete


def _unusable(pool: Pool) -> str:
    return f"pool {pool.name}: {pool.invalid}" if pool.invalid else f"pool {pool.name} is being published"


def _seen(path: Path, driver: str, device: Device) -> str:
    """What a clause reads: `memory = 40Gi`."""
    match path:
        case ("driver",):
            return f"driver = {driver}"
        case ("allowMultipleAllocations",):
            return f"allowMultipleAllocations = {_written(device.multiple_allocations)}"
        case "attributes", domain, name:
            value = device.attributes.get(f"{domain}/{name}")
            if value is None and domain == driver:
                value = device.attributes.get(name)
            return f"{name} is not set" if value is None else f"{name} = {_written(value)}"
        case "capacity", domain, name:
            has = device.capacity.get(f"{domain}/{name}")
            if has is None and domain == driver:
                has = device.capacity.get(name)
            return f"{name} is not set" if has is None else f"{name} = {has.value}"
    return ".".join(path)


def _written(value: object) -> str:
    if isinstance(value, Version):
        return value.text
    if isinstance(value, tuple):
        return f"[{', '.join(map(_written, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)
