"""A real Prometheus scrapes the agent, over TLS and with a password: what it answers is what the driver said."""

import subprocess
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from tests.agent.driver import GIB, FakeDriver
from tests.agent.scraped import GPUS, LOGIN, MIGS, PATIENCE, Scraped, scraped_node
from tests.realparts.polling import wait
from tests.realparts.prometheus import Tools

WHOLE = {
    "utilization_ratio": 0.93,
    "memory_utilization_ratio": 0.41,
    "encoder_utilization_ratio": 0.01,
    "decoder_utilization_ratio": 0.02,
    "jpeg_utilization_ratio": 0.03,
    "ofa_utilization_ratio": 0.04,
    "memory_total_bytes": 80 * GIB,
    "memory_used_bytes": 62 * GIB,
    "memory_reserved_bytes": GIB,
    "memory_free_bytes": 17 * GIB,
    "bar1_total_bytes": 128 * GIB,
    "bar1_used_bytes": GIB,
    "power_watts": 612.345,
    "power_instant_watts": 598,
    "power_limit_watts": 700,
    "energy_joules_total": 123456.789,
    "temperature_celsius": 64,
    'clock_hertz{clock="sm"}': 1.98e9,
    'clock_hertz{clock="memory"}': 2.619e9,
    'clocks_event_active{reason="software_power_cap"}': 1,
    'clocks_event_active{reason="hardware_thermal"}': 0,
    'throttled_seconds_total{reason="software_power_cap"}': 2.5,
    'ecc_errors_total{kind="corrected"}': 7,
    'ecc_errors_total{kind="uncorrected"}': 0,
    'remapped_rows{kind="uncorrectable"}': 2,
    "recovery_action": 0,
    'pcie_throughput_bytes_per_second{direction="receive"}': 2048 << 10,
    "pcie_replays_total": 5,
    "pcie_link_generation": 5,
    "pcie_link_width": 16,
    'nvlink_bytes_total{direction="transmit"}': 1000 << 10,
    "fabric_state": 3,
    "graphics_active_ratio": 0.915,
    "sm_active_ratio": 0.8825,
    "processes": 1,
}


def test_what_prometheus_answers_is_what_the_driver_said(scraped: Scraped) -> None:
    for series, value in WHOLE.items():
        name, brace, rest = series.partition("{")
        selector = f'dratui_gpu_{name}{{uuid="{GPUS[0]}"{"," + rest if brace else "}"}'
        assert scraped.value(selector) == pytest.approx(value), series
    assert scraped.value(f'dratui_gpu_power_watts{{uuid="{GPUS[2]}"}}') == 70
    for uuid in MIGS:
        assert scraped.value(f'dratui_gpu_memory_used_bytes{{uuid="{uuid}"}}') == 5 * GIB
        assert scraped.value(f'dratui_gpu_graphics_active_ratio{{uuid="{uuid}"}}') == pytest.approx(0.54)
    assert scraped.value("dratui_agent_devices") == 5
    assert scraped.value("dratui_agent_ready") == 1


def test_what_is_unknown_has_no_series(scraped: Scraped) -> None:
    cut = "|".join([GPUS[1], *MIGS])
    assert scraped.value(f'count(dratui_gpu_info{{uuid=~"{cut}"}})') == 3
    assert scraped.prometheus.query(f'dratui_gpu_utilization_ratio{{uuid=~"{cut}"}}') == []
    assert scraped.value(f'dratui_gpu_absent{{uuid="{MIGS[0]}",value="utilization"}}') == 1


def test_sums_by_namespace_count_each_device_once(scraped: Scraped) -> None:
    used = "dratui_gpu_memory_used_bytes"
    held = {"ml-team": 62 * GIB, "vision": 5 * GIB, "shared": 5 * GIB}
    scraped.comes_to("namespace", f'sum by (namespace) ({used}{{namespace!=""}})', held)
    scraped.comes_to("uuid", f"count by (uuid) ({used})", dict.fromkeys([*GPUS, *MIGS], 1))
    scraped.comes_to("namespace", "count by (namespace) (dratui_gpu_holder_info)", {"vision": 1, "chat": 1})
    joined = f"sum by (namespace) ({used} * on (uuid) group_right dratui_gpu_holder_info)"
    scraped.comes_to("namespace", joined, {"vision": 5 * GIB, "chat": 5 * GIB})


def test_series_of_a_mig_device_that_is_destroyed_go_stale(
    driver: FakeDriver, tmp_path: Path, prometheus_tools: Tools
) -> None:
    gone, stays = (f'dratui_gpu_memory_used_bytes{{uuid="{uuid}"}}' for uuid in reversed(MIGS))
    series = f'{{__name__=~"dratui_gpu_.+",uuid="{MIGS[1]}"}}'
    with scraped_node(driver, tmp_path, prometheus_tools) as scraped:
        assert scraped.value(f"count({series})") > 5
        driver.without("gpu1.mig1.")
        wait(lambda: scraped.prometheus.query(series) == [], PATIENCE, "its series to go")
        assert scraped.value(stays) == 5 * GIB
        assert scraped.value(f"count(last_over_time({gone}[5m]))") == 1


def test_errors_and_xids_are_counted(scraped: Scraped) -> None:
    assert scraped.value(f'dratui_gpu_xid_errors_total{{uuid="{GPUS[0]}",xid="79"}}') == 1
    assert scraped.value('dratui_agent_nvml_errors_total{code="999"}') > 0
    assert scraped.prometheus.query(f'dratui_gpu_energy_joules_total{{uuid="{GPUS[2]}"}}') == []


def test_who_has_no_password_gets_nothing(scraped: Scraped) -> None:
    assert scraped.agent.get("/metrics")[0] == 401
    assert list(scraped.prometheus.targets().values()) == [""]


def test_promtool_has_nothing_to_say_of_the_metrics(scraped: Scraped, prometheus_tools: Tools) -> None:
    _, text = scraped.agent.get("/metrics", login=LOGIN)
    checked = subprocess.run(
        [prometheus_tools.promtool, "check", "metrics"], input=text, capture_output=True, text=True
    )
    assert (checked.stdout + checked.stderr, checked.returncode) == ("", 0)


def test_openmetrics_are_read_and_say_the_same(scraped: Scraped) -> None:
    _, text = scraped.agent.get("/metrics", "application/openmetrics-text; version=1.0.0", LOGIN)
    families = {family.name: family for family in parse_openmetrics(text)}  # type: ignore[no-untyped-call]  # it has none
    (energy,) = [s for s in families["dratui_gpu_energy_joules"].samples if s.labels["uuid"] == GPUS[0]]
    assert (energy.value, families["dratui_gpu_energy_joules"].unit) == (pytest.approx(123456.789), "joules")
    assert text.endswith("# EOF\n")
