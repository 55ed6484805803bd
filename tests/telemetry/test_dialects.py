"""What each exporter serves, in the form in which it does, as devices."""

from collections.abc import Mapping, Sequence

import pytest
from dratui_agent.exporter import dcgm
from dratui_agent.exporter.exposition import Exposition
from dratui_agent.exporter.series import SERIES
from dratui_agent.holders import Holder as AgentHolder
from dratui_agent.holders import Holders
from dratui_agent.nvml.quantities import QUANTITIES
from dratui_agent.sample import Absent, Device, Sample
from dratui_agent.sample import DeviceSample as AgentDevice

from dratui.samples import DeviceSample, Holder
from dratui.telemetry.dialects import BY_SERIES, DIALECTS
from dratui.telemetry.protocol import Broken
from dratui.telemetry.scrape import sample

GIB = 1 << 30
MIB = 1 << 20


def scraped(text: str, *, source: str) -> Sequence[DeviceSample]:
    told = sample(text.encode(), node="node-1", at=1000.0)
    assert (told.node, told.at, told.source, told.interval) == ("node-1", 1000.0, source, 15.0)
    return told.devices


DCGM = """\
# HELP DCGM_FI_DEV_SM_CLOCK SM clock frequency (in MHz).
# TYPE DCGM_FI_DEV_SM_CLOCK gauge
DCGM_FI_DEV_SM_CLOCK{{{labels}}} 1980
DCGM_FI_DEV_GPU_TEMP{{{labels}}} 64
DCGM_FI_DEV_POWER_USAGE{{{labels}}} 612.345000
# TYPE DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION counter
DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{{{labels}}} 123456789
DCGM_FI_DEV_GPU_UTIL{{{labels}}} 93
DCGM_FI_DEV_FB_FREE{{{labels}}} 17408
DCGM_FI_DEV_FB_USED{{{labels}}} 63488
DCGM_FI_DEV_FB_RESERVED{{{labels}}} 1024
DCGM_FI_PROF_GR_ENGINE_ACTIVE{{{labels}}} 0.915000
DCGM_FI_DEV_XID_ERRORS{{{labels},err_code="0",err_msg="No Error"}} 0
"""
GPU_0 = (
    'gpu="0",UUID="GPU-aaaa",pci_bus_id="00000000:1B:00.0",device="nvidia0",modelName="NVIDIA H100 80GB HBM3"'
)
CLAIM = (
    'container="main",namespace="ml-team",pod="train-7",dra_claim_name="train-7-gpu",dra_claim_namespace="ml-team",'
    'dra_driver_name="gpu.nvidia.com",dra_pool_name="node-1",dra_device_name="gpu-0"'
)


@pytest.mark.parametrize("hostname", ["hostname", "Hostname"])
def test_dcgm_exporter_in_base_units_with_the_claim_that_holds_the_gpu(hostname: str) -> None:
    (gpu,) = scraped(DCGM.format(labels=f'{GPU_0},{hostname}="node-1",{CLAIM}'), source="dcgm-exporter")
    assert (gpu.uuid, gpu.gpu, gpu.index, gpu.minor, gpu.pci) == (
        "GPU-aaaa",
        "GPU-aaaa",
        0,
        0,
        "0000:1b:00.0",
    )
    assert (gpu.kind, gpu.name, gpu.mig) == ("gpu", "NVIDIA H100 80GB HBM3", False)
    assert gpu.values == {
        "clock_sm": 1.98e9,
        "temperature": 64,
        "power": 612.345,
        "energy": pytest.approx(123456.789),
        "utilization": pytest.approx(0.93),
        "memory_free": 17 * GIB,
        "memory_used": 62 * GIB,
        "memory_reserved": GIB,
        "memory_total": 80 * GIB,
        "graphics_active": 0.915,
    }
    assert gpu.absent == {}
    assert gpu.holders == (
        Holder(
            namespace="ml-team",
            pod="train-7",
            container="main",
            claim="train-7-gpu",
            driver="gpu.nvidia.com",
            pool="node-1",
            device="gpu-0",
        ),
    )


