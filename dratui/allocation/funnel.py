"""What a request looked at on a node: how many devices, what each step took away, and what came nearest."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from dratui.allocation.pools import Pool, Slices, candidate_of
from dratui.allocation.refusals import Cause, DeviceExplained, Refusals
from dratui.allocation.search import Search
from dratui.allocation.words import some
from dratui.allocation.world import World
from dratui.api.model import Request, Slice

_STEPS: Final[Mapping[Cause, str]] = {
    "class": "not of its class",
    "selector": "not selected",
    "node": "not for this node",
    "held": "held",
    "capacity": "too full",
    "counters": "short of counters",
    "taint": "tainted",
}
"""In the order in which they are taken; the last one came closest to fitting."""

_NEAREST: Final[Sequence[Cause]] = tuple(reversed(list(_STEPS)))
_HELD_BY: Final = "held by "
_OF_DRIVER: Final = "driver = "


class Funnel:
    """One request's, or one alternative's."""

    def __init__(self, request: Request, search: Search, world: World, refusals: Refusals) -> None:
        self.request = request
        self.devices: list[DeviceExplained] = []
        self._pools = len(search.pools)
        unused = [pool for pool in search.pools if _is_unusable(pool, world)]
        concerning = [pool for pool in unused if _concerns(request, pool, world.slices, refusals)]
        self._unusable = [unusable(pool, world.slices) for pool in concerning]
        self._invalid = any(pool.invalid for pool in concerning)
        for candidate in search.usable:
            verdict, why = refusals.of(request, candidate)
            self.devices.append(DeviceExplained(*candidate.key, verdict=verdict, why=why))
        self._by_cause: Mapping[Cause, int] = Counter(device.verdict for device in self.devices)
        self.wanted = request.count
        if request.mode == "All":  # every device that the selectors leave and that has room must be had
            never: Sequence[Cause] = ("class", "selector", "node", "capacity")
            self.wanted = max(1, len(self.devices) - sum(map(self._of, never)))

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

    def cause(self) -> tuple[Cause, str, str]:
        """What kept away the devices that came nearest, as most of them say it; and all of it in a sentence."""
        got = f"{self.got} of {self.wanted} wanted"
        nearest = next((cause for cause in _NEAREST if self._of(cause)), None)
        if nearest in (None, "class") and self._unusable:
            cause: Cause = "pool invalid" if self._invalid else "pool incomplete"
            why = some(self._unusable)
            return cause, why, f"{why}; {got} from the others" if self.devices else why
        class_ = f"of class {self.request.device_class}"
        if not self.devices:
            if self._pools:  # none that counts
                return "class", f"no device {class_}", f"{got}; no device {class_}"
            why = "no driver publishes devices for this node"
            return "no devices", why, why
        if nearest is None or (nearest == "class" and self.got):
            return "too few", f"no more {class_}", f"{got}; there are no more {class_} here"
        whys = Counter(device.why for device in self.devices if device.verdict == nearest)
        if nearest == "class":  # of other drivers' devices there is nothing to tell
            near = {why: n for why, n in whys.items() if not why.startswith(_OF_DRIVER)}
            told = f": {_told(near)}" if near else ""
            return nearest, f"no device {class_}{told}", f"{got}; {self._looked_at}, none {class_}{told}"
        skipped = "".join(f"; {each}" for each in self._unusable)
        return nearest, whys.most_common(1)[0][0], f"{got}; {self._steps(nearest, _told(whys))}{skipped}"

    @property
    def _looked_at(self) -> str:
        return "1 device" if len(self.devices) == 1 else f"{len(self.devices)} devices"

    def _steps(self, nearest: Cause, told: str) -> str:
        """How many were looked at, what each step took away, unless one took all, and what the last one says."""
        last, words = self._of(nearest), _STEPS[nearest]
        if last == len(self.devices):
            return f"{self._looked_at}: {told}"
        before = [f"{self._of(each)} {_STEPS[each]}" for each in _STEPS if each != nearest and self._of(each)]
        end = f"{last} {told}" if told.startswith(words) else f"{last} {words}: {told}"
        return ", ".join((self._looked_at, *before, end))


def _told(whys: Mapping[str, int]) -> str:
    """What most of them say; of those that are held, all names that there is room for."""
    texts = sorted(whys, key=lambda why: -whys[why])
    if len(texts) > 1 and all(text.startswith(_HELD_BY) for text in texts):
        return _HELD_BY + some([text.removeprefix(_HELD_BY) for text in texts])
    return texts[0] + (f"; {len(texts) - 1} more reasons" if len(texts) > 1 else "")


def _concerns(request: Request, pool: Pool, slices: Slices, refusals: Refusals) -> bool:
    """Whether devices of a pool that does not count would be of the request's class, as far as they are published."""
    seen = list(_newest(pool, slices))
    candidates = [candidate_of(pool, each, index) for each in seen for index in range(len(each.devices))]
    return not candidates or any(not refusals.not_of_class(request, each) for each in candidates)


def _is_unusable(pool: Pool, world: World) -> bool:
    return bool(pool.invalid) or (pool.incomplete and not world.rules.uses_incomplete)


def _newest(pool: Pool, slices: Slices) -> Iterator[Slice]:
    """The slices of a pool that count, wherever their devices are."""
    if pool.slices:  # by those for the node
        yield from pool.slices
        return
    every = slices.of_pool.get(pool.id, ())
    newest = max((each.generation for each in every), default=0)
    yield from (each for each in every if each.generation == newest)


def unusable(pool: Pool, slices: Slices) -> str:
    """Why a pool does not count."""
    if pool.invalid:
        return f"pool {pool.name} is invalid: {pool.invalid}"
    seen = list(_newest(pool, slices))
    expected = seen[0].expected_slices if seen else 0
    return f"pool {pool.name} is incomplete: {len(seen)} of {expected} slices are published"
