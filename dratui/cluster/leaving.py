"""Why a pod that is being deleted does not go: nobody says it, so it is derived.

Kubelet keeps a pod until its claims are unprepared, and only the driver can do that. When the driver is gone from the
node kubelet tries again and again without a word: no event, no condition. Its slices tell: kubelet deletes those of a
driver that has been away from a node for 30 s.

Source: pkg/kubelet/cm/dra, UnprepareResources and the cleanup of ResourceSlices (registration), 1.36.
"""

from collections.abc import Iterator

from dratui.api.model import Claim, ObjectKey, Pod
from dratui.cluster.index import claims_of, reserves
from dratui.cluster.store import Store


def leaving(store: Store, pod: Pod) -> str:
    """What keeps a pod that is being deleted; empty when nothing is known to, or when it is not being deleted."""
    return "; ".join(dict.fromkeys(_held_back(store, pod))) if pod.deleted else ""


def _held_back(store: Store, pod: Pod) -> Iterator[str]:
    if pod.node:
        node = store.nodes.get(ObjectKey("", pod.node))
        if node is None and store.known("nodes"):
            yield f"node {pod.node} does not exist"
        elif node is not None and node.ready != "True":
            yield f"node {pod.node} is not ready"
        for key in claims_of(pod):
            claim = store.claims.get(key)
            if claim is not None and reserves(claim, pod):
                yield from _driver_is_gone(store, claim, pod.node)
    if pod.finalizers:
        yield f"held by finalizer {', '.join(pod.finalizers)}"


def _driver_is_gone(store: Store, claim: Claim, node: str) -> Iterator[str]:
    """A driver that publishes neither the devices' pool, wherever that is, nor anything for the node."""
    if claim.allocation is None or not store.known("resourceslices"):
        return
    on_node = {store.slices[key].driver for key in store.slices_of_node[node]}
    for result in claim.allocation.results:
        if result.driver not in on_node and (result.driver, result.pool) not in store.slices_of_pool:
            yield (
                f"driver {result.driver} publishes nothing for node {node} any more: "
                f"claim {claim.name} cannot be unprepared"
            )


def eviction(pod: Pod) -> str:
    """Who evicts a pod and why, in the words of its condition: the taint manager's are of a device's NoExecute taint.

    Source: pkg/controller/devicetainteviction, 1.36.
    """
    condition = pod.disruption
    if condition is None or condition.status != "True":
        return ""
    return f"{condition.reason}: {condition.message}".strip(": ")
