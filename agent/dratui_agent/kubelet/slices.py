"""Offers as ResourceSlices: what is in each, in the words of the version that the server has.

Pure: the same offers always make the same slices, in the same order, so that what has not changed is not written.

Source: resource.k8s.io/v1, v1beta2 (the same on the wire), v1beta1; limits of kubernetes/api, resource/v1/types.go.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from dratui_agent.kubelet.offers import Attribute, Offer, Taint, Version

# Without taints and counters a slice may have 128. Any device may get a taint: that is to change one slice, not to make
# all of them anew.
DEVICES: Final = 64
COUNTER_SETS: Final = 8

_GATES: Final = {"consumesCounters": "DRAPartitionableDevices", "taints": "DRADeviceTaints"}


@dataclass(frozen=True, slots=True)
class Server:
    """What the API server makes of a slice, which depends on its release and its feature gates."""

    version: str = "v1"
    release: str = ""
    apart: bool = True  # counter sets stand in slices of their own: 1.35 and later
    watching: bool = True  # it knows taints of the effect None: 1.35 and later
    counters: bool = True  # DRAPartitionableDevices
    taints: bool = True  # DRADeviceTaints


Content = Mapping[str, Any]
"""`devices` or `sharedCounters` of a slice's spec, or both."""


def contents(offers: Iterable[Offer], server: Server) -> list[Content]:
    """What each slice of the pool has. At least one: a pool that is empty says so.

    What the server would not keep is not offered in a way that could hurt: parts of GPUs whose counters it would drop,
    devices whose taint it would drop.
    """
    offered = sorted(offers, key=lambda offer: offer.name)
    if not server.counters:
        offered = [replace(offer, consumes={}) for offer in offered if offer.uuid]
    sets = _counter_sets(offered)
    if not server.taints:
        offered = [replace(offer, taints=()) for offer in offered if not _kept_from(offer)]
    if server.apart:
        found: list[Content] = [{"sharedCounters": each} for each in _in_parts(sets, COUNTER_SETS)]
        found += [_devices(each, server) for each in _in_parts(offered, DEVICES)]
    else:
        found = [
            {"sharedCounters": [each], **_devices([o for o in offered if each["name"] in o.consumes], server)}
            for each in sets
        ]
        rest = [offer for offer in offered if not offer.consumes]
        found += [_devices(each, server) for each in _in_parts(rest, DEVICES)]
    return found or [{"devices": []}]


def dropped(content: Content, answer: Content, server: Server) -> frozenset[str]:
    """The feature gates that are off, as what the server made of a slice tells."""
    gates = set()
    if content.get("sharedCounters") and not answer.get("sharedCounters"):
        gates.add(_GATES["consumesCounters"])
    kept = {device["name"]: _body(device, server) for device in answer.get("devices") or ()}
    for device in content.get("devices", ()):
        wanted, found = _body(device, server), kept.get(device["name"], {})
        gates |= {gate for name, gate in _GATES.items() if wanted.get(name) and not found.get(name)}
    return frozenset(gates)


def same(content: Content, answer: Content, server: Server) -> bool:
    """Whether a slice has what it should. What we never set, such as what a later release adds, does not count."""
    one, other = ([_owned(_body(d, server)) for d in each.get("devices") or ()] for each in (content, answer))
    return one == other and (content.get("sharedCounters") or []) == (answer.get("sharedCounters") or [])


def quantity(number: int) -> str:
    """As the API server writes it, whatever it was given: 85520809984 is 81559Mi."""
    base, suffixes = (1024, "KMGTPE") if number % 1024 == 0 else (1000, "kMGTPE")
    power = 0
    while number and number % base == 0 and power < len(suffixes):
        number, power = number // base, power + 1
    return f"{number}{suffixes[power - 1]}{'i' if base == 1024 else ''}" if power else str(number)


def moment(seconds: float) -> str:
    """Unix seconds, as the API writes times."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _in_parts(found: Sequence[Any], most: int) -> Iterator[list[Any]]:
    return ([*found[n : n + most]] for n in range(0, len(found), most))


def _kept_from(offer: Offer) -> bool:
    return any(taint.effect != "None" for taint in offer.taints)


def _counter_sets(offers: Sequence[Offer]) -> list[dict[str, Any]]:
    """Each has as much as the device that takes the most: that is a whole GPU, or what is as large."""
    sets: dict[str, dict[str, int]] = {}
    for offer in offers:
        for name, taken in offer.consumes.items():
            most = sets.setdefault(name, {})
            for counter, amount in taken.items():
                most[counter] = max(most.get(counter, 0), amount)
    return [{"name": name, "counters": _amounts(sets[name])} for name in sorted(sets)]


def _devices(offers: Iterable[Offer], server: Server) -> Content:
    devices = [{"name": offer.name, **_wrapped(_told(offer, server), server)} for offer in offers]
    return {"devices": devices}


def _wrapped(body: dict[str, Any], server: Server) -> dict[str, Any]:
    return {"basic": body} if server.version == "v1beta1" else body


def _body(device: Mapping[str, Any], server: Server) -> Mapping[str, Any]:
    body: Mapping[str, Any] = device.get("basic", {}) if server.version == "v1beta1" else device
    return {**body, "name": device["name"]}


def _owned(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: body.get(key) or None for key in ("name", "attributes", "capacity", "consumesCounters", "taints")
    }


def _told(offer: Offer, server: Server) -> dict[str, Any]:
    told: dict[str, Any] = {
        "attributes": {name: _attribute(offer.attributes[name]) for name in sorted(offer.attributes)},
        "capacity": _amounts(offer.capacity),
        "consumesCounters": [
            {"counterSet": name, "counters": _amounts(offer.consumes[name])}
            for name in sorted(offer.consumes)
        ],
        "taints": [_taint(taint) for taint in offer.taints if server.watching or taint.effect != "None"],
    }
    return {key: value for key, value in told.items() if value}


def _attribute(value: Attribute) -> dict[str, bool | int | str]:
    if isinstance(value, Version):
        return {"version": value.text}
    kind = "bool" if isinstance(value, bool) else "int" if isinstance(value, int) else "string"
    return {kind: value}


def _amounts(amounts: Mapping[str, int]) -> dict[str, dict[str, str]]:
    return {name: {"value": quantity(amounts[name])} for name in sorted(amounts)}


def _taint(taint: Taint) -> dict[str, str]:
    told = {"key": taint.key, "value": taint.value, "effect": taint.effect, "timeAdded": moment(taint.since)}
    return {key: value for key, value in told.items() if value}


def taints(specs: Iterable[Mapping[str, Any]], server: Server) -> Mapping[str, Sequence[Taint]]:
    """What is published of taints, by device."""
    found: dict[str, list[Taint]] = {}
    for spec in specs:
        for device in spec.get("devices") or ():
            for taint in _body(device, server).get("taints") or ():
                added = taint.get("timeAdded")
                since = datetime.fromisoformat(added).timestamp() if added else 0.0
                each = Taint(taint["key"], taint.get("value", ""), taint["effect"], since)
                found.setdefault(device["name"], []).append(each)
    return found
