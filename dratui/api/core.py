"""Pods, nodes, namespaces, quotas and Warning events (core `v1`), as far as accelerators go, to `dratui.api.model`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from sys import intern

import msgspec

from dratui.api import model, native
from dratui.api.printed import printed
from dratui.api.wire import Decoding, Metadata, Object, Struct, controller, head, labels, shared


class ClaimReference(Struct, frozen=True):
    """An entry of a pod's resourceClaims. `source` is how 1.30 and older said it."""

    name: str = ""
    resource_claim_name: str | None = None
    resource_claim_template_name: str | None = None


class ContainerClaim(Struct, frozen=True):
    """An entry of resources.claims."""

    name: str = ""
    request: str = ""


class Resources(Struct, frozen=True):
    """A container's resources. Extended resources have equal limits and requests; limits may stand alone."""

    claims: tuple[ContainerClaim, ...] | None = None
    limits: dict[str, str | int | float] | None = None
    requests: dict[str, str | int | float] | None = None


class Container(Struct, frozen=True):
    """A container."""

    name: str = ""
    restart_policy: str | None = None  # of an init container: Always makes it a sidecar
    resources: Resources = Resources()


class WholeResources(Struct, frozen=True):
    """What a pod as such asks for."""

    limits: dict[str, str | int | float] | None = None
    requests: dict[str, str | int | float] | None = None


class Gate(Struct, frozen=True):
    """A scheduling gate."""

    name: str = ""


class NodeAffinity(Struct, frozen=True):
    """affinity.nodeAffinity. What is only preferred rules out nothing."""

    required_during_scheduling_ignored_during_execution: model.NodeSelector | None = None


class Affinity(Struct, frozen=True):
    """affinity."""

    node_affinity: NodeAffinity | None = None


class SchedulingGroup(Struct, frozen=True):
    """The group that a pod is scheduled with."""

    pod_group_name: str | None = None


class PodSpec(Struct, frozen=True):
    """PodSpec."""

    scheduling_group: SchedulingGroup | None = None

    node_name: str = ""
    scheduler_name: str = ""
    priority: int | None = None
    priority_class_name: str = ""
    resource_claims: tuple[ClaimReference, ...] | None = None
    containers: tuple[Container, ...] | None = None
    init_containers: tuple[Container, ...] | None = None
    resources: WholeResources | None = None
    overhead: dict[str, str | int | float] | None = None
    scheduling_gates: tuple[Gate, ...] | None = None
    node_selector: dict[str, str] | None = None
    affinity: Affinity | None = None
    tolerations: tuple[model.Toleration, ...] | None = None


class ClaimStatus(Struct, frozen=True):
    """An entry of status.resourceClaimStatuses."""

    name: str = ""
    resource_claim_name: str | None = None


class RequestMapping(Struct, frozen=True):
    """Which extended resource a request of the hidden claim stands for."""

    resource_name: str = ""


class ExtendedClaimStatus(Struct, frozen=True):
    """status.extendedResourceClaimStatus."""

    resource_claim_name: str = ""
    request_mappings: tuple[RequestMapping, ...] | None = None


class Waiting(Struct, frozen=True):
    """Why a container does not run."""

    reason: str = ""


class Running(Struct, frozen=True):
    """A container runs."""

    started_at: datetime | None = None


class Ended(Struct, frozen=True):
    """How a container ended."""

    reason: str = ""
    exit_code: int = 0
    signal: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None


class ContainerState(Struct, frozen=True):
    """A container's state: one of these, or waiting for no reason."""

    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Ended | None = None


class ResourceHealth(Struct, frozen=True):
    """How a resource is."""

    resource_id: str = msgspec.field(name="resourceID", default="")
    health: str = ""
    message: str | None = None


class ResourceStatus(Struct, frozen=True):
    """An entry of allocatedResourcesStatus."""

    name: str = ""
    resources: tuple[ResourceHealth, ...] | None = None


class ActualResources(Struct, frozen=True):
    """What a container has, which is not what it asks for while it is resized. As sent: most have what they ask for."""

    requests: msgspec.Raw = msgspec.Raw()


class ContainerStatus(Struct, frozen=True):
    """A container's status."""

    name: str = ""
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    state: ContainerState = ContainerState()
    allocated_resources_status: tuple[ResourceStatus, ...] | None = None
    allocated_resources: msgspec.Raw = msgspec.Raw()
    resources: ActualResources | None = None


