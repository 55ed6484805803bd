"""Devices: their state, who holds them, what taints them and what they are."""

from typing import Any

import msgspec
import pytest

from dratui.api.model import (
    Allocation,
    AttributeValue,
    Claim,
    Device,
    DeviceKey,
    Result,
    Taint,
    TaintRule,
    Version,
)
from dratui.cluster.definitions import taint_rule_row
from dratui.cluster.devices import DeviceRow, attribute_text, device_row, product
from tests.cluster.build import DRIVER, claim, result, slice_, store

KEY = DeviceKey(DRIVER, "node-1", "gpu-0")
NO_SCHEDULE = Taint("xid", "79", "NoSchedule")


def row(*rows: Any, **more: Any) -> DeviceRow:
    found = device_row(store(*rows, **more), KEY)
    assert found is not None
    return found


def published(*taints: Taint, **more: Any) -> Any:
    return slice_("node-1", Device("gpu-0", taints=taints), **more)


def rule(effect: str, *, driver: str = "", pool: str = "", device: str = "") -> TaintRule:
    return TaintRule(name="drain", driver=driver, pool=pool, device=device, taint=Taint("drain", "", effect))


HOLDER = claim("holder", result("gpu-0"), node="node-1")
OTHER = claim("other", result("gpu-0"), node="node-1")


def shared(name: str) -> Claim:
    share = Result(
        "gpu", DRIVER, "node-1", "gpu-0", share_id=f"of-{name}", consumed_capacity={"memory": "10Gi"}
    )
    return claim(name, share)


def watcher() -> Claim:
    return claim("watcher", Result("all", DRIVER, "node-1", "gpu-0", admin_access=True))


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ([published()], "free"),
        ([published(), HOLDER], "held"),
        ([published(), HOLDER, OTHER], "shared"),
        ([published(), shared("one")], "shared"),
        ([published(NO_SCHEDULE)], "tainted"),
        ([published(Taint("xid", "", "NoExecute"))], "tainted"),
        ([published(Taint("xid", "", "None"))], "free"),
        ([published(NO_SCHEDULE), HOLDER], "held"),
        ([published(), rule("NoSchedule")], "tainted"),
        ([published(), rule("None")], "free"),
        ([published(expected=2)], "incomplete"),
        ([slice_("node-1", "gpu-0", "gpu-1", "gpu-1")], "invalid"),
        ([published(expected=2), HOLDER], "held"),
        ([HOLDER], "gone"),
        ([published(), watcher()], "free"),
        ([published(NO_SCHEDULE), watcher()], "tainted"),
    ],
)
def test_state(rows: list[Any], state: str) -> None:
    assert row(*rows).state == state


def test_admin_access_is_listed_but_holds_nothing() -> None:
    device = row(published(), HOLDER, watcher())
    assert [c.name for c in device.claims] == ["holder", "watcher"]
    assert [c.name for c in device.holders] == ["holder"]


def test_each_share_is_listed_with_what_it_consumes() -> None:
    device = row(published(), shared("a"), shared("b"))
    assert [(c.name, c.share_id, c.consumed_capacity) for c in device.claims] == [
        ("a", "of-a", {"memory": "10Gi"}),
        ("b", "of-b", {"memory": "10Gi"}),
    ]


def test_taints_tell_where_they_come_from() -> None:
    device = row(published(NO_SCHEDULE), rule("NoExecute"))
    assert [(t.text, t.source) for t in device.taints or ()] == [
        ("xid=79:NoSchedule", "slice"),
        ("drain:NoExecute", "rule drain"),
    ]


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ({}, True),
        ({"driver": DRIVER}, True),
        ({"driver": DRIVER, "pool": "node-1", "device": "gpu-0"}, True),
        ({"driver": "other.example.com"}, False),
        ({"pool": "node-2"}, False),
        ({"device": "gpu-1"}, False),
    ],
)
def test_a_rule_taints_what_it_selects(selector: dict[str, str], selected: bool) -> None:
    assert bool(row(published(), rule("NoSchedule", **selector)).taints) is selected


