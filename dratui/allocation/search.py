"""The scheduler's search for devices: depth first, first fit, over claims, requests and devices.

It is not ours to improve. What it finds depends on the order in which it looks and on what it forgets when it goes
back, so both are as in the allocator. Source: k8s.io/dynamic-resource-allocation/structured/internal, allocator_*.go;
what differs by release is in `rules`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from dratui.allocation import capacity
from dratui.allocation.capacity import Amounts
from dratui.allocation.cel.errors import EvaluationError
from dratui.allocation.constraints import Constrained, constrained
from dratui.allocation.counters import Counters
from dratui.allocation.nodes import Place, reaches
from dratui.allocation.pools import Candidate, Pool, candidate_of, gathered
from dratui.allocation.rules import Feature
from dratui.allocation.taints import prevents
from dratui.allocation.world import World
from dratui.api.model import (
    Claim,
    Device,
    DeviceClass,
    DeviceKey,
    NodeSelector,
    Request,
    Slice,
    Toleration,
)
from dratui.failure import Failure

MOST_STEPS: Final = 500_000
"""A second or two. Until then the scheduler's own search, which has ten seconds, has found what there is to find; but
for clusters made to defeat it."""

MOST_DEVICES: Final = 32
"""Of a claim: resource.k8s.io's AllocationResultsMaxSize."""


class AllocationError(Exception):
    """What is more than "does not fit", in the scheduler's words. `of_node`: it concerns this node only; else the pod
    is not scheduled anywhere."""

    def __init__(self, text: str, *, of_node: bool = False) -> None:
        super().__init__(text)
        self.of_node = of_node


class GaveUp(Exception):
    """The search took more steps than it may: how many."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A device for a request, `main/sub` if it is an alternative; of a shared one `takes` is what it takes."""

    request: str
    key: DeviceKey
    device: Device
    slice: Slice
    admin_access: bool = False
    shared: bool = False
    takes: Amounts | None = None
    tolerations: tuple[Toleration, ...] = ()


@dataclass(slots=True)
class _Asked:
    """A request or an alternative, as far as it is known before the search."""

    request: Request
    parent: Request | None
    class_: DeviceClass
    count: int
    every: Sequence[Candidate] | None  # of `All`
    candidates: Sequence[Candidate] | None = None  # those that may be given, once they are looked for
    small: dict[Candidate, str] = field(default_factory=dict)  # why it has no room, by what others hold

    @property
    def names(self) -> tuple[str, ...]:
        """The request's, and for an alternative its full one."""
        if self.parent is None:
            return (self.request.name,)
        return self.parent.name, f"{self.parent.name}/{self.request.name}"


class _TooMany(Exception):
    """More devices than a claim may have: another alternative may ask for fewer."""


_BEGINNING: Final = 0  # of the candidates


def allocate(
    world: World, place: Place, claims: Sequence[Claim], *, most_steps: int = MOST_STEPS
) -> list[list[Chosen]] | None:
    """Devices for each claim, in the order in which they are found; None if they do not fit on this node.

    Raises AllocationError, and GaveUp after so many steps.
    """
    return Search(world, place, claims, most_steps).result()


