"""Series of exporters, put together to devices."""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from dratui.samples import DeviceSample, Holder
from dratui.telemetry.dialects import (
    ABSENT,
    BY_SERIES,
    DIALECTS,
    HOLDER,
    INFO,
    MIG_MODE,
    SHARED,
    Dialect,
    Labels,
    Told,
)
from dratui.telemetry.exposition import Series

MOST_DEVICES: Final = 1024
"""Of an exporter."""
_MOST_HOLDERS: Final = 256  # of a device

NOT_EXPORTED: Final = "not_exported"
"""Why a value is absent: the exporter serves no such series of this device."""
MIG_NOT_EXPORTED: Final = "mig_not_exported"
"""Under MIG only profiling tells utilisation, and the exporter serves none."""

_LOOKED_FOR: Final = ("memory_used", "memory_total")
_LOOKED_FOR_WHOLE: Final = ("power", "temperature", "energy")
_BLANKS: Final[Mapping[float, str]] = {  # DCGM's, int32 and double: what is added to the base tells why
    base + n: reason
    for base in (2147483632.0, 140737488355328.0)
    for n, reason in enumerate(("not_told", "not_found", "not_supported", "no_permission"))
} | {float(1 << 63): "not_told"}
_RATIO: Final = re.compile(r".*utilization|.*_active|sm_occupancy")
_LARGEST_RATIO: Final = 1.05  # rounding makes it more than 1; what is more than this is no ratio
_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MINOR: Final = re.compile(r"nvidia(\d{1,4})")
_PCI: Final = re.compile(r"(?:0000)?([0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])")
_FACTS: Final = (
    *("gpu", "own", "mig", "cut", "index", "minor", "pci", "name"),
    *("gi", "ci", "mig_profile", "profile", "start", "size"),
)
_OF_THE_GPU: Final = ("gpu", "index", "minor", "pci", "name")  # even in the row of an instance

_Rank = tuple[int, ...]


@dataclass(slots=True)
class _Part:
    """A GPU or an instance of one, gathered row by row."""

    facts: dict[str, str] = field(default_factory=dict)  # by the fields of `Labels`; the first one counts
    values: dict[str, tuple[_Rank, float | str]] = field(default_factory=dict)  # a str is why it is absent
    holders: dict[Holder, None] = field(default_factory=dict)


@dataclass(slots=True)
class _Gpu(_Part):
    instances: dict[tuple[str, str, str], _Part] = field(default_factory=dict)


@dataclass(slots=True)
class _Told:
    """What one exporter told."""

    dialect: Dialect
    gpus: dict[str, _Gpu] = field(default_factory=dict)
    # By id() of their labels
    rows: dict[int, tuple[Mapping[str, str], _Gpu, _Part]] = field(default_factory=dict)
    of_uuids: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)  # rows that name nothing else


def read(series: Iterable[Series]) -> Mapping[Dialect, Sequence[DeviceSample]]:
    """The devices that each exporter tells of, in the order of DIALECTS. Never raises."""
    found: dict[str, _Told] = {}
    for each in series:
        known = BY_SERIES.get(each.name)
        if known is None or not all(name in each.labels for name in known[0].must):
            continue
        dialect, told, place = known
        _take(found.setdefault(dialect.name, _Told(dialect)), told, place, each)
    return {each: _devices(found[each.name]) for each in DIALECTS if each.name in found}


def _take(gathered: _Told, told: Told, place: int, series: Series) -> None:
    labels = series.labels
    if told.key in (ABSENT, HOLDER):
        gathered.of_uuids.append((told.key, labels))
        return
    rank = _rank(told, labels)
    about = None if rank is None else _about(gathered, labels)
    if rank is None or about is None or told.key == INFO:
        return
    gpu, part = about
    key = f"{told.key}{labels.get(told.by, '')}" if told.by else told.key
    if key == MIG_MODE and series.value == 1:
        gpu.facts["cut"] = "enabled"
    if told.uncut and part is not gpu:
        return
    if told.whole and part is not gpu:
        _value(gpu, key, (1, place, *rank), series.value, told.factor)
    elif _KEY.fullmatch(key):
        _value(part, key, (0, place, *rank), series.value, told.factor)


