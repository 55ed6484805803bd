"""What devices do together: each counts once, unknown is never 0, and what is missing is said."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dratui.api.model import Claim, Device, DeviceKey, ObjectKey, Result
from dratui.cluster.claims import claim_row
from dratui.cluster.devices import device_row
from dratui.cluster.live import REFRESHED, Live
from dratui.cluster.nodes import node_row
from dratui.cluster.pods import pod_row
from dratui.cluster.store import Store
from dratui.cluster.tenants import namespace_row
from dratui.events import Gone, Put
from dratui.samples import STREAM, DeviceSample, Holder, NodeSample
from tests.cluster.build import NOW, claim, instance, measured, pod, put, result, sample, slice_, store

NVIDIA = "gpu.nvidia.com"
GIB = 2.0**30
T = NOW.timestamp()


def gpus(node: str, count: int = 2) -> Any:
    """A node's slice; the UUID of gpu-N is GPU-NODE-N."""
    devices = [Device(f"gpu-{n}", attributes={"uuid": f"GPU-{node}-{n}"}) for n in range(count)]
    return slice_(node, *devices, driver=NVIDIA)


def telling(node: str, *busy: float | None, at: float = T, **more: Any) -> NodeSample:
    """A sample in which these are the utilisations of gpu-0, gpu-1, …"""
    return sample(node, *(measured(f"GPU-{node}-{n}", busy=u) for n, u in enumerate(busy)), at=at, **more)


def holding(name: str, *devices: str, node: str = "node-1", **more: Any) -> Claim:
    return claim(name, *(result(d, node, driver=NVIDIA) for d in devices), node=node, **more)


def live_of_claim(made: Store, name: str) -> Live:
    row = claim_row(made, ObjectKey("default", name))
    assert row is not None
    assert row.live is not None
    return row.live


def live_of_node(made: Store, name: str = "node-1") -> Live:
    row = node_row(made, ObjectKey("", name))
    assert row is not None
    assert row.live is not None
    return row.live


def test_where_nobody_was_asked_there_is_nothing() -> None:
    made = store(gpus("node-1"), holding("a", "gpu-0"), telling("node-2", 0.5))
    row = claim_row(made, ObjectKey("default", "a"))
    assert row is not None
    assert row.live is None


def test_a_claim_has_the_mean_of_its_devices_and_the_sum_of_what_they_use() -> None:
    made = store(gpus("node-1"), holding("a", "gpu-0", "gpu-1"), telling("node-1", 0.9, 0.5))
    live = live_of_claim(made, "a")
    assert live.utilization == pytest.approx(0.7)
    assert (live.memory_used, live.memory_total) == (80 * GIB, 160 * GIB)
    assert (live.power, live.power_limit, live.temperature) == (600, 1400, 50)
    assert (live.known, live.of, live.source, live.at, live.why) == (2, 2, "agent", T, "")


def test_what_is_not_known_is_left_out_and_its_reason_said() -> None:
    silent = measured("GPU-node-1-1", absent={"utilization": "no_permission"}, values={})
    busy = measured("GPU-node-1-0", busy=0.9)
    made = store(gpus("node-1"), holding("a", "gpu-0", "gpu-1"), sample("node-1", busy, silent))
    live = live_of_claim(made, "a")
    assert (live.utilization, live.memory_total) == (0.9, 80 * GIB)
    assert (live.known, live.of, live.why) == (1, 2, "no permission to read it")


def test_a_node_that_cannot_be_read_makes_a_claim_partial() -> None:
    both = claim("a", result("gpu-0", driver=NVIDIA), result("gpu-0", "node-2", driver=NVIDIA))
    away = sample("node-2", at=None, problem="no agent on node-2")
    made = store(gpus("node-1"), gpus("node-2"), both, telling("node-1", 0.9), away)
    live = live_of_claim(made, "a")
    assert (live.utilization, live.known, live.of, live.why) == (0.9, 1, 2, "no agent on node-2")
    made.apply([Gone(STREAM, away)])
    live = live_of_claim(made, "a")
    assert (live.known, live.of, live.why) == (1, 2, "its node is not followed")


