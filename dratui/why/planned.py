"""A cluster that changes as replicas land on it: what they took is held, and nothing else is worked out anew."""

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from dratui.allocation.manifests import Workload
from dratui.allocation.search import Chosen
from dratui.allocation.world import Held, World
from dratui.api import quantity
from dratui.api.model import (
    Allocation,
    Claim,
    DeviceKey,
    Node,
    NodeSelector,
    NodeSelectorTerm,
    ObjectKey,
    Pod,
    Result,
)
from dratui.cluster.pods import finished
from dratui.cluster.store import Store
from dratui.events import Put
from dratui.why.changes import end
from dratui.why.question import Question, about_claim, about_pod, holders


class Planned:
    """The cluster as it would be by now; `before`: as it is."""

    def __init__(self, store: Store, server_version: str, before: Store) -> None:
        self.store = store
        self._before = before
        self.made: set[str] = set()  # `claim NAMESPACE/NAME`, `pod NAMESPACE/NAME`
        self._version = server_version
        self._world: World | None = None
        self._exclusive: set[DeviceKey] = set()
        self._shared: dict[DeviceKey, dict[str, int]] = {}
        self._shares = 0
        self._there: defaultdict[str, list[Pod]] | None = None

    def world(self, question: Question) -> World:
        """With what was taken so far; the devices and what selectors say of them are the same for all workloads."""
        if self._world is None:
            held = question.world.held
            self._exclusive = set(held.exclusive)
            self._shared = {key: dict(amounts) for key, amounts in held.shared.items()}
            self._world = question.world.holding(Held(self._exclusive, self._shared))
        return self._world

    def asked(self, workload: Workload) -> Question:
        """The question of a pod that is not there; of a claim or template alone, without the pod."""
        pod = workload.pod
        if workload.kind == "ResourceClaim":
            return about_claim(self.store, self.store.claims[pod.key], self._version)
        if workload.kind == "ResourceClaimTemplate":
            template = self.store.templates[pod.key]
            claim = Claim(
                namespace=pod.namespace,
                name=pod.name,
                requests=template.requests,
                constraints=template.constraints,
            )
            return about_claim(self.store, claim, self._version)
        return about_pod(self.store, pod, self._version)

    def loser(self, key: DeviceKey) -> str:
        """Who has a device in the cluster as it is, and has it no more."""
        have = self.store.claims_of_device[key]  # many, where one takes nothing from another
        gone = [each for each in self._before.claims_of_device[key] if each not in have]
        return ", ".join(dict.fromkeys(each.who for each in holders(self._before, key, gone)))

    def take(self, chosen: Sequence[Chosen], node: Node) -> Allocation:
        """What a claim gets is held from now on."""
        return _allocation(tuple(map(self._take, chosen)), chosen, node)

    def make(self, claim: Claim) -> None:
        """It is there from now on, with its devices."""
        self.made.add(f"claim {claim.namespace}/{claim.name}")
        self.store.apply([Put("resourceclaims", claim)])

    def reserve(self, claim: Claim) -> None:
        """It is for one pod more from now on."""
        self.store.apply([Put("resourceclaims", claim)])

    def start(self, pod: Pod) -> None:
        """It runs from now on."""
        self.made.add(f"pod {pod.namespace}/{pod.name}")
        if self._there is not None:
            self._there[pod.node].append(pod)
        self.store.apply([Put("pods", pod)])

    def evict(self, pod: Pod) -> None:
        """It is gone from now on, and what only it had is free."""
        for claim in end(self.store, pod):
            for result in claim.allocation.results if claim.allocation else ():
                self._give_back(result)
        if self._there is not None:
            self._there[pod.node].remove(pod)

    def there(self, node: Node) -> Sequence[Pod]:
        """The pods of a node that are not over."""
        if self._there is None:
            self._there = defaultdict(list)
            for pod in self.store.pods.values():
                if pod.node and not finished(pod):
                    self._there[pod.node].append(pod)
        return self._there[node.name]

    def free_name(self, namespace: str, name: str) -> str:
        """This one, or one like it that no pod and no claim has."""
        while (
            ObjectKey(namespace, name) in self.store.pods or ObjectKey(namespace, name) in self.store.claims
        ):
            name += "-more"
        return name

    def _give_back(self, result: Result) -> None:
        if result.admin_access:
            return
        taken = self._shared.get(result.key)
        if taken is None:
            self._exclusive.discard(result.key)
            return
        for name, amount in result.consumed_capacity.items():
            taken[name] = taken.get(name, 0) - (quantity.parse(amount) or 0)
        if not any(taken.values()):
            del self._shared[result.key]

    def _take(self, chosen: Chosen) -> Result:
        share, consumed = "", {}
        if chosen.shared:
            self._shares += 1
            share = f"what-if-{self._shares}"
            taken = self._shared.setdefault(chosen.key, {})
            for name, amount in (chosen.takes or {}).items():
                taken[name] = taken.get(name, 0) + amount
                consumed[name] = quantity.write(amount)
        elif not chosen.admin_access:
            self._exclusive.add(chosen.key)
        return Result(
            chosen.request,
            *chosen.key,
            admin_access=chosen.admin_access,
            share_id=share,
            consumed_capacity=consumed,
            tolerations=chosen.tolerations,
        )


def _allocation(results: tuple[Result, ...], chosen: Sequence[Chosen], node: Node) -> Allocation:
    """For this node, if one of the devices is; else for those that all its devices' selectors leave."""
    terms: list[NodeSelectorTerm] = []
    for each in chosen:
        placed = each.device if each.slice.per_device_nodes else each.slice
        if placed.node or each.device.binds_to_node:
            return Allocation(results, node.name)
        if placed.node_selector is not None:
            terms += placed.node_selector.node_selector_terms
    if not terms:
        return Allocation(results)
    # One term each, as the allocator checks; all requirements of all of them must hold.
    term = msgspec.structs.replace(
        terms[0],
        match_expressions=tuple(of for each in terms for of in each.match_expressions),
        match_fields=tuple(of for each in terms for of in each.match_fields),
    )
    return Allocation(results, node_selector=NodeSelector((term,)))