def _about(gathered: _Told, labels: Mapping[str, str]) -> tuple[_Gpu, _Part] | None:
    """What a row is about, once what the labels tell was learnt; None if they name nothing, or one too many."""
    known = gathered.rows.get(id(labels))
    if known is not None:
        return known[1:]
    names = gathered.dialect.labels
    group = labels.get(names.group, "").partition(":")[0]
    if not group or (group not in gathered.gpus and len(gathered.gpus) >= MOST_DEVICES):
        return None
    gpu = gathered.gpus.setdefault(group, _Gpu())
    part = _part(gpu, names, labels)
    _learn(part, gpu, names, labels)
    _hold(part, names, labels)
    gathered.rows[id(labels)] = labels, gpu, part
    return gpu, part


def _rank(told: Told, labels: Mapping[str, str]) -> _Rank | None:
    """Of several series that tell the same, the least counts. None: this one is about something else."""
    values = [(labels.get(name, ""), allowed) for name, allowed in told.where]
    return tuple(a.index(v) for v, a in values) if all(v in a for v, a in values) else None


def _part(gpu: _Gpu, names: Labels, labels: Mapping[str, str]) -> _Part:
    gi, ci, mig = (labels.get(name, "") for name in (names.gi, names.ci, names.mig))
    own = labels.get(names.own, "")
    if not (gi or mig or own.startswith("MIG-")):
        return gpu
    key = (gi, ci, "" if gi else mig or own)
    if key not in gpu.instances and len(gpu.instances) >= MOST_DEVICES:
        return _Part()
    return gpu.instances.setdefault(key, _Part())


def _learn(part: _Part, gpu: _Gpu, names: Labels, labels: Mapping[str, str]) -> None:
    for fact in _FACTS:
        value = labels.get(getattr(names, fact), "")
        if value:
            about = gpu if fact in _OF_THE_GPU and not (fact == "name" and names.own) else part
            about.facts.setdefault(fact, value)


def _hold(part: _Part, names: Labels, labels: Mapping[str, str]) -> None:
    told = {
        name: next((labels[n] for n in places if n in labels), "") for name, places in names.holder.items()
    }
    holder = Holder(**told)
    if holder.namespace == holder.pod == holder.container == SHARED and not holder.claim:
        return  # of these, rows of their own tell
    if (holder.pod or holder.claim) and len(part.holders) < _MOST_HOLDERS:
        part.holders[holder] = None


def _value(part: _Part, key: str, rank: _Rank, value: float, factor: float) -> None:
    judged = _judged(key, value, factor)
    rank = (isinstance(judged, str), *rank)  # rather another's value than why there is none
    known = part.values.get(key)
    if known is None or rank < known[0]:
        part.values[key] = rank, judged


def _judged(key: str, value: float, factor: float) -> float | str:
    """The value in base units, or why that is none."""
    if math.isnan(value):
        return "not_supported"  # what nvitop makes of N/A
    if value in _BLANKS:
        return _BLANKS[value]
    value *= factor
    if math.isinf(value) or (value < 0 and "temperature" not in key):
        return "no_such_value"
    if _RATIO.fullmatch(key):
        return min(value, 1.0) if value <= _LARGEST_RATIO else "no_such_value"
    return value


def _devices(told: _Told) -> Sequence[DeviceSample]:
    for gpu in told.gpus.values():
        _spread(gpu)
    _by_uuid(told)
    found = [device for gpu in told.gpus.values() for device in _samples(gpu, told.dialect)]
    return sorted(found, key=_place)[:MOST_DEVICES]


def _place(device: DeviceSample) -> tuple[int | str, ...]:
    """GPUs as the driver counts them, each before its instances: Prometheus answers in no order."""
    numbers = (device.index, device.gi, device.ci)
    index, gi, ci = (-1 if number is None else number for number in numbers)
    return (index, device.gpu, device.kind, gi, ci, device.uuid)


