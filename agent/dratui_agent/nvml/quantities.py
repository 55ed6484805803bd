"""Everything that is read, as data: a call of the library, and the values that it gives.

To serve one more value, add it here: the sampler reads it, and metrics, stream and documentation follow.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import pynvml as nvml

Handle = Any
"""NVML's handle of a device."""

Place = Literal["gpu", "cut", "mig"]
"""A GPU, one that is cut by MIG, a MIG device."""

MIB: Final = 1 << 20
KIB: Final = 1 << 10


@dataclass(frozen=True, slots=True)
class Quantity:
    """One value: its key in the stream, and the series that it is in `/metrics`. Units are in the series' name."""

    key: str
    series: str  # without the prefix
    help: str
    source: str  # of NVML
    labels: Mapping[str, str] = field(default_factory=dict)
    counter: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """A call and what it gives, in the order of `quantities`; None for one that it does not tell.

    `of`: what it can be asked of. Of a MIG device, and of a GPU that is cut by MIG, most of it is unknown.
    """

    quantities: Sequence[Quantity]
    read: Callable[[Handle], Sequence[float | None]]
    of: frozenset[Place]
    slow: bool = False  # on a period of its own

    @property
    def call(self) -> str:
        """The call's name, for counting errors."""
        return self.quantities[0].source.partition(" ")[0]


_ANY: Final = frozenset[Place](("gpu", "cut", "mig"))
_GPU: Final = frozenset[Place](("gpu", "cut"))
_UNCUT: Final = frozenset[Place](("gpu",))


def _ratio(percent: int) -> float:
    return percent / 100


def _utilization(handle: Handle) -> tuple[float, float]:
    rates = nvml.nvmlDeviceGetUtilizationRates(handle)
    return _ratio(rates.gpu), _ratio(rates.memory)


def _engine(name: str, call: str) -> Reading:
    ask: Callable[[Handle], Sequence[int]] = getattr(nvml, call)
    quantity = Quantity(
        f"{name}_utilization",
        f"{name}_utilization_ratio",
        f"Share of the time in which the {name} engine was busy.",
        call,
    )
    return Reading((quantity,), lambda handle: (_ratio(ask(handle)[0]),), _UNCUT)


def _memory(handle: Handle) -> tuple[float, ...]:
    info = nvml.nvmlDeviceGetMemoryInfo(handle, nvml.nvmlMemory_v2)
    return info.total, info.used, info.reserved, info.free


def _bar1(handle: Handle) -> tuple[float, ...]:
    info = nvml.nvmlDeviceGetBAR1MemoryInfo(handle)
    return info.bar1Total, info.bar1Used


def _memory_of(name: str, what: str) -> Quantity:
    return Quantity(
        f"memory_{name}", f"memory_{name}_bytes", f"Device memory {what}.", "nvmlDeviceGetMemoryInfo_v2"
    )


_LIMITS: Final = (
    ("shutdown", nvml.NVML_TEMPERATURE_THRESHOLD_SHUTDOWN),
    ("slowdown", nvml.NVML_TEMPERATURE_THRESHOLD_SLOWDOWN),
    ("memory", nvml.NVML_TEMPERATURE_THRESHOLD_MEM_MAX),
    ("gpu", nvml.NVML_TEMPERATURE_THRESHOLD_GPU_MAX),
)
_CLOCKS: Final = (
    ("graphics", nvml.NVML_CLOCK_GRAPHICS),
    ("sm", nvml.NVML_CLOCK_SM),
    ("memory", nvml.NVML_CLOCK_MEM),
    ("video", nvml.NVML_CLOCK_VIDEO),
)
_REASONS: Final = (
    ("idle", nvml.nvmlClocksEventReasonGpuIdle),
    ("application_setting", nvml.nvmlClocksEventReasonApplicationsClocksSetting),
    ("software_power_cap", nvml.nvmlClocksEventReasonSwPowerCap),
    ("hardware_slowdown", nvml.nvmlClocksEventReasonHwSlowdown),
    ("sync_boost", nvml.nvmlClocksEventReasonSyncBoost),
    ("software_thermal", nvml.nvmlClocksEventReasonSwThermalSlowdown),
    ("hardware_thermal", nvml.nvmlClocksEventReasonHwThermalSlowdown),
    ("power_brake", nvml.nvmlClocksEventReasonHwPowerBrakeSlowdown),
)