class PodStatus(Struct, frozen=True):
    """PodStatus."""

    phase: str = ""
    reason: str = ""
    message: str = ""
    start_time: datetime | None = None
    conditions: tuple[model.Condition, ...] | None = None
    container_statuses: tuple[ContainerStatus, ...] | None = None
    init_container_statuses: tuple[ContainerStatus, ...] | None = None
    resource_claim_statuses: tuple[ClaimStatus, ...] | None = None
    extended_resource_claim_status: ExtendedClaimStatus | None = None


class Pod(Object, frozen=True):
    """Pod."""

    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


class NodeSpec(Struct, frozen=True):
    """NodeSpec."""

    unschedulable: bool | None = None
    taints: tuple[model.Taint, ...] | None = None


class NodeInfo(Struct, frozen=True):
    """status.nodeInfo."""

    kubelet_version: str = ""


class NodeStatus(Struct, frozen=True):
    """NodeStatus."""

    allocatable: dict[str, str | int | float] | None = None
    conditions: tuple[model.Condition, ...] | None = None
    node_info: NodeInfo = NodeInfo()
    declared_features: tuple[str, ...] | None = None


class Node(Object, frozen=True):
    """Node."""

    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class NamespaceStatus(Struct, frozen=True):
    """NamespaceStatus."""

    phase: str = ""


class Namespace(Object, frozen=True):
    """Namespace."""

    status: NamespaceStatus = NamespaceStatus()


class QuotaScope(Struct, frozen=True):
    """ScopedResourceSelectorRequirement."""

    scope_name: str = ""


class QuotaScopes(Struct, frozen=True):
    """ScopeSelector."""

    match_expressions: tuple[QuotaScope, ...] | None = None


class QuotaSpec(Struct, frozen=True):
    """ResourceQuotaSpec."""

    scopes: tuple[str, ...] | None = None
    scope_selector: QuotaScopes | None = None


class QuotaStatus(Struct, frozen=True):
    """ResourceQuotaStatus."""

    hard: dict[str, str | int | float] | None = None
    used: dict[str, str | int | float] | None = None


class Quota(Object, frozen=True):
    """ResourceQuota."""

    spec: QuotaSpec = QuotaSpec()
    status: QuotaStatus = QuotaStatus()


class ObjectReference(Struct, frozen=True):
    """What an event is about."""

    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""


class Series(Struct, frozen=True):
    """How often an event repeated, as the newer recorder counts it."""

    count: int = 1
    last_observed_time: datetime | None = None


class Event(Object, frozen=True):
    """Event."""

    reason: str = ""
    message: str = ""
    count: int | None = None
    first_timestamp: datetime | None = None
    last_timestamp: datetime | None = None
    event_time: datetime | None = None
    series: Series | None = None
    involved_object: ObjectReference = ObjectReference()


# --- to the model ---------------------------------------------------------------------------------


def extended_resource(name: str) -> bool:
    """Whether a resource is of a device plugin's kind: a domain of its own, not Kubernetes' own one; or it names a
    device class, in the way that every class has.

    Source: k8s.io/kubernetes/pkg/scheduler/util, IsDRAExtendedResourceName, 1.36.
    """
    if name.startswith("deviceclass.resource.kubernetes.io/"):
        return True
    return "/" in name and "kubernetes.io/" not in name and not name.startswith("requests.")


def _extended(resources: Mapping[str, str | int | float] | None) -> tuple[tuple[str, int], ...]:
    """Extended resources only; they are whole numbers, as quantities: `4`, rarely `1k`."""
    names = [name for name in resources or () if "/" in name and extended_resource(name)]
    if not names or resources is None:
        return ()
    numbers = [(intern(name), _whole(resources[name])) for name in sorted(names)]
    return tuple([(name, number) for name, number in numbers if number is not None])


def _whole(quantity: str | int | float) -> int | None:
    text = str(quantity)
    if text.isdecimal():
        return int(text)
    if text[:-1].isdecimal() and (factor := {"k": 10**3, "M": 10**6, "G": 10**9}.get(text[-1])):
        return int(text[:-1]) * factor
    return None


