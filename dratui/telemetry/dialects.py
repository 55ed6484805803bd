"""What exporters call things, as data: a series and its labels, in our keys and base units.

To read one more series, or one more exporter, add it here; `devices` does the rest, whether the text of `/metrics` or
an answer of Prometheus is read. Keys are those of the agent's stream (`dratui.samples.DeviceSample.values`).

Sources, as of 2026: dcgm-exporter 4.8 (etc/default-counters.csv, internal/pkg/rendermetrics, transformation/const.go);
nvitop-exporter (exporter.py; prometheus_client appends the unit to the name); nvidia_gpu_exporter (docs/METRICS.md, its
integration tests' outputs); all-smi (API.md, src/api/metrics); AMD device-metrics-exporter (docs/configuration/
metricslist.md, gpuagent_gpu_metrics.go); Gaudi's metric exporter (docs.habana.ai; intel/xpu exporter's labels; energy
is HLML's, in mJ); Intel xpumd (receiver/intelxpu/sysman/documentation.md; OpenTelemetry writes dots as underscores).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

MIB: Final = float(1 << 20)
PERCENT: Final = 0.01
MILLI: Final = 0.001
MICRO: Final = 1e-6
MEGA: Final = 1e6

INFO: Final = "(info)"
"""In place of a key: the labels tell what the device is; the value tells nothing."""
MIG_MODE: Final = "mig_mode"
"""The key that is 1 for a GPU that is cut by MIG."""
ABSENT: Final = "(absent)"
"""In place of a key: the labels `value` and `reason` tell why a value is not there."""
HOLDER: Final = "(holder)"
"""In place of a key: the labels tell one of several holders."""
SHARED: Final = "shared"
"""What the agent writes as namespace, pod and container where `HOLDER` rows list several."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a series tells: the value of `key`, in base units once it is multiplied by `factor`.

    `where`: labels, and which values they may have; where several series tell the same, the earlier value counts. An
    empty value is that of a label that is not there. `whole`: tells of the whole GPU, even in the row of an instance.
    `uncut`: under MIG it tells nothing, whatever it says. `by`: a label whose value ends the key.
    """

    key: str
    factor: float = 1.0
    where: Sequence[tuple[str, Sequence[str]]] = ()
    whole: bool = False
    uncut: bool = False
    by: str = ""


@dataclass(frozen=True, slots=True)
class Labels:
    """Which labels tell what of a device; empty where none does.

    `group` is the one that all series of a GPU and of its instances share. `gpu` is the UUID of the GPU, `mig` that of
    the instance, `own` that of either, whichever the series is about. `cut` says `enabled` of a GPU that is cut by
    MIG. `profile` is the profile's id, `mig_profile` its name. `node` lists labels with the node's name.
    `holder`: a field of `Holder`, and the labels that tell it, the first of which that is there counts.
    """

    group: str
    gpu: str = ""
    own: str = ""
    mig: str = ""
    cut: str = ""
    index: str = ""
    minor: str = ""
    pci: str = ""
    name: str = ""
    gi: str = ""
    ci: str = ""
    mig_profile: str = ""
    profile: str = ""
    start: str = ""
    size: str = ""
    node: Sequence[str] = ()
    holder: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """How one exporter speaks. It is known by its series, each of which has the labels `must`.

    Of several series that tell the same, the first one counts. `bare`: it writes UUIDs without `GPU-` and `MIG-`.
    `pods`: selectors of its pods, as its charts and operators label them (empty: it has none), and its port.
    """

    name: str
    series: Mapping[str, Told]
    labels: Labels
    must: Sequence[str] = ()
    bare: bool = False
    pods: Sequence[str] = ()
    port: int = 0


_POD: Final = {
    "namespace": ("namespace", "pod_namespace"),
    "pod": ("pod", "pod_name"),
    "container": ("container", "container_name"),
}

_DCGM_LABELS: Final = Labels(
    group="UUID",
    gpu="UUID",
    mig="dra_mig_device_uuid",
    index="gpu",
    minor="device",
    pci="pci_bus_id",
    name="modelName",
    gi="GPU_I_ID",
    mig_profile="GPU_I_PROFILE",
    node=("hostname", "Hostname"),
    holder={
        **_POD,
        "namespace": ("namespace", "pod_namespace", "dra_claim_namespace"),
        "claim": ("dra_claim_name",),
        "driver": ("dra_driver_name",),
        "pool": ("dra_pool_name",),
        "device": ("dra_device_name",),
    },
)

DCGM: Final = Dialect(
    "dcgm-exporter",
    {
        # Under MIG there is a row for each instance and none for the GPU. DCGM answers what only the GPU has (power,
        # temperature, …) the same for each of its instances: `whole`. NVML has no utilisation then: `uncut`.
        "DCGM_FI_DEV_GPU_UTIL": Told("utilization", PERCENT, uncut=True),
        "DCGM_FI_DEV_MEM_COPY_UTIL": Told("memory_utilization", PERCENT, uncut=True),
        "DCGM_FI_DEV_ENC_UTIL": Told("encoder_utilization", PERCENT, uncut=True),
        "DCGM_FI_DEV_DEC_UTIL": Told("decoder_utilization", PERCENT, uncut=True),
        "DCGM_FI_DEV_FB_USED": Told("memory_used", MIB),
        "DCGM_FI_DEV_FB_FREE": Told("memory_free", MIB),
        "DCGM_FI_DEV_FB_RESERVED": Told("memory_reserved", MIB),
        "DCGM_FI_DEV_FB_TOTAL": Told("memory_total", MIB),
        "DCGM_FI_DEV_BAR1_USED": Told("bar1_used", MIB),
        "DCGM_FI_DEV_BAR1_TOTAL": Told("bar1_total", MIB),
        "DCGM_FI_DEV_POWER_USAGE": Told("power", whole=True),
        "DCGM_FI_DEV_POWER_USAGE_INSTANT": Told("power_instant", whole=True),
        "DCGM_FI_DEV_ENFORCED_POWER_LIMIT": Told("power_limit", whole=True),
        "DCGM_FI_DEV_POWER_MGMT_LIMIT": Told("power_limit", whole=True),
        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": Told("energy", MILLI, whole=True),
        "DCGM_FI_DEV_GPU_TEMP": Told("temperature", whole=True),
        "DCGM_FI_DEV_MEMORY_TEMP": Told("memory_temperature", whole=True),
        "DCGM_FI_DEV_SHUTDOWN_TEMP": Told("temperature_limit_shutdown", whole=True),
        "DCGM_FI_DEV_SLOWDOWN_TEMP": Told("temperature_limit_slowdown", whole=True),
        "DCGM_FI_DEV_SM_CLOCK": Told("clock_sm", MEGA, whole=True),
        "DCGM_FI_DEV_MEM_CLOCK": Told("clock_memory", MEGA, whole=True),
        "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS": Told("remapped_rows_uncorrectable", whole=True),
        "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS": Told("remapped_rows_correctable", whole=True),
        "DCGM_FI_DEV_ROW_REMAP_PENDING": Told("row_remap_pending", whole=True),
        "DCGM_FI_DEV_ROW_REMAP_FAILURE": Told("row_remap_failed", whole=True),
        "DCGM_FI_DEV_ECC_SBE_VOL_TOTAL": Told("ecc_corrected", whole=True),
        "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL": Told("ecc_uncorrected", whole=True),
        "DCGM_FI_DEV_RETIRED_SBE": Told("retired_pages_single_bit", whole=True),
        "DCGM_FI_DEV_RETIRED_DBE": Told("retired_pages_double_bit", whole=True),
        "DCGM_FI_DEV_RETIRED_PENDING": Told("retired_pages_pending", whole=True),
        "DCGM_FI_DEV_PCIE_REPLAY_COUNTER": Told("pcie_replays", whole=True),
        "DCGM_FI_DEV_PCIE_LINK_GEN": Told("pcie_generation", whole=True),
        "DCGM_FI_DEV_PCIE_LINK_WIDTH": Told("pcie_width", whole=True),
        "DCGM_FI_PROF_GR_ENGINE_ACTIVE": Told("graphics_active"),
        "DCGM_FI_PROF_SM_ACTIVE": Told("sm_active"),
        "DCGM_FI_PROF_SM_OCCUPANCY": Told("sm_occupancy"),
        "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE": Told("tensor_active"),
        "DCGM_FI_PROF_DRAM_ACTIVE": Told("dram_active"),
        "DCGM_FI_PROF_PCIE_TX_BYTES": Told("pcie_sent", whole=True),
        "DCGM_FI_PROF_PCIE_RX_BYTES": Told("pcie_received", whole=True),
        "DCGM_FI_PROF_NVLINK_TX_BYTES": Told("nvlink_sent", whole=True),
        "DCGM_FI_PROF_NVLINK_RX_BYTES": Told("nvlink_received", whole=True),
        "DCGM_FI_DEV_MIG_MODE": Told(MIG_MODE, whole=True),
    },
    _DCGM_LABELS,
    must=("UUID",),
    pods=("app.kubernetes.io/name=dcgm-exporter", "app=nvidia-dcgm-exporter"),
    port=9400,
)

NVITOP: Final = Dialect(
    "nvitop-exporter",
    {
        "gpu_utilization_Percentage": Told("utilization", PERCENT),
        "gpu_memory_utilization_Percentage": Told("memory_utilization", PERCENT),
        "gpu_encoder_utilization_Percentage": Told("encoder_utilization", PERCENT),
        "gpu_decoder_utilization_Percentage": Told("decoder_utilization", PERCENT),
        "gpu_memory_total_MiB": Told("memory_total", MIB),
        "gpu_memory_used_MiB": Told("memory_used", MIB),
        "gpu_memory_free_MiB": Told("memory_free", MIB),
        "gpu_clock_sm_MHz": Told("clock_sm", MEGA),
        "gpu_clock_memory_MHz": Told("clock_memory", MEGA),
        "gpu_clock_graphics_MHz": Told("clock_graphics", MEGA),
        "gpu_clock_video_MHz": Told("clock_video", MEGA),
        "gpu_power_usage_W": Told("power"),
        "gpu_power_limit_W": Told("power_limit"),
        "gpu_temperature_C": Told("temperature"),
        "gpu_pcie_tx_throughput_MiBps": Told("pcie_transmit", MIB),
        "gpu_pcie_rx_throughput_MiBps": Told("pcie_receive", MIB),
    },
    # The index of a MIG device is `0:1`, its UUID its own: only the number before the colon leads to its GPU.
    Labels(group="index", own="uuid", index="index", name="devicename", node=("hostname",)),
    must=("uuid", "devicename"),
    port=8000,
)

NVIDIA_GPU_EXPORTER: Final = Dialect(
    "nvidia_gpu_exporter",
    {
        "nvidia_smi_gpu_info": Told(INFO),
        "nvidia_smi_mig_info": Told(INFO),
        "nvidia_smi_mig_mode_current": Told(MIG_MODE),
        "nvidia_smi_utilization_gpu_ratio": Told("utilization"),
        "nvidia_smi_utilization_memory_ratio": Told("memory_utilization"),
        "nvidia_smi_utilization_encoder_ratio": Told("encoder_utilization"),
        "nvidia_smi_utilization_decoder_ratio": Told("decoder_utilization"),
        "nvidia_smi_utilization_jpeg_ratio": Told("jpeg_utilization"),
        "nvidia_smi_utilization_ofa_ratio": Told("ofa_utilization"),
        "nvidia_smi_memory_total_bytes": Told("memory_total"),
        "nvidia_smi_memory_used_bytes": Told("memory_used"),
        "nvidia_smi_memory_reserved_bytes": Told("memory_reserved"),
        "nvidia_smi_memory_free_bytes": Told("memory_free"),
        "nvidia_smi_mig_memory_total_bytes": Told("memory_total"),
        "nvidia_smi_mig_memory_used_bytes": Told("memory_used"),
        "nvidia_smi_mig_memory_reserved_bytes": Told("memory_reserved"),
        "nvidia_smi_mig_memory_free_bytes": Told("memory_free"),
        "nvidia_smi_mig_graphics_activity_ratio": Told("graphics_active"),
        "nvidia_smi_mig_sm_activity_ratio": Told("sm_active"),
        "nvidia_smi_mig_sm_occupancy_ratio": Told("sm_occupancy"),
        "nvidia_smi_mig_tensor_activity_ratio": Told("tensor_active"),
        "nvidia_smi_mig_pcie_throughput_tx_bytes_per_second": Told("pcie_sent"),
        "nvidia_smi_mig_pcie_throughput_rx_bytes_per_second": Told("pcie_received"),
        "nvidia_smi_pcie_throughput_tx_bytes_per_second": Told("pcie_transmit"),
        "nvidia_smi_pcie_throughput_rx_bytes_per_second": Told("pcie_receive"),
        "nvidia_smi_power_draw_watts": Told("power"),
        "nvidia_smi_power_draw_instant_watts": Told("power_instant"),
        "nvidia_smi_enforced_power_limit_watts": Told("power_limit"),
        "nvidia_smi_power_limit_watts": Told("power_limit"),
        "nvidia_smi_energy_joules_total": Told("energy"),
        "nvidia_smi_temperature_gpu": Told("temperature"),
        "nvidia_smi_temperature_memory": Told("memory_temperature"),
        "nvidia_smi_clocks_current_graphics_clock_hz": Told("clock_graphics"),
        "nvidia_smi_clocks_current_sm_clock_hz": Told("clock_sm"),
        "nvidia_smi_clocks_current_memory_clock_hz": Told("clock_memory"),
        "nvidia_smi_clocks_current_video_clock_hz": Told("clock_video"),
        "nvidia_smi_clocks_max_graphics_clock_hz": Told("clock_max_graphics"),
        "nvidia_smi_clocks_max_sm_clock_hz": Told("clock_max_sm"),
        "nvidia_smi_clocks_max_memory_clock_hz": Told("clock_max_memory"),
        "nvidia_smi_ecc_errors_corrected_volatile_total": Told("ecc_corrected"),
        "nvidia_smi_ecc_errors_uncorrected_volatile_total": Told("ecc_uncorrected"),
        "nvidia_smi_pcie_link_gen_current": Told("pcie_generation"),
        "nvidia_smi_pcie_link_width_current": Told("pcie_width"),
        "nvidia_smi_pcie_link_gen_max": Told("pcie_max_generation"),
        "nvidia_smi_pcie_link_width_max": Told("pcie_max_width"),
        "nvidia_smi_ecc_mode_current": Told("ecc_mode"),
        "nvidia_smi_ecc_mode_pending": Told("ecc_mode_pending"),
        "nvidia_smi_mig_mode_pending": Told("mig_mode_pending"),
        "nvidia_smi_gpu_recovery_action": Told("recovery_action"),
        "nvidia_smi_fabric_state": Told("fabric_state"),
    },
    Labels(
        group="uuid",
        gpu="uuid",
        mig="mig_uuid",
        index="index",
        pci="pci_bus_id",
        name="name",
        gi="gpu_instance_id",
        ci="compute_instance_id",
        mig_profile="profile",
    ),
    must=("uuid",),
    bare=True,
    pods=("app.kubernetes.io/name=nvidia-gpu-exporter",),
    port=9835,
)

ALL_SMI: Final = Dialect(
    "all-smi",
    {
        "all_smi_gpu_utilization": Told("utilization", PERCENT),
        "all_smi_gpu_memory_used_bytes": Told("memory_used"),
        "all_smi_gpu_memory_total_bytes": Told("memory_total"),
        "all_smi_gpu_power_consumption_watts": Told("power"),
        "all_smi_gpu_power_limit_current_watts": Told("power_limit"),
        "all_smi_gpu_temperature_celsius": Told("temperature"),
        "all_smi_gpu_temperature_threshold_slowdown_celsius": Told("temperature_limit_slowdown"),
        "all_smi_gpu_temperature_threshold_shutdown_celsius": Told("temperature_limit_shutdown"),
        "all_smi_gpu_frequency_mhz": Told("clock_graphics", MEGA),
        "all_smi_gpu_clock_graphics_max_mhz": Told("clock_max_graphics", MEGA),
        "all_smi_gpu_clock_memory_max_mhz": Told("clock_max_memory", MEGA),
        "all_smi_gpu_pcie_gen_current": Told("pcie_generation"),
        "all_smi_gpu_pcie_width_current": Told("pcie_width"),
        "all_smi_gpu_sm_occupancy": Told("sm_occupancy"),
        "all_smi_gpu_memory_bandwidth_utilization": Told("dram_active"),
        "all_smi_energy_consumed_joules_total": Told("energy", where=(("scope", ("gpu",)),)),
        "all_smi_gpu_mig_mode": Told(MIG_MODE),
        "all_smi_mig_instance_utilization_gpu": Told("utilization", PERCENT),
        "all_smi_mig_instance_utilization_memory": Told("memory_utilization", PERCENT),
        "all_smi_mig_instance_memory_used_bytes": Told("memory_used"),
        "all_smi_mig_instance_memory_total_bytes": Told("memory_total"),
        "all_smi_gpu_info": Told(INFO),
    },
    Labels(
        group="gpu_uuid",
        gpu="gpu_uuid",
        mig="mig_uuid",
        index="gpu_index",
        name="gpu",
        gi="gpu_instance_id",
        ci="compute_instance_id",
        mig_profile="mig_profile",
        node=("host", "hostname"),
    ),
    must=("gpu_uuid",),
    port=9090,
)

_AMD_WHOLE: Final = (("gpu_partition_id", ("", "0", "NA")),)
"""Of a GPU that is partitioned only the first partition has a sensor; the others say 0, or nothing."""
_AMD_SERIES: Final[Mapping[str, Told]] = {
    "gpu_gfx_activity": Told("utilization", PERCENT, _AMD_WHOLE),
    "gpu_umc_activity": Told("memory_utilization", PERCENT, _AMD_WHOLE),
    "gpu_used_vram": Told("memory_used", MIB),
    "gpu_total_vram": Told("memory_total", MIB),
    "gpu_free_vram": Told("memory_free", MIB),
    "gpu_package_power": Told("power", 1.0, _AMD_WHOLE),
    "gpu_average_package_power": Told("power", 1.0, _AMD_WHOLE),
    "gpu_power_usage": Told("power", 1.0, _AMD_WHOLE),
    "gpu_junction_temperature": Told("temperature", 1.0, _AMD_WHOLE),
    "gpu_edge_temperature": Told("temperature", 1.0, _AMD_WHOLE),
    "gpu_memory_temperature": Told("memory_temperature", 1.0, _AMD_WHOLE),
    "gpu_energy_consumed": Told("energy", MICRO, _AMD_WHOLE),
    "gpu_ecc_correct_total": Told("ecc_corrected", 1.0, _AMD_WHOLE),
    "gpu_ecc_uncorrect_total": Told("ecc_uncorrected", 1.0, _AMD_WHOLE),
    "pcie_replay_count": Told("pcie_replays", 1.0, _AMD_WHOLE),
}

AMD: Final = Dialect(
    "device-metrics-exporter",
    # AMD's own dashboards ask for names with this prefix, which `MetricsFieldPrefix` puts there.
    {**_AMD_SERIES, **{f"amd_{name}": told for name, told in _AMD_SERIES.items()}},
    Labels(
        group="gpu_id",
        gpu="gpu_uuid",
        index="gpu_id",
        name="card_model",
        node=("hostname",),
        holder=_POD,
    ),
    must=("gpu_id", "card_model"),
    pods=("app.kubernetes.io/name=metrics-exporter", "app=amdgpu-metrics-exporter"),
    port=5000,
)

GAUDI: Final = Dialect(
    "gaudi-metric-exporter",
    {
        "habanalabs_utilization": Told("utilization", PERCENT),
        "habanalabs_memory_used_bytes": Told("memory_used"),
        "habanalabs_memory_total_bytes": Told("memory_total"),
        "habanalabs_memory_free_bytes": Told("memory_free"),
        "habanalabs_power_mW": Told("power", MILLI),
        "habanalabs_power_default_limit_mW": Told("power_limit", MILLI),
        "habanalabs_temperature_onchip": Told("temperature"),
        "habanalabs_temperature_threshold_shutdown": Told("temperature_limit_shutdown"),
        "habanalabs_temperature_threshold_slowdown": Told("temperature_limit_slowdown"),
        "habanalabs_energy": Told("energy", MILLI),
        "habanalabs_clock_soc_mhz": Told("clock_graphics", MEGA),
        "habanalabs_clock_soc_max_mhz": Told("clock_max_graphics", MEGA),
        "habanalabs_pcie_replay_count": Told("pcie_replays"),
        "habanalabs_pci_link_width": Told("pcie_width"),
    },
    Labels(
        group="UUID",
        gpu="UUID",
        index="id",
        holder={"namespace": ("pod_namespace",), "pod": ("pod_name",)},
    ),
    must=("UUID",),
    pods=("app.kubernetes.io/name=habana-metric-exporter-ds",),
    port=41611,
)

_WHOLE_CARD: Final = ("com_intel_subdevice_id", ("",))  # not of a tile
_SENSOR: Final = (("hw_sensor_location", ("card", "package", "gpu")), _WHOLE_CARD)
_DEVICE_MEMORY: Final = (("hw_memory_location", ("device",)), _WHOLE_CARD)

XPUMD: Final = Dialect(
    "xpumd",
    {
        "hw_gpu_info": Told(INFO),
        "hw_gpu_utilization_ratio": Told(
            "utilization", where=(("hw_gpu_task", ("all", "compute-all")), _WHOLE_CARD)
        ),
        "hw_memory_usage_bytes": Told("memory_used", where=_DEVICE_MEMORY),
        "hw_memory_size_bytes": Told("memory_total", where=_DEVICE_MEMORY),
        "hw_memory_free_bytes": Told("memory_free", where=_DEVICE_MEMORY),
        "hw_power_watts": Told("power", where=_SENSOR),
        "hw_energy_joules_total": Told("energy", where=_SENSOR),
        "hw_temperature_celsius": Told(
            "temperature",
            where=(("hw_sensor_location", ("gpu", "global")), ("statistic", ("max", "")), _WHOLE_CARD),
        ),
    },
    Labels(group="pci_bdf", gpu="hw_id", pci="pci_bdf", name="hw_model", node=("node",)),
    must=("pci_bdf", "hw_id"),
    pods=("app.kubernetes.io/name=xpumd",),
    port=8080,
)

_HOLDER_FIELDS: Final = (
    "namespace",
    "pod",
    "container",
    "claim",
    "claim_uid",
    "request",
    "driver",
    "pool",
    "device",
    "share_id",
)


def _gauges(*keys_and_units: str) -> Mapping[str, Told]:
    """Series of the agent that are named after the key: `key:unit`."""
    pairs = [each.partition(":")[::2] for each in keys_and_units]
    return {f"dratui_gpu_{key}{unit and '_'}{unit}": Told(key) for key, unit in pairs}


AGENT: Final = Dialect(
    "dratui-agent",
    {
        **_gauges(
            *(
                f"{what}utilization:ratio"
                for what in ("", "memory_", "encoder_", "decoder_", "jpeg_", "ofa_")
            ),
            *(f"memory_{what}:bytes" for what in ("total", "used", "reserved", "free")),
            *(
                "bar1_total:bytes",
                "bar1_used:bytes",
                "power:watts",
                "power_limit:watts",
                "power_instant:watts",
            ),
            *(
                "energy:joules_total",
                "temperature:celsius",
                "pcie_replays:total",
                "pcie_sent:bytes_per_second",
            ),
            *("pcie_received:bytes_per_second", "nvlink_sent:bytes_per_second"),
            *("nvlink_received:bytes_per_second", "row_remap_pending", "row_remap_failed", "recovery_action"),
            *(
                "fabric_state",
                "fabric_status",
                "graphics_active:ratio",
                "sm_active:ratio",
                "sm_occupancy:ratio",
            ),
            *("tensor_active:ratio", "dram_active:ratio", "memory_temperature:celsius", "ecc_mode"),
            *("ecc_mode_pending", "mig_mode", "mig_mode_pending", "nvlinks_active", "retired_pages_pending"),
        ),
        "dratui_gpu_fabric_health_mask": Told("fabric_health"),
        "dratui_gpu_pcie_link_generation": Told("pcie_generation"),
        "dratui_gpu_pcie_link_width": Told("pcie_width"),
        "dratui_gpu_pcie_link_max_generation": Told("pcie_max_generation"),
        "dratui_gpu_pcie_link_max_width": Told("pcie_max_width"),
        "dratui_gpu_retired_pages": Told("retired_pages_", by="cause"),
        "dratui_gpu_temperature_limit_celsius": Told("temperature_limit_", by="limit"),
        "dratui_gpu_clock_hertz": Told("clock_", by="clock"),
        "dratui_gpu_clock_max_hertz": Told("clock_max_", by="clock"),
        "dratui_gpu_clocks_event_active": Told("clocks_event_", by="reason"),
        "dratui_gpu_ecc_errors_total": Told("ecc_", by="kind"),
        "dratui_gpu_remapped_rows": Told("remapped_rows_", by="kind"),
        "dratui_gpu_throttled_seconds_total": Told("throttled_", by="reason"),
        "dratui_gpu_pcie_throughput_bytes_per_second": Told("pcie_", by="direction"),
        "dratui_gpu_nvlink_bytes_total": Told("nvlink_", by="direction"),
        "dratui_gpu_info": Told(INFO),
        "dratui_gpu_absent": Told(ABSENT),
        "dratui_gpu_holder_info": Told(HOLDER),
    },
    Labels(
        group="gpu",
        own="uuid",
        cut="mig",
        index="gpu",
        pci="pci_bus_id",
        name="model",
        gi="gpu_instance",
        ci="compute_instance",
        profile="profile_id",
        start="placement_start",
        size="placement_size",
        node=("node",),
        holder={name: (name,) for name in _HOLDER_FIELDS},
    ),
    must=("uuid",),
    pods=("app.kubernetes.io/name=dratui-agent",),
    port=9402,
)

DIALECTS: Final[Sequence[Dialect]] = (  # whoever tells more comes first: of two that tell of a node it counts
    AGENT,
    DCGM,
    NVITOP,
    NVIDIA_GPU_EXPORTER,
    ALL_SMI,
    AMD,
    GAUDI,
    XPUMD,
)

BY_SERIES: Final[Mapping[str, tuple[Dialect, Told, int]]] = {
    name: (dialect, told, place)
    for dialect in DIALECTS
    for place, (name, told) in enumerate(dialect.series.items())
}
"""By name, which is nobody else's: that is how an exporter is known. With the place among its dialect's series."""
