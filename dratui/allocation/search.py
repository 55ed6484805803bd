"""The scheduler's search for devices: depth first, first fit, over claims, requests and devices.

It is not ours to improve. What it finds depends on the order in which it looks and on what it forgets when it goes
back, so both are as in the allocator. Source: k8s.io/dynamic-resource-allocation/structured/internal, allocator_*.go;
what differs by release is in `rules`. Only where it takes long is left out what cannot succeed: `shortcuts`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from dratui.allocation import capacity
from dratui.allocation.asked import MOST_DEVICES, AllocationError, Asked, AskedClaim
from dratui.allocation.capacity import Amounts
from dratui.allocation.constraints import clash
from dratui.allocation.counters import Counters
from dratui.allocation.nodes import Place, operable
from dratui.allocation.patience import GaveUp, Patience
from dratui.allocation.pools import Candidate, Pool, candidate_of, gathered
from dratui.allocation.rules import Feature
from dratui.allocation.shortcuts import Shortcuts, hold
from dratui.allocation.taints import prevents
from dratui.allocation.volume import too_much
from dratui.allocation.world import World
from dratui.api.model import Claim, Device, DeviceKey, NodeSelector, Slice, Toleration

__all__ = ["AllocationError", "Chosen", "GaveUp", "Search", "allocate"]

_PLAIN: Final = 1_000
"""Steps without shortcuts: nearly every search has ended by then, and need not pay for them."""

_PREPARED: Final = 5
"""Steps that it takes to find the shortcuts among devices, for each of them."""


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


class _TooMany(Exception):
    """More devices than a claim may have: another alternative may ask for fewer."""


class _Long(Exception):
    """More steps than a plain search takes."""


_BEGINNING: Final = 0  # of the candidates


def allocate(
    world: World, place: Place, claims: Sequence[Claim], patience: Patience | None = None
) -> list[list[Chosen]] | None:
    """Devices for each claim, in the order in which they are found; None if they do not fit on this node.

    Raises AllocationError, and GaveUp after too many steps.
    """
    return Search(world, place, claims, patience or Patience()).result()


class Search:
    """One node's."""

    def __init__(self, world: World, place: Place, claims: Sequence[Claim], patience: Patience) -> None:
        self._world = world
        self._rules = world.rules
        self._place = place
        self._claims = claims
        self._patience = patience
        self._most_steps = patience.steps
        self._plain = _PLAIN
        if patience.hurried:
            self._plain = self._most_steps  # shortcuts take their time, too
        elif patience.long:
            self._plain = 0
        self.steps = 0
        self.shortened = False  # something was left out that the scheduler would try
        self.pools = gathered(world.slices, place, world.rules)
        self._asked: list[AskedClaim] = []
        self._candidates: dict[Asked, Sequence[Candidate]] = {}  # those that may be given
        self._shares = world.rules.has(Feature.CONSUMABLE_CAPACITY)
        self._fatal: Pool | None = None  # where the search ends
        self.usable: Sequence[Candidate] = list(self._usable_devices())
        self._free = [each for each in self.usable if each.key not in world.held.exclusive]
        self._shortcuts: Shortcuts | None = None
        self._begin()

    def _begin(self) -> None:
        self._chosen: list[list[Chosen]] = [[] for _ in self._claims]
        self._taking: dict[Candidate, set[int]] = {}  # claims that take a device for themselves
        # What this pod takes of shared devices, share by share
        self._sharing: dict[DeviceKey, list[Amounts]] = {}
        self._counters = Counters(self._world.held, self._rules)

    def result(self) -> list[list[Chosen]] | None:
        """See `allocate`."""
        try:
            return self._result()
        finally:
            self._patience.spend(self.steps)

    def _result(self) -> list[list[Chosen]] | None:
        for claim in self._claims:
            self._asked.append(AskedClaim(self._world, self._place, claim, self.pools, self.usable))
        try:
            found = self._next(0, 0, 0, 0, _BEGINNING, within=False)
        except _Long:
            found = self._shortened()
        except _TooMany:
            found = False
        if not found:
            if any(pool.invalid for pool in self.pools):
                raise AllocationError("invalid resource pools were encountered", of_node=True)
            return None
        for chosen in self._chosen:
            self._check_node_selectors(chosen)
        return self._chosen

    def _shortened(self) -> bool:
        """From the beginning, with shortcuts if any may be taken."""
        self._plain = self._most_steps
        self._patience.long = True
        for claim in self._asked:
            claim.begin()
        self._begin()
        if self._fatal is None and hold(self._world, self._claims, self._asked, self.usable):
            self.steps += _PREPARED * len(self.usable)
            if too_much(self._asked, self._worth_trying, self._counters) or self._part_fails():
                self.shortened = True
                return False
            self._shortcuts = Shortcuts(self._world, self._asked, self.usable, self._counters)
        try:
            return self._next(0, 0, 0, 0, _BEGINNING, within=False)
        except _TooMany:
            return False

    def _part_fails(self) -> bool:
        """Whether one of the claims, or one request of the only claim, finds nothing even if it is asked for alone."""
        parts = [(claim,) for claim in self._claims]
        if len(parts) == 1:
            [claim] = self._claims
            parts = [(msgspec.structs.replace(claim, requests=(request,)),) for request in claim.requests]
        if len(parts) == 1:
            return False
        for part in parts:
            search = Search(self._world, self._place, part, Patience(self._most_steps // 4))
            try:
                if search.result() is None:
                    return True
            except GaveUp:
                pass
            self.steps += search.steps
        return False

    def _usable_devices(self) -> Iterator[Candidate]:
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

    # Each returns whether everything that remains was found.

    def _next(self, claim: int, request: int, sub: int, device: int, start: int, *, within: bool) -> bool:
        """From the device-th device of a request on; `within` one of its alternatives."""
        self._step()
        if claim >= len(self._claims):
            return True
        requests = self._asked[claim].requests
        if request >= len(requests):
            try:
                return self._next(claim + 1, 0, 0, 0, _BEGINNING, within=False)
            except _TooMany:
                return False
        asked = requests[request]
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
        if self.steps >= self._most_steps:
            raise GaveUp(self._patience.given_up)
        if self.steps >= self._plain:
            raise _Long
        self.steps += 1

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
        mine = self._asked[claim].requests[request][sub]
        admin = mine.request.admin_access
        candidates = self._worth_trying(mine)
        stage = None
        if self._shortcuts is not None:
            stage = self._shortcuts.stage((claim, request, sub, device, start), self._chosen)
            if stage.dead:
                self.shortened = True
                return False
        for number in range(start, len(candidates)):
            candidate = candidates[number]
            takers = self._taking.get(candidate)
            if takers and (claim in takers or not admin):
                continue
            if not mine.selects(candidate) or self._too_small(mine, candidate):
                continue
            self._step()
            if stage is not None and stage.in_vain(candidate):
                self.shortened = True
                continue
            undo = self._take(claim, mine, candidate, must=False, number=device)
            if undo is None:
                continue
            behind = number + 1 if self._rules.combinations else _BEGINNING
            if stage is not None and self._hopeless(claim, request, sub, device + 1, behind):
                self.shortened = True
                undo()
            elif self._go_on(undo, claim, request, sub, device, behind, within=within):
                return True
            if stage is not None:
                stage.failed(candidate)
        if self._fatal is not None:
            raise AllocationError(f"pool {self._fatal.id[1]} is invalid: {self._fatal.invalid}")
        if stage is not None:
            stage.ends()
        return False

    def _worth_trying(self, asked: Asked) -> Sequence[Candidate]:
        """What the rest of the search cannot make fit is left out; errors come when the search gets there."""
        found = self._candidates.get(asked)
        if found is None:
            found = self._candidates[asked] = list(self._suitable(asked))
        return found

    def _suitable(self, asked: Asked) -> Iterator[Candidate]:
        for candidate in self.usable if asked.request.admin_access else self._free:
            try:
                if not asked.selects(candidate) or asked.too_small(candidate):
                    continue
            except AllocationError:
                pass
            yield candidate

    def _hopeless(self, claim: int, request: int, sub: int, device: int, start: int) -> bool:
        """Whether what was chosen leaves too few devices to one of the requests that remain, each looked at alone."""
        requests = self._asked[claim].requests
        mine = requests[request][sub]
        if not self._enough(claim, mine, start, mine.count - device):
            return True
        rest = [(claim, each) for each in requests[request + 1 :]]
        for later in range(claim + 1, len(self._asked)):
            rest += [(later, each) for each in self._asked[later].requests]
        return not all(
            any(self._enough(of, each, _BEGINNING, each.count) for each in alternatives)
            for of, alternatives in rest
        )

    def _enough(self, claim: int, asked: Asked, start: int, wanted: int) -> bool:
        candidates = self._worth_trying(asked) if asked.every is None else asked.every
        for number in range(start, len(candidates)):
            if wanted <= 0:
                break
            candidate = candidates[number]
            if not asked.selects(candidate) or self._too_small(asked, candidate):
                continue
            self._step()
            undo = self._take(claim, asked, candidate, must=False, number=0)
            if undo is not None:
                undo()
                again = candidate.device.multiple_allocations and not self._rules.combinations
                wanted -= wanted if again else 1
        return wanted <= 0

    # A candidate

    def _too_small(self, asked: Asked, candidate: Candidate) -> str:
        sharing = self._sharing.get(candidate.key) if self._sharing else None
        return asked.too_small(candidate, sharing or ())

    def _take(
        self, claim: int, asked: Asked, candidate: Candidate, *, must: bool, number: int
    ) -> Callable[[], None] | None:
        """Give it to the request as its number-th: what takes it back, or None if it cannot be given."""
        rules, key, device, request = self._rules, candidate.key, candidate.device, asked.request
        shares = device.multiple_allocations and rules.has(Feature.CONSUMABLE_CAPACITY)
        if request.admin_access:
            if not shares and claim in self._taking.get(candidate, ()):
                return None
        elif self._taking.get(candidate) or key in self._world.held.exclusive:
            return None
        if not operable(candidate.slice, self._place, rules):
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
        constraints = self._asked[claim].constraints
        for at, constraint in enumerate(constraints):
            if constraint.add(asked.names, key.driver, device):
                continue
            if must:
                name = "/".join(key)
                raise AllocationError(
                    f"claim {self._asked[claim].name}, request {request.name}:"
                    f" cannot add device {name} because a claim constraint would not be satisfied",
                    device=key,
                    clash=clash(
                        self._claims[claim].constraints[at],
                        [(each.request, each.key, each.device) for each in self._chosen[claim]],
                        (asked.names[-1], key, device),
                    ),
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
                fractional = rules.has(Feature.FRACTIONAL_CAPACITY)
                takes = capacity.consumed(device.capacity, request.capacity, fractional=fractional)
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

    def _another_is_too_small(self, asked: Asked, candidate: Candidate, number: int) -> str:
        """1.34 takes the number of the device within the request for that within the slice. The real one panics where
        the slice has no such device."""
        if number >= len(candidate.slice.devices):
            return "no such device"
        another = candidate_of(candidate.pool, candidate.slice, number)
        return asked.beside(another, self._sharing.get(another.key, ()))

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


def _terms(selector: NodeSelector | None) -> int:
    return len(selector.node_selector_terms) if selector is not None else 0
