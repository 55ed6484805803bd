"""Why a pod waits: in the scheduler's words, in an event's, or derived where nobody says it.

The scheduler does not even try a pod whose claims are not in order (PreEnqueue): no event, no condition, the pod is
silently Pending. Those reasons are derived from the claims and marked so.

Sources: pkg/scheduler/framework/plugins/dynamicresources (PreEnqueue, claim.go of
k8s.io/dynamic-resource-allocation/resourceclaim), pkg/scheduler/framework/types.go (FitError), 1.36.
"""

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from dratui.api.model import Claim, ObjectKey, Pod, PodClaim, WarningEvent
from dratui.cluster.binding import trouble
from dratui.cluster.groups import not_tried
from dratui.cluster.index import claims_of, reserves
from dratui.cluster.store import Store

SourceName = Literal["scheduler", "event", "derived"]


# How the scheduler's framework begins the words of a plugin that failed: `running "X" filter plugin: …`.
_PLUGIN_RUN = re.compile(r'^running (?:"[^"]*" \w+|\w+) plugin(?: "[^"]*")?: ')

# How the claim controller begins its warning, and what it repeats of the object that it could not get or make.
_CONTROLLER = re.compile(r"^PodResourceClaim [^:]*: ")
_CREATE = re.compile(r'^create ResourceClaim : \S+ "[^"]*" is ')
_REPEATED = re.compile(r'("[^"]*"): \S+ \1 not found')


class Waiting(msgspec.Struct, frozen=True, gc=False):
    """Why a pod waits. `nodes` counts the nodes that each of the scheduler's reasons ruled out."""

    source: SourceName
    reason: str
    nodes: Mapping[str, int] = {}  # the most telling first

    @property
    def brief(self) -> str:
        """The reason in one short line, for a cell."""
        if self.nodes:
            counts = (f"{n} {'node' if n == 1 else 'nodes'}: {text}" for text, n in self.nodes.items())
            return ", ".join(counts)
        if self.source == "event":
            told = _CONTROLLER.sub("", self.reason)
            return _REPEATED.sub(r"\1: not found", _CREATE.sub("a claim is ", told))
        return _PLUGIN_RUN.sub("", self.reason)

    @property
    def kind(self) -> str:
        """What pods that wait for the same have in common: the most telling reason, without its number."""
        return next(iter(self.nodes), self.brief)


def waiting(store: Store, pod: Pod) -> Waiting | None:
    """Why a Pending pod waits; None for a pod that does not. Every Pending pod has a reason."""
    if pod.phase != "Pending":
        return None
    if pod.deleted:
        return Waiting("derived", "being deleted")
    if pod.node:
        return _on_its_node(store, pod)
    if pod.gates:
        return _gated(pod)
    # Before the scheduler's words: while this holds the pod is not tried, and what the scheduler said is old.
    return (
        before_the_queue(store, pod)
        or _binding(store, pod)
        or _with_its_group(store, pod)
        or _scheduler(pod)
        or _untried(pod)
    )


def _gated(pod: Pod) -> Waiting:
    """Scheduling gates: the API server says in a condition that there are some, not which."""
    gates = ", ".join(pod.gates)
    said = _scheduler(pod)
    if said is None:
        return Waiting("derived", f"scheduling gates: {gates}")
    return Waiting("scheduler", f"{said.reason}: {gates}")


def _on_its_node(store: Store, pod: Pod) -> Waiting:
    """Bound, and kubelet has not started it."""
    if warning := latest_warning(store, pod, "FailedPrepareDynamicResources"):
        return Waiting("event", warning.message)
    node = store.nodes.get(ObjectKey("", pod.node))
    if node is None and store.known("nodes"):
        return Waiting("derived", f"node {pod.node} does not exist")
    if node is not None and node.ready != "True":
        return Waiting("derived", f"node {pod.node} is not ready")
    for container in pod.containers:
        if container.waiting:
            return Waiting("derived", f"container {container.name}: {container.waiting} on node {pod.node}")
    return Waiting("derived", f"node {pod.node} has not started it")


def latest_warning(store: Store, pod: Pod, *reasons: str) -> WarningEvent | None:
    """The newest Warning about this very pod, with one of `reasons`."""
    warnings = [
        w
        for w in (store.warnings[key] for key in store.warnings_of_pod[pod.key])
        if w.reason in reasons and w.about_uid in ("", pod.uid)
    ]
    return max(warnings, key=lambda w: (w.last is not None, w.last, w.key), default=None)


def before_the_queue(store: Store, pod: Pod) -> Waiting | None:
    """What about a pod's claims keeps the scheduler from trying it at all."""
    for entry in pod.claims:
        if reason := _claim_not_ready(store, pod, entry):
            warning = _cannot_create(store, pod, entry)
            return Waiting("event", warning.message) if warning else Waiting("derived", reason)
    return None


def _cannot_create(store: Store, pod: Pod, entry: PodClaim) -> WarningEvent | None:
    """The claim controller's Warning that it cannot create the claim for an entry, as long as there is none for it.

    Source of the words: pkg/controller/resourceclaim, handleClaim.
    """
    claim = _made_for(store, pod, entry)
    if not entry.template or (claim is not None and _owned(claim, pod)):
        return None
    warning = latest_warning(store, pod, "FailedResourceClaimCreation")
    return warning if warning and f"PodResourceClaim {entry.name}:" in warning.message else None


