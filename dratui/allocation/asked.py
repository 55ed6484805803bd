"""What claims ask for, as far as it can be said of each request alone, before anything is searched."""

from collections.abc import Iterator, Sequence
from typing import Final

from dratui.allocation import capacity
from dratui.allocation.capacity import Amounts
from dratui.allocation.cel.errors import EvaluationError, TooLong
from dratui.allocation.constraints import Constrained, constrained
from dratui.allocation.nodes import Place, reaches
from dratui.allocation.patience import GaveUp
from dratui.allocation.pools import Candidate, Pool, PoolID
from dratui.allocation.rules import Feature
from dratui.allocation.world import World
from dratui.api.model import Claim, DeviceClass, DeviceKey, Request
from dratui.failure import Failure

MOST_DEVICES: Final = 32
"""Of a claim: resource.k8s.io's AllocationResultsMaxSize."""

_MISSING_KEY: Final = (
    ". consider using CEL optional chaining (.? followed by orValue())"
    " or guarding the check with has() for optional fields"
)


class AllocationError(Exception):
    """What is more than "does not fit", in the scheduler's words. `of_node`: it concerns this node only; else the pod
    is not scheduled anywhere. What its words leave out: `device`, which raised it, `pool`, which cannot be used, and
    `clash`, which devices do not go together."""

    def __init__(
        self,
        text: str,
        *,
        of_node: bool = False,
        device: DeviceKey | None = None,
        pool: Pool | None = None,
        clash: str = "",
    ) -> None:
        super().__init__(text)
        self.of_node = of_node
        self.device = device
        self.pool = pool
        self.clash = clash


class Asked:
    """A request, or an alternative of `parent`: how many devices, of which class, and which it may have.

    `every` are the devices of `All`.
    """

    def __init__(
        self,
        world: World,
        place: Place,
        claim: str,
        request: Request,
        parent: Request | None,
        class_: DeviceClass,
    ) -> None:
        self.request = request
        self.parent = parent
        self.count = request.count
        self.every: Sequence[Candidate] | None = None
        self.names = (request.name,) if parent is None else (parent.name, f"{parent.name}/{request.name}")
        self._world = world
        self._place = place
        self._claim = claim
        self._class = class_
        self._shares = world.rules.has(Feature.CONSUMABLE_CAPACITY)
        self._fractional = world.rules.has(Feature.FRACTIONAL_CAPACITY)
        self._selected: dict[Candidate, bool] = {}
        self._small: dict[Candidate, str] = {}  # why it has no room, by what others hold

    def take_all(self, pools: Sequence[Pool], usable: Sequence[Candidate], like: "Asked | None") -> None:
        """Every device of the node that passes the selectors, whether it is free or not. `like`: what its selectors
        said counts."""
        known = {} if like is None else like._selected
        self._selected = known
        small = self._always_too_small if self._world.rules.all_by_size else self.too_small
        of_pool: dict[PoolID, list[Candidate]] = {}
        for each in usable:
            of_pool.setdefault(each.pool.id, []).append(each)
        found: list[Candidate] = []
        # One pool after the other: a selector's error in the first comes before what is amiss of the next.
        for pool in pools:
            if pool.incomplete or pool.invalid:
                what = "being updated" if pool.incomplete else "invalid"
                raise AllocationError(
                    f"claim {self._claim}, request {self.request.name}: asks for all devices,"
                    f" but resource pool {pool.name} is currently {what}",
                    pool=pool,
                )
            found += [each for each in of_pool.get(pool.id, ()) if self.selects(each) and not small(each)]
        self.every, self.count = found, len(found)

    def selects(self, candidate: Candidate) -> bool:
        """By class, request and node. Raises AllocationError for an expression that cannot be evaluated."""
        found = self._selected.get(candidate)
        if found is None:
            found = self._selected[candidate] = (
                (self._world.rules.binding or not candidate.device.binding_conditions)
                and self._passes(f"class {self._class.name}", self._class.selectors, candidate)
                and self._passes(f"claim {self._claim}", self.request.selectors, candidate)
                and (not candidate.slice.per_device_nodes or reaches(self._place, candidate.device))
            )
        return found

    def _passes(self, of: str, selectors: Sequence[str], candidate: Candidate) -> bool:
        for number, source in enumerate(selectors):
            try:
                verdict = self._world.verdict(source, candidate.slice, candidate.index)
            except Failure as failure:
                raise AllocationError(f"{of}: selector #{number}: CEL compile error: {failure}") from failure
            if isinstance(verdict, TooLong):
                raise GaveUp(f"gave up a selector of {of}: {verdict}; it may fit or not")
            if isinstance(verdict, EvaluationError):
                on, hint = "", ""
                if self._world.rules.errors_name_device:
                    on = f" on device {'/'.join(candidate.key)}"
                    hint = _MISSING_KEY if "no such key:" in str(verdict) else ""
                text = f"{of}: selector #{number}{on}: CEL runtime error: {verdict}{hint}"
                raise AllocationError(text, device=candidate.key)
            if not verdict:
                return False
        return True

    def forget(self) -> None:
        """What the selectors said: the search asks again, in its own order."""
        self._selected = {}

    def too_small(self, candidate: Candidate, sharing: Sequence[Amounts] = ()) -> str:
        """Why it has no room beside what others hold, and these shares of this pod."""
        if not self._shares:
            return ""
        if sharing:
            return self.beside(candidate, sharing)
        why = self._small.get(candidate)
        if why is None:
            why = self._small[candidate] = self.beside(candidate, ())
        return why

    def beside(self, candidate: Candidate, sharing: Sequence[Amounts]) -> str:
        """The same, whatever the cluster knows of sharing."""
        self._refuse_odd(candidate, "/".join(candidate.key))
        taken = self._world.held.shared.get(candidate.key, {})
        taking: dict[str, int] = {}
        for share in sharing:
            for name, amount in share.items():
                taking[name] = taking.get(name, 0) + amount
        return self._fits(candidate, taken, taking)

    def _always_too_small(self, candidate: Candidate) -> str:
        """Why it had no room even if nobody else held anything."""
        if not self._shares:
            return ""
        self._refuse_odd(candidate, candidate.device.name)
        return self._fits(candidate, {}, {})

    def _fits(self, candidate: Candidate, taken: Amounts, taking: Amounts) -> str:
        wanted = self.request.capacity
        return capacity.fits(candidate.device.capacity, wanted, taken, taking, fractional=self._fractional)

    def _refuse_odd(self, candidate: Candidate, name: str) -> None:
        if not self._world.rules.odd_capacity_is_error:
            return
        of = candidate.device.capacity
        if why := capacity.odd(of, self.request.capacity, fractional=self._fractional):
            raise AllocationError(
                f"claim {self._claim}, request {self.request.name}: checking capacity for device {name}: {why}",
                device=candidate.key,
            )


