"""Why a claim gets no devices on a node: what the search looked at, and what kept it from each.

The verdict is the search's own. What is told beside it is found by asking of each device in turn what the search asks,
of one request alone; and where every request alone could be served, by leaving out what they share.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from dratui.allocation.capacity import Amounts
from dratui.allocation.constraints import Added, clash, constrained, named
from dratui.allocation.funnel import Funnel, unusable
from dratui.allocation.nodes import Place
from dratui.allocation.patience import Patience
from dratui.allocation.refusals import Cause, DeviceExplained, Holder, Holding, Refusals
from dratui.allocation.search import AllocationError, Chosen, GaveUp, Search, allocate
from dratui.allocation.world import Held, World
from dratui.api import quantity
from dratui.api.model import Claim, Constraint, DeviceKey, Request

__all__ = ["Cause", "DeviceExplained", "Holder", "Holding", "NodeExplained", "explain"]

_OUT_OF_TIME: Final = "the scheduler searches longer for it, and may run out of time before"


class NodeExplained(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A node: whether the claims fit, and if not, the first request that does not, and why.

    `request` is `main/sub` if it is an alternative. `detail` is the nearest miss in words; `devices` are all that the
    request looked at, or those that it would get. Of the devices that the request `wanted` it could have so many,
    `got`; `why` is what kept away those that came nearest, as most of them say it.
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
            return _error(world, place, error)
        found = None
    except GaveUp as given_up:
        return NodeExplained(place.name, fits=False, cause="gave up", detail=str(given_up))
    if found is not None:
        detail = _OUT_OF_TIME if search.shortened else ""
        return NodeExplained(place.name, fits=True, cause="fits", detail=detail, devices=tuple(_given(found)))
    return _Node(world, place, holder, search, patience).first_miss(claims)


def _error(world: World, place: Place, error: AllocationError) -> NodeExplained:
    """`why` is the scheduler's words, the detail has what they leave out."""
    words = str(error)
    more = error.clash
    if error.pool is not None:
        more = unusable(error.pool, world.slices).replace(f"pool {error.pool.name}", "it", 1)
    devices: tuple[DeviceExplained, ...] = ()
    if error.device is not None:
        name = "/".join(error.device)
        more = more or (f"raised by device {name}" if name not in words else "")
        devices = (DeviceExplained(*error.device, verdict="error", why=error.clash or words),)
    detail = f"{words}; {more}" if more else words
    return NodeExplained(place.name, fits=False, cause="error", detail=detail, devices=devices, why=words)


def _given(found: Sequence[Sequence[Chosen]]) -> Iterator[DeviceExplained]:
    for chosen in found:
        for each in chosen:
            yield DeviceExplained(*each.key, verdict="fits", why=each.request)


