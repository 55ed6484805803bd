"""What a device does now, and the devices of a claim, pod, node, namespace or product together.

A sum is over what is measured, not over what is named: two names of a GPU, the compute instances of a GPU instance,
and a MIG device beside its own GPU are one. What is known only of long before the others counts as not known.

Of MIG only GPM tells utilisation (`graphics_active`); what else a source calls utilisation there is of nothing, and
often 0.

Source: NVML API reference, nvmlDeviceGetUtilizationRates: not supported with MIG enabled.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from math import inf, isfinite
from typing import Final, NamedTuple

from dratui.api.model import Claim, DeviceKey, ObjectKey, Pod
from dratui.cluster.index import claims_of, users
from dratui.cluster.judgement import node_of, published
from dratui.cluster.live import REFRESHED, Live
from dratui.cluster.measured import NO_SUCH_MIG, Measured, Unit, measured
from dratui.cluster.store import Store
from dratui.samples import DeviceSample, NodeSample

_WORDS: Final = {
    "mig_no_gpm": "MIG without GPM: this GPU does not tell",
    "not_supported": "this device does not tell",
    "no_permission": "no permission to read it",
    "mig": "told of the whole GPU only",
    "not_exported": "the exporter does not tell",
    "mig_not_exported": "MIG: the exporter has no profiling metrics",
    "not_yet": "needs a second sample",
    "lost": "fell off the bus",
    "reset_required": "needs a reset",
    "failed": "the driver failed to tell",
}


class Part(NamedTuple):
    """A device of a sum: where it is measured, or why it is not. `strange`: of a driver of which nothing is measured
    where others are, as of a network card's."""

    sample: NodeSample | None = None  # None: its node is not followed
    join: Measured | None = None
    place: int = -1
    why: str = ""
    strange: bool = False


NOT_FOLLOWED: Final = Part(why="its node is not followed")


def utilization(device: DeviceSample) -> float | None:
    """0 to 1; None if it is not known."""
    busy = None if device.mig or device.kind == "mig" else value(device, "utilization")
    if busy is None:
        busy = value(device, "graphics_active")
    return None if busy is None else min(busy, 1.0)


def value(device: DeviceSample, key: str) -> float | None:
    """What a sample has under a key; None for what no measure can be."""
    found = device.values.get(key)
    return found if found is not None and isfinite(found) and found >= 0 else None


def part(store: Store, key: DeviceKey, node: str = "") -> Part:
    """A device of DRA. `node`: where it is held, if it is not published."""
    node = node_of(published(store, key)) or node
    sample = store.samples.get(ObjectKey("", node))
    join = measured(store, node)
    if sample is None or join is None:
        return NOT_FOLLOWED
    place = join.of.get(key, "not among what its node tells")
    if isinstance(place, int):
        return Part(sample, join, place)
    return Part(sample, join, -1, place, bool(join.drivers) and key.driver not in join.drivers)


def parts_of_claim(store: Store, claim: Claim) -> list[Part]:
    """The devices that a claim holds; what it only watches is not its own."""
    allocation = claim.allocation
    if allocation is None:
        return []
    keys = dict.fromkeys(r.key for r in allocation.results if not r.admin_access)
    return [part(store, key, allocation.node) for key in keys]


def total(store: Store, parts: Iterable[Part], *, shared: bool = False, elsewhere: int = 0) -> Live | None:
    """What devices do together, `elsewhere` others on nodes that are not followed among them; None if nobody was asked
    about any."""
    followed = asked = False
    found: dict[Unit, Part] = {}
    missing: list[Part] = []
    for each in parts:
        asked = True
        followed |= each.sample is not None
        if each.join is not None and each.place >= 0:
            found.setdefault(each.join.units[each.place], each)
        else:
            missing.append(each)
    if not (asked and followed):
        return None
    whole = [each for unit, each in found.items() if unit[2] is None or (*unit[:2], None) not in found]
    newest = max((_at(each) for each in whole), default=0.0)
    late = [each._replace(why=_late(each)) for each in whole if newest - _at(each) > _patience(each)]
    timely = [each for each in whole if newest - _at(each) <= _patience(each)] if late else whole
    familiar = [each for each in missing if not each.strange]
    unknown = familiar if whole or familiar else missing
    return _sum(store, timely, [*late, *unknown], elsewhere, shared=shared)