class AskedClaim:
    """A claim: its requests, each with its alternatives or itself alone, and its constraints.

    Raises AllocationError for what the scheduler refuses without a search.
    """

    def __init__(
        self, world: World, place: Place, claim: Claim, pools: Sequence[Pool], usable: Sequence[Candidate]
    ) -> None:
        self.name = f"{claim.namespace}/{claim.name}" if claim.namespace else claim.name
        self._world = world
        self._place = place
        self.requests: list[list[Asked]] = []
        least = 0
        for request in claim.requests:
            alternatives = self._alternatives(request, pools, usable)
            self.requests.append(alternatives)
            more = min(each.count for each in alternatives)
            if world.rules.too_many_at_request and least + more > MOST_DEVICES:
                raise AllocationError(
                    f"claim {self.name}, request {request.name}: adding {more} devices exceeds"
                    f" the claim limit of {MOST_DEVICES}, with {least} already accounted for"
                )
            least += more
        if least > MOST_DEVICES:
            raise AllocationError(
                f"claim {self.name}: number of requested devices {least} exceeds the claim limit of {MOST_DEVICES}"
            )
        for each in self.each:
            each.forget()
        self._claim = claim
        self.begin()

    def begin(self) -> None:
        """As if nothing had been added to a constraint."""
        self.constraints = list(self._constraints(self._claim))

    @property
    def each(self) -> Iterator[Asked]:
        """All alternatives of all requests."""
        return (each for alternatives in self.requests for each in alternatives)

    def _alternatives(
        self, request: Request, pools: Sequence[Pool], usable: Sequence[Candidate]
    ) -> list[Asked]:
        rules = self._world.rules
        if request.alternatives and not rules.has(Feature.PRIORITIZED_LIST):
            raise AllocationError(
                f"claim {self.name}, request {request.name}: has subrequests,"
                " but the DRAPrioritizedList feature is disabled"
            )
        self._refuse_capacity(request)
        found: list[Asked] = []
        for alternative in request.alternatives or (request,):
            asked = self._looked_up(alternative, request if request.alternatives else None)
            found.append(asked)
            match alternative.mode:
                case "ExactCount":
                    pass
                case "All":
                    like = found[0] if rules.all_by_first and len(found) == 2 else None  # it counts on behind
                    asked.take_all(pools, usable, like)
                case _:
                    raise AllocationError(
                        f"claim {self.name}, request {alternative.name}:"
                        f" unsupported count mode {alternative.mode}"
                    )
        return found

    def _refuse_capacity(self, request: Request) -> None:
        rules = self._world.rules
        if rules.has(Feature.CONSUMABLE_CAPACITY) or not rules.refuses_capacity_requests:
            return
        for each in (request, *request.alternatives):
            if each.capacity:
                kind, name = ("request", request.name) if each is request else ("subrequest", each.name)
                if not rules.refusal_names_subrequest:
                    kind, name = "request", request.name
                raise AllocationError(
                    f"claim {self.name}, {kind} {name}: has capacity requests,"
                    " but the DRAConsumableCapacity feature is disabled"
                )

    def _looked_up(self, request: Request, parent: Request | None) -> Asked:
        of = f"claim {self.name}, request {request.name}"
        for number, source in enumerate(request.selectors):
            if not source:
                raise AllocationError(
                    f"{of}, selector #{number}: CEL expression empty (unsupported selector type?)"
                )
        if request.derives:
            raise GaveUp(f"gave up {of}: dratui does not compute derivedAttributes; it may fit or not")
        if request.admin_access and not self._world.rules.has(Feature.ADMIN_ACCESS):
            raise AllocationError(f"{of}: admin access is requested, but the feature is disabled")
        wanted = request.device_class
        if not wanted:
            raise AllocationError(f"{of}: missing device class name (unsupported request type?)")
        class_ = self._world.classes.get(wanted)
        if class_ is None:
            raise AllocationError(
                f'{of}: could not retrieve device class {wanted}: deviceclass.resource.k8s.io "{wanted}" not found'
            )
        return Asked(self._world, self._place, self.name, request, parent, class_)

    def _constraints(self, claim: Claim) -> Iterator[Constrained]:
        for number, constraint in enumerate(claim.constraints):
            made = constrained(constraint, self._world.rules)
            if made is None:
                raise AllocationError(
                    f"claim {self.name}, constraint #{number}: empty constraint (unsupported constraint type?)"
                )
            yield made
