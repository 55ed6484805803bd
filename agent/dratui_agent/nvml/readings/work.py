"""How busy a device is."""

from collections.abc import Callable, Sequence
from typing import Final

import pynvml as nvml

from dratui_agent.nvml.quantity import MIB, UNCUT, Handle, Metric, Quantity, Reading


def _utilization(handle: Handle) -> tuple[float, float]:
    rates = nvml.nvmlDeviceGetUtilizationRates(handle)
    return rates.gpu / 100, rates.memory / 100


def _engine(name: str, call: str) -> Reading:
    ask: Callable[[Handle], Sequence[int]] = getattr(nvml, call)
    help_ = f"Share of the time in which the {name} engine was busy."
    quantity = Quantity(f"{name}_utilization", f"{name}_utilization_ratio", help_, call)
    return Reading((quantity,), lambda handle: (ask(handle)[0] / 100,), UNCUT)


READINGS: Final = (
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
        UNCUT,
    ),
    _engine("encoder", "nvmlDeviceGetEncoderUtilization"),
    _engine("decoder", "nvmlDeviceGetDecoderUtilization"),
    _engine("jpeg", "nvmlDeviceGetJpgUtilization"),
    _engine("ofa", "nvmlDeviceGetOfaUtilization"),
)


def _metric(key: str, series: str, help_: str, number: int, factor: float) -> Metric:
    return Metric(Quantity(key, series, help_, f"GPM {number}"), number, factor)


GPM: Final = (
    _metric("graphics_active", "graphics_active_ratio", "Share of the time in which anything ran.", 1, 0.01),
    _metric("sm_active", "sm_active_ratio", "Share of the SMs that were busy, over time.", 2, 0.01),
    _metric("sm_occupancy", "sm_occupancy_ratio", "Share of the warps that were active.", 3, 0.01),
    _metric(
        "tensor_active", "tensor_active_ratio", "Share of the time in which tensor cores worked.", 5, 0.01
    ),
    _metric("dram_active", "dram_active_ratio", "Share of the memory's bandwidth that was used.", 10, 0.01),
    _metric("pcie_sent", "pcie_sent_bytes_per_second", "PCIe traffic from the device.", 20, MIB),
    _metric("pcie_received", "pcie_received_bytes_per_second", "PCIe traffic to the device.", 21, MIB),
    _metric("nvlink_received", "nvlink_received_bytes_per_second", "NVLink traffic to the device.", 60, MIB),
    _metric("nvlink_sent", "nvlink_sent_bytes_per_second", "NVLink traffic from the device.", 61, MIB),
)
