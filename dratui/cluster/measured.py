"""Which device of DRA is which of those that a node's samples tell of.

A device is found, in this order,
- by its holder: who measures says of which (driver, pool, device) it is;
- by its UUID, an attribute `uuid` in any domain. Where that is one of NVIDIA's and not among those that are told, it
  is another device, and nothing else is tried;
- a MIG device of gpu.nvidia.com, or of the agent's own driver, by what its name says:
  `gpu-MINOR-mig-PROFILE-PROFILE_ID-PLACEMENT_START`, once `gpu-MINOR-mig-PROFILE_ID-PLACEMENT_START-SIZE`, on the GPU
  of its attribute `parentUUID`, or else of that minor;
- by its PCI bus id: an attribute of one of the names in _PCI;
- a GPU of these by its name, `gpu-MINOR`.
What fits several is not found, and neither is what fits none: a wrong number beside a device is worse than none. Of
several devices of one driver that fit the same (partitions have their GPU's address) the one by the better rule has it.

Sources: github.com/NVIDIA/k8s-dra-driver-gpu, device names and attributes; KEP-4381, `resource.kubernetes.io/pciBusID`.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from dratui.api.model import AttributeValue, DeviceKey, ObjectKey
from dratui.cluster.index import held, pool_of
from dratui.cluster.judgement import judgement, node_of, published
from dratui.cluster.store import Store
from dratui.samples import DeviceSample, NodeSample

NO_SUCH_MIG: Final = "no such MIG device now"
_DRIVER: Final = "gpu.nvidia.com"
_GPU: Final = re.compile(r"gpu-(\d{1,6})")
_MIG: Final = (
    re.compile(r"gpu-(\d{1,6})-mig-[0-9a-z.+-]{0,32}[a-z][0-9a-z.+-]{0,32}-(\d{1,6})-(\d{1,6})"),
    re.compile(r"gpu-(\d{1,6})-mig-(\d{1,6})-(\d{1,6})-\d{1,6}"),  # as older drivers have it
)
_PCI: Final = ("pciBusID", "pcieBusID", "pciAddress", "pciAddr")
_NVIDIAS: Final = ("gpu-", "mig-")
_RULES: Final = ("holder", "uuid", "mig", "pci", "minor")

Unit = tuple[str, str, int | None]
"""What is measured: a node's GPU, or a GPU instance of it. Compute instances share their instance's."""


class Measured:
    """A node's devices joined with those of its samples. Read-only for others.

    `of`: where among the sample's devices each device of DRA is, or in words why it is not found. By place in the
    sample: the `keys` of DRA, the `ids` that trails go by, the `units`, the `holders`, and what `touches` means: the
    rows that tell of it, by table. `drivers`: those of which any device is measured.
    """

    def __init__(self, store: Store, sample: NodeSample) -> None:
        self.of = _joined(store, sample)
        keys: defaultdict[int, list[DeviceKey]] = defaultdict(list)
        for key, place in self.of.items():
            if isinstance(place, int):
                keys[place].append(key)
        everywhere = range(len(sample.devices))
        self.keys: Sequence[Sequence[DeviceKey]] = [keys.get(n, ()) for n in everywhere]
        self.drivers = frozenset(key.driver for found in keys.values() for key in found)
        self.ids = [_id(device, n) for n, device in enumerate(sample.devices)]
        self.units: Sequence[Unit] = [
            (sample.node, d.gpu or self.ids[n], d.gi) for n, d in enumerate(sample.devices)
        ]
        self.holders: Sequence[Collection[str]] = [
            _holders(store, self.keys[n], sample.devices[n]) for n in everywhere
        ]
        self.touches = [_touches(store, self.keys[n], sample.devices[n]) for n in everywhere]
        self.sample = sample
        self.shown: Sequence[object] = ()  # this and the next: for who says what changed
        self.told: float | None = None
        self.read_of: NodeSample | None = None  # this and the next: memo of `totals.reading`
        self.read: dict[int, Any] = {}

    def fits(self, sample: NodeSample) -> bool:
        """Whether another sample is of the same devices, held by the same."""
        own = self.sample
        return (
            len(own.devices) == len(sample.devices)
            and own.problem == sample.problem
            and (own.plugin and own.plugin.driver) == (sample.plugin and sample.plugin.driver)
            and (own.at is None) == (sample.at is None)
            and all(map(_same, own.devices, sample.devices))
        )


def measured(store: Store, node: str) -> Measured | None:
    """The join of a node; None where nobody was asked about it. It is kept until the node's devices or their claims
    change, or the sample is of other devices."""
    sample = store.samples.get(ObjectKey("", node))
    if sample is None:
        return None
    found: Measured | None = store.measured.get(node)
    if found is None:
        found = store.measured[node] = Measured(store, sample)
    return found


def _same(one: DeviceSample, other: DeviceSample) -> bool:
    return (
        one.uuid == other.uuid
        and (one.holders is other.holders or one.holders == other.holders)
        and (one.kind, one.gpu, one.minor, one.pci) == (other.kind, other.gpu, other.minor, other.pci)
        and (one.gi, one.ci, one.profile, one.start) == (other.gi, other.ci, other.profile, other.start)
    )


def _joined(store: Store, sample: NodeSample) -> dict[DeviceKey, int | str]:
    places = _Places(sample)
    of: dict[DeviceKey, int | str] = {}
    fitting: defaultdict[tuple[int, str], list[tuple[int, DeviceKey]]] = defaultdict(list)
    for key, attributes in _devices(store, sample.node):
        found = places.find(key, attributes)
        if isinstance(found, str):
            of[key] = found
        else:
            rule, place = found
            of[key] = place
            fitting[place, key.driver].append((rule, key))
    for several in fitting.values():
        best = min(rule for rule, _ in several)
        alone = sum(rule == best for rule, _ in several) == 1
        for rule, key in several:
            if rule and not (alone and rule == best):
                of[key] = f"several devices of {key.driver} fit the same"
    return of


def _id(device: DeviceSample, place: int) -> str:
    return device.uuid or device.pci or f"{device.kind} {device.minor} {device.gi} {device.ci} {place}"


def _devices(store: Store, node: str) -> Iterator[tuple[DeviceKey, Mapping[str, AttributeValue]]]:
    """A node's own devices with their attributes: published there, or held there and published no more."""
    seen: set[DeviceKey] = set()
    for pool in {pool_of(store.slices[key]) for key in store.slices_of_node[node]}:
        verdict = judgement(store, pool)
        for name, found in verdict.devices.items() if verdict else ():
            if node_of(found) == node:
                key = DeviceKey(*pool, name)
                seen.add(key)
                yield key, found[1].attributes
    for claim in store.claims_of_node[node]:
        for key in held(store.claims[claim]):
            if key not in seen:
                seen.add(key)
                there = published(store, key)
                if there is None or node_of(there) in ("", node):
                    yield key, there[1].attributes if there else {}


