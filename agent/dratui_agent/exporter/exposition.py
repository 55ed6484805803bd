"""`/metrics`: samples as text for Prometheus.

Names and labels stay the same from sample to sample, so they are written once for as long as the same is told of the
same devices; a sample then costs its numbers. (prometheus_client takes 37 ms for 2,240 series of 14 labels.) A sample
is rendered once, however many scrape it.

Formats: Prometheus text 0.0.4, OpenMetrics 1.0.0.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from dratui_agent.holders import Holder, Holders
from dratui_agent.nvml.quantities import QUANTITIES
from dratui_agent.nvml.quantity import Quantity
from dratui_agent.sample import Absent, Device, Sample

PREFIX: Final = "dratui_gpu_"
SHARED: Final = "shared"
"""What stands in the labels of a holder where a device has several: `dratui_gpu_holder_info` lists them."""

Format = Literal["text", "openmetrics"]
CONTENT_TYPES: Final[Mapping[Format, str]] = {
    "text": "text/plain; version=0.0.4; charset=utf-8",
    "openmetrics": "application/openmetrics-text; version=1.0.0; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Series:
    """Quantities that are one series, told apart by a label."""

    name: str
    help: str
    counter: bool
    quantities: Sequence[Quantity]


def _series() -> Sequence[Series]:
    together: dict[str, list[Quantity]] = {}
    for quantity in QUANTITIES.values():
        together.setdefault(quantity.series, []).append(quantity)
    return [Series(PREFIX + name, q[0].help, q[0].counter, q) for name, q in together.items()]


SERIES: Final = _series()

_UNITS: Final = ("bytes_per_second", "bytes", "ratio", "watts", "joules", "celsius", "hertz", "seconds")


def unit(name: str) -> str:
    """The unit at the end of a series' name; empty if there is none."""
    plain = name.removesuffix("_total")
    return next((u for u in _UNITS if plain.endswith(f"_{u}")), "")