def _reasons(handle: Handle) -> tuple[float, ...]:
    active = nvml.nvmlDeviceGetCurrentClocksEventReasons(handle)
    return tuple(float(bool(active & bit)) for _, bit in _REASONS)


def _limit(name: str, kind: int) -> Reading:
    quantity = Quantity(
        f"temperature_limit_{name}",
        "temperature_limit_celsius",
        "Temperature at which the device slows down, shuts down, or that is its highest in operation.",
        "nvmlDeviceGetTemperatureThreshold",
        {"limit": name},
    )
    return Reading((quantity,), lambda h: (nvml.nvmlDeviceGetTemperatureThreshold(h, kind),), _GPU, slow=True)


def _clock(name: str, kind: int) -> Reading:
    quantity = Quantity(
        f"clock_{name}", "clock_hertz", "Clock as it is.", "nvmlDeviceGetClockInfo", {"clock": name}
    )
    return Reading((quantity,), lambda h: (nvml.nvmlDeviceGetClockInfo(h, kind) * 1e6,), _GPU)


def _max_clock(name: str, kind: int) -> Reading:
    quantity = Quantity(
        f"clock_max_{name}",
        "clock_max_hertz",
        "The highest clock.",
        "nvmlDeviceGetMaxClockInfo",
        {"clock": name},
    )
    return Reading((quantity,), lambda h: (nvml.nvmlDeviceGetMaxClockInfo(h, kind) * 1e6,), _GPU, slow=True)


def _ecc(name: str, kind: int) -> Reading:
    quantity = Quantity(
        f"ecc_{name}",
        "ecc_errors_total",
        "ECC errors since the driver was loaded.",
        "nvmlDeviceGetTotalEccErrors",
        {"kind": name},
        counter=True,
    )
    return Reading(
        (quantity,), lambda h: (nvml.nvmlDeviceGetTotalEccErrors(h, kind, nvml.NVML_VOLATILE_ECC),), _GPU
    )


def _pcie(name: str, counter: int) -> Reading:
    quantity = Quantity(
        f"pcie_{name}",
        "pcie_throughput_bytes_per_second",
        "PCIe traffic in a window of 20 ms.",
        "nvmlDeviceGetPcieThroughput",
        {"direction": name},
    )
    return Reading(
        (quantity,), lambda h: (nvml.nvmlDeviceGetPcieThroughput(h, counter) * KIB,), _GPU, slow=True
    )


ALL_LINKS: Final = 0xFFFFFFFF

_FIELDS: Final[Sequence[tuple[Quantity, int | tuple[int, int], float]]] = (
    (
        Quantity("power_instant", "power_instant_watts", "Power at this moment.", "field 186"),
        nvml.NVML_FI_DEV_POWER_INSTANT,
        1e-3,
    ),
    *(
        (
            Quantity(
                f"throttled_{name}",
                "throttled_seconds_total",
                "Time for which clocks were held back, by reason.",
                f"field {number}",
                {"reason": name},
                counter=True,
            ),
            number,
            1e-9,
        )
        for name, number in (
            ("software_power_cap", nvml.NVML_FI_DEV_PERF_POLICY_POWER),
            ("sync_boost", nvml.NVML_FI_DEV_PERF_POLICY_SYNC_BOOST),
            ("software_thermal", 269),
            ("hardware_thermal", 270),
            ("power_brake", 271),
        )
    ),
    (
        Quantity(
            "recovery_action",
            "recovery_action",
            "What brings the GPU back: 0 nothing, 1 reset, 2 reboot of the node, 3 drain peers, 4 drain and reset.",
            "field 230",
        ),
        nvml.NVML_FI_DEV_GET_GPU_RECOVERY_ACTION,
        1,
    ),
    *(
        (
            Quantity(
                f"nvlink_{name}",
                "nvlink_bytes_total",
                "Data over all NVLinks.",
                f"field {number}",
                {"direction": name},
                counter=True,
            ),
            (number, ALL_LINKS),
            float(KIB),
        )
        for name, number in (
            ("transmit", nvml.NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX),
            ("receive", nvml.NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_RX),
        )
    ),
)
"""Fields that one call of nvmlDeviceGetFieldValues gives, each with an error of its own, and what makes base units."""


def _fields(handle: Handle) -> tuple[float | None, ...]:
    found = nvml.nvmlDeviceGetFieldValues(handle, [number for _, number, _ in _FIELDS])
    return tuple(
        None if each.nvmlReturn else _value(each) * factor
        for each, (_, _, factor) in zip(found, _FIELDS, strict=True)
    )