def test_a_dcgm_exporter_with_pods_by_their_old_names_and_none_for_a_free_gpu() -> None:
    (held,) = scraped(
        f'DCGM_FI_DEV_GPU_UTIL{{{GPU_0},container_name="c",pod_namespace="ns",pod_name="p"}} 0\n',
        source="dcgm-exporter",
    )
    assert held.holders == (Holder(namespace="ns", pod="p", container="c"),)
    assert held.values["utilization"] == 0  # it says so
    (free,) = scraped(
        f'DCGM_FI_DEV_GPU_UTIL{{{GPU_0},container="",namespace="",pod=""}} 0\n', source="dcgm-exporter"
    )
    assert free.holders == ()


def test_dcgm_tells_of_each_instance_what_only_its_gpu_has_and_it_is_the_gpus() -> None:
    def row(series: str, gi: int, value: str, pod: str = "") -> str:
        labels = (
            f'{GPU_0},GPU_I_PROFILE="1g.10gb",GPU_I_ID="{gi}",hostname="node-1",pod="{pod}",namespace="ns"'
        )
        return f"{series}{{{labels}}} {value}\n"

    gpu, one, two = scraped(
        row("DCGM_FI_DEV_POWER_USAGE", 7, "300", "a")
        + row("DCGM_FI_DEV_POWER_USAGE", 8, "300", "b")
        + row("DCGM_FI_DEV_GPU_TEMP", 7, "55", "a")
        + row("DCGM_FI_DEV_GPU_UTIL", 7, "0", "a")  # a zero that nobody measured
        + f"DCGM_FI_DEV_GPU_UTIL{{{GPU_0}}} 0\n"
        + row("DCGM_FI_DEV_FB_USED", 7, "1024", "a")
        + row("DCGM_FI_DEV_FB_USED", 8, "2048", "b")
        + row("DCGM_FI_PROF_GR_ENGINE_ACTIVE", 7, "0.54", "a"),
        source="dcgm-exporter",
    )
    assert (gpu.kind, gpu.uuid, gpu.mig, gpu.values) == (
        "gpu",
        "GPU-aaaa",
        True,
        {"power": 300, "temperature": 55},
    )
    assert gpu.holders == ()
    assert gpu.absent["utilization"] == "mig_not_exported"
    assert (one.kind, one.uuid, one.gpu, one.gi) == ("mig", "", "GPU-aaaa", 7)
    assert one.name == "NVIDIA H100 80GB HBM3 MIG 1g.10gb"
    assert one.values == {"memory_used": GIB, "graphics_active": 0.54}
    assert [holder.pod for holder in one.holders] == ["a"]
    assert two.values == {"memory_used": 2 * GIB}
    assert two.absent == {"utilization": "mig_not_exported", "memory_total": "not_exported"}


def test_a_dynamic_mig_device_has_the_uuid_that_the_claim_tells() -> None:
    _, mig = scraped(
        f'DCGM_FI_DEV_FB_USED{{{GPU_0},GPU_I_PROFILE="1g.10gb",GPU_I_ID="7",dra_mig_device_uuid="MIG-7"}} 1\n',
        source="dcgm-exporter",
    )
    assert (mig.uuid, mig.gi) == ("MIG-7", 7)


def test_containers_that_share_a_gpu_all_hold_it_and_its_values_count_once() -> None:
    (gpu,) = scraped(
        "".join(
            f'DCGM_FI_DEV_GPU_UTIL{{{GPU_0},namespace="ns",pod="{pod}",container="c"}} 40\n'
            for pod in ("a", "b")
        ),
        source="dcgm-exporter",
    )
    assert [holder.pod for holder in gpu.holders] == ["a", "b"]
    assert gpu.values["utilization"] == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("9223372036854775794", "not_told"),
        ("140737488355330.0", "not_supported"),
        ("2147483635", "no_permission"),
        ("NaN", "not_supported"),
        ("+Inf", "no_such_value"),
        ("-3", "no_such_value"),
    ],
)
def test_what_dcgm_leaves_blank_or_cannot_be_is_absent_and_never_a_number(value: str, reason: str) -> None:
    (gpu,) = scraped(f"DCGM_FI_DEV_POWER_USAGE{{{GPU_0}}} {value}\n", source="dcgm-exporter")
    assert gpu.values == {}
    assert gpu.absent["power"] == reason


def test_a_share_that_rounding_made_more_than_one_is_one_and_more_is_no_share() -> None:
    text = f"DCGM_FI_PROF_GR_ENGINE_ACTIVE{{{GPU_0}}} 1.000002\nDCGM_FI_DEV_MEM_COPY_UTIL{{{GPU_0}}} 4000\n"
    (gpu,) = scraped(text, source="dcgm-exporter")
    assert gpu.values == {"graphics_active": 1.0}
    assert gpu.absent["memory_utilization"] == "no_such_value"


