"""Who holds a device."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from dratui_agent.sample import DeviceSample, Sample


@dataclass(frozen=True, slots=True)
class Holder:
    """A container that has a device: by a claim, from a device plugin (then nothing of a claim is told), or because a
    process of it computes there (then no driver is told either)."""

    namespace: str
    pod: str
    container: str
    claim: str = ""
    claim_uid: str = ""
    request: str = ""
    driver: str = ""
    pool: str = ""
    device: str = ""
    share_id: str = ""


@dataclass(frozen=True, slots=True)
class Holders:
    """All holders by the UUID of the device, as they were known at `at` (unix seconds; None: never).

    `problem` is why they are not known any better, in words.
    """

    at: float | None = None
    by_device: Mapping[str, Sequence[Holder]] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """The container that a process runs in. The names are empty where only UID and id are known."""

    pod_uid: str
    container_id: str
    namespace: str = ""
    pod: str = ""
    container: str = ""


def with_processes(holders: Holders, sample: Sample, places: Mapping[int, Place]) -> Holders:
    """Devices that nobody was given, but that containers compute on, are theirs: a holder without claim and driver.

    Not a GPU that is cut by MIG: what computes there computes on one of its parts.
    """
    found = {
        each.device.uuid: by_process
        for each in sample.devices
        if each.processes and not each.device.mig and each.device.uuid not in holders.by_device
        if (by_process := tuple(dict.fromkeys(_of(each, places))))
    }
    return replace(holders, by_device={**holders.by_device, **found}) if found else holders


def _of(each: DeviceSample, places: Mapping[int, Place]) -> Iterator[Holder]:
    for process in each.processes:
        place = places.get(process.pid)
        if place is not None and place.pod:
            yield Holder(place.namespace, place.pod, place.container)
