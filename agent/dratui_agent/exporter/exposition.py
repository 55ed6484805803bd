"""`/metrics`: samples as text for Prometheus.

Names and labels stay the same from sample to sample, so they are written once for as long as the same is told of the
same devices; a sample then costs its numbers. (prometheus_client takes 37 ms for 2,240 series of 14 labels.) A sample
is rendered once, however many scrape it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from dratui_agent.exporter import dcgm
from dratui_agent.exporter.series import (
    ABSENT,
    EVENTS,
    HOLDER,
    INFO,
    MEMORY,
    NVLINK,
    PROCESSES,
    SERIES,
    SHARED,
    UNREAD,
    XIDS,
    Column,
    Described,
    Fact,
    Pairs,
    Series,
)
from dratui_agent.exporter.text import Format, header, labels, number, written
from dratui_agent.holders import Holder, Holders, Place
from dratui_agent.sample import Absent, Device, Sample

_Row = tuple[int, Column, str]
"""The number of a device in the sample, one of its values, and what stands before that value."""


NOWHERE: Final[Mapping[int, Place]] = {}


class Exposition:
    """Renders samples. Not for several threads."""

    def __init__(self, node: str = "", *, dcgm_names: bool = False) -> None:
        self._node = node
        self._dcgm_names = dcgm_names
        self._shape: object = None  # of what was rendered last
        self._rows: Sequence[tuple[Series, Sequence[_Row]]] = ()
        self._facts: dict[Format, str] = {}

    def render(
        self,
        sample: Sample,
        holders: Holders,
        form: Format,
        places: Mapping[int, Place] = NOWHERE,
    ) -> str:
        """All series of the devices, without what ends the text. `places`: where processes run, by pid."""
        told = [(each.device, each.absent, len(each.processes), each.nvlinks) for each in sample.devices]
        shape = (told, holders.by_device, sample.driver, sample.xids, sample.events, sample.unread)
        if shape != self._shape:
            self._shape = shape
            self._rows = list(self._arranged(sample, holders))
            self._facts = {}
        if form not in self._facts:
            self._facts[form] = _written(self._told(sample, holders), form)
        values = [each.values for each in sample.devices]
        parts: list[str] = []
        for series, rows in self._rows:
            lines = [
                f"{prefix}{number(value if column.factor == 1 else round(value * column.factor, 6))}\n"
                for n, column, prefix in rows
                if (value := values[n].get(column.key)) is not None
            ]
            if lines:
                parts.append(header(series.name, series.help, series.kind, form))
                parts += lines
        parts.append(self._facts[form])
        parts.append(_written(_memory(sample, places), form))
        return "".join(parts)

    def _arranged(self, sample: Sample, holders: Holders) -> Iterator[tuple[Series, Sequence[_Row]]]:
        held = [holders.by_device.get(each.device.uuid, ()) for each in sample.devices]
        ours = [[*self._identity(d.device), *held_by(h)] for d, h in zip(sample.devices, held, strict=True)]
        yield from _rows(SERIES, sample, ours)
        if self._dcgm_names:
            yield from _rows(dcgm.SERIES, sample, dcgm.labels_by_device(sample, holders, self._node))

    def _identity(self, device: Device) -> Pairs:
        return (
            ("node", self._node),
            ("uuid", device.uuid),
            ("gpu", str(device.index)),
            ("gpu_instance", _text(device.gi)),
            ("compute_instance", _text(device.ci)),
            ("model", device.name),
        )

    def _told(self, sample: Sample, holders: Holders) -> Iterator[Fact]:
        """What devices are and who holds them, why values are not there, links, processes, Xids."""
        for each in sample.devices:
            device, held = each.device, holders.by_device.get(each.device.uuid, ())
            uuid = ("uuid", device.uuid)
            yield INFO, (*self._identity(device), *_facts(device)), 1
            yield PROCESSES, (*self._identity(device), *held_by(held)), len(each.processes)
            for key, reason in each.absent.items():
                if reason is not Absent.MIG:  # nobody looks for the temperature of a part: it has its GPU's
                    yield ABSENT, (uuid, ("value", key), ("reason", str(reason))), 1
            for link, up in enumerate(each.nvlinks):
                yield NVLINK, (uuid, ("link", str(link))), int(up)
            for holder in held if len(held) > 1 else ():
                yield HOLDER, (uuid, *_told(holder)), 1
        for index, why in sample.unread.items():
            yield UNREAD, (("node", self._node), ("gpu", str(index)), ("reason", str(why))), 1
        for (gpu, gi, xid), count in sample.xids.items():
            yield XIDS, (("uuid", gpu), ("gpu_instance", _text(gi)), ("xid", str(xid))), count
        for (gpu, kind), count in sample.events.items():
            yield EVENTS, (("uuid", gpu), ("event", kind)), count
        if self._dcgm_names:
            yield from dcgm.xids(sample, holders, self._node)


def _rows(
    all_: Sequence[Series], sample: Sample, common: Sequence[Pairs | None]
) -> Iterator[tuple[Series, Sequence[_Row]]]:
    """`common`: the labels of each device; None for one that is left out."""
    before = [None if pairs is None else written(pairs) for pairs in common]
    for series in all_:
        yield (
            series,
            [
                (n, column, f"{series.name}{labels(column.labels.items(), after=told)} ")
                for n, each in enumerate(sample.devices)
                if (told := before[n]) is not None
                for column in series.columns
                if column.key not in each.absent
            ],
        )


def _memory(sample: Sample, places: Mapping[int, Place]) -> Iterator[Fact]:
    """What containers have of devices. A GPU that is cut tells of its parts' processes once more."""
    used: Counter[Pairs] = Counter()
    for each in sample.devices:
        for process in () if each.device.mig else each.processes:
            if process.memory is not None and (place := places.get(process.pid)) is not None:
                where = (("namespace", place.namespace), ("pod", place.pod), ("container", place.container))
                used[(("uuid", each.device.uuid), *where, ("pod_uid", place.pod_uid))] += process.memory
    for pairs, memory in used.items():
        yield MEMORY, pairs, memory


def _written(facts: Iterable[Fact], form: Format) -> str:
    by_series: dict[Described, list[str]] = {}
    for series, pairs, value in facts:
        by_series.setdefault(series, []).append(f"{series.name}{labels(pairs)} {value}\n")
    return "".join(
        header(series.name, series.help, series.kind, form) + "".join(lines)
        for series, lines in by_series.items()
    )


def held_by(holders: Sequence[Holder]) -> Pairs:
    """The labels of whoever holds a device: its one holder, or that there are several."""
    if len(holders) == 1:
        return _told(holders[0])
    return [(name, SHARED) for name in ("namespace", "pod", "container")] if holders else ()


def _told(holder: Holder) -> Pairs:
    return [(name, getattr(holder, name)) for name in Holder.__slots__]


def _facts(device: Device) -> Pairs:
    return (
        ("kind", device.kind),
        ("parent_uuid", device.gpu if device.kind == "mig" else ""),
        ("pci_bus_id", device.pci),
        ("architecture", device.architecture),
        ("compute_capability", device.compute_capability),
        ("serial", device.serial),
        ("mig", "enabled" if device.mig else ""),
        ("profile_id", _text(device.profile)),
        ("placement_start", _text(device.start)),
        ("placement_size", _text(device.size)),
    )


def _text(told: int | None) -> str:
    return "" if told is None else str(told)