def test_what_an_exporter_does_not_tell_is_absent_with_a_reason() -> None:
    (gpu,) = scraped(f"DCGM_FI_DEV_SM_CLOCK{{{GPU_0}}} 345\n", source="dcgm-exporter")
    assert dict(gpu.absent) == dict.fromkeys(
        ("utilization", "memory_used", "memory_total", "power", "temperature", "energy"), "not_exported"
    )


def test_nvitop_exporter_tells_a_mig_device_by_its_index_and_uuid() -> None:
    gpu_0 = 'devicename="NVIDIA H100 80GB HBM3",hostname="node-1",index="0",uuid="GPU-aaaa"'
    mig_1 = 'devicename="NVIDIA H100 80GB HBM3 MIG 1g.10gb",hostname="node-1",index="0:1",uuid="MIG-1"'
    gpu, mig = scraped(
        f"""\
# HELP gpu_utilization_Percentage GPU utilization (%).
# TYPE gpu_utilization_Percentage gauge
gpu_utilization_Percentage{{{gpu_0}}} NaN
gpu_utilization_Percentage{{{mig_1}}} NaN
gpu_memory_used_MiB{{{gpu_0}}} 1536.0
gpu_memory_used_MiB{{{mig_1}}} 512.0
gpu_memory_total_MiB{{{gpu_0}}} 81559.0
gpu_power_usage_W{{{gpu_0}}} 71.5
gpu_temperature_C{{{gpu_0}}} 33.0
gpu_clock_sm_MHz{{{gpu_0}}} 345.0
host_cpu_percent_Percentage{{hostname="node-1"}} 3.0
""",
        source="nvitop-exporter",
    )
    assert (gpu.uuid, gpu.index, gpu.mig) == ("GPU-aaaa", 0, True)
    assert gpu.values == {
        "memory_used": 1536 * MIB,
        "memory_total": 81559 * MIB,
        "power": 71.5,
        "temperature": 33,
        "clock_sm": 345e6,
    }
    assert (gpu.absent["utilization"], gpu.absent["energy"]) == ("not_supported", "not_exported")
    assert (mig.kind, mig.uuid, mig.gpu, mig.index) == ("mig", "MIG-1", "GPU-aaaa", 0)
    assert mig.name == "NVIDIA H100 80GB HBM3 MIG 1g.10gb"
    assert mig.values == {"memory_used": 512 * MIB}


def test_nvidia_gpu_exporter_tells_of_gpu_instances_and_info_says_whose_they_are() -> None:
    gpu, one, two, other = scraped(
        """\
nvidia_smi_gpu_info{compute_cap="9.0",index="0",name="NVIDIA H200",pci_bus_id="00000000:01:00.0",uuid="1c67"} 1
nvidia_smi_mig_info{compute_instance_id="0",gpu_instance_id="2",mig_uuid="292b",profile="1c.3g.71gb",uuid="1c67"} 1
nvidia_smi_mig_info{compute_instance_id="1",gpu_instance_id="2",mig_uuid="6a6c",profile="1c.3g.71gb",uuid="1c67"} 1
nvidia_smi_mig_info{compute_instance_id="0",gpu_instance_id="7",mig_uuid="7b21",profile="1g.18gb",uuid="1c67"} 1
nvidia_smi_mig_mode_current{uuid="1c67"} 1
nvidia_smi_mig_memory_used_bytes{gpu_instance_id="2",uuid="1c67"} 4.2883309544e+10
nvidia_smi_mig_memory_used_bytes{gpu_instance_id="7",uuid="1c67"} 9.74140845e+08
nvidia_smi_mig_graphics_activity_ratio{gpu_instance_id="2",uuid="1c67"} 0.75
nvidia_smi_memory_used_bytes{uuid="1c67"} 3.3934016512e+10
nvidia_smi_memory_total_bytes{uuid="1c67"} 1.50754820096e+11
nvidia_smi_power_draw_watts{uuid="1c67"} 433.78
nvidia_smi_temperature_gpu{uuid="1c67"} 53
nvidia_smi_energy_joules_total{uuid="1c67"} 81234.5
nvidia_smi_clocks_current_sm_clock_hz{uuid="1c67"} 1.98e+09
nvidia_smi_failed_scrapes_total 0
""",
        source="nvidia_gpu_exporter",
    )
    assert (gpu.uuid, gpu.index, gpu.pci, gpu.name, gpu.mig) == (
        "GPU-1c67",
        0,
        "0000:01:00.0",
        "NVIDIA H200",
        True,
    )
    assert gpu.values["energy"] == 81234.5
    assert gpu.absent == {"utilization": "mig_not_exported"}
    assert [(d.uuid, d.gi, d.ci) for d in (one, two, other)] == [
        ("MIG-292b", 2, 0),
        ("MIG-6a6c", 2, 1),
        ("MIG-7b21", 7, 0),
    ]
    assert one.name == "NVIDIA H200 MIG 1c.3g.71gb"
    assert (
        one.values
        == two.values
        == {
            "memory_used": 42883309544,
            "graphics_active": 0.75,
        }
    )
    assert other.values == {"memory_used": 974140845}