@pytest.mark.parametrize("narrowed", [{"device_class": "gpu"}, {"selectors": ("true",)}])
def test_which_devices_a_rule_selects_by_class_or_cel_is_not_known(narrowed: dict[str, Any]) -> None:
    narrow = msgspec.structs.replace(rule("NoSchedule"), **narrowed)
    assert row(published(), narrow).taints == ()
    listed = taint_rule_row(store(published(), narrow), narrow.key)
    assert listed is not None
    assert listed.devices is None


def test_a_device_that_no_slice_lists_any_more_says_who_still_holds_it() -> None:
    device = row(slice_("node-1", "gpu-1"), HOLDER)
    assert (device.state, device.vanished, device.node) == ("gone", True, "node-1")
    assert device.why == "held, but its driver no longer publishes it"


def test_where_slices_are_forbidden_a_held_device_is_unknown_and_not_gone() -> None:
    device = row(HOLDER, unknown=["resourceslices"])
    assert (device.state, device.vanished, device.node) == ("unknown", None, "node-1")
    answer = msgspec.to_builtins(device)
    assert {k for k, v in answer.items() if v is None} == {
        "product",
        "attributes",
        "capacity",
        "consumesCounters",
        "sharedCapacity",
        "taints",
        "live",
        "vanished",
    }


def test_a_device_of_an_older_generation_that_nobody_holds_is_not_listed() -> None:
    made = store(published(name="old"), slice_("node-1", "gpu-1", name="new", generation=2))
    assert device_row(made, KEY) is None


def test_a_device_of_the_fabric_is_on_the_node_that_holds_it_while_holders_agree() -> None:
    fabric = published(node="", all_nodes=True)
    assert row(fabric).where == "all nodes"
    assert row(fabric, HOLDER).node == "node-1"
    assert row(fabric, HOLDER, claim("far", result("gpu-0"), node="node-2")).node == ""


def test_a_device_may_have_a_place_of_its_own() -> None:
    by_device = slice_(
        "node-1",
        Device("gpu-0", node="node-7"),
        Device("gpu-1", all_nodes=True),
        node="",
        per_device_nodes=True,
    )
    made = store(by_device)
    assert row(by_device).node == "node-7"
    other = device_row(made, KEY._replace(device="gpu-1"))
    assert other is not None
    assert (other.node, other.where) == ("", "all nodes")


def test_a_device_held_twice_by_one_claim_is_held_by_one() -> None:
    twice = claim("c", result("gpu-0", request="a"), result("gpu-0", request="b"))
    device = row(published(), twice)
    assert (device.state, [h.request for h in device.holders]) == ("held", ["a", "b"])


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({"productName": "NVIDIA H100 80GB HBM3", "type": "gpu"}, "H100 80GB HBM3"),
        ({"productName": "NVIDIA H100", "type": "mig", "profile": "1g.10gb"}, "MIG 1g.10gb"),
        ({f"{DRIVER}/model": "Gaudi2"}, "Gaudi2"),
        ({"model": Version("1.0.0"), "family": "Max"}, "Max"),
        ({"type": ""}, ""),
        ({}, ""),
    ],
)
def test_product(attributes: dict[str, AttributeValue], name: str) -> None:
    assert product(DRIVER, Device("gpu-0", attributes=attributes)) == name


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (7, "7"),
        ("x", "x"),
        (Version("1.2.3"), "1.2.3"),
        ((1, 2), "1, 2"),
        ((Version("1.0.0"),), "1.0.0"),
    ],
)
def test_attributes_in_words(value: AttributeValue, text: str) -> None:
    assert attribute_text(value) == text


def test_an_allocation_without_results_holds_nothing() -> None:
    empty = claim("c", allocation=Allocation())
    assert row(published(), empty).state == "free"
