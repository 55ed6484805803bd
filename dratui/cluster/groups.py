"""Pods that use devices together: pod groups and NVIDIA's compute domains, as listed."""

from datetime import datetime

import msgspec

from dratui.api.model import DomainNode, ObjectKey, Pod, PodGroup
from dratui.cluster.store import Store


class PodGroupRow(msgspec.Struct, frozen=True, gc=False, rename="camel", kw_only=True):
    """A pod group as listed. `minCount`: how many pods must be scheduled together; 0: each by itself. `pods` counts
    its pods, `bound` those that have a node; None: unknown. `claims` are the group's own, as far as they are made."""

    namespace: str
    name: str
    state: str
    min_count: int
    pods: int | None
    bound: int | None
    claims: tuple[str, ...]
    why: str
    created: datetime | None

    @property
    def key(self) -> ObjectKey:
        """Which group."""
        return ObjectKey(self.namespace, self.name)


def pod_group_row(store: Store, key: ObjectKey) -> PodGroupRow | None:
    """A pod group as listed. `state` is `scheduled`, `pending`, or `deleted`."""
    group = store.pod_groups.get(key)
    if group is None:
        return None
    pods = [store.pods[pod] for pod in store.pods_of_group[key]]
    known = store.known("pods", key.namespace)
    said = group.scheduled
    scheduled = said is not None and said.status == "True"
    return PodGroupRow(
        namespace=group.namespace,
        name=group.name,
        state="deleted" if group.deleted else "scheduled" if scheduled else "pending",
        min_count=group.min_count,
        pods=len(pods) if known else None,
        bound=sum(bool(pod.node) for pod in pods) if known else None,
        claims=tuple(filter(None, group.claims)),
        why="" if scheduled else too_few(store, group) or (said.message if said else ""),
        created=group.created,
    )


def too_few(store: Store, group: PodGroup) -> str:
    """That a gang does not have as many pods as it needs to be tried at all; empty if it has.

    Source: pkg/scheduler/framework/plugins/gangscheduling, PreEnqueue, 1.36: silent, like all of PreEnqueue.
    """
    there = len(store.pods_of_group[group.key])
    if there >= group.min_count or not store.known("pods", group.namespace):
        return ""
    return f"pod group {group.name} has {there} of the {group.min_count} pods that are scheduled together"


def not_tried(store: Store, pod: Pod) -> str:
    """What about a pod's group keeps the scheduler from trying the pod; empty when nothing does."""
    if not pod.group or not store.known("podgroups", pod.namespace):
        return ""
    group = store.pod_groups.get(ObjectKey(pod.namespace, pod.group))
    return too_few(store, group) if group else f"pod group {pod.group} does not exist"


class ComputeDomainRow(msgspec.Struct, frozen=True, gc=False, rename="camel", kw_only=True):
    """A compute domain as listed. `state` is the driver's word, Ready or NotReady. `pods` counts those that have a
    claim from its template; None: unknown."""

    namespace: str
    name: str
    state: str
    num_nodes: int
    ready_nodes: int
    nodes: tuple[DomainNode, ...]
    template: str
    pods: int | None
    created: datetime | None

    @property
    def key(self) -> ObjectKey:
        """Which domain."""
        return ObjectKey(self.namespace, self.name)

    @property
    def why(self) -> str:
        """Which nodes are missing."""
        late = [n.name for n in self.nodes if n.status != "Ready"]
        absent = self.num_nodes - len(self.nodes)
        return ", ".join(
            [*(f"{name} is not ready" for name in late), *([f"{absent} not there yet"] if absent > 0 else [])]
        )


def compute_domain_row(store: Store, key: ObjectKey) -> ComputeDomainRow | None:
    """A compute domain as listed."""
    domain = store.compute_domains.get(key)
    if domain is None:
        return None
    users = store.pods_of_template[ObjectKey(domain.namespace, domain.template)] if domain.template else ()
    return ComputeDomainRow(
        namespace=domain.namespace,
        name=domain.name,
        state=domain.status,
        num_nodes=domain.num_nodes,
        ready_nodes=sum(n.status == "Ready" for n in domain.nodes),
        nodes=domain.nodes,
        template=domain.template,
        pods=len(users) if store.known("pods", key.namespace) else None,
        created=domain.created,
    )