def _spread(gpu: _Gpu) -> None:
    """What is told of a GPU instance is so for each of its compute instances, where these are told apart."""
    compute: defaultdict[str, list[_Part]] = defaultdict(list)
    for (gi, ci, _), part in gpu.instances.items():
        if gi and ci:
            compute[gi].append(part)
    for key, instance in list(gpu.instances.items()):
        gi, ci, _ = key
        if ci or gi not in compute:
            continue
        del gpu.instances[key]
        for part in compute[gi]:
            part.facts = {**instance.facts, **part.facts}
            part.values = {**instance.values, **part.values}
            part.holders = {**instance.holders, **part.holders}


def _by_uuid(told: _Told) -> None:
    parts: dict[str, _Part] = {}
    for gpu in told.gpus.values():
        for part in (gpu, *gpu.instances.values()):
            parts[part.facts.get("own", "")] = part
    names = told.dialect.labels
    for key, labels in told.of_uuids:
        about = parts.get(labels.get(names.own, ""))
        if about is None:
            continue
        if key == HOLDER:
            _hold(about, names, labels)
        elif _KEY.fullmatch(labels.get("value", "")) and _KEY.fullmatch(labels.get("reason", "")):
            about.values.setdefault(labels["value"], ((1,), labels["reason"]))


def _samples(gpu: _Gpu, dialect: Dialect) -> Iterable[DeviceSample]:
    bare = dialect.bare
    uuid = _uuid(gpu.facts, ("gpu", "own"), "GPU-" if bare else "")
    cut = bool(gpu.instances) or gpu.facts.get("cut") == "enabled"
    if cut:
        uncut = {told.key for told in dialect.series.values() if told.uncut}
        gpu.values = {key: value for key, value in gpu.values.items() if key not in uncut}
    common = {
        "gpu": uuid,
        "index": _whole(gpu.facts.get("index", "").partition(":")[0]),
        "minor": _minor(gpu.facts.get("minor", "")),
        "pci": _pci(gpu.facts.get("pci", "")),
    }
    name = gpu.facts.get("name", "")
    yield _sample(gpu, cut, uuid=uuid, name=name, mig=cut, **common)
    for part in gpu.instances.values():
        facts = part.facts
        yield _sample(
            part,
            True,
            kind="mig",
            uuid=_uuid(facts, ("mig", "own"), "MIG-" if bare else ""),
            # As NVML names it. An exporter that tells it does so itself.
            name=facts.get("name") or " MIG ".join(filter(None, (name, facts.get("mig_profile")))),
            gi=_whole(facts.get("gi", "")),
            ci=_whole(facts.get("ci", "")),
            profile=_whole(facts.get("profile", "")),
            start=_whole(facts.get("start", "")),
            size=_whole(facts.get("size", "")),
            **common,
        )


def _sample(part: _Part, cut: bool, **facts: object) -> DeviceSample:
    values = {key: value for key, (_, value) in part.values.items() if isinstance(value, float)}
    absent = {key: value for key, (_, value) in part.values.items() if isinstance(value, str)}
    memory = [values.get(f"memory_{what}") for what in ("used", "free", "reserved")]
    if "memory_total" not in values and None not in memory:
        values["memory_total"] = sum(filter(None, memory))
    if "utilization" not in values and "graphics_active" not in values:
        absent.setdefault("utilization", MIG_NOT_EXPORTED if cut else NOT_EXPORTED)
    for key in _LOOKED_FOR if facts.get("kind") == "mig" else (*_LOOKED_FOR, *_LOOKED_FOR_WHOLE):
        if key not in values:
            absent.setdefault(key, NOT_EXPORTED)
    holders = tuple(sorted(part.holders, key=msgspec.structs.astuple))
    return DeviceSample(values=values, absent=absent, holders=holders, **facts)  # type: ignore[arg-type]  # _samples knows


def _uuid(facts: Mapping[str, str], names: Sequence[str], prefix: str) -> str:
    uuid = next((facts[name] for name in names if name in facts), "")
    return f"{prefix}{uuid}" if uuid and not uuid.startswith(prefix) else uuid


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _minor(text: str) -> int | None:
    found = _MINOR.fullmatch(text)
    return int(found[1]) if found else None


def _pci(text: str) -> str:
    found = _PCI.fullmatch(text.lower())
    return found[1] if found else ""
