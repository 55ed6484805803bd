"""What stands in which slice, and what must be written to get there. Without a server."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from dratui_agent.kubelet.offers import Offer, Taint
from dratui_agent.kubelet.rollout import Rollout, called, plan
from dratui_agent.kubelet.slices import Content, Server, contents, dropped, quantity, same, taints
from hypothesis import given
from hypothesis import strategies as st

from tests.agent.publishing import offer

NEW = Server()
OLD = Server(apart=False, watching=False)
DRIVER = "gpu.dratui.dev"
LOST = Taint(f"{DRIVER}/gpu-lost", "", "NoSchedule", 1_700_000_000.0)
NOTED = Taint(f"{DRIVER}/xid", "13", "None", 1_700_000_000.0)


def partitioned(gpu: int, parts: int) -> list[Offer]:
    """A GPU that is offered whole, and in parts of one memory slice."""
    name = f"gpu-{gpu}-counter-set"
    whole = {f"memory-slice-{n}": 1 for n in range(parts)} | {"multiprocessors": 132}
    small = ({f"memory-slice-{n}": 1, "multiprocessors": 16} for n in range(parts))
    return [
        offer(gpu, consumes={name: whole}),
        *(
            Offer(f"gpu-{gpu}-mig-{n}", "mig", f"GPU-{gpu:08}", gpu, consumes={name: each})
            for n, each in enumerate(small)
        ),
    ]


def devices(content: Content) -> list[str]:
    return [each["name"] for each in content.get("devices", ())]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (7, "7"),
        (132, "132"),
        (81559 << 20, "81559Mi"),
        (80 << 30, "80Gi"),
        (1024, "1Ki"),
        (1000, "1k"),
        (12_000_000, "12M"),
        (1 << 70, "1024Ei"),
    ],
)
def test_quantities_are_canonical(number: int, text: str) -> None:
    assert quantity(number) == text


def test_nothing_to_offer_is_an_empty_slice() -> None:
    assert contents([], NEW) == [{"devices": []}]
    assert contents([], OLD) == [{"devices": []}]


@given(st.permutations([each for gpu in range(3) for each in partitioned(gpu, 8)]))
def test_the_order_of_offers_does_not_matter(shuffled: Sequence[Offer]) -> None:
    for server in (NEW, OLD):
        assert contents(shuffled, server) == contents(sorted(shuffled, key=lambda each: each.name), server)


@given(st.integers(1, 20), st.integers(0, 25), st.sampled_from([NEW, OLD]))
def test_slices_stay_within_the_servers_limits(gpus: int, parts: int, server: Server) -> None:
    offers = [each for gpu in range(gpus) for each in partitioned(gpu, parts)]
    found = contents(offers, server)
    assert sorted(name for content in found for name in devices(content)) == sorted(o.name for o in offers)
    assert all(len(devices(content)) <= 64 for content in found)
    sets = [[each["name"] for each in content.get("sharedCounters", ())] for content in found]
    assert sorted(name for names in sets for name in names) == sorted(
        f"gpu-{n}-counter-set" for n in range(gpus)
    )
    assert all(len(names) <= 8 for names in sets)
    if server.apart:
        assert not any("devices" in content and "sharedCounters" in content for content in found)
    else:
        for content, names in zip(found, sets, strict=True):
            consumed = {
                each["counterSet"] for d in content["devices"] for each in d.get("consumesCounters", ())
            }
            assert consumed <= {*names}, "a set is where its devices are"


def test_a_counter_set_has_what_the_whole_gpu_takes() -> None:
    shared, _ = contents(partitioned(0, 2), NEW)
    (only,) = shared["sharedCounters"]
    assert only["counters"] == {
        "memory-slice-0": {"value": "1"},
        "memory-slice-1": {"value": "1"},
        "multiprocessors": {"value": "132"},
    }


def test_a_taint_changes_one_slice() -> None:
    offers = [offer(n) for n in range(200)]
    before = contents(offers, NEW)
    after = contents([*offers[:-1], offer(199, taints=(LOST,))], NEW)
    assert len(before) == 4
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


def test_a_server_that_knows_no_such_effect_is_not_told_of_it() -> None:
    (content,) = contents([offer(0, taints=(LOST, NOTED))], OLD)
    assert [each["key"] for each in content["devices"][0]["taints"]] == [LOST.key]


def test_the_oldest_version_wraps_what_a_device_is() -> None:
    server = Server(version="v1beta1")
    (content,) = contents([offer(0, taints=(LOST,))], server)
    (device,) = content["devices"]
    assert device.keys() == {"name", "basic"}
    assert same(content, content, server)
    assert taints([content], server) == {"gpu-0": [LOST]}


def test_without_counters_only_what_exists_is_offered() -> None:
    found = contents([*partitioned(0, 2), offer(1)], Server(counters=False))
    assert [devices(each) for each in found] == [["gpu-0", "gpu-1"]]
    assert "consumesCounters" not in found[0]["devices"][0]


def test_without_taints_a_device_that_nobody_should_get_is_not_offered() -> None:
    (found,) = contents([offer(0, taints=(LOST,)), offer(1, taints=(NOTED,))], Server(taints=False))
    assert devices(found) == ["gpu-1"]


def test_what_is_dropped_names_its_gate() -> None:
    shared, content = contents([*partitioned(0, 1), offer(1, taints=(LOST,))], NEW)
    stripped = {"devices": [{"name": each["name"]} for each in content["devices"]]}
    assert dropped(shared, {}, NEW) == {"DRAPartitionableDevices"}
    assert dropped(content, stripped, NEW) == {"DRAPartitionableDevices", "DRADeviceTaints"}
    assert dropped(content, content, NEW) == frozenset()


def test_what_a_later_release_adds_to_a_device_is_no_difference() -> None:
    (content,) = contents([offer(0)], NEW)
    (device,) = content["devices"]
    assert same(content, {"devices": [{**device, "invented": {"later": True}}]}, NEW)
    assert not same(content, {"devices": [{**device, "taints": [{"key": "a"}]}]}, NEW)
    assert not same(content, {"devices": [device], "sharedCounters": [{"name": "x"}]}, NEW)


def planned(wanted: Sequence[Content], found: Sequence[Mapping[str, Any]], least: int = 0) -> Rollout:
    return plan(
        wanted,
        found,
        driver=DRIVER,
        node="node-1",
        least=least,
        same=lambda content, each: same(content, each["spec"], NEW),
    )


def stored(wanted: Sequence[Content], generation: int = 1) -> list[dict[str, Any]]:
    """As a server has them after a rollout."""
    rollout = planned(wanted, [], generation - 1)
    assert rollout.generation == generation
    return [
        {"metadata": {"name": called(place, len(wanted), DRIVER, "node-1") + "x"}, "spec": dict(spec)}
        for place, spec in rollout.fresh
    ]


def many(count: int) -> list[Content]:
    return contents([offer(n) for n in range(count)], NEW)


def test_a_new_pool_begins_with_generation_one() -> None:
    rollout = planned(many(100), [])
    assert rollout.generation == 1
    assert [spec["pool"]["resourceSliceCount"] for _, spec in rollout.fresh] == [2, 2]


def test_nothing_is_written_where_nothing_differs() -> None:
    assert planned(many(700), stored(many(700), 3)) == Rollout(3, [], [], [])


def test_one_slice_that_differs_is_written_alone() -> None:
    found = stored(many(100), 3)
    found[1]["spec"]["devices"] = []
    rollout = planned(many(100), found)
    assert rollout.generation == 3
    assert [each["metadata"]["name"] for each, _ in rollout.changed] == [found[1]["metadata"]["name"]]
    assert not rollout.fresh


def test_one_slice_that_is_missing_makes_a_new_generation() -> None:
    found = stored(many(100), 3)
    rollout = planned(many(100), found[1:])
    assert rollout.generation == 4
    assert len(rollout.changed) == 1
    assert [place for place, _ in rollout.fresh] == [0]


def test_generations_never_go_back() -> None:
    assert planned(many(1), [], least=41).generation == 42


def test_what_is_of_an_older_generation_or_another_pool_or_name_is_obsolete() -> None:
    old, other = stored(many(1), 1), stored(many(1), 2)
    other[0]["spec"]["pool"] = {**other[0]["spec"]["pool"], "name": "another"}
    strange = [{**stored(many(1), 2)[0], "metadata": {"name": "by-hand"}}]
    rollout = planned(many(1), [*old, *other, *strange])
    assert len(rollout.obsolete) == 3
    assert rollout.generation == 3


def test_two_slices_of_one_place_leave_one() -> None:
    twice = [*stored(many(1)), *stored(many(1))]
    rollout = planned(many(1), twice)
    assert len(rollout.obsolete) == 1
    assert not rollout.changed