def _value(field_value: Any) -> float:
    union = field_value.value
    match field_value.valueType:
        case nvml.NVML_VALUE_TYPE_DOUBLE:
            return float(union.dVal)
        case nvml.NVML_VALUE_TYPE_UNSIGNED_INT:
            return float(union.uiVal)
        case nvml.NVML_VALUE_TYPE_SIGNED_LONG_LONG:
            return float(union.sllVal)
        case nvml.NVML_VALUE_TYPE_SIGNED_INT:
            return float(union.siVal)
        case _:
            return float(union.ullVal)


def _fabric(handle: Handle) -> tuple[float, ...]:
    info = nvml.c_nvmlGpuFabricInfo_v2_t()
    nvml.nvmlDeviceGetGpuFabricInfoV(handle, nvml.byref(info))
    return float(info.state), float(info.status), float(info.healthMask)


READINGS: Final[Sequence[Reading]] = (
    Reading(
        (
            Quantity(
                "utilization",
                "utilization_ratio",
                "Share of the last period in which a kernel ran.",
                "nvmlDeviceGetUtilizationRates",
            ),
            Quantity(
                "memory_utilization",
                "memory_utilization_ratio",
                "Share of the last period in which device memory was read or written.",
                "nvmlDeviceGetUtilizationRates",
            ),
        ),
        _utilization,
        _UNCUT,
    ),
    _engine("encoder", "nvmlDeviceGetEncoderUtilization"),
    _engine("decoder", "nvmlDeviceGetDecoderUtilization"),
    _engine("jpeg", "nvmlDeviceGetJpgUtilization"),
    _engine("ofa", "nvmlDeviceGetOfaUtilization"),
    Reading(
        (
            _memory_of("total", "in all"),
            _memory_of("used", "that is allocated"),
            _memory_of("reserved", "that the driver keeps for itself"),
            _memory_of("free", "that is free"),
        ),
        _memory,
        _ANY,
    ),
    Reading(
        (
            Quantity("bar1_total", "bar1_total_bytes", "BAR1 address space.", "nvmlDeviceGetBAR1MemoryInfo"),
            Quantity("bar1_used", "bar1_used_bytes", "BAR1 that is mapped.", "nvmlDeviceGetBAR1MemoryInfo"),
        ),
        _bar1,
        _ANY,
        slow=True,
    ),
    Reading(
        (
            Quantity(
                "power",
                "power_watts",
                "Power, averaged over a second where the GPU does.",
                "nvmlDeviceGetPowerUsage",
            ),
        ),
        lambda h: (nvml.nvmlDeviceGetPowerUsage(h) / 1000,),
        _GPU,
    ),
    Reading(
        (
            Quantity(
                "power_limit", "power_limit_watts", "Power limit in force.", "nvmlDeviceGetEnforcedPowerLimit"
            ),
        ),
        lambda h: (nvml.nvmlDeviceGetEnforcedPowerLimit(h) / 1000,),
        _GPU,
        slow=True,
    ),
    Reading(
        (
            Quantity(
                "energy",
                "energy_joules_total",
                "Energy since the driver was loaded.",
                "nvmlDeviceGetTotalEnergyConsumption",
                counter=True,
            ),
        ),
        lambda h: (nvml.nvmlDeviceGetTotalEnergyConsumption(h) / 1000,),
        _GPU,
    ),
    Reading(
        (
            Quantity(
                "temperature", "temperature_celsius", "Temperature of the GPU.", "nvmlDeviceGetTemperatureV"
            ),
        ),
        lambda h: (nvml.nvmlDeviceGetTemperatureV(h, nvml.NVML_TEMPERATURE_GPU),),
        _GPU,
    ),
    *(_limit(name, kind) for name, kind in _LIMITS),
    *(_clock(name, kind) for name, kind in _CLOCKS),
    *(_max_clock(name, kind) for name, kind in _CLOCKS),
    Reading(
        tuple(
            Quantity(
                f"clocks_event_{name}",
                "clocks_event_active",
                "1 while this keeps clocks from being higher.",
                "nvmlDeviceGetCurrentClocksEventReasons",
                {"reason": name},
            )
            for name, _ in _REASONS
        ),
        _reasons,
        _GPU,
    ),
    _ecc("corrected", nvml.NVML_MEMORY_ERROR_TYPE_CORRECTED),
    _ecc("uncorrected", nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED),
    Reading(
        (
            *(
                Quantity(
                    f"remapped_rows_{kind}",
                    "remapped_rows",
                    "Rows of memory that others took the place of.",
                    "nvmlDeviceGetRemappedRows",
                    {"kind": kind},
                )
                for kind in ("correctable", "uncorrectable")
            ),
            Quantity(
                "row_remap_pending",
                "row_remap_pending",
                "1: a row is remapped at the next reset.",
                "nvmlDeviceGetRemappedRows",
            ),
            Quantity(
                "row_remap_failed",
                "row_remap_failed",
                "1: no row was left for one.",
                "nvmlDeviceGetRemappedRows",
            ),
        ),
        nvml.nvmlDeviceGetRemappedRows,
        _GPU,
        slow=True,
    ),
    _pcie("transmit", nvml.NVML_PCIE_UTIL_TX_BYTES),
    _pcie("receive", nvml.NVML_PCIE_UTIL_RX_BYTES),
    Reading(
        (
            Quantity(
                "pcie_replays",
                "pcie_replays_total",
                "PCIe packets sent again.",
                "nvmlDeviceGetPcieReplayCounter",
                counter=True,
            ),
        ),
        lambda h: (nvml.nvmlDeviceGetPcieReplayCounter(h),),
        _GPU,
    ),
    Reading(
        (
            Quantity(
                "pcie_generation",
                "pcie_link_generation",
                "PCIe generation of the link.",
                "nvmlDeviceGetCurrPcieLinkGeneration",
            ),
        ),
        lambda h: (nvml.nvmlDeviceGetCurrPcieLinkGeneration(h),),
        _GPU,
        slow=True,
    ),
    Reading(
        (
            Quantity(
                "pcie_width", "pcie_link_width", "Lanes of the PCIe link.", "nvmlDeviceGetCurrPcieLinkWidth"
            ),
        ),
        lambda h: (nvml.nvmlDeviceGetCurrPcieLinkWidth(h),),
        _GPU,
        slow=True,
    ),
    Reading(
        (
            Quantity(
                "fabric_state",
                "fabric_state",
                "Registration with the NVLink fabric: 0 none, 1 not started, 2 in progress, 3 completed.",
                "nvmlDeviceGetGpuFabricInfoV",
            ),
            Quantity(
                "fabric_status",
                "fabric_status",
                "NVML's error code of the registration.",
                "nvmlDeviceGetGpuFabricInfoV",
            ),
            Quantity(
                "fabric_health",
                "fabric_health_mask",
                "Health bits of the fabric.",
                "nvmlDeviceGetGpuFabricInfoV",
            ),
        ),
        _fabric,
        _GPU,
        slow=True,
    ),
    Reading(tuple(quantity for quantity, _, _ in _FIELDS), _fields, _GPU),
)
"""What is asked of handles. GPM and processes are read otherwise: `sampler`."""


