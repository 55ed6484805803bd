"""Power, heat, clocks, and what holds them back."""

from typing import Final

import pynvml as nvml

from dratui_agent.nvml.quantity import GPU, Field, Handle, Quantity, Reading, single

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
_THROTTLED: Final = (
    ("software_power_cap", nvml.NVML_FI_DEV_PERF_POLICY_POWER),
    ("sync_boost", nvml.NVML_FI_DEV_PERF_POLICY_SYNC_BOOST),
    ("software_thermal", 269),
    ("hardware_thermal", 270),
    ("power_brake", 271),
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
    return single(quantity, nvml.nvmlDeviceGetTemperatureThreshold, kind, of=GPU, slow=True)


def _clock(name: str, kind: int) -> Reading:
    call = "nvmlDeviceGetClockInfo"
    quantity = Quantity(f"clock_{name}", "clock_hertz", "Clock as it is.", call, {"clock": name})
    return single(quantity, nvml.nvmlDeviceGetClockInfo, kind, of=GPU, times=1e6)


def _max_clock(name: str, kind: int) -> Reading:
    call = "nvmlDeviceGetMaxClockInfo"
    quantity = Quantity(f"clock_max_{name}", "clock_max_hertz", "The highest clock.", call, {"clock": name})
    return single(quantity, nvml.nvmlDeviceGetMaxClockInfo, kind, of=GPU, times=1e6, slow=True)


READINGS: Final = (
    single(
        Quantity(
            "power",
            "power_watts",
            "Power, averaged over a second where the GPU does.",
            "nvmlDeviceGetPowerUsage",
        ),
        nvml.nvmlDeviceGetPowerUsage,
        of=GPU,
        per=1e3,
    ),
    single(
        Quantity(
            "power_limit", "power_limit_watts", "Power limit in force.", "nvmlDeviceGetEnforcedPowerLimit"
        ),
        nvml.nvmlDeviceGetEnforcedPowerLimit,
        of=GPU,
        per=1e3,
        slow=True,
    ),
    single(
        Quantity(
            "energy",
            "energy_joules_total",
            "Energy since the driver was loaded.",
            "nvmlDeviceGetTotalEnergyConsumption",
            counter=True,
        ),
        nvml.nvmlDeviceGetTotalEnergyConsumption,
        of=GPU,
        per=1e3,
    ),
    single(
        Quantity(
            "temperature", "temperature_celsius", "Temperature of the GPU.", "nvmlDeviceGetTemperatureV"
        ),
        nvml.nvmlDeviceGetTemperatureV,
        nvml.NVML_TEMPERATURE_GPU,
        of=GPU,
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
        GPU,
    ),
)

FIELDS: Final = (
    Field(
        Quantity("power_instant", "power_instant_watts", "Power at this moment.", "field 186"),
        nvml.NVML_FI_DEV_POWER_INSTANT,
        per=1e3,
    ),
    Field(
        Quantity(
            "memory_temperature",
            "memory_temperature_celsius",
            "Temperature of the device's memory.",
            "field 82",
        ),
        nvml.NVML_FI_DEV_MEMORY_TEMP,
    ),
    *(
        Field(
            Quantity(
                f"throttled_{name}",
                "throttled_seconds_total",
                "Time for which clocks were held back, by reason.",
                f"field {number}",
                {"reason": name},
                counter=True,
            ),
            number,
            per=1e9,
        )
        for name, number in _THROTTLED
    ),
)