def test_all_smi_writes_spaces_between_labels_and_energy_of_more_than_gpus() -> None:
    gpu_0 = 'gpu="NVIDIA H100 80GB HBM3", instance="node-1", gpu_uuid="GPU-aaaa", gpu_index="0"'
    mig_1 = (
        'gpu_index="0", gpu_uuid="GPU-aaaa", gpu="NVIDIA H100 80GB HBM3", instance="node-1", host="node-1", '
        'mig_instance="1", mig_uuid="MIG-1", mig_profile="1g.10gb", gpu_instance_id="7", compute_instance_id="0"'
    )
    gpu, mig = scraped(
        f"""\
all_smi_up{{instance="node-1", hostname="node-1"}} 1
all_smi_gpu_utilization{{{gpu_0}}} 25.5
all_smi_gpu_memory_used_bytes{{{gpu_0}}} 8589934592
all_smi_gpu_memory_total_bytes{{{gpu_0}}} 34359738368
all_smi_gpu_temperature_celsius{{{gpu_0}}} 41
all_smi_gpu_power_consumption_watts{{{gpu_0}}} 190.2
all_smi_energy_consumed_joules_total{{host="node-1", scope="chassis"}} 61300000.000
all_smi_energy_consumed_joules_total{{host="node-1", scope="gpu", gpu_index="0", gpu_uuid="GPU-aaaa"}} 8430000.000
all_smi_mig_instance_memory_used_bytes{{{mig_1}}} 1073741824
""",
        source="all-smi",
    )
    assert gpu.values == {
        "utilization": 0.255,
        "memory_used": 8 * GIB,
        "memory_total": 32 * GIB,
        "temperature": 41,
        "power": 190.2,
        "energy": 8.43e6,
    }
    assert (mig.uuid, mig.gi, mig.ci, mig.values) == ("MIG-1", 7, 0, {"memory_used": GIB})


@pytest.mark.parametrize("prefix", ["", "amd_"])
def test_amd_believes_only_the_first_partition_about_the_whole_gpu(prefix: str) -> None:
    def labels(gpu: int, partition: str) -> str:
        return (
            f'card_model="102-G30211-0C",card_vendor="AMD",cluster_name="",container="main",gpu_compute_partition_type="spx",'
            f'gpu_id="{gpu}",gpu_partition_id="{partition}",hostname="node-1",job_id="",namespace="ml",pod="p-{gpu}",'
            f'serial_number="692{gpu}"'
        )

    text = """\
{p}gpu_gfx_activity{{{l}}} 42
{p}gpu_used_vram{{{l}}} 1024
{p}gpu_total_vram{{{l}}} 196592
{p}gpu_package_power{{{l}}} {w}
{p}gpu_power_usage{{{l}}} {w}
{p}gpu_junction_temperature{{{l}}} 41
{p}gpu_energy_consumed{{{l}}} 1.5e+12
"""
    first, second = scraped(
        text.format(p=prefix, l=labels(0, "0"), w="139") + text.format(p=prefix, l=labels(1, "1"), w="0"),
        source="device-metrics-exporter",
    )
    assert (first.index, first.name) == (0, "102-G30211-0C")
    assert first.values == {
        "utilization": pytest.approx(0.42),
        "memory_used": GIB,
        "memory_total": 196592 * MIB,
        "power": 139,
        "temperature": 41,
        "energy": 1.5e6,
    }
    assert first.holders == (Holder(namespace="ml", pod="p-0", container="main"),)
    assert second.values == {"memory_used": GIB, "memory_total": 196592 * MIB}
    assert second.absent["power"] == "not_exported"


