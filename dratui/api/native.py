"""What Kubernetes itself has to give on a node, and what its scheduler counts for a pod: cpu, memory, storage, pages.
Devices of plugins are not among it.

Source: k8s.io/component-helpers/resource, PodRequests; pkg/scheduler/framework, Resource.Add, 1.36.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from sys import intern
from typing import Final

import msgspec

from dratui.api.quantity import NANO, parse

Amounts = tuple[tuple[str, int], ...]
"""By name: cpu in thousandths, all else in whole units; rounded up."""

Quantities = Mapping[str, str | int | float] | None
Sent = tuple[tuple[str, str | int | float], ...]

_quantities = msgspec.json.Decoder(dict[str, str | int | float] | None)
_KNOWN: Final = frozenset(("cpu", "memory", "ephemeral-storage", "pods"))
_OF_PODS: Final = ("cpu", "memory", "hugepages-")  # what requests of a pod as a whole count for


def is_native(name: str) -> bool:
    """Whether the scheduler counts it, and no device plugin or driver has it."""
    if name in _KNOWN or name.startswith(("hugepages-", "attachable-volumes-")):
        return True
    return "kubernetes.io/" in name and not name.startswith("deviceclass.resource.")


@lru_cache(maxsize=4096)
def amounts(sent: Sent) -> Amounts:
    """As nodes offer them; what is no quantity is left out."""
    found = []
    for name, text in sent:
        if is_native(name) and (nano := parse(str(text))) is not None:
            found.append((intern(name), -(-nano // (NANO // 1000 if name == "cpu" else NANO))))
    return tuple(sorted(found))


def sent(requests: Quantities, limits: Quantities = None) -> Sent:
    """As an API server fills it in: what has a limit and no request has that as its request."""
    if limits and not (requests and limits.keys() <= requests.keys()):
        requests = {**limits, **(requests or {})}
    return tuple(requests.items()) if requests else ()


@lru_cache(maxsize=8192)
def effective(spec: Sent, actual: bytes, allocated: bytes, infeasible: bool) -> Sent:
    """What counts for a container that is resized in place: the most of what it asks for, has, and is to have; not what
    it asks for, if that cannot be. `actual` and `allocated` as JSON; what is none is left out."""
    found: dict[str, str | int | float] = {}
    for each in (_read(actual), _read(allocated)) if infeasible else (spec, _read(actual), _read(allocated)):
        for name, text in each:
            if name not in found or (parse(str(text)) or 0) > (parse(str(found[name])) or 0):
                found[name] = text
    return tuple(found.items())


def _read(data: bytes) -> Sent:
    try:
        return sent(_quantities.decode(data)) if data else ()
    except ValueError:
        return ()


@lru_cache(maxsize=8192)
def of_pod(
    containers: Sequence[Sent], first: Sequence[tuple[Sent, bool]], whole: Sent, overhead: Sent
) -> Amounts:
    """What counts for a pod. `first` are its init containers, and whether each is a sidecar: these go on, the others
    come one after the other. `whole`: what the pod as such asks for, which counts in place of the sum."""
    total: dict[str, int] = {}
    for each in containers:
        _add(total, amounts(each))
    beside: dict[str, int] = {}
    before: dict[str, int] = {}
    for each, sidecar in first:
        of = amounts(each)
        if sidecar:
            _add(total, of)
            _add(beside, of)
            at_once: Mapping[str, int] = beside
        else:
            at_once = dict(beside)
            _add(at_once, of)
        _most(before, at_once)
    _most(total, before)
    total |= {name: amount for name, amount in amounts(whole) if name.startswith(_OF_PODS)}
    _add(total, amounts(overhead))
    return tuple(sorted((name, amount) for name, amount in total.items() if amount))


def _add(total: dict[str, int], more: Iterable[tuple[str, int]]) -> None:
    for name, amount in more:
        total[name] = total.get(name, 0) + amount


def _most(total: dict[str, int], other: Mapping[str, int]) -> None:
    for name, amount in other.items():
        total[name] = max(total.get(name, 0), amount)
