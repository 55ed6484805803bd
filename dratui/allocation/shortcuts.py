"""What a long search need not try, since it failed already in another guise.

The scheduler has none of this: it tries everything, for ten seconds. What is left out here is only what cannot lead to
an outcome, so that the first hit is the one that it would come to:

- a device that is like another one, after which nothing was found from the same place: the same to all requests and
  constraints, and of a card in the same state, if it is a partition (eight untouched cards are one);
- a state in which something was looked for before: the same devices taken, in another order, by other requests.

The third, what leaves too few devices to a later request, is the search's own to see. Where the search does not forget
all that it tried (lists, `distinctAttribute` within a request, counters before 1.36), or where an error may turn up on
the way, none of this holds and nothing is left out.
"""

from collections.abc import Hashable, Sequence
from itertools import chain
from typing import Protocol

from dratui.allocation.asked import MOST_DEVICES, AllocationError, AskedClaim
from dratui.allocation.capacity import Amounts
from dratui.allocation.constraints import attribute
from dratui.allocation.counters import Counters
from dratui.allocation.pools import Candidate
from dratui.allocation.rules import Feature
from dratui.allocation.taints import prevents
from dratui.allocation.world import World
from dratui.api.model import Claim, DeviceKey

_Card = int


class Taken(Protocol):
    """A device in the course of a search."""

    @property
    def key(self) -> DeviceKey:
        """Which."""

    @property
    def takes(self) -> Amounts | None:
        """Of a shared one, how much."""


class Shortcuts:
    """Those of one search, over devices that may be given, in the order in which they are tried."""

    def __init__(
        self, world: World, claims: Sequence[AskedClaim], usable: Sequence[Candidate], counters: Counters
    ) -> None:
        self._claims = claims
        self._number = {each.key: number for number, each in enumerate(usable)}
        self._card: dict[DeviceKey, _Card] = {}
        self._guise: dict[DeviceKey, Hashable] = {}
        self.dead: set[Hashable] = set()  # states from which nothing was found
        kinds = _Kinds(world, claims)
        numbers: dict[Hashable, int] = {}
        for card, devices in enumerate(_cards(usable, counters)):
            alike = numbers.setdefault(_likeness(devices, kinds, counters), len(numbers))
            for position, each in enumerate(devices):
                self._card[each.key] = card
                self._guise[each.key] = alike, position

    def stage(self, at: tuple[int, ...], chosen: Sequence[Sequence[Taken]]) -> "Stage":
        """A place in the search: claim, request, alternative, device, start; and what was chosen before."""
        numbers = tuple(
            sum(1 << self._number[each.key] for each in of if each.takes is None) for of in chosen
        )
        shares = tuple(
            sorted(
                (self._number[each.key], *sorted(each.takes.items()))
                for each in chain.from_iterable(chosen)
                if each.takes is not None
            )
        )
        constraints = tuple(each.state() for each in self._claims[at[0]].constraints)
        touched = {self._card[each.key] for each in chain.from_iterable(chosen)}
        return Stage(self, (at, numbers, shares, constraints), touched)

    def guise(self, candidate: Candidate, touched: set[_Card]) -> Hashable:
        """Equal for devices that are as good as each other."""
        key = candidate.key
        return key if self._card[key] in touched else self._guise[key]


class Stage:
    """A place in the search, and the devices that were tried there in vain."""

    def __init__(self, shortcuts: Shortcuts, state: Hashable, touched: set[_Card]) -> None:
        self._shortcuts = shortcuts
        self._state = state
        self._touched = touched
        self._failed: set[Hashable] = set()
        self.dead = state in shortcuts.dead

    def in_vain(self, candidate: Candidate) -> bool:
        """Whether one like it failed here."""
        return bool(self._failed) and self._shortcuts.guise(candidate, self._touched) in self._failed

    def failed(self, candidate: Candidate) -> None:
        """Nothing was found after it."""
        self._failed.add(self._shortcuts.guise(candidate, self._touched))

    def ends(self) -> None:
        """Nothing was found from here."""
        self._shortcuts.dead.add(self._state)


