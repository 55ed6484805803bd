"""A cluster as it is once manifests are applied, but for the pods of their workloads; and what it has already of these.
In a store that is a copy."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from dratui.allocation.manifests import Manifests, Workload
from dratui.api.model import Claim, Namespace, ObjectKey, Pod
from dratui.cluster.index import accelerated
from dratui.cluster.pods import finished
from dratui.cluster.store import Store
from dratui.events import Put
from dratui.why import quotas
from dratui.why.question import rules_of

_MOST_TOLD: Final = 20  # of what is left out


def apply(store: Store, manifests: Manifests, server_version: str) -> Sequence[str]:
    """Put into the store what the manifests hold beside workloads. Returns what is to be noted."""
    store.apply([Put("namespaces", _labelled(store, each)) for each in manifests.namespaces])
    notes = [*_namespaces(store, manifests), *_priorities(store, manifests)]
    store.apply([Put("resourceclaimtemplates", each) for each in manifests.templates])
    store.apply([Put("deviceclasses", each) for each in manifests.classes])
    store.apply([Put("devicetaintrules", each) for each in manifests.taint_rules])
    notes += [
        f"whom device taint rule {each.name} evicts is not looked at: they keep their devices"
        for each in manifests.taint_rules
        if each.taint.effect == "NoExecute"
    ]
    for claim in manifests.claims:
        notes += _claim(store, claim, server_version)
    if left_out := manifests.left_out:
        more = f" and {len(left_out) - _MOST_TOLD} more" if len(left_out) > _MOST_TOLD else ""
        notes.append(
            f"left out, as no pods are known to come of it: {', '.join(left_out[:_MOST_TOLD])}{more}"
        )
    return notes


def _labelled(store: Store, namespace: Namespace) -> Namespace:
    """With the labels that it has in the cluster, too."""
    there = store.namespaces.get(namespace.key, namespace)
    labels = dict(there.labels) | dict(namespace.labels)
    return msgspec.structs.replace(there, labels=tuple(sorted(labels.items())))


def _namespaces(store: Store, manifests: Manifests) -> Iterator[str]:
    of = {each.pod.namespace for each in manifests.workloads}
    of.update(each.namespace for each in (*manifests.claims, *manifests.templates))
    for name in sorted(of) if store.known("namespaces") else ():
        if ObjectKey("", name) not in store.namespaces:
            store.apply([Put("namespaces", Namespace(name=name))])
            yield f"namespace {name} is not in the cluster; read as if it were"


def _priorities(store: Store, manifests: Manifests) -> Iterator[str]:
    for each in manifests.priorities:
        if store.priorities.get(each.key, each).value == each.value:
            store.apply([Put("priorityclasses", each)])
        else:  # nobody can change it
            yield f"priority class {each.name} is in the cluster; read as it is there"


def _claim(store: Store, claim: Claim, server_version: str) -> Iterator[str]:
    name = f"{claim.namespace}/{claim.name}"
    if claim.key in store.claims:
        yield f"claim {name} is in the cluster; read as it is there"
        return
    limit = quotas.limit(store, rules_of(store, server_version).release, claim.namespace, None, (claim,))
    if limit is not None and not limit.most:
        yield f"quota {limit.quota} refuses claim {name}: {limit.used} of {limit.hard} {limit.resource} used"
    store.apply([Put("resourceclaims", claim)])


def waiting_first(store: Store) -> str:
    """That pods wait already, which the scheduler may try before; empty if none does."""
    waits = sum(
        pod.phase == "Pending" and not (pod.node or pod.gates or pod.deleted) and accelerated(pod)
        for pod in store.pods.values()
    )
    if not waits:
        return ""
    pods = "1 pod that waits" if waits == 1 else f"{waits} pods that wait"
    return f"{pods} for devices already may be tried first, and take what is free"


def already(store: Store, workload: Workload) -> str:
    """That there are such pods; empty if there are none."""
    of, kind = workload.pod, workload.kind
    if kind == "Pod":
        return f"{workload.name} is in the cluster; this is one more" if of.key in store.pods else ""
    made = {"Deployment": "ReplicaSet", "CronJob": "Job"}.get(kind, kind)
    number = 0
    for pod in store.pods.values():
        owner = pod.owner
        if owner is not None and owner.kind == made and pod.namespace == of.namespace and not finished(pod):
            number += of.name == (owner.name if made == kind else owner.name.rpartition("-")[0])
    has = "1 pod" if number == 1 else f"{number} pods"
    return f"{workload.name} has {has} in the cluster; these are more" if number else ""


def unused(store: Store, manifests: Manifests) -> Iterator[Workload]:
    """Claims and templates of the manifests that none of its workloads names, each as what asks for them alone."""
    used = {
        (kind, each.pod.namespace, name)
        for each in manifests.workloads
        for entry in each.pod.claims
        for kind, name in (("claim", entry.claim), ("template", entry.template))
    }
    for claim in manifests.claims:
        if ("claim", claim.namespace, claim.name) not in used:
            yield Workload("ResourceClaim", Pod(namespace=claim.namespace, name=claim.name), 1)
    for template in manifests.templates:
        if ("template", template.namespace, template.name) not in used:
            yield Workload("ResourceClaimTemplate", Pod(namespace=template.namespace, name=template.name), 1)