def _holders(store: Store, keys: Iterable[DeviceKey], device: DeviceSample) -> Collection[str]:
    """Who has a device, so that another is told from the same; admin access does not count."""
    claims = {
        store.claims[name].uid or "/".join(name)
        for key in keys
        for name in store.claims_of_device[key]
        if any(not r.admin_access and r.key == key for r in _results(store, name))
    }
    return frozenset(
        claims or (h.claim_uid or f"{h.namespace}/{h.pod}" for h in device.holders if h.pod or h.claim_uid)
    )


def _touches(
    store: Store, keys: Iterable[DeviceKey], device: DeviceSample
) -> Mapping[str, Collection[Hashable]]:
    claims = {claim for key in keys for claim in store.claims_of_device[key]}
    pods = {pod for claim in claims for pod in store.pods_of_claim[claim]}
    pods.update(ObjectKey(h.namespace, h.pod) for h in device.holders if h.pod)
    spaces = {ObjectKey("", key.namespace) for key in (*claims, *pods)}
    return {"devices": frozenset(keys), "claims": claims, "pods": pods, "namespaces": spaces}


def _results(store: Store, claim: ObjectKey) -> Sequence[Any]:
    allocation = store.claims[claim].allocation
    return allocation.results if allocation else ()


class _Places:
    """Where in a sample a device is, by all that it may be known by."""

    def __init__(self, sample: NodeSample) -> None:
        self._sample = sample
        self._drivers = {_DRIVER, sample.plugin.driver if sample.plugin is not None else _DRIVER}
        self._by: defaultdict[Hashable, list[int]] = defaultdict(list)
        units: set[tuple[object, ...]] = set()
        for n, device in enumerate(sample.devices):
            for name in {("holder", h.driver, h.pool, h.device) for h in device.holders if h.device}:
                self._by[name].append(n)
            if device.uuid:
                self._by["uuid", device.uuid.lower()].append(n)
            if device.kind == "gpu":
                if device.pci:
                    self._by["pci", _bus(device.pci)].append(n)
                if device.minor is not None:
                    self._by["minor", device.minor].append(n)
            elif device.profile is not None and device.start is not None:
                place = (device.profile, device.start, device.gi)
                for whole in (("gpu", device.gpu.lower()), ("minor", device.minor)):
                    if whole[1] not in ("", None) and (*whole, *place) not in units:
                        units.add((*whole, *place))  # once, however many compute instances it has
                        self._by[("mig", *whole, device.profile, device.start)].append(n)

    def find(self, key: DeviceKey, attributes: Mapping[str, AttributeValue]) -> tuple[int, int] | str:
        """By which rule (0 is the best) a device is where, or in words why it is not found."""
        for name in self._names(key, attributes):
            if places := self._by.get(name):
                several = f"several on {self._sample.node} fit it"
                return (_RULES.index(name[0]), places[0]) if len(places) == 1 else several
        if self._sample.problem and not self._sample.devices:
            return self._sample.problem
        if self._sample.at is None:
            return "no sample yet"
        if self._mig(key):
            return NO_SUCH_MIG
        return f"not among what {self._sample.source or 'the node'} tells"

    def _names(self, key: DeviceKey, attributes: Mapping[str, AttributeValue]) -> Iterator[tuple[Any, ...]]:
        yield ("holder", *key)
        uuids = set(_texts(attributes, "uuid"))
        if len(uuids) == 1:
            uuid = uuids.pop().lower()
            yield "uuid", uuid
            if uuid.startswith(_NVIDIAS) and any(d.uuid for d in self._sample.devices):
                return
        if mig := self._mig(key):
            minor, profile, start = mig
            parents = set(_texts(attributes, "parentUUID"))
            if not parents:
                yield "mig", "minor", minor, profile, start
            elif len(parents) == 1:
                yield "mig", "gpu", parents.pop().lower(), profile, start
            return
        if "mig" in _texts(attributes, "type"):  # its PCI address is that of the GPU
            return
        buses = {_bus(text) for name in _PCI for text in _texts(attributes, name)}
        if len(buses) == 1:
            yield "pci", buses.pop()
        elif not buses and key.driver in self._drivers and (gpu := _GPU.fullmatch(key.device)):
            yield "minor", int(gpu[1])

    def _mig(self, key: DeviceKey) -> tuple[int, int, int] | None:
        """The minor, profile id and first slice in the name of a MIG device."""
        found = (form.fullmatch(key.device) for form in _MIG if key.driver in self._drivers)
        parts = next(filter(None, found), None)
        return (int(parts[1]), int(parts[2]), int(parts[3])) if parts else None


def _texts(attributes: Mapping[str, AttributeValue], name: str) -> list[str]:
    """What attributes of this name say, in any domain."""
    return [
        value
        for full, value in attributes.items()
        if isinstance(value, str) and value and full.rpartition("/")[2] == name
    ]


def _bus(text: str) -> str:
    """A bus id as /sys has it: NVML writes the domain with eight digits, and capitals."""
    domain, colon, rest = text.strip().lower().partition(":")
    if colon and ":" not in rest:
        return f"0000:{domain}:{rest}"
    return f"{domain[-4:].rjust(4, '0')}:{rest}"
