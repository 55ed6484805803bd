"""What is in `/metrics` of devices, as data: of quantities, and of what is none.

`dcgm` has the same under other names; `reference` writes both down for people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from dratui_agent.exporter.text import Kind
from dratui_agent.nvml.quantities import QUANTITIES

PREFIX: Final = "dratui_gpu_"
SHARED: Final = "shared"
"""What stands in the labels of a holder where a device has several: `dratui_gpu_holder_info` lists them."""

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Column:
    """A value of devices in a series: its `Quantity.key`, the labels that tell it apart, and its factor there."""

    key: str
    labels: Mapping[str, str] = field(default_factory=dict)
    factor: float = 1


@dataclass(frozen=True, slots=True)
class Series:
    """Values that are one series of `/metrics`."""

    name: str
    help: str
    kind: Kind
    columns: Sequence[Column]


def _series() -> Sequence[Series]:
    together: dict[str, Series] = {}
    for key, quantity in QUANTITIES.items():
        name = PREFIX + quantity.series
        column = Column(key, quantity.labels)
        before = together.get(name)
        columns = (*before.columns, column) if before else (column,)
        together[name] = Series(name, quantity.help, "counter" if quantity.counter else "gauge", columns)
    return tuple(together.values())


SERIES: Final = _series()


@dataclass(frozen=True, slots=True)
class Described:
    """A series that is no quantity's."""

    name: str
    help: str
    kind: Kind
    labels: str  # their names
    source: str


IDENTITY_LABELS: Final = "node uuid gpu gpu_instance compute_instance model"
HOLDER_LABELS: Final = "namespace pod container claim claim_uid request driver pool device share_id"
INFO: Final = Described(
    f"{PREFIX}info",
    "What a device is; always 1.",
    "gauge",
    f"{IDENTITY_LABELS} kind parent_uuid pci_bus_id architecture compute_capability serial mig profile_id "
    "placement_start placement_size",
    "nvmlDeviceGetName, GetPciInfo_v3, GetArchitecture, nvmlGpuInstanceGetInfo and others",
)
ABSENT: Final = Described(
    f"{PREFIX}absent",
    "1 for each value that is not there although it is looked for, by reason.",
    "gauge",
    "uuid value reason",
    "what NVML answered",
)
PROCESSES: Final = Described(
    f"{PREFIX}processes",
    "Processes that compute on a device.",
    "gauge",
    f"{IDENTITY_LABELS} {HOLDER_LABELS}",
    "nvmlDeviceGetComputeRunningProcesses_v3",
)
NVLINK: Final = Described(
    f"{PREFIX}nvlink_up",
    "1 for each NVLink that is up, 0 for one that is not.",
    "gauge",
    "uuid link",
    "nvmlDeviceGetNvLinkState",
)
HOLDER: Final = Described(
    f"{PREFIX}holder_info",
    "Each holder of a device that several hold; always 1.",
    "gauge",
    f"uuid {HOLDER_LABELS}",
    "kubelet's PodResources",
)
XIDS: Final = Described(
    f"{PREFIX}xid_errors_total",
    "Xid errors since the agent started.",
    "counter",
    "uuid gpu_instance xid",
    "nvmlEventSetWait_v2",
)
EVENTS: Final = Described(
    f"{PREFIX}events_total",
    "Other events since the agent started: single_bit_ecc, double_bit_ecc, mig_changed, unavailable, recovery_action.",
    "counter",
    "uuid event",
    "nvmlEventSetWait_v2",
)
MEMORY: Final = Described(
    f"{PREFIX}container_memory_bytes",
    "Device memory of a container's processes, as far as it is known which container they run in.",
    "gauge",
    "uuid namespace pod container pod_uid",
    "nvmlDeviceGetComputeRunningProcesses_v3, /proc/PID/cgroup",
)
UNREAD: Final = Described(
    f"{PREFIX}unreadable",
    "1 for a GPU that the driver counts and that does not even tell its UUID, with the reason as in dratui_gpu_absent.",
    "gauge",
    "node gpu reason",
    "nvmlDeviceGetHandleByIndex_v2, nvmlDeviceGetUUID",
)
DESCRIBED: Final = (INFO, UNREAD, ABSENT, PROCESSES, NVLINK, HOLDER, XIDS, EVENTS, MEMORY)


Fact = tuple[Described, Pairs, int]
"""A line of a series that is no quantity's."""
