"""`/metrics` as text: every value once, in base units, with its device and its holder."""

from collections.abc import Mapping
from typing import Any

import pytest
from dratui_agent.exporter.exposition import Exposition
from dratui_agent.exporter.series import PREFIX, SERIES
from dratui_agent.exporter.text import Format, unit
from dratui_agent.holders import Holder, Holders
from dratui_agent.sample import Absent, Device, DeviceSample, Process, Sample
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

GPU = Device("GPU-1", "gpu", "NVIDIA H100", "GPU-1", 0, 0, "0000:1b:00.0", "Hopper", "9.0", "1653")
MIG = Device("MIG-2", "mig", "MIG 1g.10gb", "GPU-1", 0, 0, gi=3, ci=0, profile=19, start=2, size=1)
TRAIN = Holder(
    "ml-team", "train-7", "trainer", "train-7-gpu", "uid", "gpu", "gpu.nvidia.com", "node-1", "gpu-0"
)

Found = dict[str, list[tuple[Mapping[str, str], float]]]


def sample(*devices: DeviceSample, **more: Any) -> Sample:
    return Sample(1790000000.0, 0.01, "595.58.03", devices, **more)


def read(told: Sample, holders: Holders = Holders(), form: Format = "text") -> Found:  # noqa: B008 — frozen
    text = Exposition("node-1").render(told, holders, form)
    parse = parse_text if form == "text" else parse_openmetrics
    found: Found = {}
    for family in parse(text if form == "text" else text + "# EOF\n"):
        for each in family.samples:
            found.setdefault(each.name, []).append((each.labels, each.value))
    return found


POWER = DeviceSample(
    GPU, {"power": 612.345, "energy": 123456.0, "clock_sm": 1.98e9, "clock_memory": 2.619e9}, {}
)


@pytest.mark.parametrize("form", ["text", "openmetrics"])
def test_values_with_their_device(form: Format) -> None:
    found = read(sample(POWER), form=form)
    device = {"node": "node-1", "uuid": "GPU-1", "gpu": "0", "model": "NVIDIA H100"}
    assert found[PREFIX + "power_watts"] == [(device, 612.345)]
    assert found[PREFIX + "energy_joules_total"] == [(device, 123456)]
    assert found[PREFIX + "clock_hertz"] == [
        (device | {"clock": "sm"}, 1.98e9),
        (device | {"clock": "memory"}, 2.619e9),
    ]


def test_a_value_that_is_not_there_has_no_series_but_a_reason() -> None:
    found = read(sample(DeviceSample(MIG, {"memory_used": 5.0}, {"utilization": Absent.MIG_NO_GPM})))
    assert PREFIX + "utilization_ratio" not in found
    assert found[PREFIX + "absent"] == [
        ({"uuid": "MIG-2", "value": "utilization", "reason": "mig_no_gpm"}, 1)
    ]


def test_what_only_the_whole_gpu_has_is_not_missed_of_its_parts() -> None:
    found = read(sample(DeviceSample(MIG, {"memory_used": 5.0}, {"power": Absent.MIG})))
    assert PREFIX + "absent" not in found


def test_holders_values_and_reasons_that_change_show() -> None:
    exposition = Exposition()
    lost = DeviceSample(GPU, {}, {"power": Absent.LOST})
    steps = [
        (POWER, Holders(), "power_watts{", "612.345"),
        (POWER, Holders(0.0, {"GPU-1": (TRAIN,)}), 'pod="train-7"', "612.345"),
        (DeviceSample(GPU, {"power": 5.5}, {}), Holders(), "power_watts{", "5.5"),
        (lost, Holders(), "absent{", 'reason="lost"'),
    ]
    for device, holders, name, value in steps:
        lines = exposition.render(sample(device), holders, "text").splitlines()
        assert any(name in line and value in line for line in lines), (name, value)


def test_one_holder_is_in_the_labels() -> None:
    found = read(sample(POWER), Holders(0.0, {"GPU-1": (TRAIN,)}))
    ((labels, _),) = found[PREFIX + "power_watts"]
    assert (labels["namespace"], labels["pod"], labels["claim"], labels["device"]) == (
        "ml-team",
        "train-7",
        "train-7-gpu",
        "gpu-0",
    )
    assert PREFIX + "holder_info" not in found


def test_several_holders_are_listed_and_no_sum_counts_a_device_twice() -> None:
    other = Holder("vision", "eval-1", "main", "eval-gpu", share_id="s-2")
    found = read(sample(POWER), Holders(0.0, {"GPU-1": (TRAIN, other)}))
    ((labels, _),) = found[PREFIX + "power_watts"]
    assert (labels["namespace"], "claim" in labels) == ("shared", False)
    assert [(h["namespace"], h.get("share_id")) for h, _ in found[PREFIX + "holder_info"]] == [
        ("ml-team", None),
        ("vision", "s-2"),
    ]


def test_what_a_device_is() -> None:
    found = read(sample(DeviceSample(MIG, {}, {}, (Process(1, None), Process(2, 5)))))
    ((info, one),) = found[PREFIX + "info"]
    assert one == 1
    assert (info["kind"], info["parent_uuid"], info["profile_id"], info["placement_start"]) == (
        "mig",
        "GPU-1",
        "19",
        "2",
    )
    assert found[PREFIX + "processes"][0][1] == 2


def test_a_gpu_that_does_not_say_who_it_is() -> None:
    found = read(sample(POWER, unread={1: Absent.LOST}))
    assert found[PREFIX + "unreadable"] == [({"node": "node-1", "gpu": "1", "reason": "lost"}, 1)]


def test_xids_and_other_events() -> None:
    xids = {("GPU-1", None, 79): 2, ("GPU-1", 3, 13): 1}
    found = read(sample(POWER, xids=xids, events={("GPU-1", "mig_changed"): 4}), form="openmetrics")
    assert found[PREFIX + "xid_errors_total"] == [
        ({"uuid": "GPU-1", "xid": "79"}, 2),
        ({"uuid": "GPU-1", "gpu_instance": "3", "xid": "13"}, 1),
    ]
    assert found[PREFIX + "events_total"] == [({"uuid": "GPU-1", "event": "mig_changed"}, 4)]


def test_series_of_devices_that_are_gone_go() -> None:
    exposition = Exposition()
    gpu, mig = DeviceSample(GPU, {"power": 1.0}, {}), DeviceSample(MIG, {"memory_used": 2.0}, {})
    assert "MIG-2" in exposition.render(sample(gpu, mig), Holders(), "text")
    assert "MIG-2" not in exposition.render(sample(gpu), Holders(), "text")


def test_hostile_names_stay_inside_their_label() -> None:
    name = 'x"} 1\nevil{a="\\'
    found = read(sample(POWER), Holders(0.0, {"GPU-1": (Holder(name, name, name),)}))
    ((labels, _),) = found[PREFIX + "power_watts"]
    assert labels["pod"] == name
    assert "evil" not in found


def test_names_follow_the_conventions() -> None:
    for series in SERIES:
        assert series.name.startswith(PREFIX)
        assert (series.kind == "counter") == series.name.endswith("_total")
        assert series.help.endswith(".")
    assert unit(PREFIX + "pcie_throughput_bytes_per_second") == "bytes_per_second"
    assert unit(PREFIX + "energy_joules_total") == "joules"
    assert unit(PREFIX + "recovery_action") == ""


def test_no_devices_no_series() -> None:
    assert read(sample()) == {}
