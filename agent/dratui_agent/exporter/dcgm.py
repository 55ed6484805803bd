"""`--dcgm-names`: the same values once more under dcgm-exporter's names, labels and units, for dashboards that exist.

Only what NVML tells in the same sense is here. Where it differs from dcgm-exporter: under MIG GPU_UTIL is not there, as
it is not there either; a device that several hold says `shared` and is one series; dynamic MIG devices have their pod;
compute instances that share a GPU instance are one series.

Source: github.com/NVIDIA/dcgm-exporter, etc/default-counters.csv and dcp-metrics-included.csv (names, types, units).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from dratui_agent.exporter.series import SHARED, Column, Described, Fact, Pairs, Series
from dratui_agent.exporter.text import Kind
from dratui_agent.holders import Holder, Holders
from dratui_agent.sample import Device, Sample

MIB: Final = 1 / (1 << 20)
_MHZ: Final = 1e-6
_PERCENT: Final = 100.0
_MILLI: Final = 1e3


def _series(name: str, kind: Kind, help_: str, key: str, factor: float = 1) -> Series:
    return Series(f"DCGM_FI_{name}", help_, kind, (Column(key, factor=factor),))


SERIES: Final = (
    _series("DEV_SM_CLOCK", "gauge", "SM clock, MHz.", "clock_sm", _MHZ),
    _series("DEV_MEM_CLOCK", "gauge", "Memory clock, MHz.", "clock_memory", _MHZ),
    _series("DEV_MEMORY_TEMP", "gauge", "Memory temperature, °C.", "memory_temperature"),
    _series("DEV_GPU_TEMP", "gauge", "GPU temperature, °C.", "temperature"),
    _series("DEV_POWER_USAGE", "gauge", "Power, W.", "power"),
    _series("DEV_POWER_MGMT_LIMIT", "gauge", "Power limit in force, W.", "power_limit"),
    _series("DEV_TOTAL_ENERGY_CONSUMPTION", "counter", "Energy, mJ.", "energy", _MILLI),
    _series("DEV_PCIE_REPLAY_COUNTER", "counter", "PCIe packets sent again.", "pcie_replays"),
    _series("DEV_PCIE_LINK_GEN", "gauge", "PCIe generation of the link.", "pcie_generation"),
    _series("DEV_PCIE_LINK_WIDTH", "gauge", "Lanes of the PCIe link.", "pcie_width"),
    _series("DEV_GPU_UTIL", "gauge", "GPU utilisation, %.", "utilization", _PERCENT),
    _series("DEV_MEM_COPY_UTIL", "gauge", "Memory utilisation, %.", "memory_utilization", _PERCENT),
    _series("DEV_ENC_UTIL", "gauge", "Encoder utilisation, %.", "encoder_utilization", _PERCENT),
    _series("DEV_DEC_UTIL", "gauge", "Decoder utilisation, %.", "decoder_utilization", _PERCENT),
    _series("DEV_FB_TOTAL", "gauge", "Framebuffer, MiB.", "memory_total", MIB),
    _series("DEV_FB_FREE", "gauge", "Framebuffer that is free, MiB.", "memory_free", MIB),
    _series("DEV_FB_USED", "gauge", "Framebuffer in use, MiB.", "memory_used", MIB),
    _series("DEV_FB_RESERVED", "gauge", "Framebuffer of the driver, MiB.", "memory_reserved", MIB),
    _series("DEV_ECC_SBE_VOL_TOTAL", "counter", "Corrected ECC errors.", "ecc_corrected"),
    _series("DEV_ECC_DBE_VOL_TOTAL", "counter", "Uncorrected ECC errors.", "ecc_uncorrected"),
    _series("DEV_RETIRED_SBE", "counter", "Pages retired, single bit.", "retired_pages_single_bit"),
    _series("DEV_RETIRED_DBE", "counter", "Pages retired, double bit.", "retired_pages_double_bit"),
    _series("DEV_RETIRED_PENDING", "counter", "Pages to retire.", "retired_pages_pending"),
    _series(
        "DEV_CORRECTABLE_REMAPPED_ROWS", "counter", "Rows remapped, correctable.", "remapped_rows_correctable"
    ),
    _series(
        "DEV_UNCORRECTABLE_REMAPPED_ROWS",
        "counter",
        "Rows remapped, uncorrectable.",
        "remapped_rows_uncorrectable",
    ),
    _series("DEV_ROW_REMAP_FAILURE", "gauge", "1: no row was left for one.", "row_remap_failed"),
    _series("DEV_ROW_REMAP_PENDING", "gauge", "1: remapped at the next reset.", "row_remap_pending"),
    _series("PROF_GR_ENGINE_ACTIVE", "gauge", "Share of the time with work.", "graphics_active"),
    _series("PROF_SM_ACTIVE", "gauge", "Share of the SMs in use.", "sm_active"),
    _series("PROF_SM_OCCUPANCY", "gauge", "Share of the warps in use.", "sm_occupancy"),
    _series("PROF_PIPE_TENSOR_ACTIVE", "gauge", "Share of the time with tensor work.", "tensor_active"),
    _series("PROF_DRAM_ACTIVE", "gauge", "Share of the memory's bandwidth.", "dram_active"),
    _series("PROF_PCIE_TX_BYTES", "gauge", "PCIe from the device, bytes a second.", "pcie_sent"),
    _series("PROF_PCIE_RX_BYTES", "gauge", "PCIe to the device, bytes a second.", "pcie_received"),
    _series("PROF_NVLINK_TX_BYTES", "gauge", "NVLink from the device, bytes a second.", "nvlink_sent"),
    _series("PROF_NVLINK_RX_BYTES", "gauge", "NVLink to the device, bytes a second.", "nvlink_received"),
)
XIDS: Final = Described("DCGM_FI_DEV_XID_ERRORS", "The newest Xid, 0 for none.", "gauge", "", "Xid events")
LABELS: Final = (
    "gpu UUID pci_bus_id device modelName GPU_I_PROFILE GPU_I_ID Hostname hostname DCGM_FI_DRIVER_VERSION namespace "
    "pod container dra_claim_name dra_claim_namespace dra_driver_name dra_pool_name dra_device_name dra_mig_profile "
    "dra_mig_device_uuid"
)
_PROFILE: Final = re.compile(r" MIG (\S+)$")


def labels_by_device(sample: Sample, holders: Holders, node: str) -> Sequence[Pairs | None]:
    """The labels of each device of a sample.

    None for a compute instance whose GPU instance, which is what is measured, is told already: it knows only those.
    """
    held: dict[tuple[str, int | None], dict[Holder, None]] = {}
    for each in sample.devices:
        of = held.setdefault((each.device.gpu, each.device.gi), {})
        of.update(dict.fromkeys(holders.by_device.get(each.device.uuid, ())))
    found: list[Pairs | None] = []
    for each in sample.devices:
        of_all = held.pop((each.device.gpu, each.device.gi), None)
        found.append(None if of_all is None else labels_of(each.device, [*of_all], sample.driver, node))
    return found


def labels_of(device: Device, held: Sequence[Holder], driver: str, node: str) -> Pairs:
    """As dcgm-exporter has them: a MIG device is told by its GPU's UUID, its profile and GPU instance."""
    profile = found[1] if (found := _PROFILE.search(device.name)) else ""
    return (
        ("gpu", str(device.index)),
        ("UUID", device.gpu),
        ("pci_bus_id", _bus_id(device.pci)),
        ("device", "" if device.minor is None else f"nvidia{device.minor}"),
        ("modelName", _PROFILE.sub("", device.name)),
        ("GPU_I_PROFILE", profile),
        ("GPU_I_ID", "" if device.gi is None else str(device.gi)),
        ("Hostname", node),
        ("hostname", node),
        ("DCGM_FI_DRIVER_VERSION", driver),
        *_held_by(held, profile, device),
    )


