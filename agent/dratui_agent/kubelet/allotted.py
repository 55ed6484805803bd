"""What an allocation gives to a claim from this node's pool, beside what the node offers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from dratui_agent.kubelet import config
from dratui_agent.kubelet.offers import Offer
from dratui_agent.kubelet.prepared import PreparedClaim, PreparedDevice
from dratui_agent.parsed import items, mapping

_MIG: Final = "MIG-"  # so begin their UUIDs


class Refused(Exception):
    """The claim cannot be prepared as it is; the text is for people."""


@dataclass(frozen=True, slots=True)
class Allotted:
    """One device of the claim's allocation. `request` is without its subrequest."""

    request: str
    device: str
    offer: Offer
    share: str
    admin: bool


def uid(claim: Mapping[str, Any]) -> str:
    """Of an object."""
    return str(mapping(claim.get("metadata")).get("uid") or "")


def results(claim: Mapping[str, Any], driver: str, pool: str) -> Sequence[Mapping[str, Any]]:
    """What a driver is to give it from a pool. Raises Refused for what another pool's is to give."""
    found = []
    for result in items(mapping(_allocation(claim).get("devices")).get("results")):
        if isinstance(result, dict) and result.get("driver") == driver:
            if result.get("pool") != pool:
                raise Refused(
                    f"{_text(result.get('device'))} is of pool {_text(result.get('pool'))}, not of {pool}"
                )
            found.append(result)
    return found


def allotted(
    claim: Mapping[str, Any], wanted: str, driver: str, pool: str, offers: Mapping[str, Offer]
) -> Sequence[Allotted]:
    """The devices of the claim that is to have the UID `wanted`. Raises Refused."""
    if uid(claim) != wanted:
        raise Refused("the claim got replaced: another one has its name now")
    if not _allocation(claim):
        raise Refused("the claim is not allocated")
    configs = [
        each
        for each in items(mapping(_allocation(claim).get("devices")).get("config"))
        if isinstance(each, dict)
    ]
    found = []
    for result in results(claim, driver, pool):
        request, device = str(result.get("request") or ""), str(result.get("device") or "")
        offer = offers.get(device)
        if offer is None:
            raise Refused(f"{_text(device)} is no device of this node now")
        try:
            config.check(configs, driver, request, offer)
        except config.WrongConfig as wrong:
            raise Refused(str(wrong)) from wrong
        share = str(result.get("shareID") or "")
        found.append(
            Allotted(request.partition("/")[0], device, offer, share, bool(result.get("adminAccess")))
        )
    return found


CdiName = Callable[[str, str, str], str]
"""How a claim's CDI device is called, by UID, device and share."""


def still(known: PreparedClaim, found: Mapping[str, Any], driver: str, pool: str, cdi: CdiName) -> bool:
    """Whether a claim has what it was given. Raises Refused where another one has its name."""
    given = _given(known, found, driver, pool, cdi)
    return given.keys() == {device.cdi for device in known.devices}


def completed(
    known: PreparedClaim, found: Mapping[str, Any], driver: str, pool: str, cdi: CdiName
) -> PreparedClaim:
    """What was read off a CDI spec, with what the claim itself says. Raises Refused."""
    given = _given(known, found, driver, pool, cdi)
    devices = []
    for device in known.devices:
        if (result := given.get(device.cdi)) is None:
            raise Refused(f"{device.device} is not of its allocation any more")
        devices.append(
            replace(
                device,
                requests=(str(result.get("request") or "").partition("/")[0],),
                device=str(result.get("device")),
                share=str(result.get("shareID") or ""),
                admin=bool(result.get("adminAccess")),
            )
        )
    metadata = found["metadata"]
    return replace(
        known, namespace=str(metadata["namespace"]), name=str(metadata["name"]), devices=tuple(devices)
    )


def _given(
    known: PreparedClaim, found: Mapping[str, Any], driver: str, pool: str, cdi: CdiName
) -> Mapping[str, Mapping[str, Any]]:
    """The results of its allocation by the names of their CDI devices."""
    if uid(found) != known.uid:
        raise Refused("the claim got replaced: another one has its name now")
    return {
        cdi(known.uid, str(each.get("device")), str(each.get("shareID") or "")): each
        for each in results(found, driver, pool)
    }


def overlapping(
    wanted: Sequence[PreparedDevice],
    known: Mapping[str, PreparedClaim],
    offers: Mapping[str, Offer],
    claim: str,
) -> None:
    """Raises Refused where another claim holds one of the devices, or a part of it: the last defence.

    Who has admin access holds nothing, and is in nobody's way. Shares of one device are meant to be held by several.
    """
    for other in known.values():
        if other.uid == claim:
            continue
        for held in other.devices:
            for device in wanted:
                if not (held.admin or device.admin or (held.share and device.share)) and _overlap(
                    device, held, offers
                ):
                    raise Refused(
                        f"{device.device} is in use: claim {other.namespace}/{other.name} ({other.uid}) has "
                        f"{held.device}"
                    )


def _overlap(one: PreparedDevice, other: PreparedDevice, offers: Mapping[str, Offer]) -> bool:
    if one.device == other.device:
        return True
    mine, its = offers.get(one.device), offers.get(other.device)
    if (mine.gpu if mine else one.gpu) != (its.gpu if its else other.gpu):
        return False
    if mine is None or its is None or mine.placement is None or its.placement is None:
        # A whole GPU; or what is not offered any more, of which only the UUID tells whether it was one.
        return not (one.uuid.startswith(_MIG) and other.uuid.startswith(_MIG)) or one.uuid == other.uuid
    if mine.uuid and its.uuid:  # both were there before: they may share a GPU instance
        return mine.uuid == its.uuid
    a, b = mine.placement, its.placement
    return a.start < b.start + b.size and b.start < a.start + a.size


def _allocation(claim: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(mapping(claim.get("status")).get("allocation"))


def _text(value: Any) -> str:
    return str(value)[:256]