def pod_row(wire: Pod) -> model.Pod:
    """Normalise a pod. A large cluster has 100,000 of them: loops, where generators would take twice as long."""
    meta, spec, status = wire.metadata, wire.spec, wire.status
    scheduled = disruption = None
    for condition in status.conditions or ():
        if condition.type == "PodScheduled":
            scheduled = _condition(condition)
        elif condition.type == "DisruptionTarget":
            disruption = _condition(condition)
    waits: dict[str, str] = {}
    reported = False
    for container in status.container_statuses or ():
        reported |= container.allocated_resources_status is not None
        if container.state.waiting is not None:
            waits[container.name] = container.state.waiting.reason
    for container in status.init_container_statuses or ():
        if container.state.waiting is not None:
            waits[container.name] = container.state.waiting.reason
    cells = printed(wire)
    name, uid = meta.name, meta.uid
    if spec.resource_claims:  # claims name their pods, as owner and as consumer: the texts are kept once
        name, uid = intern(name), intern(uid)
    hidden = status.extended_resource_claim_status
    containers = shared(
        (
            *[_container(c, waits, init=True) for c in spec.init_containers or ()],
            *[_container(c, waits, init=False) for c in spec.containers or ()],
        )
    )
    return model.Pod(
        namespace=intern(meta.namespace),
        name=name,
        uid=uid,
        created=meta.creation_timestamp,
        deleted=meta.deletion_timestamp,
        labels=labels(meta.labels),
        phase=intern(status.phase),
        node=intern(spec.node_name),
        claims=tuple([_claim(c) for c in spec.resource_claims]) if spec.resource_claims else (),
        claim_statuses=tuple(
            [
                model.PodClaimStatus(intern(s.name), intern(s.resource_claim_name or ""))
                for s in status.resource_claim_statuses
            ]
        )
        if status.resource_claim_statuses
        else (),
        extended_claim=hidden.resource_claim_name if hidden else "",
        claimed_resources=tuple(sorted({intern(m.resource_name) for m in hidden.request_mappings or ()}))
        if hidden
        else (),
        containers=containers,
        native=_native(spec, status),
        scheduled=scheduled,
        disruption=disruption,
        finalizers=meta.finalizers or (),
        gates=tuple([g.name for g in spec.scheduling_gates]) if spec.scheduling_gates else (),
        scheduler=intern(spec.scheduler_name),
        priority=spec.priority or 0,
        priority_class=intern(spec.priority_class_name),
        started=status.start_time,
        times=_times(status) if spec.resource_claims or hidden else model.NO_TIMES,
        placement=model.ANYWHERE if spec.node_name else _placement(spec),
        owner=controller(meta),
        status=cells.status,
        ready=cells.ready,
        restarts=cells.restarts,
        health=_health(status.container_statuses or ()) if reported else (),
        group=intern(spec.scheduling_group.pod_group_name or "") if spec.scheduling_group else "",
        reason=status.reason,
        message=status.message,
    )


def _native(spec: PodSpec, status: PodStatus) -> native.Amounts:
    """What the scheduler counts for a pod beside devices. One object for all pods that ask for the same."""
    resized = {
        each.name: (bytes(each.resources.requests), bytes(each.allocated_resources))
        for statuses in (status.container_statuses, status.init_container_statuses)
        for each in statuses or ()
        if each.resources is not None
    }
    infeasible = bool(resized) and any(
        each.type == "PodResizePending" and each.reason == "Infeasible" for each in status.conditions or ()
    )

    def asked(container: Container) -> native.Sent:
        of = container.resources
        wanted = native.sent(of.requests, of.limits)
        found = resized.get(container.name)
        return wanted if found is None else native.effective(wanted, *found, infeasible)

    first = []
    for each in spec.init_containers or ():
        sidecar = each.restart_policy == "Always"
        of = each.resources
        first.append((asked(each) if sidecar else native.sent(of.requests, of.limits), sidecar))
    whole = spec.resources
    return native.of_pod(
        tuple([asked(each) for each in spec.containers or ()]),
        tuple(first),
        native.sent(whole.requests, whole.limits) if whole else (),
        native.sent(spec.overhead),
    )


def _condition(wire: model.Condition) -> model.Condition:
    """The same, of texts that thousands of pods have in common."""
    return model.Condition(
        intern(wire.type),
        intern(wire.status),
        intern(wire.reason),
        intern(wire.message),
        wire.last_transition_time,
    )


def _placement(spec: PodSpec) -> model.Placement:
    affinity = spec.affinity.node_affinity if spec.affinity else None
    return shared(
        model.Placement(
            labels(spec.node_selector),
            affinity.required_during_scheduling_ignored_during_execution if affinity else None,
            spec.tolerations or (),
        )
    )