def _made_for(store: Store, pod: Pod, entry: PodClaim) -> Claim | None:
    name = next((s.claim for s in pod.claim_statuses if s.name == entry.name), "")
    return store.claims.get(ObjectKey(pod.namespace, name))


def _owned(claim: Claim, pod: Pod) -> bool:
    """Whether a claim was made for a pod, or for its group."""
    owner = claim.owner
    if owner is None:
        return False
    return owner.uid == pod.uid or (owner.kind == "PodGroup" and bool(pod.group) and owner.name == pod.group)


def _claim_not_ready(store: Store, pod: Pod, entry: PodClaim) -> str:
    """What PreEnqueue finds wrong with one entry of resourceClaims; empty when nothing is, or when we cannot know."""
    if entry.claim:
        name = entry.claim
    elif entry.template:
        made = next((s for s in pod.claim_statuses if s.name == entry.name), None)
        if made is None:
            if store.known("resourceclaimtemplates", pod.namespace) and (
                ObjectKey(pod.namespace, entry.template) not in store.templates
            ):
                return f"resource claim template {entry.template} does not exist"
            return f"claim for {entry.name} not created yet"
        if not made.claim:
            return ""  # the controller found that none is needed
        name = made.claim
    else:
        return f"claim {entry.name} names neither a claim nor a template"
    claim = store.claims.get(ObjectKey(pod.namespace, name))
    if claim is None:
        return f"claim {name} does not exist" if store.known("resourceclaims", pod.namespace) else ""
    if claim.deleted:
        return f"claim {name} is being deleted{_held_by(claim)}"
    if entry.template and not _owned(claim, pod):
        return f"claim {name} was not created for this pod (it is not the owner)"
    return ""


def _held_by(claim: Claim) -> str:
    """Who keeps a claim from being gone."""
    if claim.consumers:
        return f", still reserved for {', '.join(c.name for c in claim.consumers)}"
    return f", held by finalizer {', '.join(claim.finalizers)}" if claim.finalizers else ""


def _binding(store: Store, pod: Pod) -> Waiting | None:
    """The scheduler chose a device and waits, with the pod's claim reserved, until the driver says it can be used."""
    for key in claims_of(pod):
        claim = store.claims.get(key)
        if claim is None or claim.allocation is None or not reserves(claim, pod):
            continue
        if found := next(trouble(claim), None):
            return Waiting("derived", found)
    return None


def _with_its_group(store: Store, pod: Pod) -> Waiting | None:
    reason = not_tried(store, pod)
    return Waiting("derived", reason) if reason else None


def _scheduler(pod: Pod) -> Waiting | None:
    condition = pod.scheduled
    if condition is None or condition.status != "False" or not condition.message:
        return None
    return Waiting("scheduler", condition.message, node_counts(condition.message))


def _untried(pod: Pod) -> Waiting:
    if pod.scheduler not in ("", "default-scheduler"):
        return Waiting("derived", f"not tried by scheduler {pod.scheduler} yet")
    return Waiting("derived", "not tried by the scheduler yet")


_AVAILABLE = re.compile(r"0/(\d+) nodes are available: ")
# What PostFilter adds behind the nodes' reasons.
_POST_FILTER = re.compile(
    r"[.,]? (?:(?:pod group )?preemption: |no new claims to deallocate|still not schedulable"
    r"|(?:deallocation|deletion)(?: and deletion)? of (?:PodGroup )?ResourceClaims? completed)"
)
# Nodes that the pod was never meant for say less than what the others lack.
_PLACEMENT = ("node(s) didn't match", "node(s) had untolerated taint", "node(s) were unschedulable")
_COUNTED = re.compile(r"(\d+) (.+?)(?=, \d+ |$)", re.DOTALL)


def node_counts(message: str) -> dict[str, int]:
    """How many nodes each reason ruled out, from the scheduler's sentence; empty when it counts no nodes.

    `0/12 nodes are available: 3 Insufficient cpu, 9 cannot allocate all claims. preemption: …` gives
    `{"Insufficient cpu": 3, "cannot allocate all claims": 9}`. A reason without a number ruled out all of them.
    """
    found = _AVAILABLE.search(message)
    if found is None:
        return {}
    total = int(found[1])
    reasons = _POST_FILTER.split(message[found.end() :], maxsplit=1)[0].removesuffix(".")
    counts: dict[str, int] = {}
    for number, text in _COUNTED.findall(reasons) if reasons[:1].isdecimal() else ():
        counts[text] = counts.get(text, 0) + int(number)
    telling = sorted(counts.items(), key=lambda c: (c[0].startswith(_PLACEMENT), -c[1], c[0]))
    return dict(telling) or ({reasons: total} if reasons else {})


def nodes_looked_at(message: str) -> int:
    """Of how many nodes the scheduler's sentence is; 0 where it does not say."""
    found = _AVAILABLE.search(message)
    return int(found[1]) if found else 0


def settled(subject: Pod | Claim) -> str:
    """Why there is nothing to decide any more, as in `it is on node gpu-1`; empty while it waits."""
    if isinstance(subject, Pod):
        if subject.node:
            return f"it is on node {subject.node}"
        return f"it is {subject.phase}, and waits for nothing" if subject.phase != "Pending" else ""
    if subject.allocation is None:
        return ""
    return f"it has its devices{f' on node {subject.allocation.node}' if subject.allocation.node else ''}"