class _Node:
    """One node that the claims do not fit on."""

    def __init__(
        self, world: World, place: Place, holder: Holder, search: Search, patience: Patience
    ) -> None:
        self._world = world
        self._place = place
        self._holder = holder
        self._search = search
        self._patience: Patience | None = patience

    def first_miss(self, claims: Sequence[Claim]) -> NodeExplained:
        """The first request that cannot be served alone, by the alternative that came nearest; else what they share."""
        refusals = Refusals(self._world, self._place, self._holder)
        for claim in claims:
            for request in claim.requests:
                nearest = self._nearest(request, refusals)
                if nearest.missing:
                    return self._missed(claim, request, nearest)
        constraints = [(n, each) for n, claim in enumerate(claims) for each in claim.constraints]
        found = self._constraint(claims, constraints) if constraints else None
        return found or self._together(claims)

    def _nearest(self, request: Request, refusals: Refusals) -> Funnel:
        ways = [
            Funnel(each, self._search, self._world, refusals) for each in request.alternatives or (request,)
        ]
        return min(ways, key=lambda way: way.missing)

    def _missed(self, claim: Claim, request: Request, nearest: Funnel) -> NodeExplained:
        cause, why, detail = nearest.cause()
        name = nearest.request.name
        return NodeExplained(
            self._place.name,
            fits=False,
            cause=cause,
            claim=_called(claim),
            request=f"{request.name}/{name}" if request.alternatives else name,
            detail=detail,
            devices=tuple(nearest.devices),
            wanted=nearest.wanted,
            got=nearest.got,
            why=why,
        )

    def _found(self, claims: Sequence[Claim]) -> list[list[Chosen]] | None:
        """None as soon as one of these searches took too long, too."""
        if self._patience is None:
            return None
        try:
            return allocate(self._world, self._place, claims, self._patience)
        except AllocationError:
            return None
        except GaveUp:
            self._patience = None
            return None

    # Constraints

    def _constraint(
        self, claims: Sequence[Claim], constraints: Sequence[tuple[int, Constraint]]
    ) -> NodeExplained | None:
        """The one without which the claims would fit, with two devices that it keeps apart; else any that is broken."""
        for number, broken in constraints:
            rest = tuple(each for each in claims[number].constraints if each is not broken)
            without = [*claims[:number], replace(claims[number], constraints=rest), *claims[number + 1 :]]
            found = self._found(without)
            if found is not None and (told := self._broken(claims[number], broken, found[number])):
                return told
        found = self._found([replace(claim, constraints=()) for claim in claims])
        if found is None:
            return None
        for number, broken in constraints:
            if told := self._broken(claims[number], broken, found[number]):
                return told
        names = sorted({each.match_attribute or each.distinct_attribute for _, each in constraints})
        detail = f"enough devices, but no choice of them is right in {', '.join(names)}"
        return NodeExplained(self._place.name, fits=False, cause="constraint", detail=detail)

    def _broken(self, claim: Claim, constraint: Constraint, chosen: Sequence[Chosen]) -> NodeExplained | None:
        """By the devices that would be chosen without it, up to the first that it refuses."""
        remembers = constrained(constraint, self._world.rules)
        if remembers is None:
            return None
        added: list[Added] = []
        for each in chosen:
            this = (each.request, each.key, each.device)
            if remembers.add(named(each.request), each.key.driver, each.device):
                added.append(this)
                continue
            pair = clash(constraint, added, this)
            name = constraint.match_attribute or constraint.distinct_attribute
            why = f"no choice of devices {'agrees on' if constraint.match_attribute else 'differs in'} {name}"
            refused = DeviceExplained(*each.key, verdict="constraint", why=pair)
            return NodeExplained(
                self._place.name,
                fits=False,
                cause="constraint",
                claim=_called(claim),
                request=each.request,
                detail=f"enough devices, but {why}: {pair.removeprefix(f'{name}: ')}",
                devices=(*(DeviceExplained(*key, "fits", request) for request, key, _ in added), refused),
                wanted=sum(other.request == each.request for other in chosen),
                got=sum(request == each.request for request, _, _ in added),
                why=why,
            )
        return None

    # Requests that take from each other

    def _together(self, claims: Sequence[Claim]) -> NodeExplained:
        """The first request that cannot be served beside those before it, and what keeps it from them."""
        before: list[list[Chosen]] = []
        for number, claim in enumerate(claims):
            for count, request in enumerate(claim.requests, start=1):
                part = replace(claim, requests=claim.requests[:count], constraints=())
                found = self._found([*(replace(each, constraints=()) for each in claims[:number]), part])
                if found is not None:
                    before = found
                    continue
                world, holder = self._beside(before)
                nearest = self._nearest(request, Refusals(world, self._place, holder))
                if not nearest.missing:
                    return self._not_all()
                told = self._missed(claim, request, nearest)
                why = "fits alone, but not beside the other requests"
                return replace(told, cause="together", detail=f"{why}: {told.detail}", why=why)
        return self._not_all()

    def _not_all(self) -> NodeExplained:
        detail = "each request alone could be served, but not all of them"
        return NodeExplained(self._place.name, fits=False, cause="together", detail=detail)

    def _beside(self, before: Sequence[Sequence[Chosen]]) -> tuple[World, Holder]:
        """The world in which this pod has these devices."""
        held, mine = self._world.held, {each.key: each for chosen in before for each in chosen}
        exclusive = {key for key, each in mine.items() if not each.shared and not each.admin_access}
        shared: dict[DeviceKey, Amounts] = dict(held.shared)
        for chosen in before:
            for each in chosen:
                if each.shared and each.takes is not None:
                    shared[each.key] = _sum(shared.get(each.key, {}), each.takes)

        def holder(key: DeviceKey) -> Sequence[Holding]:
            if key not in mine:
                return self._holder(key)
            this, device = mine[key], mine[key].device
            takes = {n: quantity.write(a, device.capacity[n].value) for n, a in (this.takes or {}).items()}
            others = self._holder(key) if this.shared else ()
            return (Holding(f"this pod for request {this.request}", takes), *others)

        return self._world.holding(Held({*held.exclusive, *exclusive}, shared)), holder


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in {*one, *other}}


def _called(claim: Claim) -> str:
    return f"{claim.namespace}/{claim.name}"