def test_what_a_node_did_long_before_the_others_is_not_known() -> None:
    both = claim("a", result("gpu-0", driver=NVIDIA), result("gpu-0", "node-2", driver=NVIDIA))
    made = store(gpus("node-1"), gpus("node-2"), both, telling("node-1", 0.9), telling("node-2", 0.1))
    assert live_of_claim(made, "a").utilization == 0.5
    made.apply([put(telling("node-1", 0.9, at=T + 60))])
    live = live_of_claim(made, "a")
    assert (live.utilization, live.known, live.of, live.at) == (0.9, 1, 2, T + 60)
    made.apply([put(telling("node-2", 0.1, problem="no agent on node-2"))])
    assert live_of_claim(made, "a").why == "no agent on node-2"
    assert live_of_node(made, "node-2").utilization == 0.1


def test_a_network_card_that_nobody_measures_does_not_make_a_claim_partial() -> None:
    nic = slice_("node-1", "eth1", driver="dra.net")
    both = claim("a", result("gpu-0", driver=NVIDIA), result("eth1", driver="dra.net"), node="node-1")
    made = store(gpus("node-1"), nic, both, telling("node-1", 0.9))
    assert (live_of_claim(made, "a").known, live_of_claim(made, "a").of) == (1, 1)
    row = device_row(made, DeviceKey("dra.net", "node-1", "eth1"))
    assert row is not None
    assert row.live == Live(why="not among what agent tells", source="agent")


def test_what_a_claim_only_watches_is_not_its_own() -> None:
    watcher = claim("w", Result("all", NVIDIA, "node-1", "gpu-0", admin_access=True), node="node-1")
    made = store(gpus("node-1"), watcher, holding("a", "gpu-0"), telling("node-1", 0.9))
    row = claim_row(made, ObjectKey("default", "w"))
    assert row is not None
    assert row.live is None
    assert not live_of_claim(made, "a").shared


def test_a_device_that_claims_share_is_all_of_it_for_each_and_counts_once_for_the_namespace() -> None:
    made = store(gpus("node-1"), holding("a", "gpu-0"), holding("b", "gpu-0"), telling("node-1", 0.9))
    for name in "ab":
        live = live_of_claim(made, name)
        assert (live.utilization, live.memory_used, live.shared) == (0.9, 40 * GIB, True)
    row = namespace_row(made, ObjectKey("", "default"))
    assert row is not None
    assert row.live is not None
    assert (row.live.memory_used, row.live.known, row.live.of) == (40 * GIB, 1, 1)


def test_mig_devices_have_a_utilisation_only_by_gpm() -> None:
    names = [f"gpu-0-mig-1g.10gb-19-{n}" for n in range(3)]
    made = store(
        slice_("node-1", *names, driver=NVIDIA),
        holding("all", *names),
        sample(
            "node-1",
            measured("GPU-a", minor=0, mig=True, busy=0.0),
            instance("GPU-a", 0, minor=0, busy=0.5),
            instance("GPU-a", 1, minor=0, absent={"graphics_active": "mig_no_gpm"}),
            instance("GPU-a", 2, minor=0, values={"utilization": 0.0}),
        ),
    )
    live = live_of_claim(made, "all")
    assert (live.utilization, live.known, live.of) == (0.5, 1, 3)
    assert live.why == "MIG without GPM: this GPU does not tell"
    assert live_of_node(made).utilization is None


def test_compute_instances_of_one_gpu_instance_count_once() -> None:
    twins = [
        instance("GPU-a", 1, Holder(driver=NVIDIA, pool="node-1", device=f"ci-{ci}"), ci=ci, busy=0.5)
        for ci in (0, 1)
    ]
    made = store(slice_("node-1", driver=NVIDIA), holding("a", "ci-0", "ci-1"), sample("node-1", *twins))
    live = live_of_claim(made, "a")
    assert (live.memory_used, live.known, live.of) == (5 * GIB, 1, 1)


def test_a_node_counts_a_gpu_and_not_its_parts_beside_it() -> None:
    cut = measured("GPU-a", mig=True, values={"graphics_active": 0.3, "memory_used": 10 * GIB})
    made = store(sample("node-1", cut, *(instance("GPU-a", n, busy=0.3) for n in range(7))), gpus("node-1"))
    live = live_of_node(made)
    assert (live.utilization, live.memory_used, live.known, live.of) == (0.3, 10 * GIB, 1, 1)


def test_a_node_without_an_agent_says_so() -> None:
    made = store(gpus("node-1"), sample("node-1", at=None, problem="no agent on node-1"))
    assert (live_of_node(made).of, live_of_node(made).why) == (0, "no agent on node-1")