def _at(each: Part) -> float:
    return each.sample.at or 0.0 if each.sample is not None else 0.0


def _patience(each: Part) -> float:
    """Seconds that a sample may be behind the others of a sum: what a node did long ago is not what it does."""
    return 3 * each.sample.interval + REFRESHED if each.sample is not None else inf


def _late(each: Part) -> str:
    return (each.sample.problem if each.sample is not None else "") or NOT_FOLLOWED.why


def _sum(
    store: Store, parts: Sequence[Part], missing: Sequence[Part], elsewhere: int, *, shared: bool
) -> Live:
    readings = [reading(store, each) for each in parts]
    busy = [r.utilization for r in readings if r.utilization is not None]
    idle = [r.idle for r in readings if r.idle is not None]
    reasons = Counter([*(each.why for each in missing), *(r.why for r in readings if r.utilization is None)])
    if elsewhere:
        reasons[NOT_FOLLOWED.why] += elsewhere
    samples = {each.sample.node: each.sample for each in parts or missing if each.sample is not None}
    problems = [sample.problem for sample in samples.values() if sample.problem]
    return Live(
        utilization=sum(busy) / len(busy) if busy else None,
        memory_used=_summed([r.memory_used for r in readings]),
        memory_total=_summed([r.memory_total for r in readings]),
        power=_summed([r.power for r in readings]),
        power_limit=_summed([r.power_limit for r in readings]),
        temperature=max((r.temperature for r in readings if r.temperature is not None), default=None),
        idle=sum(share for share, _ in idle) / len(idle) if idle else None,
        watched=min(seconds for _, seconds in idle) if idle else None,
        at=min((sample.at for sample in samples.values() if parts and sample.at is not None), default=None),
        interval=max((sample.interval for sample in samples.values()), default=1.0),
        source=", ".join(sorted({sample.source for sample in samples.values() if sample.source})),
        known=len(busy),
        of=len(parts) + len(missing) + elsewhere,
        shared=shared,
        why=reasons.most_common(1)[0][0] if reasons else problems[0] if problems else "",
    )


