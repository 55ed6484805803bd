"""What a node's kubelet plugin did, beside what the API and kubelet say of the same claims: where the three disagree.

    the claim's status     allocated to which devices, reserved for whom
    kubelet's PodResources which container was given which device: the holders of a node's sample
    the plugin             its checkpoint, its CDI specs, the MIG devices that there are: `NodeSample.plugin`

They are compared when a sample comes: the plugin says then what it has done already, and kubelet unprepares a claim
before it lets anybody know that the pod has ended. Nothing is compared where the agent does not answer, or is no
plugin: that is unknown, and not in order.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Set
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Literal

import msgspec

from dratui.api.model import Claim, ObjectKey, Pod
from dratui.cluster.index import reserves
from dratui.cluster.store import Store
from dratui.prepared import Orphan, Plugin, Prepared, Spec
from dratui.samples import NodeSample

GRACE: Final = 10.0
"""Seconds in which kubelet and plugin come to what the API says already."""

What = Literal[
    "allocated, not prepared",
    "in use, not prepared",
    "prepared, not allocated",
    "prepared, used by no pod",
    "prepared, its claim is gone",
    "prepared another device than was allocated",
    "kubelet gave another device than was prepared",
    "being deleted, still reserved",
    "CDI spec of no claim",
    "prepared, its CDI spec is gone",
    "MIG device of no claim",
    "orphan of an unknown kind",
]
STILL_RESERVED: Final = "being deleted, still reserved"
_ORPHANS: Final[Mapping[str, What]] = {
    "spec": "CDI spec of no claim",
    "entry": "prepared, its CDI spec is gone",
    "mig": "MIG device of no claim",
}


class Disagreement(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, rename="camel", kw_only=True):
    """What does not fit on a node. It is so since `since`; where nobody tells when it began, since some time after
    `after`. Without a claim's name it is of none, or of one that only has a UID: the `subject` then."""

    what: What
    node: str
    namespace: str = ""  # this and the next: of the claim
    claim: str = ""
    subject: str = ""  # a file, a MIG device, a claim's UID
    detail: str = ""
    since: datetime | None = None
    after: datetime | None = None

    @property
    def text(self) -> str:
        """What, and what is known besides."""
        return f"{self.what}: {self.detail}" if self.detail else self.what


def reconcile(store: Store, node: str, touched: Mapping[str, set[Any]]) -> None:
    """Compare anew: a node's sample is another one. Rows that tell of what is found, or was, are `touched`."""
    sample = store.samples.get(ObjectKey("", node))
    before = store.amiss.pop(node, None)
    found = None
    if sample is not None and sample.plugin is not None and sample.believed is not None:
        found = store.amiss[node] = tuple(_disagreements(store, sample, sample.plugin))
    if found != before:
        touched["nodes"].add(ObjectKey("", node))
        both = (*(before or ()), *(found or ()))
        touched["claims"].update(ObjectKey(d.namespace, d.claim) for d in both if d.claim)
        if before is None or found is None:  # of each it is known now whether it fits, or no more
            touched["claims"].update(store.claims_of_node[node])


def of_node(store: Store, node: str) -> tuple[Disagreement, ...] | None:
    """What does not fit on a node; None where its plugin does not tell."""
    return store.amiss.get(node)


def of_claim(store: Store, claim: Claim) -> tuple[Disagreement, ...] | None:
    """What of this does not fit, of a claim that is allocated to a node; None where the plugin there does not tell, or
    is not the plugin of its driver."""
    allocation = claim.allocation
    found = store.amiss.get(allocation.node) if allocation else None
    if found is None or allocation is None:
        return None
    plugin = store.samples[ObjectKey("", allocation.node)].plugin
    if plugin is None or all(r.driver != plugin.driver for r in allocation.results):
        return None
    return tuple(d for d in found if (d.namespace, d.claim) == claim.key)