def escape(value: str) -> str:
    """A label's value as both formats want it. What a driver or kubelet says is anybody's text."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def labels(pairs: Iterable[tuple[str, str]]) -> str:
    """Labels in braces. Empty ones are left out: to Prometheus they are the same as none."""
    return "{" + ",".join(f'{name}="{escape(value)}"' for name, value in pairs if value) + "}"


_Row = tuple[int, str, str]
"""The number of a device in the sample, the key of a value of it, and what stands before that value."""


class Exposition:
    """Renders samples. Not for several threads."""

    def __init__(self, node: str = "") -> None:
        self._node = node
        self._shape: object = None  # of what was rendered last
        self._rows: Sequence[tuple[Series, Sequence[_Row]]] = ()
        self._facts: dict[Format, str] = {}

    def render(self, sample: Sample, holders: Holders, form: Format) -> str:
        """All series of the devices, without what ends the text."""
        told = [(each.device, each.absent, len(each.processes)) for each in sample.devices]
        shape = (told, holders.by_device, sample.xids)
        if shape != self._shape:
            self._shape = shape
            self._rows = list(self._arranged(sample, holders))
            self._facts = {}
        if form not in self._facts:
            self._facts[form] = "".join(self._info(sample, holders, form))
        values = [each.values for each in sample.devices]
        parts: list[str] = []
        for series, rows in self._rows:
            lines = [
                f"{prefix}{_number(value)}\n"
                for n, key, prefix in rows
                if (value := values[n].get(key)) is not None
            ]
            if lines:
                parts.append(header(series.name, series.help, "counter" if series.counter else "gauge", form))
                parts += lines
        parts.append(self._facts[form])
        return "".join(parts)

    def _arranged(self, sample: Sample, holders: Holders) -> Iterable[tuple[Series, Sequence[_Row]]]:
        prefixes = [
            self._prefix(each.device, holders.by_device.get(each.device.uuid, ())) for each in sample.devices
        ]
        for series in SERIES:
            yield (
                series,
                [
                    (n, quantity.key, prefixes[n][quantity.key])
                    for n, each in enumerate(sample.devices)
                    for quantity in series.quantities
                    if quantity.key not in each.absent
                ],
            )

    def _prefix(self, device: Device, held: Sequence[Holder]) -> Mapping[str, str]:
        common = [*self._identity(device), *held_by(held)]
        return {
            key: f"{PREFIX}{quantity.series}{labels([*common, *quantity.labels.items()])} "
            for key, quantity in QUANTITIES.items()
        }

    def _identity(self, device: Device) -> Sequence[tuple[str, str]]:
        return (
            ("node", self._node),
            ("uuid", device.uuid),
            ("gpu", str(device.index)),
            ("gpu_instance", "" if device.gi is None else str(device.gi)),
            ("compute_instance", "" if device.ci is None else str(device.ci)),
            ("model", device.name),
        )

    def _info(self, sample: Sample, holders: Holders, form: Format) -> Iterable[str]:
        """What devices are, why values of theirs are not there, who holds them where several do, and Xids."""
        if not sample.devices:
            return
        yield header(PREFIX + "info", "What a device is; always 1.", "gauge", form)
        for each in sample.devices:
            device = each.device
            facts = (
                *self._identity(device),
                ("kind", device.kind),
                ("parent_uuid", device.gpu if device.kind == "mig" else ""),
                ("pci_bus_id", device.pci),
                ("architecture", device.architecture),
                ("compute_capability", device.compute_capability),
                ("serial", device.serial),
                ("mig", "enabled" if device.mig else ""),
                ("profile_id", "" if device.profile is None else str(device.profile)),
                ("placement_start", "" if device.start is None else str(device.start)),
                ("placement_size", "" if device.size is None else str(device.size)),
            )
            yield f"{PREFIX}info{labels(facts)} 1\n"
        yield header(
            PREFIX + "absent",
            "1 for each value that is not there although it is looked for, by reason.",
            "gauge",
            form,
        )
        for each in sample.devices:
            for key, reason in each.absent.items():
                if reason is Absent.MIG:
                    continue  # nobody looks for the temperature of a part: it has its GPU's
                pairs = (("uuid", each.device.uuid), ("value", key), ("reason", str(reason)))
                yield f"{PREFIX}absent{labels(pairs)} 1\n"
        yield header(PREFIX + "processes", "Processes that compute on a device.", "gauge", form)
        for each in sample.devices:
            identity = [*self._identity(each.device), *held_by(holders.by_device.get(each.device.uuid, ()))]
            yield f"{PREFIX}processes{labels(identity)} {len(each.processes)}\n"
        several = [(d, h) for d in sample.devices if len(h := holders.by_device.get(d.device.uuid, ())) > 1]
        if several:
            yield header(
                PREFIX + "holder_info", "Each holder of a device that several hold; always 1.", "gauge", form
            )
            for each, held in several:
                for holder in held:
                    told = (("uuid", each.device.uuid), *_told(holder))
                    yield f"{PREFIX}holder_info{labels(told)} 1\n"
        if sample.xids:
            yield header(PREFIX + "xid_errors_total", "Xid errors since the agent started.", "counter", form)
            for (uuid, xid), number in sorted(sample.xids.items()):
                yield f"{PREFIX}xid_errors_total{labels((('uuid', uuid), ('xid', str(xid))))} {number}\n"


def held_by(holders: Sequence[Holder]) -> Iterable[tuple[str, str]]:
    """The labels of whoever holds a device: its one holder, or that there are several."""
    if len(holders) == 1:
        return _told(holders[0])
    return [(name, SHARED) for name in ("namespace", "pod", "container")] if holders else ()


def _told(holder: Holder) -> Iterable[tuple[str, str]]:
    return [(name, getattr(holder, name)) for name in Holder.__slots__]


def header(name: str, help_: str, kind: str, form: Format) -> str:
    """What stands before a series. OpenMetrics names a counter without its suffix, and its unit."""
    if form == "text":
        return f"# HELP {name} {help_}\n# TYPE {name} {kind}\n"
    family = name.removesuffix("_total") if kind == "counter" else name
    measure = unit(name)
    told = f"# UNIT {family} {measure}\n" if measure else ""
    return f"# TYPE {family} {kind}\n{told}# HELP {family} {help_}\n"


def _number(value: float) -> str:
    """As short as it can be without a loss."""
    whole = int(value)
    return str(whole) if whole == value else repr(value)