def _summed(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


class Reading(NamedTuple):
    """What is shown of one device; `why`: its utilisation is not known."""

    utilization: float | None
    memory_used: float | None
    memory_total: float | None
    power: float | None
    power_limit: float | None
    temperature: float | None
    idle: tuple[float, float] | None
    why: str


def reading(store: Store, each: Part) -> Reading:
    """Of a device that is measured. It is read once a sample, in however many sums it is."""
    sample, join = each.sample, each.join
    assert sample is not None  # it is measured
    assert join is not None
    if join.read_of is not sample:
        join.read_of, join.read = sample, {}
    found: Reading | None = join.read.get(each.place)
    if found is None:
        device = sample.devices[each.place]
        busy = utilization(device)
        found = join.read[each.place] = Reading(
            busy,
            value(device, "memory_used"),
            value(device, "memory_total"),
            value(device, "power"),
            value(device, "power_limit"),
            value(device, "temperature"),
            _idle(store, each),
            _why(sample, device) if busy is None else "",
        )
    return found


def _why(sample: NodeSample, device: DeviceSample) -> str:
    """Why a device's utilisation is not known."""
    cut = device.mig or device.kind == "mig"
    for key in ("graphics_active", "utilization") if cut else ("utilization", "graphics_active"):
        if code := device.absent.get(key):
            return _WORDS.get(code, code.replace("_", " "))
    return f"{sample.source or 'its node'} does not tell it"


def _idle(store: Store, each: Part) -> tuple[float, float] | None:
    """The share of time in which a device that someone holds did nothing, and seconds over which that was seen. Who
    measures may know of longer."""
    sample, join = each.sample, each.join
    if sample is None or join is None or not join.holders[each.place]:
        return None
    device = sample.devices[each.place]
    share, seconds = value(device, "idle_share"), value(device, "idle_watched")
    if share is not None and seconds is not None:
        return min(share, 1.0), seconds
    trail = store.trails.of(sample.node, join.ids[each.place])
    return trail.idle(sample.at) if trail is not None and sample.at is not None else None


def device_live(store: Store, key: DeviceKey, node: str) -> Live | None:
    """Of a device; None also for a partition that nobody has and nobody made: there is nothing to know of it."""
    if not store.samples:
        return None
    found = part(store, key, node)
    unmade = found.why == NO_SUCH_MIG and key not in store.claims_of_device
    return None if unmade else total(store, (found,))


def claim_live(store: Store, claim: Claim) -> Live | None:
    """Of the devices that a claim holds."""
    if not store.samples:
        return None
    return total(store, parts_of_claim(store, claim), shared=_shared(store, (claim,)))


def pod_live(store: Store, pod: Pod) -> Live | None:
    """Of the devices of a pod's claims, and of those that it has from a device plugin as its node says."""
    if not store.samples:
        return None
    claims = [found for key in claims_of(pod) if (found := store.claims.get(key)) is not None]
    parts = [each for claim in claims for each in parts_of_claim(store, claim)]
    parts.extend(found for each, found in plugged(store, pod.node, pod.name) if each == pod.namespace)
    together = _shared(store, claims) or any(len(users(store, claim)) > 1 for claim in claims)
    return total(store, parts, shared=together)


def node_live(store: Store, name: str) -> Live | None:
    """Of a node's GPUs, whoever publishes them."""
    sample, join = store.samples.get(ObjectKey("", name)), measured(store, name)
    if sample is None or join is None:
        return None
    if not sample.devices:
        why = sample.problem or ("no sample yet" if sample.at is None else "it has no GPU that is measured")
        return Live(of=0, at=sample.at, interval=sample.interval, source=sample.source, why=why)
    return total(store, (Part(sample, join, n) for n in range(len(sample.devices))))


def namespace_live(store: Store, name: str, devices: int | None) -> Live | None:
    """Of the `devices` that a namespace's claims hold, and of those that its pods have from device plugins."""
    parts: list[Part] = []
    held = 0
    for node, sample in store.samples.items():
        join = measured(store, node.name)
        for key, place in join.of.items() if join else ():
            if any(c.namespace == name and _holds(store.claims[c], key) for c in store.claims_of_device[key]):
                held += 1
                parts.append(
                    Part(sample, join, place) if isinstance(place, int) else part(store, key, node.name)
                )
        parts.extend(found for namespace, found in plugged(store, node.name) if namespace == name)
    return total(store, parts, elsewhere=max(0, (devices or 0) - held)) if parts else None


def plugged(store: Store, node: str, pod: str = "") -> Iterator[tuple[str, Part]]:
    """The devices of a node that device plugins gave to pods, or to those of a name, with the pods' namespaces."""
    sample, join = store.samples.get(ObjectKey("", node)), measured(store, node)
    for n, device in enumerate(sample.devices if sample else ()):
        for holder in device.holders:
            if holder.pod and not (holder.claim or holder.claim_uid) and pod in ("", holder.pod):
                yield holder.namespace, Part(sample, join, n)


def _shared(store: Store, claims: Collection[Claim]) -> bool:
    """Whether other claims hold a device of these too."""
    own = {claim.key for claim in claims}
    return any(
        other not in own and _holds(store.claims[other], r.key)
        for claim in claims
        if claim.allocation
        for r in claim.allocation.results
        if not r.admin_access
        for other in store.claims_of_device[r.key]
    )


def _holds(claim: Claim, key: DeviceKey) -> bool:
    allocation = claim.allocation
    return any(not r.admin_access and r.key == key for r in (allocation.results if allocation else ()))
