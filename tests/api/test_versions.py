"""Every served version of an object gives the same row, with all that v1 says."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from dratui.api import model
from dratui.api.streams import STREAMS, codec
from tests.api.wire_objects import AS, CLAIM, SLICE, TEMPLATE, Json


def row(plural: str, object_: Json, version: str = "v1") -> Any:
    return codec(plural, version).row(json.dumps(AS[version](object_)).encode())


@pytest.mark.parametrize("version", AS)
@pytest.mark.parametrize(
    ("plural", "object_"),
    [("resourceslices", SLICE), ("resourceclaims", CLAIM), ("resourceclaimtemplates", TEMPLATE)],
)
def test_every_version_gives_the_same_row(plural: str, object_: Json, version: str) -> None:
    assert row(plural, object_, version) == row(plural, object_)


def test_every_version_that_a_stream_names_has_a_decoder() -> None:
    for stream in STREAMS.values():
        for version in stream.versions:
            assert stream.codec(version).page(b'{"metadata":{},"items":null}').rows == []


def test_a_slice_in_full() -> None:
    slice_: model.Slice = row("resourceslices", SLICE)
    assert (slice_.key, slice_.driver, slice_.pool) == (("", "node-1-gpu"), "gpu.nvidia.com", "node-1")
    assert (slice_.generation, slice_.expected_slices, slice_.node) == (7, 2, "node-1")
    assert slice_.created == datetime(2026, 3, 1, 11, tzinfo=UTC)
    assert slice_.labels == (("a", "1"), ("b", "2"))
    (device,) = slice_.devices
    assert device.attributes == {
        "productName": "NVIDIA H100",
        "driverVersion": model.Version("580.1.0"),
        "minor": 3,
        "mig": False,
        "peers": ("gpu-1", "gpu-2"),
    }
    assert {k: c.value for k, c in device.capacity.items()} == {"memory": "80Gi", "cores": "132"}
    assert [(t.key, t.value, t.effect) for t in device.taints] == [("xid", "79", "NoExecute")]
    assert device.consumes == (model.CounterConsumption("card", {"slices": "7"}, ("mig",)),)
    assert slice_.skip_operations == ("*",)
    assert (device.binds_to_node, device.multiple_allocations) == (True, True)
    assert (device.binding_conditions, device.binding_failure_conditions) == (("attached",), ("failed",))


def test_a_claim_in_full() -> None:
    claim: model.Claim = row("resourceclaims", CLAIM)
    gpu, any_ = claim.requests
    assert (gpu.device_class, gpu.count, gpu.mode, gpu.admin_access) == (
        "gpu.nvidia.com",
        2,
        "ExactCount",
        True,
    )
    assert gpu.selectors == ("device.driver == 'gpu.nvidia.com'",)
    assert gpu.capacity == {"memory": "10Gi"}
    assert (gpu.derives, any_.alternatives[0].derives) == (True, False)
    assert gpu.tolerations == (model.Toleration("xid", "Exists", "", "NoSchedule", 60),)
    assert [(a.name, a.device_class, a.mode, a.count) for a in any_.alternatives] == [
        ("big", "h200", "All", 1),
        ("small", "h100", "ExactCount", 2),
    ]
    assert claim.constraints == (model.Constraint(("gpu",), "gpu.nvidia.com/numa"),)
    assert claim.allocation is not None
    (result,) = claim.allocation.results
    assert result.key == model.DeviceKey("gpu.nvidia.com", "node-1", "gpu-0")
    assert (result.request, result.share_id, result.consumed_capacity) == (
        "any/small",
        "share-1",
        {"memory": "10Gi"},
    )
    assert (claim.allocation.node, claim.allocation.at) == (
        "node-1",
        datetime(2026, 3, 1, 11, 10, tzinfo=UTC),
    )
    assert claim.consumers == (model.Consumer("pods", "train", "pod-uid"),)
    assert claim.owner == model.Owner("Pod", "train", "pod-uid", True)
    assert (claim.pod_claim_name, claim.extended_resource) == ("gpu", False)
    (status,) = claim.device_status
    assert (status.conditions[0].type, status.share_id) == ("Ready", "share-1")
    assert status.network == model.NetworkData("eth1", ("10.0.0.7/24",))


def test_a_shared_capacity_keeps_its_policy() -> None:
    policy = {"default": "10Gi", "validRange": {"min": "10Gi", "max": "80Gi", "step": "10Gi"}}
    device = {"name": "gpu-0", "capacity": {"memory": {"value": "80Gi", "requestPolicy": policy}}}
    slice_ = row("resourceslices", {"metadata": {"name": "s"}, "spec": {"devices": [device]}})
    assert slice_.devices[0].capacity["memory"] == model.Capacity(
        "80Gi", model.RequestPolicy("10Gi", valid_range=model.CapacityRange("10Gi", "80Gi", "10Gi"))
    )


@pytest.mark.parametrize(
    ("version", "type_"),
    [
        ("v1alpha2", "PodGroupScheduled"),
        ("v1alpha3", "PodGroupInitiallyScheduled"),
        ("v1beta1", "PodGroupInitiallyScheduled"),
    ],
)
def test_a_pod_group_of_each_version(version: str, type_: str) -> None:
    said = {"type": type_, "status": "False", "reason": "Unschedulable", "message": "no room"}
    body = {
        "metadata": {"name": "gang", "namespace": "default"},
        "spec": {"schedulingPolicy": {"gang": {"minCount": 2}}, "disruptionMode": {"all": {}}},
        "status": {"conditions": [{"type": "DisruptionTarget", "status": "True"}, said]},
    }
    group = codec("podgroups", version).row(json.dumps(body).encode())
    assert isinstance(group, model.PodGroup)
    assert (group.min_count, group.scheduled and group.scheduled.message) == (2, "no room")


def test_counter_sets() -> None:
    sets = [{"name": "card", "counters": {"slices": {"value": "7"}}}]
    slice_ = row("resourceslices", {"metadata": {"name": "s"}, "spec": {"sharedCounters": sets}})
    assert slice_.counter_sets == (model.CounterSet("card", {"slices": "7"}),)


@pytest.mark.parametrize(
    "selector",
    [
        {"nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}]},
        {
            "nodeSelectorTerms": [
                {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["a", "b"]}]}
            ]
        },
        {"nodeSelectorTerms": []},
    ],
)
def test_a_selector_of_many_nodes_names_none(selector: Json) -> None:
    claim = row(
        "resourceclaims",
        {"metadata": {"name": "c"}, "status": {"allocation": {"nodeSelector": selector}}},
    )
    assert claim.allocation.node == ""
    assert claim.allocation.node_selector is not None


def test_a_class_and_a_rule() -> None:
    class_ = row(
        "deviceclasses",
        {
            "metadata": {"name": "h100"},
            "spec": {
                "selectors": [{"cel": {"expression": "true"}}],
                "extendedResourceName": "example.com/h100",
            },
        },
    )
    assert (class_.selectors, class_.extended_resource) == (("true",), "example.com/h100")
    rule = row(
        "devicetaintrules",
        {
            "metadata": {"name": "drain"},
            "spec": {"deviceSelector": {"pool": "node-1"}, "taint": {"key": "drain", "effect": "NoExecute"}},
        },
    )
    assert (rule.driver, rule.pool, rule.device, rule.taint.key) == ("", "node-1", "", "drain")


def test_a_rule_of_1_33_may_select_by_class_and_cel() -> None:
    selector = {"deviceClassName": "h100", "selectors": [{"cel": {"expression": "device.driver == 'a'"}}]}
    spec = {"deviceSelector": selector, "taint": {"key": "drain", "effect": "NoExecute"}}
    rule = row("devicetaintrules", {"metadata": {"name": "drain"}, "spec": spec})
    assert (rule.device_class, rule.selectors) == ("h100", ("device.driver == 'a'",))
