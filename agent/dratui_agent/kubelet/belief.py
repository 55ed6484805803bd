"""What the plugin believes, put together: the last steps, the CDI specs that are there, and what fits nothing."""

import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from threading import Lock
from typing import Final

from dratui_agent.attribution.cdi import Specs, claim_uid
from dratui_agent.kubelet.hardware import Instance
from dratui_agent.kubelet.offers import Offer, Placement
from dratui_agent.kubelet.prepared import Belief, Orphan, PreparedClaim, Spec, Step
from dratui_agent.sample import Sample

STEPS: Final = 256  # that are remembered
LONGEST: Final = 500  # characters of an error
READ_SECONDS: Final = 10.0  # after which CDI specs are looked for without a step: anybody may write there
SETTLED: Final = (
    3.0  # seconds for which something is an orphan before that is told: claims come and go meanwhile
)


class Steps:
    """The last steps. May be added to from any thread."""

    def __init__(self, most: int = STEPS) -> None:
        self._steps: deque[Step] = deque(maxlen=most)
        self._lock = Lock()

    def add(self, step: Step) -> None:
        """One more. One that goes wrong as the last one of its kind did, for the same claim, takes its place."""
        step = replace(step, error=step.error[:LONGEST], detail=step.detail[:LONGEST])
        with self._lock:
            same = (s for s in reversed(self._steps) if (s.claim, s.what) == (step.claim, step.what))
            before = next(same, None)
            if before is not None and before.error and before.error == step.error:
                self._steps.remove(before)
                first = before.at if before.first is None else before.first
                step = replace(step, times=before.times + 1, first=first)
            self._steps.append(step)

    def all(self) -> tuple[Step, ...]:
        """The oldest first."""
        with self._lock:
            return tuple(self._steps)


def specs(found: Specs, driver: str) -> Iterator[Spec]:
    """The driver's CDI specs among those that are there: whatever is named as it names them, or has a device of its."""
    ours = re.compile(rf"(?:k8s\.)?{re.escape(driver)}(?:-claim_(?P<uid>[^/]*)\.[a-z]+|/claim=.*)", re.DOTALL)
    for path, devices in found.files():
        names = tuple(name for name in devices if ours.fullmatch(name))
        named = ours.fullmatch(path.name)
        if not names and not named:
            continue
        try:
            written = path.stat().st_mtime
        except OSError:
            continue  # it has just gone
        uid = next(filter(None, map(claim_uid, names)), "") or (named["uid"] if named else "")
        yield Spec(path.name, uid, names, written)


def believed(
    driver: str,
    at: float,
    claims: Sequence[PreparedClaim],
    found: Sequence[Spec],
    instances: Sequence[Instance] | None,
    steps: Sequence[Step] = (),
    *,
    before: Belief | None = None,
    problem: str = "",
) -> Belief:
    """All of it, and what of it fits nothing. `before` is what was believed last: it tells since when."""
    since = {(o.what, o.subject): o.since for o in before.orphans} if before else {}
    orphans = tuple(
        replace(each, since=since.get((each.what, each.subject), at))
        for each in _orphans(claims, found, instances or (), at)
        if not problem or each.what == "entry"  # who does not know the claims cannot say what is of none
    )
    there = None if instances is None else tuple(instances)
    return Belief(driver, at, tuple(claims), tuple(found), there, tuple(steps), orphans, problem)


def _orphans(
    claims: Sequence[PreparedClaim], found: Sequence[Spec], instances: Iterable[Instance], at: float
) -> Iterator[Orphan]:
    """While a claim is being prepared it may lack its spec, and what is new on its GPUs is no orphan."""
    uids = {claim.uid for claim in claims}
    for spec in found:
        if spec.claim not in uids:
            yield Orphan("spec", spec.file, at)
    told = {name for spec in found for name in spec.devices}
    for claim in claims:
        if claim.state == "completed" and any(d.cdi and d.cdi not in told for d in claim.devices):
            yield Orphan("entry", claim.uid, at)
    owned = {(d.gpu, d.gi) for claim in claims for d in claim.devices if d.gi is not None}
    busy = {d.gpu for claim in claims if claim.state == "started" for d in claim.devices}
    for instance in instances:
        if (instance.gpu, instance.gi) not in owned and instance.gpu not in busy:
            yield Orphan("mig", f"{instance.gpu}/{instance.gi}", at)


class Account:
    """Of a plugin that runs: looks now and then, and remembers since when there are orphans."""

    def __init__(
        self,
        driver: str,
        claims: Callable[[], Mapping[str, PreparedClaim]],
        steps: Steps,
        found: Specs,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._driver = driver
        self._claims = claims
        self._steps = steps
        self._found = found
        self._now = now
        self._before: Belief | None = None
        self._read = 0.0  # when the specs were

    def look(self, sample: Sample | None, offers: Mapping[str, Offer]) -> Belief:
        """What is believed now. Reads the folder of CDI specs after a step, and now and then."""
        before, steps, at = self._before, self._steps.all(), self._now()
        if before is not None and before.steps == steps and 0 <= at - self._read < READ_SECONDS:
            there = before.specs
        else:
            there, self._read = tuple(specs(self._found, self._driver)), at
        claims = tuple(self._claims().values())
        parts = None if sample is None or sample.problem else tuple(instances(sample, offers))
        self._before = belief = believed(self._driver, at, claims, there, parts, steps, before=before)
        return replace(belief, orphans=tuple(o for o in belief.orphans if at - o.since >= SETTLED))


def instances(sample: Sample, offers: Mapping[str, Offer]) -> Iterator[Instance]:
    """The MIG devices of a sample on GPUs that are partitioned for claims."""
    partitioned = {offer.gpu for offer in offers.values() if offer.consumes}
    for each in sample.devices:
        d = each.device
        if d.gpu in partitioned and d.gi is not None and None not in (d.profile, d.start, d.size):
            placement = Placement(d.profile or 0, d.start or 0, d.size or 0)
            yield Instance(d.gpu, d.gi, d.ci, d.uuid, placement)
