"""How a GPU is connected: PCIe, NVLink, the NVLink fabric."""

from typing import Final

import pynvml as nvml

from dratui_agent.nvml.quantity import GPU, KIB, Field, Handle, Quantity, Reading, single

ALL_LINKS: Final = 0xFFFFFFFF


def _pcie(name: str, counter: int) -> Reading:
    quantity = Quantity(
        f"pcie_{name}",
        "pcie_throughput_bytes_per_second",
        "PCIe traffic in a window of 20 ms.",
        "nvmlDeviceGetPcieThroughput",
        {"direction": name},
    )
    return single(quantity, nvml.nvmlDeviceGetPcieThroughput, counter, of=GPU, times=KIB, slow=True)


def _link(key: str, series: str, help_: str, call: str) -> Reading:
    return single(Quantity(key, series, help_, call), getattr(nvml, call), of=GPU, slow=True)


def _fabric(handle: Handle) -> tuple[float, ...]:
    info = nvml.c_nvmlGpuFabricInfo_v2_t()
    nvml.nvmlDeviceGetGpuFabricInfoV(handle, nvml.byref(info))
    return float(info.state), float(info.status), float(info.healthMask)


def _of_fabric(key: str, series: str, help_: str) -> Quantity:
    return Quantity(key, series, help_, "nvmlDeviceGetGpuFabricInfoV")


READINGS: Final = (
    _pcie("transmit", nvml.NVML_PCIE_UTIL_TX_BYTES),
    _pcie("receive", nvml.NVML_PCIE_UTIL_RX_BYTES),
    single(
        Quantity(
            "pcie_replays",
            "pcie_replays_total",
            "PCIe packets sent again.",
            "nvmlDeviceGetPcieReplayCounter",
            counter=True,
        ),
        nvml.nvmlDeviceGetPcieReplayCounter,
        of=GPU,
        slow=True,
    ),
    _link(
        "pcie_generation",
        "pcie_link_generation",
        "PCIe generation of the link.",
        "nvmlDeviceGetCurrPcieLinkGeneration",
    ),
    _link("pcie_width", "pcie_link_width", "Lanes of the PCIe link.", "nvmlDeviceGetCurrPcieLinkWidth"),
    _link(
        "pcie_max_generation",
        "pcie_link_max_generation",
        "The highest PCIe generation that GPU and board have.",
        "nvmlDeviceGetMaxPcieLinkGeneration",
    ),
    _link(
        "pcie_max_width",
        "pcie_link_max_width",
        "The most PCIe lanes that GPU and board have.",
        "nvmlDeviceGetMaxPcieLinkWidth",
    ),
    Reading(
        (
            _of_fabric(
                "fabric_state",
                "fabric_state",
                "Registration with the NVLink fabric: 0 none, 1 not started, 2 in progress, 3 completed.",
            ),
            _of_fabric(
                "fabric_status", "fabric_status", "NVML's error code of the registration; 0 is success."
            ),
            _of_fabric(
                "fabric_health",
                "fabric_health_mask",
                "Health of the fabric as nvml.h has it: two bits (1 yes, 2 no) each for degraded bandwidth at bit 0, "
                "route recovery 2, route unhealthy 4, access timeout recovery 6; misconfiguration at 8 to 11.",
            ),
        ),
        _fabric,
        GPU,
        slow=True,
    ),
)

FIELDS: Final = tuple(
    Field(
        Quantity(
            f"nvlink_{name}",
            "nvlink_bytes_total",
            "Data over all NVLinks.",
            f"field {number}",
            {"direction": name},
            counter=True,
        ),
        (number, ALL_LINKS),
        KIB,
    )
    for name, number in (
        ("transmit", nvml.NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX),
        ("receive", nvml.NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_RX),
    )
)

NVLINKS: Final = Quantity(
    "nvlinks_active",
    "nvlinks_active",
    "NVLinks that are up; dratui_gpu_nvlink_up tells which.",
    "nvmlDeviceGetNvLinkState",
)