def test_a_pod_has_the_devices_of_its_claims_and_of_its_device_plugin() -> None:
    runs = pod("p", "a", node="node-1")
    plugin = Holder(namespace="default", pod="p", container="main")
    other = Holder(namespace="default", pod="q", container="main")
    made = store(
        gpus("node-1", 1),
        holding("a", "gpu-0"),
        runs,
        sample(
            "node-1",
            measured("GPU-node-1-0", Holder(namespace="default", pod="p", claim="a"), busy=0.9),
            measured("GPU-x", plugin, busy=0.1),
            measured("GPU-y", other, busy=0.2),
        ),
    )
    row = pod_row(made, runs.key)
    assert row is not None
    assert row.live is not None
    assert (row.live.utilization, row.live.known, row.live.of) == (0.5, 2, 2)
    tenant = namespace_row(made, ObjectKey("", "default"))
    assert tenant is not None
    assert tenant.live is not None
    assert tenant.live.utilization == pytest.approx(0.4)
    assert tenant.live.of == 3


# --- which rows are made again ---------------------------------------------------------------------------------


def test_a_sample_touches_the_rows_whose_values_look_different() -> None:
    runs = pod("p", "a", node="node-1")
    made = store(gpus("node-1"), holding("a", "gpu-0"), runs)
    made.apply([put(telling("node-1", 0.9, 0.5))])
    assert not made.apply([put(telling("node-1", 0.9, 0.5, at=T + 1))])
    changes = made.apply([put(telling("node-1", 0.8, 0.5, at=T + 2))])
    assert not any(changes.rows.values())
    assert changes.live == {
        "devices": {DeviceKey(NVIDIA, "node-1", "gpu-0")},
        "claims": {ObjectKey("default", "a")},
        "pods": {runs.key},
        "namespaces": {ObjectKey("", "default")},
        "nodes": {ObjectKey("", "node-1")},
    }


def test_rows_that_look_the_same_are_made_again_before_they_look_old() -> None:
    made = store(gpus("node-1"), telling("node-1", 0.9, 0.5))
    changes = made.apply([put(telling("node-1", 0.9, 0.5, at=T + REFRESHED))])
    assert len(changes.live["devices"]) == 2
    assert live_of_node(made).at == T + REFRESHED
    assert not live_of_node(made).stale(T + REFRESHED + 3)
    assert live_of_node(made).stale(T + 60)


def test_the_rows_of_a_node_that_is_lost_or_followed_no_more_are_made_again() -> None:
    made = store(gpus("node-1"), telling("node-1", 0.9, 0.5))
    lost = sample("node-1", *telling("node-1", 0.9, 0.5).devices, problem="no agent on node-1")
    assert len(made.apply([put(lost)]).live["devices"]) == 2
    assert live_of_node(made).why == "no agent on node-1"
    assert len(made.apply([Gone(STREAM, lost)]).live["devices"]) == 2
    row = node_row(made, ObjectKey("", "node-1"))
    assert row is not None
    assert row.live is None


# --- held, but idle --------------------------------------------------------------------------------------------


def watched(made: Store, *busy: float, at: float = T, every: float = 1) -> float:
    """gpu-0 of node-1 did this; returns when that ended."""
    for n, u in enumerate(busy):
        made.apply([put(telling("node-1", u, at=at + n * every))])
    return at + len(busy) * every


def test_idle_is_the_share_of_the_time_since_a_device_is_held() -> None:
    made = store(gpus("node-1", 1))
    end = watched(made, *[0.0] * 60)
    made.apply([put(holding("a", "gpu-0"))])
    watched(made, 0.9, *[0.9] * 25, *[0.01] * 75, at=end)
    live = live_of_claim(made, "a")
    assert live.idle == pytest.approx(0.75, abs=0.01)
    assert live.watched == 100


def test_a_free_device_is_not_idle() -> None:
    made = store(gpus("node-1", 1))
    watched(made, *[0.0] * 10)
    row = device_row(made, DeviceKey(NVIDIA, "node-1", "gpu-0"))
    assert row is not None
    assert row.live is not None
    assert (row.live.utilization, row.live.idle) == (0.0, None)


def test_what_happened_while_nobody_looked_is_not_counted() -> None:
    made = store(gpus("node-1", 1), holding("a", "gpu-0"))
    end = watched(made, *[0.9] * 11)
    watched(made, *[0.0] * 11, at=end + 3600)
    assert live_of_claim(made, "a").watched == 20
    assert live_of_claim(made, "a").idle == pytest.approx(0.5)