def test_gaudi_in_milliwatts_and_millijoules() -> None:
    labels = (
        'Serial="AM50033386",UUID="01P0-HL2080A0-15-TNBS82-02-01-02",device="AM50033386",driver="1.23.0",id="3",'
        'pod_name="train",pod_namespace="ml"'
    )
    (card,) = scraped(
        f"""\
habanalabs_utilization{{{labels}}} 77
habanalabs_memory_used_bytes{{{labels}}} 5.36870912e+08
habanalabs_memory_total_bytes{{{labels}}} 1.03079215104e+11
habanalabs_power_mW{{{labels}}} 104000
habanalabs_temperature_onchip{{{labels}}} 38
habanalabs_energy{{{labels}}} 5.5e+06
habanalabs_kube_info{{hostname="node-1",namespace="ml"}} 1
""",
        source="gaudi-metric-exporter",
    )
    assert (card.uuid, card.index) == ("01P0-HL2080A0-15-TNBS82-02-01-02", 3)
    assert card.values == {
        "utilization": 0.77,
        "memory_used": 512 * MIB,
        "memory_total": 103079215104,
        "power": 104,
        "temperature": 38,
        "energy": 5500,
    }
    assert card.holders == (Holder(namespace="ml", pod="train"),)


def test_xpumd_has_many_sensors_and_engines_and_the_widest_of_each_counts() -> None:
    labels = 'hw_id="0000-uuid",pci_bdf="0000:03:00.0"'
    (card,) = scraped(
        f"""\
hw_gpu_info{{{labels},hw_model="Intel(R) Arc(TM) Pro B60 Graphics",hw_name="gpu-1",hw_vendor="Intel(R) Corporation"}} 1
hw_gpu_utilization_ratio{{{labels},hw_gpu_task="copy-all"}} 0.9
hw_gpu_utilization_ratio{{{labels},hw_gpu_task="compute-all"}} 0.5
hw_gpu_utilization_ratio{{{labels},hw_gpu_task="all"}} 0.125
hw_memory_usage_bytes{{{labels},hw_memory_location="device",hw_memory_type="gddr6",hw_name="mem-1"}} 8.589934592e+09
hw_memory_size_bytes{{{labels},hw_memory_location="device",hw_memory_type="gddr6",hw_name="mem-1"}} 2.5669140480e+10
hw_power_watts{{{labels},hw_name="power-2",hw_sensor_location="gpu"}} 20
hw_power_watts{{{labels},hw_name="power-1",hw_sensor_location="card"}} 31.5
hw_energy_joules_total{{{labels},hw_name="power-1",hw_sensor_location="card"}} 12000.25
hw_temperature_celsius{{{labels},hw_sensor_location="gpu",statistic="min"}} 40
hw_temperature_celsius{{{labels},hw_sensor_location="gpu",statistic="max"}} 52
hw_temperature_celsius{{{labels},hw_sensor_location="memory",statistic="max"}} 70
""",
        source="xpumd",
    )
    assert (card.uuid, card.pci, card.name) == (
        "0000-uuid",
        "0000:03:00.0",
        "Intel(R) Arc(TM) Pro B60 Graphics",
    )
    assert card.values == {
        "utilization": 0.125,
        "memory_used": 8 * GIB,
        "memory_total": 25669140480,
        "power": 31.5,
        "energy": 12000.25,
        "temperature": 52,
    }


def agent_device(
    uuid: str, number: int, values: Mapping[str, float], *, gi: int | None = None
) -> AgentDevice:
    device = Device(
        uuid,
        "gpu" if gi is None else "mig",
        "NVIDIA H100 80GB HBM3" if gi is None else "NVIDIA H100 80GB HBM3 MIG 1g.10gb",
        f"GPU-{number}",
        number,
        number,
        pci=f"0000:{number:02x}:00.0",
        gi=gi,
        ci=None if gi is None else 0,
        profile=None if gi is None else 19,
        start=gi,
        size=None if gi is None else 1,
        mig=gi is None and number == 1,
    )
    return AgentDevice(device, values, {} if values else {"graphics_active": Absent.MIG_NO_GPM})


