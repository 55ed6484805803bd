"""Memory, and what is wrong with it."""

from typing import Final

import pynvml as nvml

from dratui_agent.nvml.quantity import ANY, GPU, Field, Handle, Quantity, Reading, single


def _memory(handle: Handle) -> tuple[float, ...]:
    info = nvml.nvmlDeviceGetMemoryInfo(handle, nvml.nvmlMemory_v2)
    return info.total, info.used, info.reserved, info.free


def _bar1(handle: Handle) -> tuple[float, ...]:
    info = nvml.nvmlDeviceGetBAR1MemoryInfo(handle)
    return info.bar1Total, info.bar1Used


def _of(name: str, what: str) -> Quantity:
    help_ = f"Device memory {what}."
    return Quantity(f"memory_{name}", f"memory_{name}_bytes", help_, "nvmlDeviceGetMemoryInfo_v2")


def _ecc(name: str, kind: int) -> Reading:
    call = "nvmlDeviceGetTotalEccErrors"
    help_ = "ECC errors since the driver was loaded."
    quantity = Quantity(f"ecc_{name}", "ecc_errors_total", help_, call, {"kind": name}, counter=True)
    return single(quantity, nvml.nvmlDeviceGetTotalEccErrors, kind, nvml.NVML_VOLATILE_ECC, of=GPU)


def _remapped(kind: str) -> Quantity:
    help_ = "Rows of memory that others took the place of."
    call = "nvmlDeviceGetRemappedRows"
    return Quantity(f"remapped_rows_{kind}", "remapped_rows", help_, call, {"kind": kind})


READINGS: Final = (
    Reading(
        (
            _of("total", "in all"),
            _of("used", "that is allocated"),
            _of("reserved", "that the driver keeps for itself"),
            _of("free", "that is free"),
        ),
        _memory,
        ANY,
    ),
    Reading(
        (
            Quantity("bar1_total", "bar1_total_bytes", "BAR1 address space.", "nvmlDeviceGetBAR1MemoryInfo"),
            Quantity("bar1_used", "bar1_used_bytes", "BAR1 that is mapped.", "nvmlDeviceGetBAR1MemoryInfo"),
        ),
        _bar1,
        ANY,
        slow=True,
    ),
    _ecc("corrected", nvml.NVML_MEMORY_ERROR_TYPE_CORRECTED),
    _ecc("uncorrected", nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED),
    Reading(
        (
            _remapped("correctable"),
            _remapped("uncorrectable"),
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
        GPU,
        slow=True,
    ),
)


def _retired(key: str, cause: str, number: int) -> Field:
    help_ = "Pages of memory that are not used any more, on GPUs that remap no rows."
    return Field(Quantity(key, "retired_pages", help_, f"field {number}", {"cause": cause}), number)


FIELDS: Final = (
    _retired("retired_pages_single_bit", "single_bit", nvml.NVML_FI_DEV_RETIRED_SBE),
    _retired("retired_pages_double_bit", "double_bit", nvml.NVML_FI_DEV_RETIRED_DBE),
    Field(
        Quantity(
            "retired_pages_pending",
            "retired_pages_pending",
            "1: a page is retired at the next reset.",
            f"field {nvml.NVML_FI_DEV_RETIRED_PENDING}",
        ),
        nvml.NVML_FI_DEV_RETIRED_PENDING,
    ),
)
