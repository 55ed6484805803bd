"""How a GPU is set, and what it needs."""

from typing import Final

import pynvml as nvml

from dratui_agent.nvml.quantity import GPU, Field, Quantity, Reading

READINGS: Final = (
    Reading(
        (
            Quantity("mig_mode", "mig_mode", "1: the GPU is cut by MIG.", "nvmlDeviceGetMigMode"),
            Quantity(
                "mig_mode_pending",
                "mig_mode_pending",
                "What mig_mode is after the next reset.",
                "nvmlDeviceGetMigMode",
            ),
        ),
        nvml.nvmlDeviceGetMigMode,
        GPU,
    ),
    Reading(
        (
            Quantity("ecc_mode", "ecc_mode", "1: ECC is on.", "nvmlDeviceGetEccMode"),
            Quantity(
                "ecc_mode_pending",
                "ecc_mode_pending",
                "What ecc_mode is after the next reset.",
                "nvmlDeviceGetEccMode",
            ),
        ),
        nvml.nvmlDeviceGetEccMode,
        GPU,
        slow=True,
    ),
)

FIELDS: Final = (
    Field(
        Quantity(
            "recovery_action",
            "recovery_action",
            "What brings the GPU back: 0 nothing, 1 reset, 2 reboot of the node, 3 drain peers, 4 drain and reset, "
            "5 recover the IMEX domain, 6 reset of the bus, 7 reboot of the system.",
            "field 230",
        ),
        nvml.NVML_FI_DEV_GET_GPU_RECOVERY_ACTION,
    ),
)