def test_idle_stays_right_when_the_trail_is_thinned() -> None:
    made = store(gpus("node-1", 1), holding("a", "gpu-0"))
    watched(made, *([0.0, 0.0, 0.0, 0.9] * 1000))
    live = live_of_claim(made, "a")
    assert live.idle == pytest.approx(0.75, abs=0.01)
    assert live.watched == 3999
    trail = made.trails.of("node-1", "GPU-node-1-0")
    assert trail is not None
    points = trail.points()
    assert len(points) <= 240
    assert points == sorted(points)
    assert {b.t - a.t for a, b in zip(points[-60:], points[-59:], strict=False)} == {1.0}


def test_who_measures_for_longer_is_believed() -> None:
    values = {"utilization": 0.9, "idle_share": 0.99, "idle_watched": 86400.0}
    made = store(gpus("node-1", 1), holding("a", "gpu-0"))
    made.apply([put(sample("node-1", measured("GPU-node-1-0", values=values)))])
    assert (live_of_claim(made, "a").idle, live_of_claim(made, "a").watched) == (0.99, 86400)


def test_another_holder_begins_anew() -> None:
    made = store(gpus("node-1", 1), holding("a", "gpu-0"))
    end = watched(made, *[0.0] * 100)
    made.apply([Gone("resourceclaims", holding("a", "gpu-0")), put(holding("b", "gpu-0"))])
    watched(made, *[0.9] * 11, at=end)
    assert (live_of_claim(made, "b").idle, live_of_claim(made, "b").watched) == (0.0, 10)


# --- whatever is told ------------------------------------------------------------------------------------------

_names = st.sampled_from(["", "gpu-0", "gpu-1", "gpu-0-mig-1g.10gb-19-3", "x"])
_uuids = st.sampled_from(["", "GPU-node-1-0", "GPU-node-1-1", "MIG-a", "GPU-b"])
_small = st.none() | st.integers(0, 3)
_holders = st.builds(
    Holder,
    namespace=st.sampled_from(["", "default"]),
    pod=st.sampled_from(["", "p"]),
    claim=st.sampled_from(["", "a"]),
    claim_uid=st.sampled_from(["", "uid of claim a"]),
    driver=st.sampled_from(["", NVIDIA]),
    pool=st.sampled_from(["", "node-1"]),
    device=_names,
)
_values = st.dictionaries(
    st.sampled_from(["utilization", "graphics_active", "memory_used", "power", "temperature", "idle_share"]),
    st.floats(),
)
_devices = st.builds(
    DeviceSample,
    uuid=_uuids,
    kind=st.sampled_from(["gpu", "mig"]),
    gpu=_uuids,
    minor=_small,
    pci=st.sampled_from(["", "0000:18:00.0", ":", "::::"]),
    mig=st.booleans(),
    gi=_small,
    ci=_small,
    profile=st.none() | st.just(19),
    start=_small,
    holders=st.lists(_holders, max_size=2).map(tuple),
    values=_values,
    absent=st.dictionaries(st.sampled_from(["utilization"]), st.text(max_size=5)),
)
_samples = st.builds(
    NodeSample,
    at=st.none() | st.floats(),
    node=st.just("node-1"),
    interval=st.floats(),
    devices=st.lists(_devices, max_size=6).map(tuple),
    problem=st.sampled_from(["", "no agent"]),
)


@given(st.lists(_samples, min_size=1, max_size=4))
def test_no_sample_raises_and_no_sum_counts_a_device_twice(samples: list[NodeSample]) -> None:
    claims = [holding("a", "gpu-0", "gpu-1", "gpu-0-mig-1g.10gb-19-3", "x"), holding("b", "gpu-1")]
    made = store(gpus("node-1"), *claims, pod("p", "a", "b", node="node-1"))
    for each in samples:
        made.apply([Put(STREAM, each)])
        rows = [
            node_row(made, ObjectKey("", "node-1")),
            namespace_row(made, ObjectKey("", "default")),
            pod_row(made, ObjectKey("default", "p")),
            *(claim_row(made, c.key) for c in claims),
            *(device_row(made, DeviceKey(NVIDIA, "node-1", f"gpu-{n}")) for n in range(2)),
        ]
        units = {(d.gpu or d.uuid or d.pci or str(n), d.gi) for n, d in enumerate(each.devices)}
        powers = sum(abs(p) for d in each.devices if (p := d.values.get("power", 0.0)) == p)
        for row in rows:
            assert row is not None
            live = row.live
            assert live is not None
            assert live.known <= live.of
            assert live.known <= len(units)
            assert live.utilization is None or 0 <= live.utilization <= 1
            assert (live.utilization is None) == (live.known == 0)
            assert live.power is None or live.power <= powers