class Search:
    """One node's."""

    def __init__(self, world: World, place: Place, claims: Sequence[Claim], most_steps: int) -> None:
        self._world = world
        self._rules = world.rules
        self._place = place
        self._claims = claims
        self._most_steps = self._steps_left = most_steps
        self.pools = gathered(world.slices, place, world.rules)
        self._asked: dict[tuple[int, int], list[_Asked]] = {}
        self._constraints: list[list[Constrained]] = []
        self._shares = world.rules.has(Feature.CONSUMABLE_CAPACITY)
        self._fatal: Pool | None = None  # where the search ends
        self._usable = list(self._candidates())
        self._free = [each for each in self._usable if each.key not in world.held.exclusive]
        self._selected: dict[tuple[int, int, int], dict[Candidate, bool]] = {}
        self._chosen: list[list[Chosen]] = [[] for _ in claims]
        self._taking: dict[Candidate, set[int]] = {}  # claims that take a device for themselves
        self._sharing: dict[
            DeviceKey, list[Amounts]
        ] = {}  # what this pod takes of shared devices, share by share
        self._counters = Counters(world.held, world.rules)

    def result(self) -> list[list[Chosen]] | None:
        """See `allocate`."""
        for index, claim in enumerate(self._claims):
            self._ask(index, claim)
        self._selected.clear()
        try:
            found = self._next(0, 0, 0, 0, _BEGINNING, within=False)
        except _TooMany:
            found = False
        if not found:
            if any(pool.invalid for pool in self.pools):
                raise AllocationError("invalid resource pools were encountered", of_node=True)
            return None
        for chosen in self._chosen:
            self._check_node_selectors(chosen)
        return self._chosen

    def _candidates(self) -> Iterator[Candidate]:
        """All devices that may be given, in the order in which they are tried."""
        for pool in self.pools:
            if pool.invalid and self._rules.invalid_is_error:
                self._fatal = pool
                return
            if pool.invalid or (pool.incomplete and not self._rules.uses_incomplete):
                continue
            for each in pool.slices:
                for index in range(len(each.devices)):
                    yield candidate_of(pool, each, index)

    # Before the search

    def _ask(self, index: int, claim: Claim) -> None:
        rules = self._rules
        name = _named(claim)
        least = 0
        for number, request in enumerate(claim.requests):
            if request.alternatives and not rules.has(Feature.PRIORITIZED_LIST):
                raise AllocationError(
                    f"claim {name}, request {request.name}: has subrequests,"
                    " but the DRAPrioritizedList feature is disabled"
                )
            self._refuse_capacity(name, request)
            asked: list[_Asked] = []
            self._asked[index, number] = asked
            for sub, alternative in enumerate(request.alternatives or (request,)):
                parent = request if request.alternatives else None
                known_as = max(0, sub - 1) if rules.all_by_first else sub  # it counts on behind
                asked.append(self._looked_up(name, alternative, parent, (index, number, known_as)))
            least += min(each.count for each in asked)
        if least > MOST_DEVICES:
            raise AllocationError(
                f"claim {name}: number of requested devices {least} exceeds the claim limit of {MOST_DEVICES}"
            )
        constraints: list[Constrained] = []
        for number, constraint in enumerate(claim.constraints):
            made = constrained(constraint, rules)
            if made is None:
                raise AllocationError(
                    f"claim {name}, constraint #{number}: empty constraint (unsupported constraint type?)"
                )
            constraints.append(made)
        self._constraints.append(constraints)

    def _refuse_capacity(self, claim: str, request: Request) -> None:
        rules = self._rules
        if rules.has(Feature.CONSUMABLE_CAPACITY) or not rules.refuses_capacity_requests:
            return
        for each in (request, *request.alternatives):
            if each.capacity:
                kind, name = ("request", request.name) if each is request else ("subrequest", each.name)
                if not rules.refusal_names_subrequest:
                    kind, name = "request", request.name
                raise AllocationError(
                    f"claim {claim}, {kind} {name}: has capacity requests,"
                    " but the DRAConsumableCapacity feature is disabled"
                )

    def _looked_up(
        self, claim: str, request: Request, parent: Request | None, place: tuple[int, int, int]
    ) -> _Asked:
        of = f"claim {claim}, request {request.name}"
        for number, source in enumerate(request.selectors):
            if not source:
                raise AllocationError(
                    f"{of}, selector #{number}: CEL expression empty (unsupported selector type?)"
                )
        if request.admin_access and not self._rules.has(Feature.ADMIN_ACCESS):
            raise AllocationError(f"{of}: admin access is requested, but the feature is disabled")
        if not request.device_class:
            raise AllocationError(f"{of}: missing device class name (unsupported request type?)")
        class_ = self._world.classes.get(request.device_class)
        if class_ is None:
            wanted = request.device_class
            raise AllocationError(
                f'{of}: could not retrieve device class {wanted}: deviceclass.resource.k8s.io "{wanted}" not found'
            )
        asked = _Asked(request, parent, class_, request.count, None)
        match request.mode:
            case "ExactCount":
                pass
            case "All":
                asked.every = self._all(of, asked, place)
                asked.count = len(asked.every)
            case _:
                raise AllocationError(f"{of}: unsupported count mode {request.mode}")
        return asked

    def _all(self, of: str, asked: _Asked, place: tuple[int, int, int]) -> list[Candidate]:
        """Every device of the node that passes the selectors, whether it is free or not."""
        for pool in self.pools:
            if pool.incomplete or pool.invalid:
                what = "being updated" if pool.incomplete else "invalid"
                raise AllocationError(
                    f"{of}: asks for all devices, but resource pool {pool.name} is currently {what}"
                )
        known = self._selected.setdefault(place, {})
        return [
            each
            for each in self._usable
            if self._selects(asked, place[0], known, each) and not self._too_small(asked, each)
        ]

    # The search. Each returns whether everything that remains was found.

    def _next(self, claim: int, request: int, sub: int, device: int, start: int, *, within: bool) -> bool:
        """From the device-th device of a request on; `within` one of its alternatives."""
        self._step()
        if claim >= len(self._claims):
            return True
        if request >= len(self._claims[claim].requests):
            try:
                return self._next(claim + 1, 0, 0, 0, _BEGINNING, within=False)
            except _TooMany:
                return False
        asked = self._asked[claim, request]
        if not within and asked[sub].parent is not None:
            return self._alternatives(claim, request, device, len(asked))
        mine = asked[sub]
        if mine.every is not None and not mine.every:
            return False
        if device >= mine.count:
            return self._next(claim, request + 1, 0, 0, _BEGINNING, within=False)
        if len(self._chosen[claim]) + mine.count - device > MOST_DEVICES:
            raise _TooMany
        if mine.every is not None:
            undo = self._take(claim, mine, mine.every[device], must=True, number=device)
            if undo is None:
                return False
            behind = 0 if self._rules.all_by_first else sub
            return self._go_on(undo, claim, request, behind, device, _BEGINNING, within=within)
        return self._search(claim, request, sub, device, start, within=within)

    def _step(self) -> None:
        self._steps_left -= 1
        if self._steps_left < 0:
            raise GaveUp(f"gave up after {self._most_steps:,} steps")

    def _alternatives(self, claim: int, request: int, device: int, count: int) -> bool:
        too_many = True
        for sub in range(count):
            try:
                if self._next(claim, request, sub, device, _BEGINNING, within=True):
                    return True
            except _TooMany:
                continue
            too_many = False
        if too_many:
            raise _TooMany
        return False

    def _go_on(
        self,
        undo: Callable[[], None],
        claim: int,
        request: int,
        sub: int,
        device: int,
        start: int,
        *,
        within: bool,
    ) -> bool:
        """With the next device; back, if that leads nowhere."""
        try:
            if self._next(claim, request, sub, device + 1, start, within=within):
                return True
        except (AllocationError, _TooMany):
            undo()
            raise
        undo()
        return False

    def _search(self, claim: int, request: int, sub: int, device: int, start: int, *, within: bool) -> bool:
        mine = self._asked[claim, request][sub]
        admin = mine.request.admin_access
        known = self._selected.setdefault((claim, request, sub), {})
        candidates = mine.candidates
        if candidates is None:
            candidates = mine.candidates = list(self._worth_trying(mine, claim, known))
        for number in range(start, len(candidates)):
            candidate = candidates[number]
            takers = self._taking.get(candidate)
            if takers and (claim in takers or not admin):
                continue
            if not self._selects(mine, claim, known, candidate) or self._too_small(mine, candidate):
                continue
            self._step()
            undo = self._take(claim, mine, candidate, must=False, number=device)
            if undo is None:
                continue
            behind = number + 1 if self._rules.combinations else _BEGINNING
            if self._go_on(undo, claim, request, sub, device, behind, within=within):
                return True
        if self._fatal is not None:
            raise AllocationError(f"pool {self._fatal.id[1]} is invalid: {self._fatal.invalid}")
        return False

    def _worth_trying(self, asked: _Asked, claim: int, known: dict[Candidate, bool]) -> Iterator[Candidate]:
        """What the rest of the search cannot make fit is left out; errors come when the search gets there."""
        for candidate in self._usable if asked.request.admin_access else self._free:
            try:
                if not self._selects(asked, claim, known, candidate):
                    continue
            except AllocationError:
                yield candidate
                continue
            if not (self._shares and self._alone(asked, candidate)):
                yield candidate

    # A candidate

    def _selects(self, asked: _Asked, claim: int, known: dict[Candidate, bool], candidate: Candidate) -> bool:
        """By class, request and node. Raises AllocationError for an expression that cannot be evaluated."""
        found = known.get(candidate)
        if found is None:
            of = f"claim {_named(self._claims[claim])}"
            found = known[candidate] = (
                (self._rules.binding or not candidate.device.binding_conditions)
                and self._passes(f"class {asked.class_.name}", asked.class_.selectors, candidate)
                and self._passes(of, asked.request.selectors, candidate)
                and (not candidate.slice.per_device_nodes or reaches(self._place, candidate.device))
            )
        return found

    def _passes(self, of: str, selectors: Sequence[str], candidate: Candidate) -> bool:
        for number, source in enumerate(selectors):
            try:
                verdict = self._world.verdict(source, candidate.slice, candidate.index)
            except Failure as failure:
                raise AllocationError(f"{of}: selector #{number}: CEL compile error: {failure}") from failure
            if isinstance(verdict, EvaluationError):
                raise AllocationError(f"{of}: selector #{number}: CEL runtime error: {verdict}")
            if not verdict:
                return False
        return True

    def _too_small(self, asked: _Asked, candidate: Candidate) -> str:
        if not self._shares:
            return ""
        sharing = self._sharing.get(candidate.key) if self._sharing else None
        if sharing:
            return self._beside(asked, candidate, sharing)
        return self._alone(asked, candidate)

    def _alone(self, asked: _Asked, candidate: Candidate) -> str:
        """Why it has no room beside what others hold."""
        why = asked.small.get(candidate)
        if why is None:
            why = asked.small[candidate] = self._beside(asked, candidate, ())
        return why

    def _beside(self, asked: _Asked, candidate: Candidate, sharing: Sequence[Amounts]) -> str:
        """Why it has no room beside these shares of this pod."""
        taken = self._world.held.shared.get(candidate.key, {})
        taking: dict[str, int] = {}
        for share in sharing:
            for name, amount in share.items():
                taking[name] = taking.get(name, 0) + amount
        return capacity.fits(candidate.device.capacity, asked.request.capacity, taken, taking)

    def _take(
        self, claim: int, asked: _Asked, candidate: Candidate, *, must: bool, number: int
    ) -> Callable[[], None] | None:
        """Give it to the request as its number-th: what takes it back, or None if it cannot be given."""
        rules, key, device, request = self._rules, candidate.key, candidate.device, asked.request
        shares = device.multiple_allocations and rules.has(Feature.CONSUMABLE_CAPACITY)
        if request.admin_access:
            if not shares and claim in self._taking.get(candidate, ()):
                return None
        elif self._taking.get(candidate) or key in self._world.held.exclusive:
            return None
        if device.consumes and not rules.has(Feature.PARTITIONABLE):
            return None
        counts = bool(device.consumes) and not (
            shares
            and not rules.each_share_consumes
            and (key in self._world.held.shared or key in self._sharing)
        )
        if counts and not self._counters.take(candidate):
            return None
        if rules.has(Feature.TAINTS) and prevents(
            device.taints, request.tolerations, unknown=rules.unknown_effects_block
        ):
            if counts and not rules.leaves_traces:
                self._counters.give_back(candidate)
            return None
        constraints = self._constraints[claim]
        for at, constraint in enumerate(constraints):
            if constraint.add(asked.names, key.driver, device):
                continue
            if must:
                name = "/".join(key)
                raise AllocationError(
                    f"claim {_named(self._claims[claim])}, request {request.name}:"
                    f" cannot add device {name} because a claim constraint would not be satisfied"
                )
            for earlier in constraints[:at]:
                earlier.remove(asked.names, key.driver, device)
            if counts and not rules.leaves_traces:
                self._counters.give_back(candidate)
            return None
        takes: Amounts | None = None
        if rules.has(Feature.CONSUMABLE_CAPACITY):
            if rules.second_look_elsewhere:
                if self._another_is_too_small(asked, candidate, number):
                    if not shares:
                        self._taking.setdefault(candidate, set()).add(claim)
                    return None
            elif self._too_small(asked, candidate):
                for constraint in constraints:
                    constraint.remove(asked.names, key.driver, device)
                if counts:
                    self._counters.give_back(candidate)
                return None
            if shares:
                takes = capacity.consumed(device.capacity, request.capacity)
                self._sharing.setdefault(key, []).append(takes)
        if not shares:
            self._taking.setdefault(candidate, set()).add(claim)
        chosen = self._chosen[claim]
        chosen.append(
            Chosen(
                asked.names[-1],
                key,
                device,
                candidate.slice,
                request.admin_access,
                shares,
                takes,
                request.tolerations if rules.gives_tolerations else (),
            )
        )

        def undo() -> None:
            chosen.pop()
            for constraint in constraints:
                constraint.remove(asked.names, key.driver, device)
            if takes is not None:
                self._sharing[key].pop()
                if not self._sharing[key]:
                    del self._sharing[key]
            if not shares:
                self._taking[candidate].discard(claim)
            if counts and not (shares and rules.leaves_traces):
                self._counters.give_back(candidate)

        return undo

    def _another_is_too_small(self, asked: _Asked, candidate: Candidate, number: int) -> str:
        """1.34 takes the number of the device within the request for that within the slice. The real one panics where
        the slice has no such device."""
        if number >= len(candidate.slice.devices):
            return "no such device"
        another = candidate_of(candidate.pool, candidate.slice, number)
        return self._beside(asked, another, self._sharing.get(another.key, ()))

    # The result

    def _check_node_selectors(self, chosen: Sequence[Chosen]) -> None:
        """A claim is for one node, or for what all its devices' selectors say; several terms cannot be joined."""
        for each in chosen:
            placed: Slice | Device = each.device if each.slice.per_device_nodes else each.slice
            if placed.node or each.device.binds_to_node:
                return
            terms = _terms(placed.node_selector)
            if terms > 1:
                raise AllocationError(f"unsupported ResourceSlice.NodeSelector with {terms} terms")


def _named(claim: Claim) -> str:
    return f"{claim.namespace}/{claim.name}" if claim.namespace else claim.name


def _terms(selector: NodeSelector | None) -> int:
    return len(selector.node_selector_terms) if selector is not None else 0
