"""How the devices of running pods are, as kubelet has it from their drivers.

kubelet names a device by its first CDI id if the driver gave one, else by `driver/pool/device`. What stands in a CDI
id is the driver's affair; by custom its name ends with the device's. What cannot be told apart is left unjoined.

Source: pkg/kubelet/cm/dra, UpdateAllocatedResourcesStatus and buildResourceHealth, 1.36.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from dratui.api.model import Claim, DeviceKey, ObjectKey, Pod, ResourceHealth
from dratui.cluster.index import named_claims
from dratui.cluster.store import Store


class Report(msgspec.Struct, frozen=True, gc=False):
    """What kubelet reports about a device of a pod. `device` is its name; where that is not known, kubelet's id."""

    pod: str
    device: str
    health: str  # Healthy, Unhealthy or Unknown
    message: str = ""

    @property
    def text(self) -> str:
        """In one line, without the device."""
        return f"{self.health}: {self.message}" if self.message else self.health


def reports_of_pod(store: Store, pod: Pod) -> tuple[Report, ...]:
    """All that is reported about a pod's devices, those of device plugins among them."""
    if not pod.health:
        return ()
    return tuple(dict.fromkeys(_report(pod, each, device) for each, _, device in _joined(store, pod)))


def reports(store: Store, claim: Claim) -> Mapping[DeviceKey, tuple[Report, ...]]:
    """What the pods that use a claim report about its devices."""
    found: dict[DeviceKey, dict[Report, None]] = {}  # once, however many of its requests a pod names
    for pod in map(store.pods.__getitem__, sorted(store.pods_telling_of_claim[claim.key])):
        for each, of, device in _joined(store, pod):
            if device is not None and of == claim.key:
                found.setdefault(device, {})[_report(pod, each, device)] = None
    return {device: tuple(told) for device, told in found.items()}


def unhealthy(found: Iterable[Report]) -> list[Report]:
    """Those that say that something is wrong; Unknown does not."""
    return [report for report in found if report.health == "Unhealthy"]


def _report(pod: Pod, each: ResourceHealth, device: DeviceKey | None) -> Report:
    return Report(pod.name, device.device if device else each.id, each.health, each.message)


def _joined(store: Store, pod: Pod) -> Iterator[tuple[ResourceHealth, ObjectKey | None, DeviceKey | None]]:
    """Each report, its claim and its device, as far as they are known."""
    named = named_claims(pod)
    for each in pod.health:
        entry, _, request = each.resource.removeprefix("claim:").partition("/")
        name = named.get(entry) if each.resource.startswith("claim:") else None
        claim = store.claims.get(ObjectKey(pod.namespace, name)) if name else None
        yield each, claim.key if claim else None, _device(claim, request, each.id) if claim else None


def _device(claim: Claim, request: str, id_: str) -> DeviceKey | None:
    """The device of a claim that kubelet's id means; None if it may be one of several."""
    main = request.partition("/")[0]
    results = claim.allocation.results if claim.allocation else ()
    keys = {r.key for r in results if main in ("", r.request.partition("/")[0])}
    for key in keys:
        if id_ == "/".join(key):
            return key
    if len(keys) > 1:
        cdi = id_.rpartition("=")[2]
        alike = {key for key in keys if cdi == key.device or cdi.endswith(f"-{key.device}")}
        longest = max((len(key.device) for key in alike), default=0)
        keys = {key for key in alike if len(key.device) == longest}
    return keys.pop() if len(keys) == 1 else None