def test_the_agents_own_series_are_what_it_streams() -> None:
    everything = {
        key: 0.5 if "utilization" in key or "active" in key else float(n)
        for n, key in enumerate(QUANTITIES, 2)
    }
    everything |= {"sm_occupancy": 0.25, "mig_mode": 0.0}
    devices = (
        agent_device("GPU-0", 0, everything),
        agent_device("GPU-1", 1, {"power": 300.0}),
        agent_device("MIG-1", 1, {}, gi=3),
    )
    one = AgentHolder(
        "ml", "train", "main", "claim", "uid", "gpu", "gpu.nvidia.com", "node-1", "gpu-0", "share"
    )
    two = AgentHolder("ml", "other", "main")
    held = Holders(1.0, {"GPU-0": (one,), "MIG-1": (one, two)})
    text = Exposition("node-1").render(Sample(1000.0, 0.01, "595.58.03", devices), held, "text")
    gpu, cut, mig = scraped(text, source="dratui-agent")
    assert gpu.values == everything
    assert (gpu.uuid, gpu.index, gpu.pci, gpu.gpu) == ("GPU-0", 0, "0000:00:00.0", "GPU-0")
    assert [holder.share_id for holder in gpu.holders] == ["share"]
    assert (cut.uuid, cut.mig, cut.holders) == ("GPU-1", True, ())
    assert (mig.uuid, mig.kind, mig.gpu, mig.gi, mig.ci) == ("MIG-1", "mig", "GPU-1", 3, 0)
    assert (mig.profile, mig.start, mig.size) == (19, 3, 1)
    assert mig.name == "NVIDIA H100 80GB HBM3 MIG 1g.10gb"
    assert [holder.pod for holder in mig.holders] == ["other", "train"]
    assert mig.absent["graphics_active"] == "mig_no_gpm"


def test_every_series_of_the_agent_is_known_by_the_key_of_its_stream() -> None:
    for series in SERIES:
        _, told, _ = BY_SERIES[series.name]
        for column in series.columns:
            assert told.key + (column.labels[told.by] if told.by else "") == column.key
            assert told.factor == column.factor == 1


def test_what_the_agent_calls_by_dcgms_names_is_read_back_the_same() -> None:
    everything = {
        column.key: 0.5 if "utilization" in column.key or "_active" in column.key else 64.0 * MIB
        for series in dcgm.SERIES
        for column in series.columns
    } | {"sm_occupancy": 0.25}
    devices = (agent_device("GPU-0", 0, everything), agent_device("MIG-1", 1, {"graphics_active": 0.5}, gi=3))
    held = Holders(1.0, {"MIG-1": (AgentHolder("ml", "train", "main", "claim", device="gpu-1-mig"),)})
    text = Exposition("node-1", dcgm_names=True).render(Sample(1.0, 0.01, "595.58.03", devices), held, "text")
    gpu, _, mig = scraped(
        "\n".join(line for line in text.splitlines() if line.startswith("DCGM")), source="dcgm-exporter"
    )
    assert (gpu.uuid, gpu.minor, gpu.pci) == ("GPU-0", 0, "0000:00:00.0")
    assert gpu.values == pytest.approx(everything)
    assert (mig.uuid, mig.gpu, mig.gi, mig.values) == ("MIG-1", "GPU-1", 3, {"graphics_active": 0.5})
    assert mig.name == "NVIDIA H100 80GB HBM3 MIG 1g.10gb"
    assert [(holder.claim, holder.device) for holder in mig.holders] == [("claim", "gpu-1-mig")]


def test_keys_are_those_of_the_agents_stream() -> None:
    told = {t.key for d in DIALECTS[1:] for t in d.series.values() if not t.key.startswith("(")}
    assert told <= QUANTITIES.keys()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>404</html>",
        b"\xff\xfe\x00",
        b"go_goroutines 3\nprocess_open_fds 5\n",
        b"gpu_power_usage 3\n",
    ],
)
def test_who_serves_no_gpu_is_said_to(body: bytes) -> None:
    with pytest.raises(Broken, match="tells of no GPU"):
        sample(body, node="node-1", at=0.0)


def test_an_agent_that_serves_dcgms_names_too_is_read_by_its_own() -> None:
    device = 'node="node-1",uuid="GPU-aaaa",gpu="0",model="H100"'
    text = f"DCGM_FI_DEV_GPU_UTIL{{{GPU_0}}} 1\ndratui_gpu_utilization_ratio{{{device}}} 0.5\n"
    (gpu,) = scraped(text, source="dratui-agent")
    assert gpu.values["utilization"] == 0.5