class Sides(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the three say of a claim's devices of one driver. `entry` and `spec` are the plugin's, None where it has
    none; where `known` is false they are the last that it told, and `why` nothing newer is."""

    node: str
    allocated: tuple[str, ...]
    given: tuple[tuple[str, str, str], ...] | None  # device, its UUID, container; None: kubelet does not tell
    entry: Prepared | None = None
    spec: Spec | None = None
    known: bool = False
    why: str = ""
    at: float | None = None  # unix seconds, of the sample


def sides(store: Store, claim: Claim) -> Sides | None:
    """Of a claim that is allocated to a node, and of whose driver some plugin is known; None for any other."""
    allocation = claim.allocation
    if allocation is None or not allocation.node:
        return None
    own = (s.plugin.driver for s in store.samples.values() if s.plugin is not None)
    driver = next((name for name in own if any(r.driver == name for r in allocation.results)), "")
    if not driver:
        return None
    sample = store.samples.get(ObjectKey("", allocation.node), NodeSample(node=allocation.node))
    plugin = sample.plugin if sample.plugin is not None and sample.plugin.driver == driver else None
    return Sides(
        node=allocation.node,
        allocated=tuple(r.device for r in allocation.results if r.driver == driver),
        given=_containers(sample, claim.uid, driver),
        entry=next((each for each in plugin.claims if each.uid == claim.uid), None) if plugin else None,
        spec=next((each for each in plugin.specs if each.claim == claim.uid), None) if plugin else None,
        known=plugin is not None and sample.believed is not None and not plugin.problem,
        why=(plugin.problem if plugin else "")
        or sample.problem
        or f"no agent tells that is {driver}'s plugin",
        at=sample.at,
    )


def _containers(sample: NodeSample, uid: str, driver: str) -> tuple[tuple[str, str, str], ...] | None:
    if sample.attributed is None or sample.attribution_problem or sample.problem:
        return None
    return tuple(
        (holder.device, device.uuid, f"{holder.pod}/{holder.container}")
        for device in sample.devices
        for holder in device.holders
        if holder.claim_uid == uid and holder.driver == driver
    )


def _disagreements(store: Store, sample: NodeSample, plugin: Plugin) -> Iterator[Disagreement]:
    node, known = sample.node, {each.uid: each for each in plugin.claims}
    given = _given(sample, plugin.driver)
    now = sample.at or 0.0
    here = set()
    for key in sorted(store.claims_of_node[node]):
        claim = store.claims[key]
        if claim.allocation and any(r.driver == plugin.driver for r in claim.allocation.results):
            here.add(claim.uid)
            for found in _of_claim(
                store, plugin, claim, node, known.get(claim.uid), given.get(claim.uid, {})
            ):
                if found.since is None or now - found.since.timestamp() >= GRACE:
                    yield found
    if not plugin.problem:
        for each in plugin.claims:
            if each.uid not in here and (astray := _astray(store, node, each)) is not None:
                yield astray
    for orphan in plugin.orphans:
        yield _orphan(plugin, orphan, node, known)


Given = Mapping[tuple[str, str], str]
"""The devices that kubelet gave for a claim, by pool and name: the UUID of the device that a container has."""


def _given(sample: NodeSample, driver: str) -> Mapping[str, Given]:
    """By claim's UID; nothing where kubelet does not answer."""
    found: defaultdict[str, dict[tuple[str, str], str]] = defaultdict(dict)
    for device in sample.devices if sample.attributed is not None and not sample.attribution_problem else ():
        for holder in device.holders:
            if holder.driver == driver and holder.claim_uid and holder.device:
                found[holder.claim_uid][holder.pool, holder.device] = device.uuid
    return found


def _of_claim(
    store: Store, plugin: Plugin, claim: Claim, node: str, entry: Prepared | None, given: Given
) -> Iterator[Disagreement]:
    assert claim.allocation is not None  # one that is allocated to the node
    amiss = partial(Disagreement, node=node, namespace=claim.namespace, claim=claim.name)
    if claim.deleted and claim.consumers:
        who = ", ".join(each.name for each in claim.consumers)
        yield amiss(what=STILL_RESERVED, detail=who, since=claim.deleted)
    if entry is None or entry.state != "completed":
        if plugin.problem:
            return  # it does not know what it prepared
        waiting = _acknowledged(store, claim, node)
        if waiting:
            since = max([min(waiting), *filter(None, [claim.allocation.at])])
            what: What = "in use, not prepared" if given else "allocated, not prepared"
            yield amiss(what=what, since=since, detail=_trouble(plugin, claim.uid, entry))
        return
    after = _moment(entry.completed)
    wanted = {(r.pool, r.device) for r in claim.allocation.results if r.driver == plugin.driver}
    has = {(d.pool, d.device): d.uuid for d in entry.devices}
    if wanted != has.keys():
        detail = f"{_names(wanted)} allocated, {_names(has.keys())} prepared"
        yield amiss(what="prepared another device than was allocated", after=after, detail=detail)
    elif not claim.consumers:
        yield amiss(what="prepared, used by no pod", after=after)
    for key, uuid in given.items():
        if key not in has or (has[key] and uuid and has[key] != uuid):
            detail = f"{_names(has.keys())} prepared, a container has {key[1]} ({uuid})"
            yield amiss(what="kubelet gave another device than was prepared", after=after, detail=detail)


def _acknowledged(store: Store, claim: Claim, node: str) -> list[datetime]:
    """Since when kubelet knows of those pods that need the claim now."""
    pods: Collection[Pod] = [store.pods[key] for key in store.pods_of_claim[claim.key]]
    return [
        pod.started
        for pod in pods
        if pod.node == node
        and pod.started is not None
        and not pod.deleted
        and pod.phase not in ("Succeeded", "Failed")
        and reserves(claim, pod)
    ]


def _trouble(plugin: Plugin, uid: str, entry: Prepared | None) -> str:
    """The last error of preparing it, if that is the last of it."""
    last = next((s for s in reversed(plugin.steps) if s.claim == uid and s.what == "prepare"), None)
    if last is not None and last.error:
        return last.error + (f" ({last.times} times)" if last.times > 1 else "")
    return "preparing goes on" if entry is not None else ""


def _astray(store: Store, node: str, entry: Prepared) -> Disagreement | None:
    """A claim that was prepared here and is not allocated here; None where that is not known."""
    claim = store.claims.get(ObjectKey(entry.namespace, entry.name))
    if claim is None and not store.known("resourceclaims", entry.namespace):
        return None
    there = claim is not None and claim.uid == entry.uid
    where = claim.allocation.node if there and claim is not None and claim.allocation else ""
    return Disagreement(
        what="prepared, not allocated" if there else "prepared, its claim is gone",
        node=node,
        namespace=entry.namespace,
        claim=entry.name,
        subject=entry.uid,
        detail=f"allocated on {where}"
        if where
        else "another one has its name"
        if claim and not there
        else "",
        after=_moment(entry.completed or entry.started),
    )


def _orphan(plugin: Plugin, orphan: Orphan, node: str, known: Mapping[str, Prepared]) -> Disagreement:
    """As the plugin found it itself."""
    namespace = name = detail = ""
    subject = orphan.subject
    match orphan.what:
        case "entry" if (entry := known.get(orphan.subject)) is not None:
            namespace, name = entry.namespace, entry.name
        case "mig":
            found = (i.uuid for i in plugin.instances or () if f"{i.gpu}/{i.gi}" == orphan.subject and i.uuid)
            subject, detail = next(found, orphan.subject), f"GPU instance {orphan.subject}"
    return Disagreement(
        what=_ORPHANS.get(orphan.what, "orphan of an unknown kind"),
        node=node,
        namespace=namespace,
        claim=name,
        subject=subject,
        detail=detail or ("" if name else subject),
        since=_moment(orphan.since),
    )


def _names(devices: Set[tuple[str, str]]) -> str:
    return ", ".join(sorted(device for _, device in devices)) or "nothing"


def _moment(t: float | None) -> datetime | None:
    return None if t is None else datetime.fromtimestamp(t, UTC)
