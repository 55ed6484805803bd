"""What a claim goes through, from created to released: when each step came, which one does not come, and why.

The API tells few of these times. Of the others it tells what they lie between, since their order is fixed:

- The scheduler allocates and reserves in one write and binds the pod after that; for a pod that joins later it
  reserves in a write of its own. (pkg/scheduler/framework/plugins/dynamicresources, bindClaim, 1.36)
- Kubelet acknowledges a pod (startTime), prepares its claims, and only then makes the sandbox that
  PodReadyToStartContainers is about. (pkg/kubelet/kuberuntime, SyncPod, 1.36)
- Kubelet unprepares before it says that a pod has ended; after that the claim controller takes the reservation back.
  (pkg/kubelet, SyncTerminatingPod; pkg/controller/resourceclaim, 1.36)

Times are whole seconds on the clocks of the server and of nodes. What these contradict is not told. Where the claim
was watched, a step came no later than it was seen.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from dratui.api.model import Claim, ObjectKey, Pod
from dratui.cluster.leaving import leaving
from dratui.cluster.nodesteps import with_node_steps
from dratui.cluster.pending import latest_warning, waiting
from dratui.cluster.step import Step, StepName
from dratui.cluster.store import Store


def steps(store: Store, claim: Claim, reason: str) -> Sequence[Step]:
    """The claim's own steps, then each pod's, up to the one that does not come; what its node did for it among them.

    `reason` is why the claim is not in order, as its row tells it.
    """
    pods = [store.pods[key] for key in sorted(store.pods_of_claim[claim.key])]
    return with_node_steps(store, claim, pods, list(_told(store, claim, pods, reason)))


def _told(store: Store, claim: Claim, pods: Sequence[Pod], reason: str) -> Iterator[Step]:
    seen, reserved = _seen(store, claim), _reservations(claim)
    own = list(_in_order(_of_claim(claim, pods, reason), None, seen))
    yield from own
    if claim.allocation is not None or claim.consumers:
        since = own[-1].at or own[-1].after
        for pod in pods:
            yield from _in_order(_of_pod(store, claim, pod, reserved=_reserves(reserved, pod)), since, seen)
        yield from _in_order(_of_others(store, claim), since, seen)
    for name in sorted({name for step, name in seen if step == "released"} - {pod.name for pod in pods}):
        gone: Sequence[Step] = (Step(step="reserved", pod=name), Step(step="released", pod=name))
        yield from _in_order(gone, claim.created, seen)
    if claim.deleted:
        yield Step(step="deleted", at=claim.deleted)


def _reservations(claim: Claim) -> frozenset[str]:
    """Uids of pods, and names of pod groups, which are no uids."""
    return frozenset(c.uid if c.resource == "pods" else c.name for c in claim.consumers)


def _reserves(reserved: frozenset[str], pod: Pod) -> bool:
    """Whether that is for this very pod, or for its group."""
    return pod.uid in reserved or (pod.group != "" and pod.group in reserved)


def _seen(store: Store, claim: Claim) -> dict[tuple[StepName, str], datetime]:
    """When it was first seen of a claim that it was allocated, or reserved for a pod, or that no more."""
    seen: dict[tuple[StepName, str], datetime] = {}
    for t, old, new in store.seen("resourceclaims", claim.key):
        if new is None or new.uid != claim.uid:
            continue
        known = old is not None and old.uid == claim.uid
        at = datetime.fromtimestamp(t, UTC)
        if new.allocation is not None and not (known and old.allocation is not None):
            seen["allocated", ""] = at
        before = {c.name for c in old.consumers} if known else set()
        after = {c.name for c in new.consumers}
        for name in after - before:
            seen["reserved", name] = at
            seen.pop(("released", name), None)
        for name in before - after:
            seen["released", name] = at
    return seen


def _in_order(
    told: Iterable[Step], since: datetime | None, seen: Mapping[tuple[StepName, str], datetime]
) -> Iterator[Step]:
    """Where a step's time is not told, it came after what was before it; `since` is the last time known."""
    for step in told:
        since = _latest(since, step.after)
        if step.at is None and step.state != "unknown":
            after, before = since, step.before
            if after is not None and before is not None and after > before:
                after = before = None
            noticed = seen.get((step.step, step.pod)) if step.state == "done" else None
            if noticed is not None and (since is None or since <= noticed):
                before = _earliest(before, noticed)
            yield _between(step, after, before)
        else:
            yield _between(step, None, None)
            since = _latest(since, step.at)