def _gpm(key: str, series: str, help_: str, metric: int, factor: float) -> tuple[Quantity, int, float]:
    return Quantity(key, series, help_, f"GPM {metric}"), metric, factor


GPM: Final[Sequence[tuple[Quantity, int, float]]] = (
    _gpm("graphics_active", "graphics_active_ratio", "Share of the time in which anything ran.", 1, 0.01),
    _gpm("sm_active", "sm_active_ratio", "Share of the SMs that were busy, over time.", 2, 0.01),
    _gpm("sm_occupancy", "sm_occupancy_ratio", "Share of the warps that were active.", 3, 0.01),
    _gpm("tensor_active", "tensor_active_ratio", "Share of the time in which tensor cores worked.", 5, 0.01),
    _gpm("dram_active", "dram_active_ratio", "Share of the memory's bandwidth that was used.", 10, 0.01),
    _gpm("pcie_sent", "pcie_sent_bytes_per_second", "PCIe traffic from the device.", 20, MIB),
    _gpm("pcie_received", "pcie_received_bytes_per_second", "PCIe traffic to the device.", 21, MIB),
    _gpm("nvlink_received", "nvlink_received_bytes_per_second", "NVLink traffic to the device.", 60, MIB),
    _gpm("nvlink_sent", "nvlink_sent_bytes_per_second", "NVLink traffic from the device.", 61, MIB),
)
"""Metrics of GPM (Hopper and later) with what makes base units; per GPU instance where the GPU is cut."""

QUANTITIES: Final[Mapping[str, Quantity]] = {
    quantity.key: quantity
    for quantity in (*(q for reading in READINGS for q in reading.quantities), *(q for q, _, _ in GPM))
}
"""All of them, by key."""
