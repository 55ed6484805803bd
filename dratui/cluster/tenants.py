"""Namespaces as tenants: what each holds and waits for, by DRA and by device plugin."""

from collections import Counter
from datetime import datetime

import msgspec

from dratui.api.model import DeviceKey, ObjectKey
from dratui.cluster.live import Live
from dratui.cluster.pods import finished, plugin_devices
from dratui.cluster.store import Store
from dratui.cluster.totals import namespace_live


class QuotaUse(msgspec.Struct, frozen=True, gc=False):
    """One line of a ResourceQuota."""

    quota: str
    resource: str
    hard: str
    used: str


class NamespaceRow(msgspec.Struct, frozen=True, gc=False, rename="camel", kw_only=True):
    """A namespace as listed. Devices are counted once however many of its claims share them; admin access does
    not count. `plugin` is what its pods got from device plugins. `waitingFor` is what pending claims ask for, by
    class (All counts as one, firstAvailable as its first choice), and pending pods from device plugins, by resource.
    What claims or pods tell is None while those are not known."""

    name: str
    phase: str
    claims: int | None
    pending_claims: int | None
    devices: int | None
    drivers: dict[str, int] | None
    plugin: dict[str, int] | None
    pods: int | None
    waiting: int | None
    waiting_for: dict[str, int] | None
    quotas: tuple[QuotaUse, ...]
    created: datetime | None
    live: Live | None = None

    @property
    def key(self) -> ObjectKey:
        """Which namespace."""
        return ObjectKey("", self.name)


def namespace_row(store: Store, key: ObjectKey) -> NamespaceRow | None:
    """A namespace as listed; None when neither it nor anything in it is known."""
    namespace = store.namespaces.get(key)
    claims = [store.claims[c] for c in store.claims_of_namespace[key.name]]
    pods = [p for k in store.pods_of_namespace[key.name] if not finished(p := store.pods[k])]
    if namespace is None and not claims and not pods:
        return None
    held: set[DeviceKey] = set()
    got: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for claim in claims:
        if claim.allocation:
            held.update(r.key for r in claim.allocation.results if not r.admin_access)
        else:
            for request in claim.requests:
                first = request.alternatives[0] if request.alternatives else request
                asked[first.device_class] += first.count if first.mode == "ExactCount" else 1
    for pod in pods:
        (got if pod.node else asked).update(plugin_devices(pod))
    claimed, populated = store.known("resourceclaims", key.name), store.known("pods", key.name)
    return NamespaceRow(
        name=key.name,
        phase=namespace.phase if namespace else "",
        claims=len(claims) if claimed else None,
        pending_claims=sum(c.allocation is None for c in claims) if claimed else None,
        devices=len(held) if claimed else None,
        drivers=dict(sorted(Counter(d.driver for d in held).items())) if claimed else None,
        plugin=dict(sorted(got.items())) if populated else None,
        pods=len(pods) if populated else None,
        waiting=sum(p.phase == "Pending" for p in pods) if populated else None,
        waiting_for=dict(sorted(asked.items())) if claimed and populated else None,
        quotas=tuple(
            QuotaUse(q.name, *line)
            for q in sorted(
                (store.quotas[k] for k in store.quotas_of_namespace[key.name]), key=lambda q: q.name
            )
            for line in q.devices
        ),
        created=namespace.created if namespace else None,
        live=namespace_live(store, key.name, len(held) if claimed else None),
    )
