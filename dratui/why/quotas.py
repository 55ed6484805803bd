"""What a namespace's ResourceQuotas let be made of claims, and of pods with extended resources. What is used is counted
here as the API server counts it, so that it holds for a cluster that is changed, too.

Quotas of cpu, memory and the number of pods are not looked at, nor those with scopes.

Source: pkg/quota/v1/evaluator/core, resource_claims.go and pods.go, 1.36.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from dratui.allocation.asked import MOST_DEVICES
from dratui.allocation.rules import Release
from dratui.api import quantity
from dratui.api.model import Claim, Pod, Request
from dratui.cluster.pods import finished, plugin_devices
from dratui.cluster.store import Store

_CLAIMS: Final = "count/resourceclaims.resource.k8s.io"
_DEVICES: Final = ".deviceclass.resource.k8s.io/devices"
_IMPLICIT: Final = "requests.deviceclass.resource.kubernetes.io/"
_EXTENDED_BY_POD_ALONE: Final[Sequence[Release]] = ("1.34", "1.35")  # later, by claims too


class Limit(msgspec.Struct, frozen=True, gc=False):
    """A quota that lets `most` be made of what takes `each` of `resource`, as `used` of `hard` are used."""

    quota: str
    resource: str
    hard: int
    used: int
    each: int
    most: int


def limit(
    store: Store, release: Release, namespace: str, pod: Pod | None, claims: Iterable[Claim]
) -> Limit | None:
    """The quota by which the fewest more of this pod and claims can be made; None where none is about them."""
    quotas = [store.quotas[key] for key in sorted(store.quotas_of_namespace[namespace])]
    lines = [(quota.name, *line) for quota in quotas if not quota.scoped for line in quota.devices]
    if not lines:
        return None
    uses = _Uses(store, release)
    wants = uses.of(() if pod is None else (pod,), claims)
    there = uses.of(
        (pod for key in store.pods_of_namespace[namespace] if not finished(pod := store.pods[key])),
        (store.claims[key] for key in store.claims_of_namespace[namespace]),
    )
    found = []
    for quota, name, written, _ in lines:
        if each := wants[name]:
            hard, used = (quantity.parse(written) or 0) // quantity.NANO, there[name]
            found.append(Limit(quota, name, hard, used, each, max(0, hard - used) // each))
    return min(found, key=lambda each: each.most, default=None)


class _Uses:
    """What counts, by a quota's word for it."""

    def __init__(self, store: Store, release: Release) -> None:
        by_claim = release not in _EXTENDED_BY_POD_ALONE
        self._extended = {
            each.name: each.extended_resource
            for each in store.classes.values()
            if each.extended_resource and by_claim
        }

    def of(self, pods: Iterable[Pod], claims: Iterable[Claim]) -> Counter[str]:
        used: Counter[str] = Counter()
        hidden = set()  # claims of extended resources, which count with their pods
        for pod in pods:
            hidden.add(pod.extended_claim)
            asked = plugin_devices(replace(pod, claimed_resources=()))
            used.update({f"requests.{name}": number for name, number in asked.items()})
        for claim in claims:
            used[_CLAIMS] += 1
            for name, number in _by_class(claim):
                used[f"{name}{_DEVICES}"] += number
                if name in self._extended and claim.name not in hidden:
                    used[f"requests.{self._extended[name]}"] += number
                    used[f"{_IMPLICIT}{name}"] += number
        return used


def _by_class(claim: Claim) -> Iterator[tuple[str, int]]:
    """At worst: `All` as many as a claim can have, of alternatives those of a class with the most."""
    for request in claim.requests:
        most: dict[str, int] = {}
        for each in request.alternatives or (request,):
            most[each.device_class] = max(most.get(each.device_class, 0), _number(each))
        yield from most.items()


def _number(request: Request) -> int:
    if request.mode == "All":
        return MOST_DEVICES
    return request.count if request.mode == "ExactCount" else 0
