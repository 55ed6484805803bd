"""What is wrong with devices, as taints of their offers; each goes when the driver says that it is over.

| key | value | effect |
| --- | --- | --- |
| `<driver>/xid` | the Xid | NoSchedule; None if an application alone is to blame |
| `<driver>/gpu-lost` | empty, `reset-required`, `driver-gone` | NoSchedule |
| `<driver>/recovery-action` | what brings the GPU back, such as `reset` | NoSchedule |
| `<driver>/row-remap` | `failed`; `pending`: at the next reset | NoSchedule; None |

All but an Xid are states. An Xid is over when the GPU was away and is back, when the driver or the node started anew,
when the GPU instance is gone that had it, or when the driver, some minutes later, says that the GPU needs no recovery.

Source: dra-driver-nvidia-gpu 0.5, device_health.go, for Xids and lost GPUs.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from dratui_agent.kubelet.inventory import lost
from dratui_agent.kubelet.offers import Offer, Taint
from dratui_agent.sample import Absent, Device, DeviceSample, Sample

APPLICATIONS: Final = frozenset((13, 31, 43, 45, 68, 109))
"""Xids that a program brings about, and that end with it."""

QUIET_SECONDS: Final = 300.0
"""How long after an Xid the driver is believed that nothing is to be done."""

RECOVERY: Final = {
    1: "reset", 2: "reboot", 3: "drain-peers", 4: "drain-and-reset", 5: "recover-imex", 6: "reset-bus",
    7: "reboot-system",
}  # fmt: skip

Effect = Literal["None", "NoSchedule", "NoExecute"]
_STATES: Final = ("recovery_action", "row_remap_pending", "row_remap_failed")


@dataclass(slots=True)
class _Xid:
    """`first` and `last` are unix seconds; `place`, first memory slice and how many, is None for the whole GPU."""

    code: int
    gi: int | None
    place: tuple[int, int] | None
    first: float
    last: float


@dataclass(slots=True)
class _Gpu:
    """What is known of a GPU. `well`: unix seconds; what happened before is over."""

    well: float
    away: str | None = None  # the value of its taint, while it is lost
    xids: dict[tuple[int | None, int], _Xid] = field(default_factory=dict)  # by GPU instance and code
    states: dict[str, float] = field(default_factory=dict)


class Taints:
    """Follows samples. `booted` is when the node started, in unix seconds. May be asked from several threads."""

    def __init__(self, driver: str, *, booted: float) -> None:
        self._driver = driver
        self._booted = booted
        self._lock = threading.Lock()
        self._at = booted
        self._gpus: dict[str, _Gpu] = {}
        self._counted: Mapping[tuple[str, int | None, int], int] = {}
        self._gone = False  # the driver
        self._since: dict[tuple[str, str, str, str], float] = {}  # by device, key, value, effect
        self._recalled: dict[str, Taint] = {}  # Xids that were published in an earlier life, by device

    def recall(self, published: Mapping[str, Sequence[Taint]]) -> None:
        """Taints that an earlier life of the agent has published, by device: they go on from there."""
        with self._lock:
            for device, taints in published.items():
                for taint in taints:
                    self._since.setdefault((device, taint.key, taint.value, taint.effect), taint.since)
                    if taint.key == self._key("xid"):
                        self._recalled[device] = taint

    def look(self, sample: Sample) -> None:
        """Take a sample into account."""
        with self._lock:
            self._at = sample.at
            if sample.problem:
                self._gone = True
                return
            parts: dict[str, dict[int, Device]] = {}
            for each in sample.devices:
                if each.device.kind == "mig" and each.device.gi is not None:
                    parts.setdefault(each.device.gpu, {})[each.device.gi] = each.device
            for each in sample.devices:
                if each.device.kind == "gpu":
                    self._follow(each, parts.get(each.device.uuid, {}))
            for (uuid, gi, code), count in sample.xids.items():
                if count > self._counted.get((uuid, gi, code), 0) and uuid in self._gpus:
                    self._happened(self._gpus[uuid], code, gi, parts.get(uuid, {}))
            self._counted = sample.xids
            self._gone = False

    def on(self, offers: Iterable[Offer]) -> tuple[Offer, ...]:
        """All offers, with the taints that they have now."""
        with self._lock:
            tainted = tuple(
                replace(offer, taints=taints) if (taints := tuple(self._taints(offer))) else offer
                for offer in offers
            )
            self._since = {
                (offer.name, taint.key, taint.value, taint.effect): taint.since
                for offer in tainted
                for taint in offer.taints
            } | ({} if tainted else self._since)
            return tainted

    def _follow(self, each: DeviceSample, parts: Mapping[int, Device]) -> None:
        gpu = self._gpus.setdefault(each.device.uuid, _Gpu(self._booted))
        why = lost(each)
        if why is not None:
            gpu.away = "" if why is Absent.LOST else "reset-required"
            return
        if gpu.away is not None or self._gone:
            gpu.away, gpu.well = None, self._at
        gpu.states |= {key: each.values[key] for key in _STATES if key in each.values}
        if each.values.get("recovery_action") == 0:
            gpu.well = max(gpu.well, self._at - QUIET_SECONDS)
        gpu.xids = {
            which: xid
            for which, xid in gpu.xids.items()
            if xid.last >= gpu.well and (xid.gi is None or xid.gi in parts)
        }

    def _happened(self, gpu: _Gpu, code: int, gi: int | None, parts: Mapping[int, Device]) -> None:
        part = parts.get(gi) if gi is not None else None
        if part is None or part.start is None or part.size is None:
            gi, place = None, None  # where it was nobody knows any more
        else:
            place = (part.start, part.size)
        xid = gpu.xids.setdefault((gi, code), _Xid(code, gi, place, self._at, self._at))
        xid.last = self._at

    def _taints(self, offer: Offer) -> Iterator[Taint]:
        gpu = self._gpus.get(offer.gpu) or _Gpu(self._booted)
        if (xid := self._xid(offer, gpu)) is not None:
            yield self._taint(offer, "xid", *xid)
        if self._gone or gpu.away is not None:
            yield self._taint(
                offer, "gpu-lost", "driver-gone" if self._gone else gpu.away or "", "NoSchedule"
            )
        if action := int(gpu.states.get("recovery_action", 0)):
            yield self._taint(offer, "recovery-action", RECOVERY.get(action, str(action)), "NoSchedule")
        if gpu.states.get("row_remap_failed"):
            yield self._taint(offer, "row-remap", "failed", "NoSchedule")
        elif gpu.states.get("row_remap_pending"):
            yield self._taint(offer, "row-remap", "pending", "None")

    def _xid(self, offer: Offer, gpu: _Gpu) -> tuple[str, Effect, float] | None:
        """The newest of those that matter most."""
        found = [
            (xid.code not in APPLICATIONS, xid.last, str(xid.code), xid.first)
            for xid in gpu.xids.values()
            if _concerns(xid, offer)
        ]
        recalled = self._recalled.get(offer.name)
        if recalled is not None and recalled.since >= gpu.well:
            found.append((recalled.effect != "None", recalled.since, recalled.value, recalled.since))
        if not found:
            return None
        matters, _, code, first = max(found)
        return code, "NoSchedule" if matters else "None", first

    def _taint(self, offer: Offer, key: str, value: str, effect: Effect, since: float | None = None) -> Taint:
        full = self._key(key)
        known = self._since.get((offer.name, full, value, effect))
        return Taint(
            full, value, effect, known if known is not None else self._at if since is None else since
        )

    def _key(self, name: str) -> str:
        return f"{self._driver}/{name}"


def _concerns(xid: _Xid, offer: Offer) -> bool:
    """A GPU instance's is that of every device that would lie where it lies, and of the whole GPU."""
    if xid.place is None or offer.placement is None:
        return True
    start, size = xid.place
    return start < offer.placement.start + offer.placement.size and offer.placement.start < start + size