def _between(step: Step, after: datetime | None, before: datetime | None) -> Step:
    if step.after is after and step.before is before:  # as a rule
        return step
    return msgspec.structs.replace(step, after=after, before=before)


def _of_claim(claim: Claim, pods: Iterable[Pod], reason: str) -> Iterator[Step]:
    yield Step(step="created", at=claim.created)
    if claim.allocation is not None:
        reserved = _reservations(claim)
        bound = (_scheduled(pod) for pod in pods if _reserves(reserved, pod))
        yield Step(step="allocated", at=claim.allocation.at, before=_earliest(*bound))
    elif not claim.deleted:
        yield Step(step="allocated", state="waiting", reason=reason)


def _of_pod(store: Store, claim: Claim, pod: Pod, *, reserved: bool) -> Iterator[Step]:
    name, over = pod.name, pod.phase in ("Succeeded", "Failed")
    ends = over or pod.deleted is not None
    ran = pod.times.first_start is not None or pod.phase in ("Running", "Succeeded")
    scheduled = _scheduled(pod)
    if not (reserved or (pod.node and (ran or over))):
        if not ends:
            yield _missing(store, pod, "reserved", pod.created)
        return
    made_for = claim.owner is not None and claim.owner.uid == pod.uid  # so it was allocated for no other
    at = claim.allocation.at if claim.allocation and made_for else None
    yield Step(step="reserved", pod=name, at=at, after=pod.created, before=scheduled)
    if pod.node:
        yield Step(step="pod scheduled", pod=name, at=scheduled, before=pod.started)
        yield from _on_its_node(store, pod, ran=ran, ends=ends)
    elif not ends:
        yield _missing(store, pod, "pod scheduled")
    if ends and not reserved:
        yield Step(step="released", pod=name, after=pod.times.ended)
    elif ends:
        since = pod.times.ended if over else pod.deleted
        reason = (
            leaving(store, pod)
            or f"the pod {'has ended' if over else 'is being deleted'}, its reservation stays"
        )
        yield Step(step="released", pod=name, state="waiting", after=since, reason=reason)


def _on_its_node(store: Store, pod: Pod, *, ran: bool, ends: bool) -> Iterator[Step]:
    ready = _earliest(pod.times.ready_to_start, pod.times.first_start)
    if ready or ran:
        yield Step(step="prepared", pod=pod.name, after=pod.started, before=ready)
    elif not ends and latest_warning(store, pod, "FailedPrepareDynamicResources"):
        yield _missing(store, pod, "prepared", pod.started)
        return
    elif not ends:
        yield Step(step="prepared", pod=pod.name, state="unknown")
    if ran:
        # After restarts it is the start after the last one
        exact = pod.times.first_start if pod.restarts == 0 else None
        yield Step(step="running", pod=pod.name, at=exact, before=pod.times.first_start)
    elif not ends:
        yield _missing(store, pod, "running", pod.times.ready_to_start or pod.started)


def _of_others(store: Store, claim: Claim) -> Iterator[Step]:
    """Reservations for what is no pod, or for pods that are gone."""
    for consumer in claim.consumers:
        pod = (
            store.pods.get(ObjectKey(claim.namespace, consumer.name)) if consumer.resource == "pods" else None
        )
        if pod is not None and pod.uid == consumer.uid:
            continue
        yield Step(step="reserved", pod=consumer.name)
        if consumer.resource == "pods" and (pod is not None or store.known("pods", claim.namespace)):
            yield Step(
                step="released",
                pod=consumer.name,
                state="waiting",
                reason="the pod is gone, its reservation stays",
            )


def _missing(store: Store, pod: Pod, step: StepName, since: datetime | None = None) -> Step:
    why = waiting(store, pod)
    return Step(step=step, pod=pod.name, state="waiting", after=since, reason=why.brief if why else "")


def _scheduled(pod: Pod) -> datetime | None:
    condition = pod.scheduled
    return condition.last_transition_time if condition is not None and condition.status == "True" else None


def _latest(a: datetime | None, b: datetime | None) -> datetime | None:
    return a if b is None else b if a is None or a < b else a


def _earliest(*times: datetime | None) -> datetime | None:
    return min(filter(None, times), default=None)