def _claim(wire: ClaimReference) -> model.PodClaim:
    return shared(
        model.PodClaim(
            wire.name, wire.resource_claim_name or "", intern(wire.resource_claim_template_name or "")
        )
    )


def _health(statuses: Sequence[ContainerStatus]) -> tuple[model.ResourceHealth, ...]:
    """What kubelet reports of devices; once for those that several containers use."""
    told = [r for s in statuses for r in s.allocated_resources_status or ()]
    return tuple(
        dict.fromkeys(
            model.ResourceHealth(intern(r.name), each.resource_id, intern(each.health), each.message or "")
            for r in told
            for each in r.resources or ()
        )
    )


def _times(status: PodStatus) -> model.PodTimes:
    """When a pod with claims was ready to start, started and ended."""
    ready = [
        c for c in status.conditions or () if c.type == "PodReadyToStartContainers" and c.status == "True"
    ]
    states = [s.state for s in status.container_statuses or ()]
    starts = [run.started_at for s in states if (run := s.running or s.terminated) is not None]
    ends = [s.terminated.finished_at for s in states if s.terminated is not None]
    over = status.phase in ("Succeeded", "Failed")
    return model.PodTimes(
        ready_to_start=ready[0].last_transition_time if ready else None,
        first_start=min(filter(None, starts), default=None),
        ended=max(filter(None, ends), default=None) if over else None,
    )


def _container(wire: Container, waits: Mapping[str, str], *, init: bool) -> model.Container:
    resources = wire.resources
    return model.Container(
        intern(wire.name),
        tuple([(intern(c.name), intern(c.request)) for c in resources.claims]) if resources.claims else (),
        _extended(resources.limits or resources.requests),
        init,
        intern(waits.get(wire.name, "")) if waits else "",
    )


def node_row(wire: Node) -> model.Node:
    """Normalise a node."""
    return model.Node(
        **head(wire.metadata),
        ready=next((c.status for c in wire.status.conditions or () if c.type == "Ready"), ""),
        unschedulable=bool(wire.spec.unschedulable),
        taints=wire.spec.taints or (),
        allocatable=_extended(wire.status.allocatable),
        native=native.amounts(native.sent(wire.status.allocatable)),
        kubelet=wire.status.node_info.kubelet_version,
        features=shared(wire.status.declared_features or ()),
    )


def namespace_row(wire: Namespace) -> model.Namespace:
    """Normalise a namespace."""
    return model.Namespace(**head(wire.metadata), phase=wire.status.phase)


def quota_row(wire: Quota) -> model.Quota:
    """Normalise a quota: only what counts devices of a class, claims, or extended resources."""
    used = wire.status.used or {}
    return model.Quota(
        **head(wire.metadata),
        devices=tuple(
            (intern(name), str(hard), str(used.get(name, "0")))
            for name, hard in sorted((wire.status.hard or {}).items())
            if "deviceclass.resource.k" in name
            or "resourceclaims.resource.k8s.io" in name
            or extended_resource(name.removeprefix("requests."))
        ),
        scoped=bool(wire.spec.scopes or wire.spec.scope_selector),
    )


_AGGREGATED = "(combined from similar events): "
"""What client-go puts before the newest message of many: no part of the reason.

Source: k8s.io/client-go, tools/record/events_cache.go."""


def warning_row(wire: Event) -> model.WarningEvent:
    """Normalise an event. Old and new recorders put count and times into different fields."""
    meta: Metadata = wire.metadata
    series = wire.series
    first = wire.first_timestamp or wire.event_time or meta.creation_timestamp
    return model.WarningEvent(
        **head(meta),
        reason=intern(wire.reason),
        message=wire.message.removeprefix(_AGGREGATED),
        count=(series.count if series else wire.count) or 1,
        first=first,
        last=(series.last_observed_time if series else wire.last_timestamp) or first,
        about_kind=intern(wire.involved_object.kind),
        about_name=wire.involved_object.name,
        about_uid=wire.involved_object.uid,
    )


PODS = Decoding(Pod, pod_row)
NODES = Decoding(Node, node_row)
NAMESPACES = Decoding(Namespace, namespace_row)
QUOTAS = Decoding(Quota, quota_row)
WARNINGS = Decoding(Event, warning_row)