def hold(
    world: World, claims: Sequence[Claim], asked: Sequence[AskedClaim], usable: Sequence[Candidate]
) -> bool:
    """Whether shortcuts may be taken."""
    rules = world.rules
    partitions = [each for each in usable if each.device.consumes]
    every = any(each.every is not None for claim in asked for each in claim.each)
    constraints = [constraint for claim in asked for constraint in claim.constraints]
    if rules.second_look_elsewhere or (rules.leaves_traces and partitions):
        return False
    if rules.has(Feature.COMPATIBILITY_GROUPS) and partitions:
        return False  # what is in use of a card decides what goes with it
    if every and (constraints or rules.all_by_first):
        return False
    pools = {each.pool.id for each in partitions}
    if not rules.counters_by_driver and len(pools) != len({name for _, name in pools}):
        return False  # they share a ledger, and the first that is asked sets its limits
    names = {each.name for each in constraints}
    if any(
        isinstance(attribute(each.key.driver, each.device, name), tuple) for name in names for each in usable
    ):
        return False  # lists: what comes first decides
    for claim, mine in zip(claims, asked, strict=True):
        most = {
            request.name: max(each.count for each in of)
            for request, of in zip(claim.requests, mine.requests, strict=True)
        }
        if sum(most.values()) > MOST_DEVICES or not all(each.restores(most) for each in mine.constraints):
            return False
    try:
        for each in chain.from_iterable(claim.each for claim in asked):
            for candidate in usable:
                each.selects(candidate)
    except AllocationError:
        return False
    return True


class _Kinds:
    """What a device is to these claims."""

    def __init__(self, world: World, claims: Sequence[AskedClaim]) -> None:
        self._world = world
        self._asked = [each for claim in claims for each in claim.each]
        self._attributes = sorted({each.name for claim in claims for each in claim.constraints})

    def of(self, candidate: Candidate) -> Hashable:
        """Equal only where nothing tells them apart but their names, and what they consume."""
        device, held, rules = candidate.device, self._world.held, self._world.rules
        values = [attribute(candidate.key.driver, device, name) for name in self._attributes]
        return (
            tuple(each.selects(candidate) for each in self._asked),
            tuple(
                prevents(device.taints, each.request.tolerations, unknown=rules.unknown_effects_block) is None
                for each in self._asked
            ),
            tuple((type(value), value) for value in values),
            device.multiple_allocations,
            tuple(sorted((name, repr(each)) for name, each in device.capacity.items())),
            candidate.key in held.exclusive,
            tuple(sorted(held.shared.get(candidate.key, {}).items())),
        )


def _cards(usable: Sequence[Candidate], counters: Counters) -> list[list[Candidate]]:
    """Devices that counter sets connect, in their order; others alone."""
    of_set: dict[Hashable, list[Candidate]] = {}
    found: list[list[Candidate]] = []
    for candidate in usable:
        sets = [(counters.ledger(candidate), each.counter_set) for each in candidate.device.consumes]
        parts = {id(part): part for each in sets if (part := of_set.get(each)) is not None}
        card = [device for part in parts.values() for device in part] + [candidate]
        found = [part for part in found if id(part) not in parts] if len(parts) > 1 else found
        if len(parts) == 1:
            [card] = parts.values()
            card.append(candidate)
        else:
            found.append(card)
        for name in [*sets, *(name for name, part in of_set.items() if id(part) in parts)]:
            of_set[name] = card
    numbers = {each: number for number, each in enumerate(usable)}
    return [sorted(card, key=numbers.__getitem__) for card in found]


def _likeness(devices: Sequence[Candidate], kinds: _Kinds, counters: Counters) -> Hashable:
    """Equal for cards of the same devices in the same order, of which as much is left."""
    sets: dict[str, int] = {}  # by their order
    consumed: list[Hashable] = []
    for each in devices:
        wants = [
            (sets.setdefault(of.counter_set, len(sets)), counter, amount)
            for of in each.device.consumes
            for counter, amount in of.counters.items()
        ]
        consumed.append(tuple(sorted(wants)))
    left = counters.left(devices[0]) if sets else {}
    rest = left and sorted(
        (sets[name], counter, amount) for (_, name, counter), amount in left.items() if name in sets
    )
    return tuple(map(kinds.of, devices)), tuple(consumed), None if left is None else tuple(rest or ())
