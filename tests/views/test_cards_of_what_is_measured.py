"""Cards say what devices do: gauges, the last minutes, what is wrong, a GPU cut by MIG as a drawing."""

from typing import Any

import pytest

from dratui.api.model import Device, DeviceKey, Namespace, Node, ObjectKey
from dratui.cluster.store import Store
from dratui.events import Put
from dratui.samples import STREAM, DeviceSample, Holder, NodeSample
from dratui.views.describe import Field, Section, describe
from dratui.views.table import Style
from tests.cluster.build import NOW, claim, instance, measured, pod, result, sample, slice_, store

NVIDIA = "gpu.nvidia.com"
T = NOW.timestamp()
GPU = "GPU-node-1-0"


def gpus(count: int = 2) -> Any:
    devices = [Device(f"gpu-{n}", attributes={"uuid": f"GPU-node-1-{n}"}) for n in range(count)]
    return slice_("node-1", *devices, driver=NVIDIA)


def holding(name: str, *devices: str) -> Any:
    return claim(name, *(result(d, driver=NVIDIA) for d in devices), node="node-1")


def section(made: Store, kind: str, key: Any, title: str) -> Section:
    document = describe(made, kind, key, NOW)
    assert document is not None
    return next(s for s in document.sections if s.title == title)


def live(made: Store, device: str = "gpu-0") -> dict[str, Field]:
    shown = section(made, "devices", DeviceKey(NVIDIA, "node-1", device), "LIVE")
    return {field.label: field for field in shown.fields}


def titles(made: Store, kind: str, key: Any) -> list[str]:
    document = describe(made, kind, key, NOW)
    assert document is not None
    return [s.title for s in document.sections]


def after(*samples: NodeSample) -> Store:
    made = store(gpus(), holding("train", "gpu-0"))
    for each in samples:
        made.apply([Put(STREAM, each)])
    return made


def told(**values: float) -> NodeSample:
    device = measured(GPU, busy=0.93)
    return sample("node-1", DeviceSample(uuid=GPU, gpu=GPU, values={**device.values, **values}))


# --- gauges -----------------------------------------------------------------------------------------------------------


def test_where_nothing_is_measured_a_card_has_no_place_for_it() -> None:
    assert "LIVE" not in titles(after(), "devices", DeviceKey(NVIDIA, "node-1", "gpu-0"))


def test_a_device_has_its_gauges() -> None:
    shown = live(after(told()))
    assert (shown["util"].value, shown["util"].share) == ("93%", 0.93)
    assert (shown["memory"].value, shown["memory"].share) == ("40.0 of 80.0 GiB", 0.5)
    assert shown["power"].value == "300 of 700 W"
    assert shown["power"].share == pytest.approx(3 / 7)
    assert shown["temperature"].value == "50 °C"
    assert shown["sample"].value == "agent, 0s ago"


def test_what_is_not_known_says_why_and_has_no_bar() -> None:
    device = DeviceSample(uuid=GPU, gpu=GPU, absent={"utilization": "no_permission"})
    shown = live(after(sample("node-1", device)))
    assert (shown["util"].value, shown["util"].share) == ("? no permission to read it", None)
    assert shown["util"].style is Style.UNKNOWN
    assert "memory" not in shown


def test_what_is_old_is_dim_and_says_its_age() -> None:
    shown = live(after(sample("node-1", measured(GPU, busy=0.5), at=T - 40)))
    assert (shown["util"].value, shown["util"].style) == ("50% 40s old", Style.DIM)


def test_clocks_that_are_held_back_and_broken_memory_are_told() -> None:
    shown = section(
        after(
            told(clocks_event_hardware_thermal=1, clocks_event_idle=1, ecc_uncorrected=3, row_remap_failed=1)
        ),
        "devices",
        DeviceKey(NVIDIA, "node-1", "gpu-0"),
        "LIVE",
    ).fields
    said = [(f.label, f.value, f.style) for f in shown if f.label in ("clocks", "errors")]
    assert said == [
        ("clocks", "held back: far too hot", Style.TAINTED),
        ("errors", "3 uncorrected ECC errors", Style.FAULT),
        ("errors", "no row of memory is left for remapping", Style.FAULT),
    ]


def test_a_node_that_cannot_be_measured_says_why() -> None:
    made = after(sample("node-1", measured(GPU, busy=0.5), at=T - 40, problem="needs get on pods/proxy"))
    assert live(made)["problem"].value == "needs get on pods/proxy"


# --- history ----------------------------------------------------------------------------------------------------------


def test_history_is_the_last_five_minutes_and_leaves_out_what_nobody_saw() -> None:
    made = after(
        *(sample("node-1", measured(GPU, busy=1.0), at=T - 240 + n) for n in range(60)),
        *(sample("node-1", measured(GPU, busy=0.0), at=T - 60 + n) for n in range(61)),
    )
    trail = live(made)["last 5m"].trail
    assert len(trail) == 60
    assert trail[:11] == (None,) * 11, "nobody looked yet"
    assert trail[13:23] == (1.0,) * 10
    assert trail[30:40] == (None,) * 10, "nobody looked then"
    assert trail[-10:] == (0.0,) * 10


