"""kubelet's list of who has which devices, joined with the devices of a sample."""

from collections.abc import Iterator, Mapping, Sequence

from dratui_agent.attribution import cdi, matching
from dratui_agent.attribution.cluster import NOTHING, Facts
from dratui_agent.attribution.matching import NONE, Devices, Edits
from dratui_agent.attribution.podresources_pb2 import (
    ContainerResources,
    ListPodResourcesResponse,
    PodResources,
)
from dratui_agent.holders import Holder
from dratui_agent.sample import Device

MOST_TEXT = 256
"""Characters of a name: Kubernetes allows 253."""


def holders(
    told: ListPodResourcesResponse,
    devices: Sequence[Device],
    edits: Mapping[str, Edits],
    facts: Facts = NOTHING,
    own: str = "",
) -> Mapping[str, tuple[Holder, ...]]:
    """Holders by the UUID of the device. Each container of a pod that shares a claim is one. `own`: as of Devices."""
    found: dict[str, dict[Holder, None]] = {}
    known = Devices(devices, own)
    for pod in told.pod_resources:
        for container in pod.containers:
            for device, holder in _of(pod, container, known, edits, facts):
                found.setdefault(device.uuid, {})[holder] = None
    return {uuid: tuple(held) for uuid, held in found.items()}


def _of(
    pod: PodResources,
    container: ContainerResources,
    devices: Devices,
    edits: Mapping[str, Edits],
    facts: Facts,
) -> Iterator[tuple[Device, Holder]]:
    where = (_name(pod.namespace), _name(pod.name), _name(container.name))
    for claim in container.dynamic_resources:
        called = _name(claim.claim_name)
        for resource in claim.claim_resources:
            names = [each.name for each in resource.cdi_devices]
            place = (resource.driver_name, resource.pool_name, resource.device_name)
            uuid = facts.uuids.get(place, "")
            device = matching.of_claim(devices, place[0], place[2], _together(names, edits), uuid)
            if device is not None:
                allotted = (claim.claim_namespace, claim.claim_name, *place, resource.share_id)
                yield (
                    device,
                    Holder(
                        *where,
                        claim=called,
                        claim_uid=next(filter(None, map(cdi.claim_uid, names)), ""),
                        request=_name(facts.requests.get(allotted, "")),
                        driver=_name(resource.driver_name),
                        pool=_name(resource.pool_name),
                        device=_name(resource.device_name),
                        share_id=_name(resource.share_id),
                    ),
                )
    for given in container.devices:
        for device_id in given.device_ids:
            if (device := matching.of_plugin(devices, device_id)) is not None:
                yield device, Holder(*where, driver=_name(given.resource_name), device=_name(device_id))


def claims(told: ListPodResourcesResponse) -> Iterator[tuple[str, str, str]]:
    """Namespace, name and, where it is known, UID of each claim that a pod has devices of; some several times."""
    for pod in told.pod_resources:
        for container in pod.containers:
            for claim in container.dynamic_resources:
                names = (each.name for resource in claim.claim_resources for each in resource.cdi_devices)
                yield (
                    claim.claim_namespace,
                    claim.claim_name,
                    next(filter(None, map(cdi.claim_uid, names)), ""),
                )


def _together(names: Sequence[str], edits: Mapping[str, Edits]) -> Edits:
    known = [found for name in names if (found := edits.get(name)) is not None]
    if len(known) < 2:
        return known[0] if known else NONE
    return Edits(
        tuple(uuid for found in known for uuid in found.uuids),
        tuple(path for found in known for path in found.nodes),
    )


def _name(text: str) -> str:
    return text[:MOST_TEXT]