def _held_by(held: Sequence[Holder], profile: str, device: Device) -> Pairs:
    if len(held) > 1:
        return [(name, SHARED) for name in ("namespace", "pod", "container")]
    return [
        pair
        for holder in held
        for pair in (
            ("namespace", holder.namespace),
            ("pod", holder.pod),
            ("container", holder.container),
            ("dra_claim_name", holder.claim),
            ("dra_claim_namespace", holder.namespace if holder.claim else ""),
            ("dra_driver_name", holder.driver if holder.claim else ""),
            ("dra_pool_name", holder.pool),
            ("dra_device_name", holder.device if holder.claim else ""),
            ("dra_mig_profile", profile if holder.claim else ""),
            ("dra_mig_device_uuid", device.uuid if holder.claim and device.kind == "mig" else ""),
        )
    ]


def xids(sample: Sample, holders: Holders, node: str) -> Iterator[Fact]:
    """The newest Xid of each GPU."""
    for each in sample.devices:
        device = each.device
        if device.kind == "gpu":
            held = holders.by_device.get(device.uuid, ())
            yield XIDS, labels_of(device, held, sample.driver, node), sample.last_xids.get(device.uuid, 0)


def _bus_id(pci: str) -> str:
    domain, colon, rest = pci.partition(":")
    return f"{domain.zfill(8)}:{rest}".upper() if colon else ""