# --- several ----------------------------------------------------------------------------------------------------------


def both() -> Store:
    made = store(
        gpus(),
        pod("train", "train", node="node-1"),
        holding("train", "gpu-0", "gpu-1"),
        Namespace(name="default"),
        Node(name="node-1", ready="True"),
    )
    devices = (measured(GPU, busy=0.9), measured("GPU-node-1-1", busy=0.1))
    made.apply([Put(STREAM, sample("node-1", *devices))])
    return made


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("claims", ObjectKey("default", "train")),
        ("pods", ObjectKey("default", "train")),
        ("nodes", ObjectKey("", "node-1")),
    ],
)
def test_what_has_several_devices_has_the_sum_and_each(kind: str, key: ObjectKey) -> None:
    shown = {field.label: field for field in section(both(), kind, key, "LIVE").fields}
    assert shown["util"].value == "50%"
    assert shown["util"].share == pytest.approx(0.5)
    assert shown["memory"].value == "80.0 of 160.0 GiB"
    assert shown["temperature"].value == "50 °C, the hottest"
    assert shown["gpu-0"].value == " 90% · 40.0/80.0 GiB · 300 W"
    assert shown["gpu-1"].share == pytest.approx(0.1)


def test_a_namespace_has_the_sum_and_each_claim() -> None:
    shown = {f.label: f for f in section(both(), "namespaces", ObjectKey("", "default"), "LIVE").fields}
    assert shown["util"].share == pytest.approx(0.5)
    assert shown["train"].share == pytest.approx(0.5)


# --- MIG --------------------------------------------------------------------------------------------------------------


def cut(*instances: DeviceSample, published: Any = None, memory: float = 80.0) -> Store:
    gpu = DeviceSample(uuid=GPU, gpu=GPU, mig=True, values={"memory_total": memory * 2.0**30})
    made = store(published or gpus(1))
    made.apply([Put(STREAM, sample("node-1", gpu, *instances))])
    return made


def part(start: int, size: int, profile: str, *holders: Holder, busy: float | None = None) -> DeviceSample:
    memory = {"memory_used": 2.0**30, "memory_total": size * 10 * 2.0**30}
    active = {} if busy is None else {"graphics_active": busy}
    name = f"NVIDIA H100 80GB HBM3 MIG {profile}"
    return instance(GPU, start + 1, *holders, start=start, size=size, name=name, values={**memory, **active})


def drawing(made: Store, device: str = "gpu-0") -> list[tuple[int, str, str, float | None]]:
    shown = section(made, "devices", DeviceKey(NVIDIA, "node-1", device), "MIG")
    return [(cell.length, cell.text, cell.below, cell.share) for cell in shown.cells]


def test_each_instance_is_as_long_as_what_it_takes_and_gaps_are_free() -> None:
    made = cut(
        part(0, 1, "1g.10gb", Holder(namespace="vision", pod="eval-1"), busy=0.88),
        part(4, 4, "3g.40gb", busy=0.0),
        part(2, 1, "1g.10gb"),
    )
    assert drawing(made) == [
        (1, "1g.10gb", "vision/eval-1", 0.88),
        (1, "free", "", None),
        (1, "1g.10gb", "free", None),
        (1, "free", "", None),
        (4, "3g.40gb", "free", 0.0),
    ]


def test_an_a30_has_four_slices() -> None:
    assert drawing(cut(part(0, 1, "1g.6gb"), memory=40.0)) == [
        (1, "1g.6gb", "free", None),
        (3, "free", "", None),
    ]


def test_the_compute_instances_of_an_instance_are_one_block() -> None:
    one, other = (
        instance(GPU, 1, Holder(namespace="a", pod=f"p{ci}"), ci=ci, start=0, size=2, busy=0.4)
        for ci in (0, 1)
    )
    assert [cell[0] for cell in drawing(cut(one, other))] == [2, 6]


def test_a_partition_of_dra_shows_itself_on_its_card_with_the_claim_that_holds_it() -> None:
    published = slice_(
        "node-1",
        Device("gpu-0", attributes={"uuid": GPU}),
        Device("gpu-0-mig-1g10gb-19-0", attributes={"parentUUID": GPU, "type": "mig"}),
        driver=NVIDIA,
    )
    made = cut(
        instance(GPU, 1, start=0, minor=0, busy=0.5, name="NVIDIA H100 80GB HBM3 MIG 1g.10gb"),
        published=published,
    )
    made.apply([Put("resourceclaims", holding("eval", "gpu-0-mig-1g10gb-19-0"))])
    assert drawing(made, "gpu-0-mig-1g10gb-19-0")[0] == (1, "this 1g.10gb", "default/eval", 0.5)
    assert drawing(made)[0] == (1, "1g.10gb", "default/eval", 0.5)


def test_what_no_gpu_can_tell_draws_no_endless_card() -> None:
    shown = drawing(cut(instance(GPU, 1, start=-5, size=10**9), instance(GPU, 2, start=10**9, size=-1)))
    assert sum(length for length, *_ in shown) <= 64
